"""A file is resolved by the divisions of its own time, whenever the division tables arrive."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from tests.support.intake import open_lake, process_all, register_all, take
from tests.support.samples import SAMPLE, drop

from agrilake.pipeline.context import Lake
from agrilake.sample import COMMITTED
from agrilake.sample.places import load_places

LEDGER = "civil_village_ledger"
MERGED = f"{load_places(COMMITTED['seed'], COMMITTED['townships']).committees[-1].code[:9]}299"
"""The village that the table of 2023 has and that of 2024 has not."""


def _reference(lake: Lake, *names: str) -> None:
    """Reference files arrive, and what they change is processed again."""
    for name in names:
        drop(SAMPLE / "inbox" / "stats" / name, lake.home.root)
    process_all(lake, register_all(lake))


def _ledger(lake: Lake, month: str, village: str) -> None:
    titles = [column.title for column in lake.registry.get(LEDGER).columns]
    path = lake.home.inbox / "civil" / f"{LEDGER}__{month}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [titles, [village, month, "party", "是", f"{month}-09", "是"]]
    path.write_text("".join(",".join(row) + "\r\n" for row in rows), encoding="utf-8-sig")


def _outcomes(lake: Lake) -> dict[str, str]:
    return {item.period: item.status for item in lake.state.deliveries(LEDGER)}


def test_a_village_is_known_in_files_of_its_time_alone(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "home")
    _reference(lake, "stats_division__2023.csv", "区划代码对照__2024.txt")
    for month in ("2023-12", "2024-01"):
        _ledger(lake, month, MERGED)
    take(lake)
    assert _outcomes(lake) == {"2023-12": "accepted", "2024-01": "accepted"}  # no table of 2024 yet
    earlier = {item.period: item.reference_version for item in lake.state.deliveries(LEDGER)}
    _reference(lake, "行政区划__2024.xlsx")
    assert _outcomes(lake) == {"2023-12": "accepted", "2024-01": "partial"}
    now = {item.period: item.reference_version for item in lake.state.deliveries(LEDGER)}
    assert [period for period in now if now[period] != earlier[period]] == ["2024-01"]
    quarantine = pl.read_delta(str(lake.home.table("quarantine"))).filter(dataset=LEDGER)
    assert quarantine["rule"].to_list() == ["division_known"]


def test_a_table_that_comes_after_its_files_still_counts_for_them(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "home")
    _reference(lake, "行政区划__2024.xlsx", "区划代码对照__2024.txt")
    for month in ("2023-12", "2024-01"):
        _ledger(lake, month, MERGED)
    take(lake)
    assert _outcomes(lake) == {"2023-12": "partial", "2024-01": "partial"}
    _reference(lake, "stats_division__2023.csv")
    assert _outcomes(lake) == {"2023-12": "accepted", "2024-01": "partial"}
