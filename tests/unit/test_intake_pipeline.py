"""Mended receipts come home, and whatever a file holds, its records add up and its good values are kept."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.intake import findings, reference_lake, rows_of, take
from tests.support.samples import SAMPLE, drop

from agrilake.intake.titles import match
from agrilake.lake.state import Delivery
from agrilake.pipeline import intake
from agrilake.pipeline.context import Lake
from agrilake.pipeline.outcomes import Outcome
from agrilake.sample.identifiers import PHONE_PREFIX, resident_id, stream
from agrilake.tables.order import DeliveryRef, winners

VILLAGE = "500112129201"
HOUSEHOLDS = "agri/农户__2024-02.xlsx"
SALES = "commerce/农产品网络零售__2024-01.xlsx"
LEDGER = "civil/civil_village_ledger__2024-01.xlsx"
SITES = "postal/三级寄递节点__2024年第1季度.xlsx"
Fix = Callable[[int], str]


def made_id(number: int) -> str:
    return resident_id(stream(4, "mend", number), date(1950, 1, 1 + number % 28))


# what a clerk would write into a wrong cell: column -> the n-th right value
FIXES: dict[str, dict[str, Fix]] = {
    "agri_farm_household": {
        "household_id": lambda n: f"H{99_000_000_000 + n}",
        "division_code": lambda n: VILLAGE,
        "head_name": lambda n: "欧阳砚秋",
        "head_id_no": made_id,
        "phone": lambda n: f"{PHONE_PREFIX}{10_000_000 + n}",
        "members": lambda n: "4",
        "poverty_alleviated": lambda n: "否",
    },
    "commerce_ecommerce_sales": {
        "month": lambda n: "2024-01",
        "platform": lambda n: "淘宝",
        "product": lambda n: f"核对后的产品{n}",
        "orders": lambda n: "12",
        "amount_yuan": lambda n: "1.5",
    },
}


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, dict[str, Outcome]]:
    """A lake that took four files of the sample, with several sheets, headers in two rows and units above."""
    lake = reference_lake(tmp_path_factory.mktemp("mends") / "home")
    for name in (HOUSEHOLDS, SALES, LEDGER, SITES):
        drop(SAMPLE / "inbox" / name, lake.home.root)
    return lake, take(lake)


def receipt_rows(outcome: Outcome) -> list[list[str]]:
    assert outcome.receipt is not None
    return list(csv.reader(io.StringIO(outcome.receipt.csv.read_text(encoding="utf-8-sig"))))


def drop_mend(lake: Lake, outcome: Outcome, rows: list[list[str]], encoding: str = "utf-8-sig") -> Outcome:
    """Drop the receipt's table under its own name, as Excel saves it."""
    assert outcome.receipt is not None
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path = lake.home.inbox / outcome.delivery.department / outcome.receipt.csv.name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.getvalue().encode(encoding))
    return take(lake)[path.relative_to(lake.home.inbox).as_posix()]


def mended(lake: Lake, outcome: Outcome, leave: frozenset[str] = frozenset()) -> list[list[str]]:
    """The receipt's rows with every cell that it complains about written anew, but for the columns `leave`."""
    delivery, rows = outcome.delivery, receipt_rows(outcome)
    dataset = lake.registry.get(delivery.dataset)
    place = {found.column: at for at, title in enumerate(rows[0]) if (found := match(title, dataset))}
    sheet = rows[0].index("原工作表") if "原工作表" in rows[0] else None
    lines = {(int(row[0]), row[sheet] if sheet else None): row for row in rows[1:]}
    errors = findings(lake, delivery).filter(severity="error")
    for number, error in enumerate(errors.iter_rows(named=True)):
        column = error["column"].split(",")[-1]  # of a key of several columns the last one
        if column not in leave:
            row = lines[error["line"], error["sheet"] if sheet else None]
            row[place[column]] = FIXES[dataset.id][column](number)
    return rows


def origins(lake: Lake, mend: Delivery, of: Delivery) -> pl.DataFrame:
    """Bronze rows of the mend beside those that they came from (`_original` after the name)."""
    mends = rows_of(lake, "bronze", mend).with_columns(pl.col("_origin_sheet").fill_null(""))
    original = rows_of(lake, "bronze", of).with_columns(pl.col("_sheet").fill_null(""))
    keys = {"left_on": ["_origin_line", "_origin_sheet"], "right_on": ["_line", "_sheet"]}
    return mends.join(original, **keys, how="left", suffix="_original", maintain_order="left").sort("_line")


