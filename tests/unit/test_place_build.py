"""Gold tables of places on stored tables: built once for each change, numbers that last, decisions that stick."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from tests.support.stations import LAT, METRE, OTHER, VILLAGE, station, store

from agrilake.contract.load import load_registry
from agrilake.contract.order import in_order
from agrilake.errors import UsageError
from agrilake.lake.files import scan
from agrilake.linking.build import MAKERS, build_linked, linked_is_current
from agrilake.linking.decisions import Verdict
from agrilake.linking.steward import decide, doubtful_pairs
from agrilake.paths import Home

REGISTRY = load_registry()
LINKED = [table for table in in_order(REGISTRY) if table.made_by == "linking"]
INFO = station("YN12900001", "龙门村益农信息社", "龙门村3组惠民超市", opened_on=date(2020, 5, 1), services="公益服务")
SHOP = station(
    "DS00900001",
    "龙门电商服务点（惠民超市）",
    "三社惠民超市内",
    north=12,
    opened_on=date(2021, 5, 1),
    services="代买、公益服务",
)
OFFICE = station("BM12900001", "便民服务站（龙门村）", "龙门村党群服务中心", north=400, opened_on=date(2019, 1, 1))
POST = station("YZ40130001", "龙门村级寄递服务点", "龙门村村委会一楼", north=410)
INFO_ID, SHOP_ID = "agri_info_service_site:YN12900001", "commerce_service_site:DS00900001"
OFFICE_ID, POST_ID = "civil_convenience_site:BM12900001", "postal_site:YZ40130001"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path).prepare()


def build(home: Home) -> list[str]:
    """Build all linked tables; the names of those that were written."""
    return [table.id for table in LINKED if build_linked(home, table, REGISTRY).changed]


def gold(home: Home, name: str) -> pl.DataFrame:
    table = scan(home.table("gold", name))
    assert table is not None
    return table.collect()


def place_of(home: Home) -> dict[str, str]:
    return dict(gold(home, "service_place_member").select("site_id", "place_id").iter_rows())


def changes(home: Home) -> list[tuple[str, int]]:
    """Kind and batch of every change of a number, oldest first."""
    return gold(home, "service_place_change").sort("change_no").select("change", "batch").rows()


def say(home: Home, left: str, right: str, verdict: Verdict) -> None:
    decide(home, REGISTRY, [left, right], verdict, "核对员", "现场核实")


def test_every_contract_made_by_linking_has_its_maker() -> None:
    assert {table.id for table in LINKED} == set(MAKERS)


def test_two_places_of_four_stations(home: Home) -> None:
    store(home, INFO, SHOP, OFFICE, POST)
    build(home)
    place = place_of(home)
    assert place[INFO_ID] == place[SHOP_ID] != place[OFFICE_ID] == place[POST_ID]
    shop, office = (
        gold(home, "service_place").row(by_predicate=pl.col("place_id") == place[site], named=True)
        for site in (INFO_ID, OFFICE_ID)
    )
    assert shop["departments"] == "区农业农村委、区商务委"
    assert (shop["stations"], shop["open_departments"], shop["is_shared"]) == (2, 2, True)
    assert shop["services"] == "代买、公益服务"
    assert shop["lat"] == pytest.approx(LAT + 6 * METRE)
    assert (shop["division_code"], shop["division_name"]) == (VILLAGE, "龙门村村民委员会")
    assert office["name"] == "便民服务站（龙门村）"


def test_members_lead_back_to_the_line_and_say_who_decided(home: Home) -> None:
    store(home, {**INFO, "_line": 7, "_delivery_id": "d9"}, SHOP, OFFICE)
    build(home)
    member = gold(home, "service_place_member").select("site_id", "decided_by", "probability", "delivery_id", "line")
    assert member.row(0)[0] == INFO_ID and member.row(0)[1] == "model" and member.row(0)[3:] == ("d9", 7)
    assert member.row(0)[2] == member.filter(site_id=SHOP_ID)["probability"].item() > 0.9
    assert member.row(by_predicate=pl.col("site_id") == OFFICE_ID)[1:3] == ("alone", None)
    pair = gold(home, "service_site_pair").filter(left_id=INFO_ID, right_id=SHOP_ID).row(0, named=True)
    assert (pair["source_dataset"], pair["line"], pair["right_source_dataset"]) == (
        "agri_info_service_site", 7, "commerce_service_site",
    )  # fmt: skip
    assert pair["evidence"] == "相距约 12 米；门头或所在建筑相同；同组（社）；两部门在本村各只有这一个站点"


def test_nothing_is_done_twice(home: Home) -> None:
    store(home, INFO, SHOP)
    assert build(home) == [table.id for table in LINKED]
    assert build(home) == []
    assert all(linked_is_current(home, table, REGISTRY) for table in LINKED)


def test_equal_input_gives_equal_output(home: Home, tmp_path: Path) -> None:
    other = Home.at(tmp_path / "other").prepare()
    for lake, rows in ((home, (INFO, SHOP, OFFICE, POST)), (other, (POST, OFFICE, SHOP, INFO))):
        store(lake, *rows)
        build(lake)
    for table in LINKED:
        assert gold(home, table.id).equals(gold(other, table.id)), table.id


def test_data_that_come_again_change_no_number(home: Home) -> None:
    store(home, INFO, SHOP, OFFICE)
    build(home)
    before = place_of(home)
    store(home, {**INFO, "services": "公益服务、便民服务", "_delivery_id": "d2"}, {**SHOP, "name": "龙门村电商站"})
    build(home)
    assert place_of(home) == before
    assert gold(home, "service_place_change").height == 3


def test_a_moved_point_leaves_the_place_where_most_stations_are(home: Home) -> None:
    third = station("WW12900001", "村村旺龙门网点", "龙门村3社惠民超市", north=260)
    store(home, INFO, SHOP, third)
    build(home)
    assert len(set(place_of(home).values())) == 1
    assert gold(home, "service_place")["lat"].item() == pytest.approx(LAT + 12 * METRE)


def test_a_station_under_the_neighbours_code_is_found_by_its_name(home: Home) -> None:
    store(home, INFO, {**SHOP, "division_code": OTHER})
    build(home)
    assert len(set(place_of(home).values())) == 1


def test_an_address_alone_and_a_point_alone(home: Home) -> None:
    store(
        home,
        INFO,
        station("DS00900001", "龙门电商站", "3组惠民超市", point=False),
        station("YZ40130001", "龙门邮政点", None, north=8),
    )
    build(home)
    assert len(set(place_of(home).values())) == 1


def test_next_door_is_another_place(home: Home) -> None:
    store(home, OFFICE, station("DS00900001", "龙门村电商服务站", "村委会旁惠民超市", north=430))
    build(home)
    assert len(set(place_of(home).values())) == 2


def test_no_station_and_no_division_yet(home: Home) -> None:
    build(home)
    assert all(gold(home, table.id).is_empty() for table in LINKED)
    assert gold(home, "service_place").columns == [column.name for column in REGISTRY.gold["service_place"].columns]


def test_a_department_that_has_not_delivered_joins_later(home: Home) -> None:
    store(home, INFO)
    build(home)
    before = place_of(home)[INFO_ID]
    store(home, SHOP)
    assert "service_site_pair" in build(home)
    assert place_of(home) == {INFO_ID: before, SHOP_ID: before}
    assert changes(home) == [("created", 1), ("joined", 2)]


def test_township_nodes_are_no_village_stations(home: Home) -> None:
    store(home, INFO, {**POST, "level": "township"})
    build(home)
    assert set(place_of(home)) == {INFO_ID}


def test_a_no_parts_and_sticks_when_data_come_again(home: Home) -> None:
    store(home, INFO, SHOP)
    build(home)
    before = place_of(home)
    say(home, SHOP_ID, INFO_ID, "different")
    written = build(home)
    assert "service_site_pair" not in written, "a decision asks for no new comparison"
    parted = place_of(home)
    assert parted[INFO_ID] == before[INFO_ID] != parted[SHOP_ID]
    store(home, {**INFO, "_delivery_id": "d2"}, {**SHOP, "address": "龙门村3组惠民超市一楼", "_delivery_id": "d2"})
    build(home)
    assert place_of(home) == parted
    assert gold(home, "place_review").is_empty()
    say(home, SHOP_ID, INFO_ID, "withdrawn")
    build(home)
    assert place_of(home) == before
    assert [kind for kind, _ in changes(home)] == ["created", "created", "split", "merged"]


def test_a_yes_joins_what_the_model_would_not(home: Home) -> None:
    store(home, INFO, OFFICE)
    build(home)
    assert len(set(place_of(home).values())) == 2
    say(home, INFO_ID, OFFICE_ID, "same")
    build(home)
    assert len(set(place_of(home).values())) == 1
    member = gold(home, "service_place_member")
    assert member["decided_by"].to_list() == ["person", "person"]


def test_a_doubtful_pair_is_on_the_list_until_somebody_decides(home: Home) -> None:
    store(home, {**INFO, "address": "3组"}, station("DS00900001", "龙门电商站", "3组", north=70))
    build(home)
    (pair,) = doubtful_pairs(home, REGISTRY)
    assert (pair.reason, pair.left.address, pair.right.name) == ("概率居中", "3组", "龙门电商站")
    assert 0.1 <= pair.probability < 0.9
    assert doubtful_pairs(home, REGISTRY, "玉峰山镇") == [pair]
    decide(home, REGISTRY, [pair.pair_id], "same", "核对员", "同一门面")
    build(home)
    assert doubtful_pairs(home, REGISTRY) == []
    assert len(set(place_of(home).values())) == 1


@pytest.mark.parametrize(
    ("key", "by", "reason", "words"),
    [
        (["12345678"], "甲", "乙", "no pair"),
        ([INFO_ID, "postal_site:YZ99999999"], "甲", "乙", "no village station"),
        ([INFO_ID, INFO_ID], "甲", "乙", "two different"),
        ([INFO_ID, OFFICE_ID], " ", "乙", "--by"),
        ([INFO_ID, OFFICE_ID], "甲", "", "--reason"),
        ([INFO_ID, OFFICE_ID], "甲", "长" * 201, "200"),
    ],
)
def test_a_decision_that_cannot_be_kept_says_why(home: Home, key: list[str], by: str, reason: str, words: str) -> None:
    store(home, INFO, SHOP, OFFICE)
    build(home)
    with pytest.raises(UsageError, match=words):
        decide(home, REGISTRY, key, "same", by, reason)


def test_decisions_that_contradict_each_other_are_refused(home: Home) -> None:
    store(home, INFO, SHOP, OFFICE, POST)
    build(home)
    say(home, INFO_ID, SHOP_ID, "same")
    say(home, INFO_ID, OFFICE_ID, "different")
    with pytest.raises(UsageError, match="withdraw"):
        say(home, SHOP_ID, OFFICE_ID, "same")
    with pytest.raises(UsageError, match="nothing was decided"):
        say(home, INFO_ID, POST_ID, "withdrawn")
    say(home, INFO_ID, OFFICE_ID, "withdrawn")
    say(home, SHOP_ID, OFFICE_ID, "same")


def test_states_follow_openings_and_closures(home: Home) -> None:
    closing = {**SHOP, "opened_on": date(2024, 3, 10), "closed_on": date(2024, 8, 1)}
    store(home, INFO, closing)
    build(home)
    found = gold(home, "service_place_history").select("valid_from", "valid_to", "stations", "is_shared", "is_current")
    assert found.rows() == [
        (date(2024, 1, 1), date(2024, 3, 10), 1, False, False),
        (date(2024, 3, 10), date(2024, 8, 1), 2, True, False),
        (date(2024, 8, 1), None, 1, False, True),
    ]
    place = gold(home, "service_place").row(0, named=True)
    assert (place["stations"], place["open_stations"], place["is_shared"]) == (2, 1, False)


def test_a_place_whose_stations_all_closed_is_no_longer_in_use(home: Home) -> None:
    store(home, {**INFO, "closed_on": date(2024, 2, 1)})
    build(home)
    assert gold(home, "service_place_history").select("valid_to").rows() == [(date(2024, 2, 1),)]
    assert gold(home, "service_place")["open_stations"].to_list() == [0]


def test_addresses_stay_out_of_gold(home: Home) -> None:
    store(home, INFO, SHOP, OFFICE)
    build(home)
    for table in LINKED:
        assert "address" not in " ".join(gold(home, table.id).columns)
        assert "3组惠民超市" not in gold(home, table.id).write_csv()
