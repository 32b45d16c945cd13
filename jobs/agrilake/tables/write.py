"""Writing Delta tables: made once with their constraints, then replaced whole, by period or by key."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Field, Schema, TableFeatures, write_deltalake
from deltalake.exceptions import DeltaError
from deltalake.schema import PrimitiveType

from agrilake.contract.model import Dataset
from agrilake.errors import ConsistencyError
from agrilake.lake.failpoints import reach
from agrilake.lake.files import last_change, table_version
from agrilake.tables.inputs import note_at
from agrilake.tables.layout import STATISTICS, partitions, properties
from agrilake.tables.types import constraint, stored_fields

# kept as the table's description: delta-rs refuses properties of our own when it makes a table
DESCRIPTION = "contract version {version}, check {check}"
STORED = re.compile(r"contract version (?P<version>[^,\s]+)(?:, check (?P<check>\w+))?")
CHECK = "contract"
CONSTRAINT_KEY = f"delta.constraints.{CHECK}"
CONSTRAINT_ERROR = re.compile(r"DELTA_(VIOLATE_CONSTRAINT|NOT_NULL_CONSTRAINT|NOT_NULL_COLUMN)")
DELTA_TYPES = {"bigint": "long"}


@dataclass(frozen=True)
class TableWrite:
    """A table after a step: its name, Delta version, and whether the step changed it."""

    table: str
    version: int
    changed: bool


def create_table(path: Path, dataset: Dataset) -> None:
    """An empty table with the contract's columns, NOT NULLs and CHECK; nothing where it stands already.

    It is made beside its place and renamed, so that no table without its constraints ever stands there.
    """
    if DeltaTable.is_deltatable(str(path)):
        return
    draft = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    _create(draft, dataset)
    with suppress(OSError):  # of a table whose only commit was cut off an empty log is left
        (path / "_delta_log").rmdir()
    draft.rename(path)


def _create(path: Path, dataset: Dataset) -> None:
    required = any(column.never_null for column in dataset.silver_columns)
    table = DeltaTable.create(
        str(path),
        delta_schema(dataset),
        partition_by=partitions(dataset) or None,
        name=dataset.id,
        description=_description(dataset),
        configuration=properties(dataset),
    )
    reach("table_created")
    if table.protocol().writer_features and required:
        # delta-rs leaves out the feature that its own NOT NULLs need beside others; Spark then refuses the table
        table.alter.add_feature(TableFeatures.Invariants, allow_protocol_versions_increase=True)
    _add_check(table, dataset)


@contextmanager
def fitted(path: Path, dataset: Dataset) -> Iterator[None]:
    """Around a write of all rows anew: the table at `path` has the contract's columns and constraints by then.

    It is emptied where the stored one differs, so that the rows come in under the new constraints, and in the last
    commit, with the note of what they were made from. Where the write fails, it gets back what it held.
    """
    create_table(path, dataset)
    held = DeltaTable(str(path))
    parts = partitions(dataset)
    changed = bool(_difference(held, dataset)) or held.metadata().partition_columns != parts
    if changed:
        with rebuilt(path, dataset):
            empty = pa.schema(delta_schema(dataset).to_arrow()).empty_table()
            write_deltalake(str(path), empty, mode="overwrite", schema_mode="overwrite", partition_by=parts or None)
        reach("table_emptied")
    try:
        yield
    except Exception:
        if changed:
            DeltaTable(str(path)).restore(held.version())
        raise


def give_back_rows(path: Path) -> None:
    """Restore a gold table that `fitted` emptied for a process that then died: it holds its last good version again,
    whether or not it can be built now."""
    version = table_version(path)
    if version is None or note_at(path, version) or DeltaTable(str(path)).file_uris():
        return
    if last_change(DeltaTable(str(path))).get("operation") == "RESTORE":
        return
    good = next((older for older in range(version - 1, -1, -1) if note_at(path, older)), None)
    if good is not None:
        DeltaTable(str(path)).restore(good)


def delta_schema(dataset: Dataset) -> Schema:
    """A contract's columns as a Delta table stores them, with their NOT NULLs."""
    required = {column.name for column in dataset.silver_columns if column.never_null}
    fields = [
        Field(name, PrimitiveType(DELTA_TYPES.get(kind, kind)), nullable=name not in required)
        for name, kind in stored_fields(dataset).items()
    ]
    return Schema(fields)


def _add_check(table: DeltaTable, dataset: Dataset) -> None:
    check = constraint(dataset)
    if check:
        table.alter.add_constraint({CHECK: check})


