"""Accepted rows and a contract that changed: delta-rs would cast in silence, so that 12.5 is stored as 12."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import polars as pl
from deltalake import DeltaTable, Schema, write_deltalake

from agrilake.errors import ConsistencyError
from agrilake.lake.locks import table_lock


def fit_types(path: Path, frame: pl.DataFrame, version: str, stored_versions: Collection[str | None]) -> None:
    """Make the table at `path` ready for `frame`, whose columns may have other types than the stored ones.

    Nothing happens where the types agree; new columns do no harm. Where they differ, the contract's `version` must
    be one that no stored row (`stored_versions`) was made under; then the stored rows are rewritten in the new
    types, if that loses nothing. Raises ConsistencyError otherwise, and changes nothing.
    """
    if not DeltaTable.is_deltatable(str(path)):
        return
    changed = _changed(path, frame)
    if not changed:
        return
    names = ", ".join(sorted(changed))
    if version in stored_versions:
        raise ConsistencyError(
            f"{path.name}: the contract's type of {names} differs from what is stored, but its version is still "
            f"{version}; raise the version if the change is meant"
        )
    with table_lock(path):
        table = DeltaTable(str(path))
        rows = _converted(pl.scan_delta(table).collect(), {name: frame.schema[name] for name in changed})
        if rows is None:
            raise ConsistencyError(
                f"{path.name}: stored values of {names} do not fit the type of contract version {version}; "
                f"choose a wider type, or a column with a new name"
            )
        partitions = table.metadata().partition_columns
        write_deltalake(table, rows.to_arrow(), mode="overwrite", schema_mode="overwrite", partition_by=partitions)


def _changed(path: Path, frame: pl.DataFrame) -> set[str]:
    stored = {field.name: str(field.type) for field in DeltaTable(str(path)).schema().fields}
    wanted = {field.name: str(field.type) for field in Schema.from_arrow(frame.head(0).to_arrow().schema).fields}
    return {name for name, kind in wanted.items() if stored.get(name, kind) != kind}


def _converted(rows: pl.DataFrame, types: dict[str, pl.DataType]) -> pl.DataFrame | None:
    """The rows with those columns in the new types; None where a value would change."""
    try:
        cast = rows.with_columns(pl.col(name).cast(kind) for name, kind in types.items())
        back = cast.with_columns(pl.col(name).cast(rows.schema[name]) for name in types)
    except pl.exceptions.PolarsError:
        return None
    return cast if back.equals(rows) else None
