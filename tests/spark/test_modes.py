"""File modes after a whole run: files of Spark, delta-rs, Polars, DuckDB and SQLite."""

from __future__ import annotations

from pathlib import Path

from tests.support.modes import reachable


def test_nothing_restricted_is_open_to_others(small_lake: Path) -> None:
    assert list(reachable(small_lake)) == []
    by_spark = [path for path in (small_lake / "gold").rglob("part-*.parquet") if path.name.count("-") > 4]
    assert by_spark
    publication = (small_lake / "publications" / "current").resolve()
    files = {path.stem: path.stat() for path in publication.rglob("*.duckdb")}
    assert files.keys() >= {"leader", "analyst", "steward", "agri"}
    alone = {name for name, found in files.items() if found.st_mode & 0o777 == 0o600}
    of_its_group = {name for name, found in files.items() if found.st_mode & 0o777 == 0o640 and found.st_gid}
    assert alone | of_its_group == files.keys()
