"""What differs between two versions of a table, or between two publications."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pyarrow as pa

from agrilake.errors import UsageError
from agrilake.lake.files import table_version
from agrilake.paths import Home
from agrilake.pipeline.context import Lake
from agrilake.pipeline.versions import resolve
from agrilake.publish.model import ANALYST
from agrilake.publish.opening import read_only
from agrilake.publish.records import Record, records
from agrilake.publish.store import folder_name
from agrilake.sql import quoted
from agrilake.tables.diff import Shape, TableDiff, diff, rows_at, shape_of

ABOUT_ITSELF = ("publication", "held_table")
"""Published tables that differ in each publication and say nothing of the data."""
TOLD_APART_BY = {
    "delivery": ("id",),
    "indicator": ("id",),
    "quarantine_summary": ("dataset", "period", "rule"),
    "catalogue": ("dataset",),
    "layer": ("id",),
    "map_area": ("division_code",),
}


@dataclass(frozen=True)
class Published:
    """One table of two publications: its rows in each (None: not there), and what differs; `diff` is None where it is
    the same Delta version, or where the files of a publication that had it are gone."""

    table: str
    rows_before: int | None
    rows_after: int | None
    diff: TableDiff | None
    note: str = ""


def compare_versions(
    lake: Lake, table: str, first: int | None, second: int | None, of_lake: bool = False, limit: int = 10
) -> TableDiff:
    """A silver or gold table (silver.x, gold/x) at two Delta versions, or with `of_lake` at two lake versions; by
    default its newest version and the one before. Raises UsageError for what does not exist."""
    name = table.replace(".", "/", 1)
    shape = shape_of(name, lake.registry)
    if of_lake:
        numbers = [item.version for item in lake.state.lake_versions()]
        first, second = _last_two(first, second, numbers[-1] if numbers else None, "the lake")
        versions = [(resolve(lake.state, version=number) or {}).get(name) for number in (first, second)]
        words = ("湖版本", first, second)
    else:
        first, second = _last_two(first, second, table_version(lake.home.table(*name.split("/"))), name)
        versions, words = [first, second], ("版本", first, second)
    before, after = (rows_at(lake.home, name, version) for version in versions)
    return diff(shape, before, after, (f"{words[0]} {words[1]}", f"{words[0]} {words[2]}"), limit)


def _last_two(first: int | None, second: int | None, newest: int | None, subject: str) -> tuple[int, int]:
    if newest is None:
        raise UsageError(f"{subject} has no version yet")
    last = newest if second is None else second
    return (max(last - 1, 0) if first is None else first), last


def compare_publications(lake: Lake, first: int, second: int, limit: int = 10) -> list[Published]:
    """Every table of two publications, in order of name; those from Delta also where the files have been retired.

    Raises UsageError for a publication that was never made.
    """
    known = {item.version: item for item in records(lake.home)}
    missing = [number for number in (first, second) if number not in known]
    if missing:
        raise UsageError(f"no publication {missing[0]}; see agrilake publications")
    return list(_compared(lake, known[first], known[second], limit))


def _compared(lake: Lake, before: Record, after: Record, limit: int) -> Iterator[Published]:
    names = (f"第 {before.version} 次发布", f"第 {after.version} 次发布")
    for table in sorted({*before.rows, *after.rows} - {*ABOUT_ITSELF}):
        rows = (before.rows.get(table), after.rows.get(table))
        location = f"{'gold' if table in lake.registry.gold else 'silver'}/{table}"
        versions = [_delta_version(item, table, location) for item in (before, after)]
        if any(version is not None for version in versions):
            if versions[0] == versions[1]:
                yield Published(table, *rows, None)
                continue
            old, new = (rows_at(lake.home, location, version) for version in versions)
            yield Published(table, *rows, diff(shape_of(location, lake.registry), old, new, names, limit))
        elif any(item.rows.get(table) is not None and not item.is_kept for item in (before, after)):
            yield Published(table, *rows, None, "数据库文件已清理，只比较行数")
        else:
            old, new = (_from_file(lake.home, item, table) for item in (before, after))
            contract = lake.registry.gold.get(table)
            key = contract.key if contract else TOLD_APART_BY.get(table, ())
            yield Published(table, *rows, diff(Shape(table, table, key), old, new, names, limit))


def _delta_version(record: Record, table: str, location: str) -> int | None:
    """The version that the publication's table was made from; None where it has none or comes from elsewhere."""
    if table not in record.rows:
        return None
    source = record.sources.get(table)
    return source.delta_version if source else record.lake_tables.get(location)


def _from_file(home: Home, record: Record, table: str) -> pa.Table | None:
    """A published table as analysts have it."""
    if table not in record.rows:
        return None
    file = home.publications / folder_name(record.version) / f"{ANALYST}.duckdb"
    with closing(read_only(file)) as connection:
        return connection.execute(f"SELECT * FROM {quoted(table)}").to_arrow_table()
