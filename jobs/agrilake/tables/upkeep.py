"""Upkeep of one Delta table, by delta-rs: fewer and ordered files, and none that no kept version needs.

Its commits hold the same rows (lake.files.UPKEEP), so nothing downstream is built again. Each step looks first and does
nothing where nothing is to be done; a step that was cut off leaves at most files that the next one deletes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pyarrow.parquet as pq
from deltalake import DeltaTable, WriterProperties, write_deltalake

from agrilake.contract.model import Dataset
from agrilake.lake.failpoints import during, reach
from agrilake.lake.files import last_change
from agrilake.lake.locks import table_lock
from agrilake.tables.layout import (
    LOG_RETENTION,
    ROWS_PER_FILE,
    ROWS_PER_GROUP,
    cluster_columns,
    properties,
)

SMALL_FILE = 32_000_000
"""Bytes below which files of one partition are put together."""
SLACK = 1.5
"""What a file may have more of bytes than its share: the writer judges sizes before it has packed the last group."""
DISORDER = 0.3
"""Share of a period's rows in row groups that overlap others, from which on the period is written again in order."""
LOG_FILES = 20
"""Commits since the last checkpoint from which on a new one is made: a reader replays them one by one."""


@dataclass(frozen=True)
class Upkept:
    """What was done for a table (with a dry run: what would be). `compacted` partitions are written in fewer or ordered
    files, `deleted` files of `freed_bytes` are gone, `checkpoint` tells whether the log was summed up."""

    table: str
    compacted: int = 0
    deleted: int = 0
    freed_bytes: int = 0
    checkpoint: bool = False

    @property
    def changed(self) -> bool:
        """Whether anything was to be done."""
        return bool(self.compacted or self.deleted or self.checkpoint)


def tend(
    path: Path, name: str, keep: timedelta, pinned: Collection[int], dataset: Dataset | None, dry_run: bool
) -> Upkept:
    """Compact and clean the table at `path`, alone in it.

    Files that left the table less than `keep` ago stay, and those of the `pinned` versions and of the one that others
    know as its newest (`table_version`) for ever. `dataset` is the contract of silver/<dataset> or a gold table.
    """
    with table_lock(path):
        versioned = name.startswith(("silver/", "gold/"))
        if versioned and not dry_run:
            _keep_log(path, dataset)
        compacted = _compact(path, dataset, dry_run)
        reach("table_compacted")
        newest = last_change(DeltaTable(str(path))).get("version")
        pinned = {*pinned, *([newest] if versioned and newest is not None else [])}
        doomed = _unneeded(DeltaTable(str(path)), keep, pinned)
        size = sum(file.stat().st_size for file in doomed)
        if doomed and not dry_run:
            reach("table_cleaning")
            with during("table_half_cleaned", lambda: not all(file.exists() for file in doomed)):
                _vacuum(DeltaTable(str(path)), keep, pinned, dry_run=False)
        reach("table_cleaned")
        checkpoint = _sum_up(DeltaTable(str(path)), dry_run)
    return Upkept(name, compacted, len(doomed), size, checkpoint)


def _keep_log(path: Path, dataset: Dataset | None) -> None:
    """Give a table that was made without them its properties: how long its log stays, which columns have statistics.

    With them delta-rs names features in the table's protocol (variantType, appendOnly) that it does not use; Spark,
    DuckDB and Polars know them.
    """
    table = DeltaTable(str(path))
    wanted = LOG_RETENTION if dataset is None else properties(dataset)
    held = table.metadata().configuration
    missing = {key: value for key, value in wanted.items() if held.get(key) != value}
    if missing:
        table.alter.set_table_properties(missing)


def _compact(path: Path, dataset: Dataset | None, dry_run: bool) -> int:
    """How many partitions were written again."""
    table = DeltaTable(str(path))
    found = list(_to_compact(table, path, dataset))
    if dry_run:
        return len(found)
    if found:
        reach("table_compacting")
    for where, size in found:
        if where is None and table.metadata().partition_columns:
            rows = pl.read_delta(table).to_arrow()
            write_deltalake(str(path), rows, mode="overwrite", schema_mode="overwrite", partition_by=[])
            continue
        table = DeltaTable(str(path))
        if dataset is not None and dataset.large:
            table.optimize.z_order(
                cluster_columns(dataset)[:1],
                partition_filters=where,
                target_size=size,
                writer_properties=WriterProperties(max_row_group_size=ROWS_PER_GROUP, compression="SNAPPY"),
            )
        else:
            table.optimize.compact(partition_filters=where, target_size=size)
    return len(found)


