"""A village that the division table does not know: its rows wait in quarantine and are taken when the table has it."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
from tests.corpus.words import HEADER, household
from tests.support.intake import findings, reference_lake, rows_of, take

from agrilake.pipeline import intake
from agrilake.pipeline.context import Lake

NEW = "500112129299"
FILE, DIVISIONS = "agri/agri_farm_household__2024-01.csv", "stats/stats_division__2025.csv"
CORRECTED = "stats/stats_division__2024__更正.csv"
VILLAGE = "新桥村村民委员会", "village", "500112129000"
COLUMNS = {"code": "区划代码", "name": "名称", "level": "级别", "parent_code": "上级区划代码", "valid_from": "生效日期"}


def put_divisions(lake: Lake, name: str, *more: tuple[str, ...]) -> None:
    """A division table under that name: that of 2024 and the rows of `more`."""
    known = pl.read_delta(str(lake.home.table("silver", "stats_division"))).filter(_period="2024")
    path = lake.home.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS.values(), *known.select(*COLUMNS).iter_rows(), *more])


def test_its_rows_are_checked_again_when_the_table_changes(tmp_path: Path) -> None:
    lake = reference_lake(tmp_path / "home")
    path = lake.home.inbox / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (household(0), household(1, village=NEW), household(2, members="很多"))
    path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")

    first = take(lake)[FILE]
    assert (first.delivery.status, first.delivery.accepted, first.delivery.quarantined) == ("partial", 1, 2)
    assert findings(lake, first.delivery).select("line", "rule").rows() == [(3, "division_known"), (4, "type_integer")]
    assert first.receipt is not None
    assert f"“所在村”填的是“{NEW}”，在区划表里找不到" in first.receipt.html.read_text(encoding="utf-8")

    put_divisions(lake, DIVISIONS, (NEW, *VILLAGE, "2025-01-01"))
    assert take(lake)[DIVISIONS].delivery.status == "accepted"
    again = lake.state.delivery(first.delivery.id)
    assert again is not None
    assert (again.status, again.accepted) == ("partial", 1), "a village of 2025 is none of 2024"

    put_divisions(lake, CORRECTED, (NEW, *VILLAGE, "2024-01-01"))
    assert take(lake)[CORRECTED].delivery.status == "accepted"
    final = lake.state.delivery(first.delivery.id)
    assert final is not None
    assert (final.status, final.records, final.accepted, final.quarantined) == ("partial", 3, 2, 1)
    assert rows_of(lake, "accepted", final)["division_code"].to_list() == ["500112129201", NEW]
    assert findings(lake, final).select("line", "rule").rows() == [(4, "type_integer")]
    page = first.receipt.html.read_text(encoding="utf-8")
    assert NEW not in page, "the receipt says what is still to be mended"
    assert intake.stale_deliveries(lake) == []
