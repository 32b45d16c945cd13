"""Validity intervals from snapshots (SCD type 2)."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from agrilake.contract.load import load_registry
from agrilake.tables.history import first_day, validity
from agrilake.tables.small import current_state


def snapshot(period: str, name: str, valid_from: date | None = None, code: str = "500112129206") -> dict[str, Any]:
    return {
        "code": code, "name": name, "level": "village", "parent_code": "500112129000", "valid_from": valid_from,
        "_delivery_id": f"d{period}", "_line": 2, "_period": period,
    }  # fmt: skip


def intervals(*rows: dict[str, Any], code: str = "500112129206") -> list[tuple[Any, ...]]:
    division = load_registry().get("stats_division")
    empty = current_state(None, division, [])
    found = validity(pl.concat([empty, pl.DataFrame(rows)], how="diagonal_relaxed"), division)
    columns = ("valid_from", "valid_to", "is_current", "name", "_delivery_id")
    return found.filter(pl.col("code") == code).select(columns).rows()


OTHER = "500112129207"
BEFORE = date(2019, 1, 1)


def test_a_renamed_division_has_two_intervals_that_meet() -> None:
    rows = [snapshot("2022", "龙门村", BEFORE), snapshot("2023", "龙门村", BEFORE), snapshot("2024", "新门村", BEFORE)]
    assert intervals(*rows) == [
        (BEFORE, date(2024, 1, 1), False, "龙门村", "d2022"),
        (date(2024, 1, 1), None, True, "新门村", "d2024"),
    ]


def test_a_change_begins_on_the_day_that_the_row_names() -> None:
    day = date(2023, 7, 1)
    assert intervals(snapshot("2023", "龙门村", BEFORE), snapshot("2024", "新门村", day)) == [
        (BEFORE, day, False, "龙门村", "d2023"),
        (day, None, True, "新门村", "d2024"),
    ]


def test_a_division_that_a_later_snapshot_lacks_has_ended() -> None:
    rows = [snapshot("2023", "龙门村"), snapshot("2023", "双井村", code=OTHER), snapshot("2024", "双井村", code=OTHER)]
    assert intervals(*rows) == [(date(2023, 1, 1), date(2024, 1, 1), False, "龙门村", "d2023")]


def test_a_division_that_comes_back_leaves_a_gap() -> None:
    rows = [snapshot(year, "双井村", code=OTHER) for year in ("2022", "2023", "2024")]
    assert intervals(*rows, snapshot("2022", "龙门村"), snapshot("2024", "龙门村")) == [
        (date(2022, 1, 1), date(2023, 1, 1), False, "龙门村", "d2022"),
        (date(2024, 1, 1), None, True, "龙门村", "d2024"),
    ]


@pytest.mark.parametrize(
    ("period", "first"),
    [("2024", (1, 1)), ("2024Q3", (7, 1)), ("2024Q4", (10, 1)), ("2024-05", (5, 1)), ("2024-05-17", (5, 17))],
)
def test_the_first_day_of_every_kind_of_period(period: str, first: tuple[int, int]) -> None:
    found = pl.DataFrame({"p": [period, None]}).select(first_day(pl.col("p"), [period]))["p"]
    assert found.to_list() == [date(2024, *first), None]
