"""Tables of some thousand rows, which delta-rs writes whole: silver as Polars computes its state, and gold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, write_deltalake
from deltalake.exceptions import DeltaError

from agrilake.contract.model import Dataset
from agrilake.errors import ConsistencyError
from agrilake.intake.values import silver_type
from agrilake.lake.files import DELIVERY, scan, with_required
from agrilake.tables.layout import LOG_RETENTION
from agrilake.tables.newest import as_silver, newest, row_key, silver_types
from agrilake.tables.write import fitted, must_rebuild, rebuilt, refused_by


def apply(source: Path, path: Path, dataset: Dataset, counting: Sequence[str]) -> None:
    """Make the table at `path` the state that the counting deliveries (oldest first) add up to; their accepted rows
    stand at `source`. A table that is in that state already gets no new version. Raises ConsistencyError where rows
    violate the table's NOT NULLs or CHECK."""
    rows = current_state(scan(source), dataset, counting)
    key = row_key(dataset)
    if must_rebuild(path, dataset):
        with rebuilt(path, dataset):
            replace(rows, path, key)
        return
    try:
        replace(rows, path, key, [column.name for column in dataset.silver_columns if column.never_null])
    except (DeltaError, ValueError):
        # their texts show the rows themselves
        raise ConsistencyError(
            f"{dataset.path}: accepted rows violate what silver/{dataset.id} requires (what must be filled, a code "
            "list or a range); have the deliveries taken again, so that the contract's checks see them"
        ) from None


def current_state(
    accepted: pl.LazyFrame | None, dataset: Dataset, counting: Sequence[str], by_period: bool = False
) -> pl.DataFrame:
    """Of the accepted rows of the counting deliveries (oldest first), the newest of each key.

    Columns as `silver_fields(dataset)`; a column that no delivery had yet is null. A snapshot's key includes its
    period; with `by_period` so does every other: the newest row of each key in each period.
    """
    if accepted is None:
        return pl.DataFrame(schema=silver_types(dataset))
    rows = as_silver(accepted.filter(pl.col(DELIVERY).is_in(list(counting))), dataset)
    return newest(rows.collect(), row_key(dataset, by_period), counting)


def replace(rows: pl.DataFrame, path: Path, key: Sequence[str], required: Sequence[str] | None = None) -> None:
    """Make the table at `path` exactly `rows`, ordered by `key`, in one commit; none where it holds them already.

    With the `required` columns the table keeps its schema; without, it takes that of `rows`.
    """
    ordered = rows.sort(key)
    stored = scan(path)
    if stored is not None and stored.collect_schema() == ordered.schema and stored.sort(key).collect().equals(ordered):
        return
    write_deltalake(
        str(path),
        with_required(ordered.to_arrow(), required or ()),
        mode="overwrite",
        schema_mode="overwrite" if required is None else None,
        configuration=LOG_RETENTION if stored is None else None,
    )


def overwrite(rows: pl.DataFrame, path: Path, gold: Dataset, note: dict[str, Any]) -> None:
    """Make a gold table exactly `rows` in one commit, which keeps the `note`; columns, types, NOT NULLs and CHECK are
    the contract's. Raises ConsistencyError where rows violate them."""
    with fitted(path, gold), refused_by(gold):
        write_deltalake(
            str(path),
            conformed(rows, gold),
            mode="overwrite",
            commit_properties=CommitProperties(custom_metadata={"userMetadata": json.dumps(note)}),
        )


def conformed(rows: pl.DataFrame, gold: Dataset) -> pa.Table:
    """The contract's columns in its order, types and nullability."""
    chosen = rows.select(pl.col(column.name).cast(silver_type(column)) for column in gold.columns).to_arrow()
    return with_required(chosen, [column.name for column in gold.columns if column.required])
