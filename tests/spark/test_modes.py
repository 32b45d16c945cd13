"""File modes after a whole run: files of Spark, delta-rs, Polars, DuckDB and SQLite."""

from __future__ import annotations

from pathlib import Path

from tests.support.modes import reachable


def test_nothing_restricted_is_open_to_others(small_lake: Path) -> None:
    assert list(reachable(small_lake)) == []
    by_spark = [path for path in (small_lake / "gold").rglob("part-*.parquet") if path.name.count("-") > 4]
    assert by_spark
    publication = (small_lake / "publications" / "current").resolve()
    modes = {path.name: path.stat().st_mode & 0o777 for path in publication.iterdir()}
    assert modes["leader.duckdb"] == 0o640
    assert modes["analyst.duckdb"] == 0o600
