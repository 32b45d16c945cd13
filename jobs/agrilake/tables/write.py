"""Writing Delta tables: made once with their constraints, then replaced whole, by period or by key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deltalake import DeltaTable, Field, Schema, TableFeatures
from deltalake.schema import PrimitiveType

from agrilake.contract.model import Dataset
from agrilake.errors import ConsistencyError
from agrilake.tables.types import constraint, silver_fields

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

VERSION_LABEL = "contract version "  # kept as the table's description: delta-rs refuses properties of our own
DELTA_TYPES = {"bigint": "long"}


@dataclass(frozen=True)
class TableWrite:
    """A table after a step: its name, Delta version, and whether the step changed it."""

    table: str
    version: int
    changed: bool


def create_table(path: Path, dataset: Dataset) -> None:
    """An empty table with the contract's columns, NOT NULLs and CHECK; nothing where it stands already."""
    if DeltaTable.is_deltatable(str(path)):
        return
    required = {column.name for column in dataset.silver_columns if column.required}
    fields = [
        Field(name, PrimitiveType(DELTA_TYPES.get(kind, kind)), nullable=name not in required)
        for name, kind in silver_fields(dataset).items()
    ]
    table = DeltaTable.create(
        str(path),
        Schema(fields),
        partition_by=["_period"] if dataset.large else None,
        name=dataset.id,
        description=VERSION_LABEL + dataset.version,
        configuration={"delta.dataSkippingNumIndexedCols": "8"},
    )
    if table.protocol().writer_features and required:
        # delta-rs leaves out the feature that its own NOT NULLs need beside others; Spark then refuses the table
        table.alter.add_feature(TableFeatures.Invariants, allow_protocol_versions_increase=True)
    check = constraint(dataset)
    if check:
        table.alter.add_constraint({"contract": check})


def require_fit(path: Path, dataset: Dataset) -> None:
    """Raise ConsistencyError where the stored columns differ from the contract's and its version was not raised."""
    if not DeltaTable.is_deltatable(str(path)):
        return
    table = DeltaTable(str(path))
    stored = {field.name: str(field.type.type) for field in table.schema().fields if hasattr(field.type, "type")}
    wanted = {name: DELTA_TYPES.get(kind, kind) for name, kind in silver_fields(dataset).items()}
    if stored == wanted:
        return
    kept = (table.metadata().description or "").removeprefix(VERSION_LABEL)
    changed = sorted(name for name in stored.keys() | wanted.keys() if stored.get(name) != wanted.get(name))
    if kept == dataset.version:
        raise ConsistencyError(
            f"{dataset.path}: column {', '.join(changed)} differs from what silver/{dataset.id} stores, but version is "
            f"still {kept}; raise the contract's version if the change is meant"
        )


def overwrite(frame: DataFrame, path: Path, note: dict[str, Any] | None = None) -> None:
    """Replace all rows in one commit; `note` is kept with the commit."""
    frame.write.format("delta").mode("overwrite").option("userMetadata", json.dumps(note or {})).save(str(path))


def replace_where(frame: DataFrame, path: Path, periods: Sequence[str]) -> None:
    """Replace the rows of some periods in one commit."""
    listed = ", ".join(f"'{period}'" for period in periods)
    frame.write.format("delta").mode("overwrite").option("replaceWhere", f"_period IN ({listed})").save(str(path))


def commit_note(path: Path) -> dict[str, Any]:
    """What `overwrite` kept with the newest commit; empty where there is none."""
    if not DeltaTable.is_deltatable(str(path)):
        return {}
    last = DeltaTable(str(path)).history(1)[0]
    found = json.loads(last.get("userMetadata") or "{}")
    return found if isinstance(found, dict) else {}
