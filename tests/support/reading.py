"""What a reader of a Delta table has to open, by the statistics that it goes by: counted, not timed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
from deltalake import DeltaTable


@dataclass(frozen=True)
class Read:
    """Files, row groups and bytes (compressed) that may hold a wanted row."""

    files: int
    groups: int
    bytes: int


def files(path: Path) -> pl.DataFrame:
    """The table's files with their statistics, one a row."""
    return pl.DataFrame(DeltaTable(str(path)).get_add_actions(flatten=True))


def read(path: Path, wanted: Mapping[str, Any]) -> Read:
    """What may hold rows with these values, {column: value}; with no value, all of the table."""
    found = [0, 0, 0]
    for file in files(path).iter_rows(named=True):
        if not all(_admits_file(file, column, value) for column, value in wanted.items()):
            continue
        footer = pq.read_metadata(path / file["path"])
        groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
        names = footer.schema.names
        kept = [
            group
            for group in groups
            if all(
                _admits(group.column(names.index(name)).statistics, of) for name, of in wanted.items() if name in names
            )
        ]
        sizes = [sum(group.column(number).total_compressed_size for number in range(len(names))) for group in kept]
        found = [found[0] + 1, found[1] + len(kept), found[2] + sum(sizes)]
    return Read(*found)


def _admits_file(file: Mapping[str, Any], column: str, value: Any) -> bool:
    if f"partition.{column}" in file:
        return bool(file[f"partition.{column}"] == value)
    return bool(file[f"min.{column}"] <= value <= file[f"max.{column}"])


def _admits(statistics: Any, value: Any) -> bool:
    return bool(statistics.min <= value <= statistics.max)
