"""Files of before a change and of after it in one lake: one silver table, receipts, mends, and what is read again."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from tests.support.intake import open_lake, process_all, rows_of, take

from agrilake.contract.load import load_registry
from agrilake.contract.model import Column, Dataset
from agrilake.errors import ConsistencyError
from agrilake.paths import project_root
from agrilake.pipeline import intake, steps
from agrilake.pipeline.context import Lake
from agrilake.pipeline.outcomes import Outcome
from agrilake.suites import validate

CONTRACTS = project_root() / "tests" / "golden" / "layouts" / "contracts"
ORCHARD = "agri_orchard"
OF_2022 = ("地块号,果园亩数,果品,建园日期,说明", "G001,12.5,橙,2015-03-01,坡地", "G002,三亩,桃,,", "G003,1公顷,橘,,")
OF_2023 = ("园地号,园地面积（公顷）,园地类型,手机", "G001,0.84,11,", "G002,0.2,21,")
OF_2024 = ("果园编号,面积（亩）,果树种类,是否灌溉,备注", "G001,12.6,柑橘,是,", "G004,3,其他,否,")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake whose only dataset changed its layout twice."""
    return replace(open_lake(tmp_path / "home"), registry=load_registry((CONTRACTS,)))


def put(lake: Lake, period: str, lines: Iterable[str], note: str = "") -> str:
    name = f"agri/果园__{period}{note}.csv"
    path = lake.home.inbox / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8-sig")
    return name


def taken(lake: Lake) -> dict[str, Outcome]:
    """A file of each layout, today's first: what came late is read no differently."""
    names = [put(lake, "2024", OF_2024), put(lake, "2022", OF_2022), put(lake, "2023", OF_2023)]
    outcomes = take(lake)
    return {name[9:13]: outcomes[name] for name in names}


def silver(lake: Lake) -> pl.DataFrame:
    steps.update_silver(lake, ORCHARD)
    return pl.read_delta(str(lake.home.table("silver", ORCHARD))).sort("_period", "orchard_no")


def under(lake: Lake, dataset: Dataset) -> Lake:
    return replace(lake, registry=replace(lake.registry, datasets={ORCHARD: dataset}))


def test_all_layouts_stand_in_one_silver_table(lake: Lake) -> None:
    outcomes = taken(lake)
    rows = silver(lake).select("_period", "orchard_no", pl.col("area_mu").cast(pl.String), "kind", "irrigated", "_line")
    assert rows.rows() == [
        ("2022", "G001", "12.50", "citrus", None, 2),
        ("2022", "G003", "15.00", "citrus", None, 4),
        ("2023", "G001", "12.60", "citrus", True, 2),
        ("2023", "G002", "3.00", "peach", False, 3),
        ("2024", "G001", "12.60", "citrus", True, 2),
        ("2024", "G004", "3.00", "other", False, 3),
    ]
    of_then = rows_of(lake, "bronze", outcomes["2022"].delivery)
    assert of_then["area_mu"].to_list() == ["12.5", "三亩", "1公顷"]
    assert of_then["plot_no"].to_list() == ["G001", "G002", "G003"]
    assert "orchard_no" not in of_then.columns or of_then["orchard_no"].null_count() == 3
    assert validate(lake.home, lake.registry.get(ORCHARD), lake.settings).decision == "pass"


def test_the_receipt_names_the_layout(lake: Lake) -> None:
    pages = {year: outcome.receipt for year, outcome in taken(lake).items()}
    texts = {year: page.html.read_text(encoding="utf-8") for year, page in pages.items() if page is not None}
    assert "1.0.0（适用至 2022）" in texts["2022"]
    assert "“果园亩数”填的是“三亩”" in texts["2022"]
    assert "2.0.0（适用至 2023）" in texts["2023"]
    assert "3.0.0" in texts["2024"]
    assert "适用至" not in texts["2024"]


def test_what_is_required_since_a_period_may_be_empty_before_it_alone(lake: Lake) -> None:
    taken(lake)
    table = silver(lake)
    path = str(lake.home.table("silver", ORCHARD))
    blank = table.head(1).with_columns(orchard_no=pl.lit("G009"), irrigated=pl.lit(None, pl.Boolean))
    blank.write_delta(path, mode="append")
    assert validate(lake.home, lake.registry.get(ORCHARD), lake.settings).decision == "pass"
    before = DeltaTable(path).version()
    with pytest.raises(DeltaError):
        blank.with_columns(_period=pl.lit("2023")).write_delta(path, mode="append")
    assert DeltaTable(path).version() == before
    DeltaTable(path).alter.drop_constraint("contract")
    blank.with_columns(_period=pl.lit("2023")).write_delta(path, mode="append")
    result = validate(lake.home, lake.registry.get(ORCHARD), lake.settings)
    assert result.decision == "stop"
    assert [(item.column, item.unexpected_count) for item in result.failed] == [("irrigated", 1)]