QUARANTINED = "delivery_id"
"""Quarantine was partitioned by it once: a file for every delivery, of a few rows each."""
Where = list[tuple[str, str, str]]


def _to_compact(table: DeltaTable, path: Path, dataset: Dataset | None) -> Iterator[tuple[Where | None, int]]:
    """Partitions (None: the whole table) to write again, with the bytes that their files are to have."""
    files = pl.DataFrame(table.get_add_actions(flatten=True))
    parts = [f"partition.{name}" for name in table.metadata().partition_columns]
    if files.height < 2 and not (dataset and dataset.large):
        return
    if parts == [f"partition.{QUARANTINED}"]:
        yield None, 4 * SMALL_FILE
        return
    groups = files.group_by(parts, maintain_order=True) if parts else [((), files)]
    for values, group in groups:
        where = [(name.removeprefix("partition."), "=", str(value)) for name, value in zip(parts, values, strict=True)]
        rows, size = int(group["num_records"].sum() or 0), int(group["size_bytes"].sum())
        if dataset is not None and dataset.large and rows:
            wanted = ceil(rows / ROWS_PER_FILE)
            scattered = group.height > 2 * wanted + 1
            if scattered or _disorder([path / unquote(name) for name in group["path"]], dataset) > DISORDER:
                yield where or None, ceil(SLACK * size / wanted)
        elif (group["size_bytes"] < SMALL_FILE).sum() > 1:
            yield where or None, 4 * SMALL_FILE


def _disorder(files: Collection[Path], dataset: Dataset) -> float:
    """Share of the rows that lie in row groups whose places overlap those of another row group."""
    column = cluster_columns(dataset)[0]
    groups: list[tuple[str, str, int]] = []
    for file in files:
        footer = pq.read_metadata(file)
        index = footer.schema.names.index(column)
        for number in range(footer.num_row_groups):
            group = footer.row_group(number)
            bounds = group.column(index).statistics
            if bounds is not None and bounds.has_min_max:
                groups.append((bounds.min, bounds.max, group.num_rows))
    groups.sort()
    overlapping = {
        number
        for left in range(len(groups) - 1)
        if groups[left][1] > groups[left + 1][0]
        for number in (left, left + 1)
    }
    total = sum(rows for *_, rows in groups)
    return sum(groups[number][2] for number in overlapping) / total if total else 0.0


def _unneeded(table: DeltaTable, keep: timedelta, pinned: Collection[int]) -> list[Path]:
    """Files that vacuum would delete and that are still there: it names those of earlier calls as well."""
    root = Path(table.table_uri.removeprefix("file://"))
    listed = {root / unquote(name) for name in _vacuum(table, keep, pinned, dry_run=True)}
    return sorted(file for file in listed if file.is_file())


def _vacuum(table: DeltaTable, keep: timedelta, pinned: Collection[int], dry_run: bool) -> list[str]:
    return table.vacuum(
        retention_hours=int(keep.total_seconds() // 3600),
        dry_run=dry_run,
        enforce_retention_duration=False,
        full=True,
        keep_versions=sorted(pinned),
    )


def _sum_up(table: DeltaTable, dry_run: bool) -> bool:
    """A checkpoint where many commits stand after the last one; the log that may go then goes."""
    log = Path(table.table_uri.removeprefix("file://")) / "_delta_log"
    sums = [int(file.name.split(".")[0]) for file in log.glob("*.checkpoint*.parquet")]
    behind = table.version() - max(sums, default=-1)
    if behind <= LOG_FILES:
        return False
    if not dry_run:
        table.create_checkpoint()
        reach("table_summed_up")
        table.cleanup_metadata()
    return True
