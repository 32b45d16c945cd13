"""Delta tables that the file side writes (bronze, accepted, quarantine), by delta-rs, without a JVM.

Each write replaces all rows of one delivery in one commit, so a repeat changes nothing but the commit count,
and a killed writer leaves either the old rows or the new ones.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from agrilake.lake.locks import table_lock

DELIVERY = "_delivery_id"
UPKEEP = ("OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES")
"""Operations of commits after which a table holds the same rows."""


def replace_delivery(
    path: Path, frame: pl.DataFrame, delivery_id: str, column: str = DELIVERY, partitioned: bool = True
) -> None:
    """Make the rows of `delivery_id` in the table exactly `frame` (which carries the id in `column`).

    A new table is partitioned by `column`, unless its deliveries bring a few rows each: those are put together by
    upkeep. One writer at a time. Raises ConsistencyError if the table stays locked.
    """
    data = frame.to_arrow()
    predicate = f"{column} = '{delivery_id}'"
    with table_lock(path):
        if not DeltaTable.is_deltatable(str(path)):
            write_deltalake(str(path), data, mode="error", partition_by=[column] if partitioned else None)
        elif frame.height == 0:
            DeltaTable(str(path)).delete(predicate)
        else:
            write_deltalake(str(path), data, mode="overwrite", predicate=predicate, schema_mode="merge")


def remove_delivery(path: Path, delivery_id: str, column: str = DELIVERY) -> None:
    """Take all rows of `delivery_id` out of the table; no commit where it has none."""
    with table_lock(path):
        rows = delivery_rows(path, delivery_id, column)
        if rows is not None and rows.height:
            DeltaTable(str(path)).delete(f"{column} = '{delivery_id}'")


def scan(path: Path, version: int | None = None) -> pl.LazyFrame | None:
    """The table at a version (default: newest), or None where it does not exist."""
    if not DeltaTable.is_deltatable(str(path)):
        return None
    return pl.scan_delta(str(path), version=version)


def delivery_rows(path: Path, delivery_id: str, column: str = DELIVERY) -> pl.DataFrame | None:
    """The rows of one delivery, or None where the table does not exist."""
    frame = scan(path)
    return None if frame is None else frame.filter(pl.col(column) == delivery_id).collect()


def with_required(data: pa.Table, required: Collection[str]) -> pa.Table:
    """The same rows, with NOT NULL on the `required` columns and on no other."""
    fields = [field.with_nullable(field.name not in required) for field in data.schema]
    return data.cast(pa.schema(fields))


def table_version(path: Path) -> int | None:
    """The newest Delta version that changed rows or columns, or None where there is no table.

    Upkeep (compaction, clean-up, table properties) makes versions of its own that hold the same rows; whoever depends
    on a table does not notice them.
    """
    if not DeltaTable.is_deltatable(str(path)):
        return None
    table = DeltaTable(str(path))
    return int(last_change(table).get("version", table.version()))


def last_change(table: DeltaTable) -> dict[str, Any]:
    """The newest commit that was no upkeep, as `DeltaTable.history` gives it; empty where the log has none left."""
    for many in (1, 10, None):
        for entry in table.history(many):
            if entry.get("operation") not in UPKEEP:
                return entry
    return {}


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes (hex)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