@pytest.mark.parametrize("name", [HOUSEHOLDS, SALES, LEDGER, SITES])
def test_a_receipt_dropped_as_it_is_says_the_same_again(name: str, taken: tuple[Lake, dict[str, Outcome]]) -> None:
    """Headers, units, escapes and masks of the receipt are read back as what they stood for."""
    lake, outcomes = taken
    outcome = outcomes[name]
    again = drop_mend(lake, outcome, receipt_rows(outcome)).delivery
    assert (again.status, again.kind, again.mends) == ("partial", "mend", outcome.delivery.id[:8])
    assert (again.records, again.quarantined) == (outcome.delivery.quarantined,) * 2

    def rules(delivery: Delivery) -> Counter[tuple[str, str, str]]:
        errors = findings(lake, delivery).filter(severity="error")
        return Counter(errors.select("column", "rule", "found").iter_rows())

    assert rules(again) == rules(outcome.delivery)


def test_mended_households_are_all_taken_with_their_own_people(taken: tuple[Lake, dict[str, Outcome]]) -> None:
    """An upsert with people: masked cells left as they were are those of the original line again."""
    lake, outcomes = taken
    base = outcomes[HOUSEHOLDS]
    final = drop_mend(lake, base, mended(lake, base)).delivery
    assert (final.status, final.quarantined, final.duplicate) == ("accepted", 0, 0)
    assert final.accepted == final.records == base.delivery.quarantined
    assert findings(lake, final).filter(severity="error").is_empty()
    rows, accepted = origins(lake, final, base.delivery), rows_of(lake, "accepted", final)
    kept = ~rows["head_id_no"].is_in([made_id(number) for number in range(40)])
    assert kept.sum() >= 8
    assert rows.filter(kept)["head_id_no"].to_list() == rows.filter(kept)["head_id_no_original"].to_list()
    assert accepted["head_id_no"].to_list() == lake.pseudonymiser.tokens(rows["head_id_no"], "id_no").to_list()
    people = [cell for name in ("head_name", "head_id_no", "phone") for cell in rows[name].drop_nulls()]
    assert [cell for cell in people if "*" in cell] == []
    assert accepted["_mends"].unique().to_list() == [base.delivery.id[:8]]


def test_a_mend_of_a_mend(taken: tuple[Lake, dict[str, Outcome]]) -> None:
    """The first mend leaves two kinds of mistakes; its own receipt mends them, people and all."""
    lake, outcomes = taken
    base = outcomes[HOUSEHOLDS]
    left = frozenset({"members", "poverty_alleviated"})
    first = drop_mend(lake, base, mended(lake, base, leave=left))
    assert (first.delivery.status, first.delivery.quarantined) == ("partial", 3)
    second = drop_mend(lake, first, mended(lake, first)).delivery
    assert (second.status, second.accepted, second.mends) == ("accepted", 3, first.delivery.id[:8])
    ids = origins(lake, second, first.delivery)
    assert ids["head_id_no"].to_list() == ids["head_id_no_original"].to_list()
    truth = origins(lake, first.delivery, base.delivery).filter(pl.col("_line").is_in(ids["_origin_line"].to_list()))
    assert ids["head_id_no"].to_list() == truth["head_id_no_original"].to_list()
    chain = [base.delivery, first.delivery, second]
    refs = [DeliveryRef(one.id, one.period, one.kind, one.revision, one.sequence, one.mends) for one in chain]
    dataset = lake.registry.get(base.delivery.dataset)
    assert winners(dataset.load, refs) == [one.id for one in chain]


def test_mended_sales_join_their_snapshot(taken: tuple[Lake, dict[str, Outcome]]) -> None:
    """A snapshot, saved by Excel in the encoding of Chinese Windows; the file's two header rows are one here."""
    lake, outcomes = taken
    base = outcomes[SALES]
    final = drop_mend(lake, base, mended(lake, base), encoding="gb18030").delivery
    assert (final.status, final.accepted, final.quarantined) == ("accepted", base.delivery.quarantined, 0)
    accepted = rows_of(lake, "accepted", final)
    assert "1.50" in {str(value) for value in accepted["amount_yuan"]}
    assert accepted["_kind"].unique().to_list() == ["mend"]
    refs = [
        DeliveryRef(one.id, one.period, one.kind, one.revision, one.sequence, one.mends)
        for one in (base.delivery, final)
    ]
    assert winners(lake.registry.get(final.dataset).load, refs) == [base.delivery.id, final.id]


def test_a_line_that_could_not_be_split_is_written_anew(taken: tuple[Lake, dict[str, Outcome]]) -> None:
    """Nothing of it is on the receipt but its line; the department fills the row from its own records."""
    lake, _ = taken
    whole = ["H50011219001", VILLAGE, "欧阳砚秋", made_id(1), "", "4", "是"]
    path = lake.home.inbox / "agri" / "agri_farm_household__2024-03.csv"
    lines = [TITLES, whole[:2], ["H50011219002", VILLAGE, "司徒砚冬", made_id(2), "", "四", "是"]]
    path.write_text("\n".join(",".join(line) for line in lines), encoding="utf-8")
    base = take(lake)[f"agri/{path.name}"]
    rows = receipt_rows(base)
    assert [row[0] for row in rows[1:]] == ["2", "3"]
    assert rows[1][3:] == [""] * 7
    rows[1][3:] = whole
    rows[2][3 + TITLES.index("家庭人口")] = "4"
    final = drop_mend(lake, base, rows).delivery
    assert (final.status, final.accepted) == ("accepted", 2)
    assert rows_of(lake, "bronze", final)["head_name"].to_list() == ["欧阳砚秋", "司徒砚冬"]


