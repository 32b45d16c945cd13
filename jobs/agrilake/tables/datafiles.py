"""The data files of a large silver table, one by one: Polars reads and writes them, delta-rs commits which count.

A commit takes away the files that hold a row which changes and adds those that hold it now; all others stay as they
are. Nothing but the log says that a file counts: one whose writer died before its commit is upkeep's to delete.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import polars as pl
from deltalake import DeltaTable
from deltalake.transaction import AddAction, RemoveAction

from agrilake.contract.model import Dataset
from agrilake.errors import ConsistencyError
from agrilake.tables.layout import ROWS_PER_FILE, ROWS_PER_GROUP, STATISTICS, cluster_columns, properties
from agrilake.tables.types import constraint
from agrilake.tables.write import delta_schema

PERIOD = "_period"
SLACK = 1.1
"""A file may have so much more than its rows, lest a few late ones begin a file of their own."""
STRING_BOUND = 32
"""Characters of a text that statistics tell: a delivered text may be long."""
LAST = "\U0010ffff"
"""Sorts behind every other character."""
Types = Mapping[str, pl.DataType]


@dataclass(frozen=True, eq=False)
class DataFile:
    """A file as the log names it: its path in the table, bytes, period, and what its statistics say of columns: the
    least and the greatest value, where they know it."""

    path: str
    size: int
    period: str
    least: Mapping[str, Any]
    greatest: Mapping[str, Any]

    def overlaps(self, column: str, low: Any, high: Any) -> bool:
        """Whether a value from `low` to `high` (None: there is none) can stand in a column of it."""
        least, greatest = self.least.get(column), self.greatest.get(column)
        if low is None or least is None or greatest is None:
            return low is not None
        return bool(least <= high and low <= greatest)

    def may_hold(self, column: str, values: pl.Series) -> bool:
        """Whether any of the values (sorted, without null) can stand in a column of it."""
        low, high = self.least.get(column), self.greatest.get(column)
        if low is None or high is None or values.is_empty():
            return not values.is_empty()
        return int(values.search_sorted(low, "left")) < int(values.search_sorted(high, "right"))


def files_of(path: Path) -> list[DataFile]:
    """The files that count in the newest version, in order of period and path."""
    actions = pl.DataFrame(DeltaTable(str(path)).get_add_actions(flatten=True))
    if actions.is_empty():
        return []
    rows = actions.sort(f"partition.{PERIOD}", "path").iter_rows(named=True)
    return [
        DataFile(
            row["path"], row["size_bytes"], row[f"partition.{PERIOD}"], _starting(row, "min."), _starting(row, "max.")
        )
        for row in rows
    ]


def _starting(row: Mapping[str, Any], start: str) -> dict[str, Any]:
    return {name.removeprefix(start): value for name, value in row.items() if name.startswith(start)}


def rows_of(path: Path, file: DataFile, types: Types) -> pl.LazyFrame:
    """The columns `types` of a file; one that the file was written without is null."""
    frame = pl.scan_parquet(path / unquote(file.path))
    known = frame.collect_schema().names()
    return frame.select(
        (pl.col(name) if name in known else pl.lit(file.period if name == PERIOD else None)).cast(kind).alias(name)
        for name, kind in types.items()
    )


def write_period(path: Path, dataset: Dataset, period: str, rows: pl.DataFrame, prove: bool = True) -> list[AddAction]:
    """Write a period's rows as files in the dataset's layout, which a commit may then add.

    A commit of files proves nothing, so that is done here: raises ConsistencyError where the contract's NOT NULLs or
    CHECK exclude a row. Without `prove` the caller puts the CHECK on afterwards, which proves them.
    """
    if prove:
        _require(rows, dataset)
    folder = f"{PERIOD}={period}"
    (path / folder).mkdir(parents=True, exist_ok=True)
    known = properties(dataset)[STATISTICS].split(",")
    added = []
    for part in _parts(rows.sort(cluster_columns(dataset))):
        file = path / folder / f"part-{uuid4()}.snappy.parquet"
        part.drop(PERIOD).write_parquet(file, compression="snappy", row_group_size=ROWS_PER_GROUP)
        changed = file.stat()
        statistics = json.dumps(_statistics(part, [name for name in known if name in part.columns]))
        moment = int(changed.st_mtime * 1000)
        added.append(AddAction(f"{folder}/{file.name}", changed.st_size, {PERIOD: period}, moment, True, statistics))
    return added


def exchange(path: Path, gone: Collection[DataFile], added: Sequence[AddAction]) -> None:
    """One commit that takes files away and adds others."""
    table = DeltaTable(str(path))
    now = time.time_ns() // 1_000_000
    removed = [RemoveAction(file.path, True, now, file.size, {PERIOD: file.period}) for file in gone]
    table.create_write_transaction([*added, *removed], "append", table.schema(), [PERIOD])


def replace_all(path: Path, dataset: Dataset, added: Sequence[AddAction]) -> None:
    """One commit after which the table has these files alone, and the contract's columns."""
    DeltaTable(str(path)).create_write_transaction(list(added), "overwrite", delta_schema(dataset), [PERIOD])


def _parts(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Slices of about the same size, none far above a file's rows."""
    if rows.is_empty():
        return iter(())
    return rows.iter_slices(ceil(rows.height / ceil(rows.height / (ROWS_PER_FILE * SLACK))))


def _require(rows: pl.DataFrame, dataset: Dataset) -> None:
    check = constraint(dataset)
    if check and not rows.select(pl.sql_expr(check).fill_null(False).all()).item():
        raise ConsistencyError(
            f"{dataset.path}: accepted rows violate what silver/{dataset.id} requires (what must be filled, a code "
            "list or a range); have the deliveries taken again, so that the contract's checks see them"
        )


def _statistics(rows: pl.DataFrame, columns: Iterable[str]) -> dict[str, Any]:
    """What Delta's log keeps of a file: rows, and of columns how many are null and what lies at the ends."""
    found: dict[str, Any] = {"numRecords": rows.height, "minValues": {}, "maxValues": {}, "nullCount": {}}
    for name in columns:
        values = rows[name]
        found["nullCount"][name] = values.null_count()
        least, greatest = _least(values.min()), _greatest(values.max())
        if least is not None and greatest is not None:
            found["minValues"][name], found["maxValues"][name] = least, greatest
    return found


def _least(value: Any) -> str | int | None:
    """Not above the value, as statistics write it; None of a type that they do without."""
    if isinstance(value, str):
        return value[:STRING_BOUND]
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _greatest(value: Any) -> str | int | None:
    """Not below the value."""
    if isinstance(value, str) and len(value) > STRING_BOUND:
        return value[:STRING_BOUND] + LAST
    if isinstance(value, datetime):
        return _least(value + timedelta(microseconds=-value.microsecond % 1000))
    return _least(value)
