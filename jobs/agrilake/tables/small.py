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

from agrilake.contract.model import Dataset, Load
from agrilake.errors import ConsistencyError
from agrilake.intake.values import silver_type
from agrilake.lake.files import scan, with_required
from agrilake.tables.layout import LOG_RETENTION
from agrilake.tables.types import PROVENANCE
from agrilake.tables.write import fitted, must_rebuild, rebuilt, refused_by

PLACES: dict[str, pl.DataType] = {
    name: pl.Int64() if kind == "bigint" else pl.String() for name, kind in PROVENANCE.items()
}


def apply(source: Path, path: Path, dataset: Dataset, counting: Sequence[str]) -> None:
    """Make the table at `path` the state that the counting deliveries (oldest first) add up to; their accepted rows
    stand at `source`. A table that is in that state already gets no new version. Raises ConsistencyError where rows
    violate the table's NOT NULLs or CHECK."""
    rows = current_state(scan(source), dataset, counting)
    key = _key(dataset)
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
    types = {column.name: silver_type(column) for column in dataset.silver_columns} | PLACES
    if accepted is None:
        return pl.DataFrame(schema=types)
    known = set(accepted.collect_schema().names())
    place = pl.col("_delivery_id").replace_strict(list(counting), range(len(counting)), return_dtype=pl.Int64)
    newest = [pl.col("_line"), pl.col("_sheet")]
    return (
        accepted.filter(pl.col("_delivery_id").is_in(list(counting)))
        .select(
            (pl.col(name) if name in known else pl.lit(None)).cast(kind).alias(name) for name, kind in types.items()
        )
        .sort(place, *newest, descending=True, nulls_last=True)
        .unique(_key(dataset, by_period), keep="first", maintain_order=True)
        .collect()
    )


def _key(dataset: Dataset, by_period: bool = False) -> list[str]:
    return [*(("_period",) if by_period or dataset.load is Load.SNAPSHOT else ()), *dataset.key]


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