def require_fit(path: Path, dataset: Dataset) -> None:
    """Raise ConsistencyError where the stored table differs from its contract and the version was not raised."""
    if not DeltaTable.is_deltatable(str(path)):
        return
    table = DeltaTable(str(path))
    stored, difference = _stored_version(table), _difference(table, dataset)
    if difference and _number(dataset.version) <= _number(stored):
        raise ConsistencyError(
            f"{dataset.path}: {difference} differs from what silver/{dataset.id} stores, but version is "
            f"{dataset.version} and {stored} is stored; raise the contract's version if the change is meant"
        )


def must_rebuild(path: Path, dataset: Dataset) -> bool:
    """Whether a higher contract version changed what is stored. One that did not is noted down at once."""
    table = DeltaTable(str(path))
    if _difference(table, dataset):
        return True
    if _number(dataset.version) > _number(_stored_version(table)):
        table.alter.set_table_description(_description(dataset))
    return False


@contextmanager
def rebuilt(path: Path, dataset: Dataset) -> Iterator[None]:
    """Around a replacement of all rows and columns by those of a changed contract: takes the table's CHECK away and
    puts the new one on. The new version is noted down last, so that a rebuild that was cut off is done again. Raises
    ConsistencyError where rows violate the new code lists or ranges."""
    table = DeltaTable(str(path))
    if CONSTRAINT_KEY in table.metadata().configuration:
        table.alter.drop_constraint(CHECK)
    _keep_statistics(table, dataset, {field.name for field in table.schema().fields})
    yield
    table = DeltaTable(str(path))
    _keep_statistics(table, dataset, set(stored_fields(dataset)))
    try:
        _add_check(table, dataset)
    except DeltaError:
        raise ConsistencyError(
            f"{dataset.path}: rows of silver/{dataset.id} violate what version {dataset.version} requires; have "
            "them corrected first, or keep the contract as wide as it was"
        ) from None
    table.alter.set_table_description(_description(dataset))


def _keep_statistics(table: DeltaTable, dataset: Dataset, columns: set[str]) -> None:
    """Let a table have statistics on what the contract wants of the `columns`: one that goes must not be named."""
    wanted = properties(dataset).get(STATISTICS)
    if wanted is not None:
        kept = ",".join(name for name in wanted.split(",") if name in columns)
        if table.metadata().configuration.get(STATISTICS) != kept:
            table.alter.set_table_properties({STATISTICS: kept})


def _difference(table: DeltaTable, dataset: Dataset) -> str:
    """What of the contract the stored table lacks, in words; empty where nothing."""
    stored = {field.name: str(field.type.type) for field in table.schema().fields if hasattr(field.type, "type")}
    wanted = {name: DELTA_TYPES.get(kind, kind) for name, kind in stored_fields(dataset).items()}
    changed = sorted(name for name in stored.keys() | wanted.keys() if stored.get(name) != wanted.get(name))
    if changed:
        return f"column {', '.join(changed)}"
    kept = STORED.match(table.metadata().description or "")
    has_check = CONSTRAINT_KEY in table.metadata().configuration
    same = kept is None or kept["check"] in (None, _check_digest(dataset))
    return "" if same and has_check == bool(constraint(dataset)) else "what must be filled, a code list or a range"


def _stored_version(table: DeltaTable) -> str:
    kept = STORED.match(table.metadata().description or "")
    return kept["version"] if kept else "0"


def _description(dataset: Dataset) -> str:
    return DESCRIPTION.format(version=dataset.version, check=_check_digest(dataset))


def _check_digest(dataset: Dataset) -> str:
    return hashlib.sha256(constraint(dataset).encode()).hexdigest()[:8]


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


@contextmanager
def refused_by(gold: Dataset) -> Iterator[None]:
    """Around a write: rows that the table's NOT NULLs or CHECK refuse are a ConsistencyError, without their values."""
    from pyspark.errors import PySparkException

    try:
        yield
        return
    except (DeltaError, ValueError):
        pass
    except PySparkException as error:
        if not CONSTRAINT_ERROR.search(f"{error.getCondition()} {error}"):
            raise
    raise ConsistencyError(
        f"gold/{gold.id}: a row violates what {gold.path.name} requires (what must be filled, a code list or a "
        "range); the table keeps its last good version"
    )


def keep_note(path: Path, note: dict[str, Any]) -> None:
    """A commit without rows that keeps the `note`: the table was made again from other inputs and came out the same."""
    table = DeltaTable(str(path))
    empty = pa.schema(table.schema().to_arrow()).empty_table()
    properties = CommitProperties(custom_metadata={"userMetadata": json.dumps(note)})
    write_deltalake(table, empty, mode="append", commit_properties=properties)


def commit_note(path: Path) -> dict[str, Any]:
    """What `overwrite` kept with the newest commit that changed rows; empty where there is none."""
    version = table_version(path)
    return {} if version is None else note_at(path, version)