def test_a_mend_of_another_period_is_refused(taken: tuple[Lake, dict[str, Outcome]]) -> None:
    lake, outcomes = taken
    base = outcomes[SALES]
    assert base.receipt is not None
    name = base.receipt.csv.name.replace("2024-01", "2024-02")
    (lake.home.inbox / "commerce" / name).write_bytes(base.receipt.csv.read_bytes() + b"\r\n")
    refused = take(lake)[f"commerce/{name}"].delivery
    assert (refused.status, refused.code) == ("refused", "unknown_delivery")


# --- whatever a file holds -------------------------------------------------------------------------------------

BAD_CELLS = {
    "household_id": ["", "H1", "5.00112E+10", "=1+1"],
    "division_code": ["", "无此村", "500112000000"],
    "head_name": [""],
    "head_id_no": ["", "5.00112E+17", "110105194912310020", "11010519491231002"],
    "phone": ["1234", "154000011112"],
    "members": ["", "x", "0", "31", "4.5"],
    "poverty_alleviated": ["", "也许"],
}
TITLES = ["农户编号", "所在村", "户主姓名", "户主身份证号", "联系电话", "家庭人口", "是否脱贫户"]
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
SPELLINGS: list[Callable[[str], str]] = [
    str,
    lambda text: text.translate(FULL_WIDTH),
    lambda text: f" {text} ",
    lambda text: f"{text}人",
]


@st.composite
def household_rows(draw: st.DrawFn) -> Iterator[tuple[list[str], str, dict[str, object] | None]]:
    """Rows of a household file: cells, what becomes of the row, and the values that silver must have of it."""
    rows = []
    for number in range(draw(st.integers(1, 12))):
        fate = draw(st.sampled_from(["good", "good", "bad", "again", "short"]))
        if fate == "again" and any(kind == "good" for _, kind, _ in rows):
            rows.append((draw(st.sampled_from([cells for cells, kind, _ in rows if kind == "good"])), "again", None))
            continue
        members, poor = draw(st.integers(1, 30)), draw(st.booleans())
        name = draw(st.text("王李𠮷㛃欧阳砚秋·", min_size=2, max_size=5).filter(lambda text: text.strip("·") != ""))
        values = {"household_id": f"H{10_000_000_000 + number}", "members": members, "poverty_alleviated": poor}
        village = draw(st.sampled_from([VILLAGE, "500112129202", "500112129203"]))
        values |= {"division_code": village, "head_id_no": made_id(number)}
        spell = draw(st.sampled_from(SPELLINGS))
        word = draw(st.sampled_from(["是", "√", "1"] if poor else ["否", "×", "0"]))
        cells = [str(values["household_id"]), village, name, made_id(number), "", spell(str(members)), word]
        if fate == "bad":
            column = draw(st.sampled_from(list(BAD_CELLS)))
            cells[list(BAD_CELLS).index(column)] = draw(st.sampled_from(BAD_CELLS[column]))
        elif fate == "short":
            cells = cells[:2]
        good = fate in ("good", "again")
        rows.append((cells, "good" if good else "bad", values if good else None))
    return rows


@pytest.fixture(scope="module")
def quiet_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return reference_lake(tmp_path_factory.mktemp("property") / "home")


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=household_rows(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
    delimiter=st.sampled_from([",", "\t", ";", "，"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_records_add_up_and_good_values_are_kept(
    rows: list[tuple[list[str], str, dict[str, object] | None]],
    encoding: str,
    delimiter: str,
    end: str,
    quiet_lake: Lake,
    tmp_path: Path,
) -> None:
    path = tmp_path / "agri_farm_household__2024-05.csv"
    lines = [TITLES, *(cells for cells, _, _ in rows)]
    path.write_bytes("".join(delimiter.join(line) + end for line in lines).encode(encoding))
    delivery, raw, checked = intake.check_only(quiet_lake, path)
    fates = Counter(kind for _, kind, _ in rows)
    assert raw is not None, delivery.reason
    assert checked is not None
    assert delivery.records == raw.records == len(rows)
    counts = (delivery.accepted, delivery.quarantined, delivery.duplicate)
    assert sum(counts) == delivery.records
    assert (delivery.accepted, delivery.duplicate) == (fates["good"], fates["again"])
    expected = pl.DataFrame([values for _, _, values in rows if values is not None])
    if expected.height:
        tokens = quiet_lake.pseudonymiser.tokens(expected["head_id_no"], "id_no")
        expected = expected.with_columns(tokens.alias("head_id_no"))
        assert checked.accepted.select(expected.columns).equals(expected)