def test_a_mended_row_of_an_earlier_layout_comes_home(lake: Lake) -> None:
    outcome = taken(lake)["2022"]
    assert outcome.receipt is not None
    with outcome.receipt.csv.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][3:] == OF_2022[0].split(",")
    rows[1][rows[0].index("果园亩数")] = "3"
    path = lake.home.inbox / "agri" / outcome.receipt.csv.name
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)
    final = take(lake)[f"agri/{path.name}"].delivery
    assert (final.status, final.kind, final.accepted, final.layout) == ("accepted", "mend", 1, outcome.delivery.layout)
    assert silver(lake).filter(_period="2022")["orchard_no"].to_list() == ["G001", "G002", "G003"]


def test_a_correction_of_an_old_period_is_read_by_the_layout_of_then(lake: Lake) -> None:
    taken(lake)
    corrected = put(lake, "2022", [*OF_2022[:2], "G002,4,桃,,"], "__更正")
    wrong = put(lake, "2022", OF_2024[:2], "__更正2")
    outcomes = take(lake)
    assert (outcomes[corrected].delivery.status, outcomes[wrong].delivery.code) == ("accepted", "wrong_layout")
    assert silver(lake).filter(_period="2022")["orchard_no"].to_list() == ["G001", "G002"]


def kinds_without_mandarin(column: Column) -> Column:
    feeds = tuple(replace(feed, codes=(("orange", "citrus"), ("mandarin", "other"))) for feed in column.feeds)
    return replace(column, feeds=feeds) if column.name == "fruit" else column


def test_a_changed_layout_has_its_own_deliveries_read_again(lake: Lake) -> None:
    outcomes = taken(lake)
    assert intake.stale_deliveries(lake) == []
    assert silver(lake).filter(_period="2022")["kind"].to_list() == ["citrus", "citrus"]
    today = lake.registry.get(ORCHARD)
    first = today.earlier[0]
    columns = tuple(kinds_without_mandarin(column) for column in first.columns)
    changed = under(
        lake, replace(today, earlier=(replace(first, columns=columns, fingerprint="1.0.1"), *today.earlier[1:]))
    )
    assert intake.stale_deliveries(changed) == [outcomes["2022"].delivery]
    process_all(changed)
    assert intake.stale_deliveries(changed) == []
    assert silver(changed).filter(_period="2022")["kind"].to_list() == ["citrus", "other"]


def test_deliveries_of_before_are_read_again_when_their_layout_is_declared(lake: Lake) -> None:
    """The department changed its extract in 2024: the contract of 2023 becomes an earlier layout of a new one."""
    today = lake.registry.get(ORCHARD)
    second = replace(today.earlier[1], valid_until=None, fingerprint="", earlier=today.earlier[:1])
    second = replace(second, status="active", columns=tuple(replace(item, feeds=()) for item in second.columns))
    before = under(lake, replace(second, earlier=()))
    put(lake, "2023", OF_2023)
    (outcome,) = take(before).values()
    assert (outcome.delivery.status, outcome.delivery.layout) == ("accepted", "")
    steps.update_silver(before, ORCHARD)
    put(lake, "2024", OF_2024)
    stale = [item.period for item in intake.stale_deliveries(lake)]
    take(lake)
    assert stale == ["2023"]
    assert silver(lake).select("_period", "orchard_no", "irrigated").rows() == [
        ("2023", "G001", True),
        ("2023", "G002", False),
        ("2024", "G001", True),
        ("2024", "G004", False),
    ]


def test_what_was_accepted_stays_where_a_layout_cannot_read_it(lake: Lake) -> None:
    outcomes = taken(lake)
    held = silver(lake)
    today = lake.registry.get(ORCHARD)
    too_late = replace(today.earlier[1], valid_until="2024", fingerprint="2.0.0+late")
    wrong = under(lake, replace(today, earlier=(today.earlier[0], too_late)))
    assert [item.period for item in intake.stale_deliveries(wrong)] == ["2024", "2023"]
    with pytest.raises(ConsistencyError, match=r"果园__2024\.csv.*version 2\.0\.0 cannot read it: wrong_layout"):
        intake.process(wrong, outcomes["2024"].delivery)
    assert lake.state.deliveries(ORCHARD)[0].status == "accepted"
    assert silver(lake).equals(held)


def test_check_says_what_the_receipt_would(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "agri_orchard__2022.csv"
    path.write_text("\n".join(OF_2022), encoding="utf-8")
    delivery, _, checked = intake.check_only(lake, path)
    assert (delivery.status, delivery.accepted, delivery.quarantined) == ("partial", 2, 1)
    assert delivery.layout == lake.registry.get(ORCHARD).earlier[0].fingerprint
    assert checked is not None
    assert checked.findings["column_title"].to_list() == ["果园亩数"]
