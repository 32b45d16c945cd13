"""Business entities by credit code, then name; households across agriculture and civil affairs by pseudonym."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from tests.support.stations import OTHER, VILLAGE, register

from agrilake.linking.subjects import core_name, entity_links, household_links

CODE, SECOND, UNKNOWN = "91500199MA0000001A", "92500199MA0000002B", "93500199MA0000003C"


def entities(*rows: tuple[str, str, str]) -> pl.DataFrame:
    return register(
        "agri_business_entity",
        [{"credit_code": code, "name": name, "division_code": village} for code, name, village in rows],
    )


KNOWN = entities((CODE, "龙门丰兴农业发展有限公司", VILLAGE), (SECOND, "双井禾和家庭农场", OTHER))


def store(**rest: Any) -> pl.DataFrame:
    row = {"facility_no": "LL20230001", "name": "产地冷库", "division_code": VILLAGE, **rest}
    return register("commerce_cold_chain", [row])


def links(records: dict[str, pl.DataFrame], known: pl.DataFrame = KNOWN) -> list[tuple[Any, ...]]:
    return entity_links(records, known).select("record_no", "credit_code", "linked_by").rows()


def test_the_code_decides_whatever_the_name_says() -> None:
    found = entity_links({"commerce_cold_chain": store(credit_code=CODE, name="双井禾和产地冷库")}, KNOWN)
    row = found.row(0, named=True)
    assert (row["credit_code"], row["entity_name"], row["linked_by"]) == (
        CODE,
        "龙门丰兴农业发展有限公司",
        "credit_code",
    )
    assert (row["delivery_id"], row["line"]) == ("d1", 2)


@pytest.mark.parametrize("name", ["双井禾和产地冷库", "双井 禾和冷库", "冷库（双井禾和）"])
def test_without_a_code_the_name_decides_within_the_township(name: str) -> None:
    assert links({"commerce_cold_chain": store(name=name)}) == [("LL20230001", SECOND, "name")]


def test_a_name_of_another_township_or_of_two_entities_decides_nothing() -> None:
    far = store(name="双井禾和产地冷库", division_code="500112138206")
    assert links({"commerce_cold_chain": far}) == [("LL20230001", None, "none")]
    twins = entities((CODE, "双井禾和合作社", VILLAGE), (SECOND, "双井禾和家庭农场", OTHER))
    assert links({"commerce_cold_chain": store(name="双井禾和产地冷库")}, twins) == [("LL20230001", None, "none")]


def test_a_code_that_is_not_registered_stays_open_and_no_name_stands_in_for_it() -> None:
    records = {"commerce_cold_chain": store(credit_code=UNKNOWN, name="双井禾和产地冷库")}
    assert links(records) == [("LL20230001", None, "none")]


def test_events_are_one_row_an_entity_with_the_newest_line() -> None:
    batches = register(
        "agri_trace_batch",
        [
            {"trace_code": "ZS1", "credit_code": CODE, "_period": "2024-02", "_line": 9},
            {"trace_code": "ZS2", "credit_code": CODE, "_period": "2024-01", "_line": 3},
        ],
    )
    (row,) = entity_links({"agri_trace_batch": batches}, KNOWN).iter_rows(named=True)
    assert (row["record_no"], row["records"], row["line"], row["linked_by"]) == (CODE, 2, 9, "credit_code")


def test_machines_of_no_organisation_and_departments_not_there_yet() -> None:
    machine = register("agri_machinery", [{"machine_no": "NJ1", "division_code": VILLAGE}])
    assert links({"agri_machinery": machine}) == []
    assert links({}, entities()) == []


@pytest.mark.parametrize(
    ("name", "core"),
    [
        ("双井禾和家庭农场", "双井禾和"),
        ("中和丰康种植专业合作社", "中和丰康"),
        ("重庆龙门丰兴农业科技发展有限公司", "重庆龙门丰兴"),
        ("丰收合作社", "丰收"),
    ],
)
def test_a_name_without_its_legal_form(name: str, core: str) -> None:
    assert core_name(name) == core


TOKEN, OTHER_TOKEN = "k1:" + "a" * 32, "k1:" + "b" * 32


def households(*rows: dict[str, Any]) -> pl.DataFrame:
    return register("agri_farm_household", [{"division_code": VILLAGE, **row} for row in rows])


def elders(*rows: dict[str, Any]) -> pl.DataFrame:
    return register("civil_elder", [{"division_code": VILLAGE, **row} for row in rows])


def assisted(*rows: dict[str, Any]) -> pl.DataFrame:
    return register("civil_assistance", [{"division_code": VILLAGE, **row} for row in rows])


def test_an_elder_who_heads_a_household_and_assistance_paid_to_one() -> None:
    found = household_links(
        households({"household_id": "H1", "head_id_no": TOKEN}, {"household_id": "H2", "head_id_no": OTHER_TOKEN}),
        elders({"elder_id": "L1", "id_no": TOKEN, "division_code": OTHER}, {"elder_id": "L2", "id_no": None}),
        assisted(
            {"household_id": "H2", "_period": "2024-01"}, {"household_id": "H2", "_period": "2024-02", "_line": 8}
        ),
    )
    assert found.select("household_id", "record_no", "linked_by", "same_division", "line").rows() == [
        ("H1", "L1", "pseudonym", False, 2),
        ("H2", "H2", "household_id", True, 8),
    ]
    assert TOKEN not in found.write_csv(), "pseudonyms stay in silver"


def test_a_pseudonym_of_two_households_links_neither_and_unknown_households_none() -> None:
    twice = households({"household_id": "H1", "head_id_no": TOKEN}, {"household_id": "H2", "head_id_no": TOKEN})
    assert household_links(
        twice, elders({"elder_id": "L1", "id_no": TOKEN}), assisted({"household_id": "H9"})
    ).is_empty()


def test_nothing_delivered() -> None:
    assert household_links(households(), elders(), assisted()).is_empty()
