"""Delta tables that files write: one delivery is replaced in one commit, others stay."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl

from agrilake.lake.files import delivery_rows, replace_delivery, scan, table_version


def rows(delivery: str, *values: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"value": list(values), "_delivery_id": [delivery] * len(values)},
        schema={"value": pl.String, "_delivery_id": pl.String},
    )


def values(path: Path) -> list[str]:
    frame = scan(path)
    assert frame is not None
    return sorted(frame.collect()["value"])


def test_a_delivery_is_replaced_and_its_neighbours_stay(tmp_path: Path) -> None:
    path = tmp_path / "t"
    replace_delivery(path, rows("d1", "a", "b"), "d1")
    replace_delivery(path, rows("d2", "c"), "d2")
    replace_delivery(path, rows("d1", "x"), "d1")
    assert values(path) == ["c", "x"]
    replace_delivery(path, rows("d1"), "d1")
    assert values(path) == ["c"]
    found = delivery_rows(path, "d2")
    assert found is not None
    assert found["value"].to_list() == ["c"]


def test_no_table_is_none(tmp_path: Path) -> None:
    assert scan(tmp_path / "none") is None
    assert delivery_rows(tmp_path / "none", "d") is None
    assert table_version(tmp_path / "none") is None


def test_an_empty_first_delivery_still_makes_the_table(tmp_path: Path) -> None:
    replace_delivery(tmp_path / "t", rows("d1"), "d1")
    assert values(tmp_path / "t") == []


def test_deliveries_written_at_once_all_land(tmp_path: Path) -> None:
    path = tmp_path / "t"
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: replace_delivery(path, rows(f"d{n}", str(n)), f"d{n}"), range(12)))
    assert values(path) == sorted(str(n) for n in range(12))
