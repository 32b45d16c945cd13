"""The rule by which accepted rows become silver: of each key the newest row of the deliveries that count."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from agrilake.contract.model import Dataset, Load
from agrilake.intake.values import silver_type
from agrilake.tables.types import PROVENANCE

PLACES: dict[str, pl.DataType] = {
    name: pl.Int64() if kind == "bigint" else pl.String() for name, kind in PROVENANCE.items()
}


def silver_types(dataset: Dataset) -> dict[str, pl.DataType]:
    """Columns of a silver table with their Polars types, provenance last; the same as `types.silver_fields`."""
    return {column.name: silver_type(column) for column in dataset.silver_columns} | PLACES


def row_key(dataset: Dataset, by_period: bool = False) -> list[str]:
    """What a row of silver is told by: the key, and of a snapshot (or where it is asked for) the period before it."""
    return [*(("_period",) if by_period or dataset.load is Load.SNAPSHOT else ()), *dataset.key]


def as_silver(accepted: pl.LazyFrame, dataset: Dataset) -> pl.LazyFrame:
    """Accepted rows with silver's columns and types; a column that no delivery had yet is null."""
    known = set(accepted.collect_schema().names())
    return accepted.select(
        (pl.col(name) if name in known else pl.lit(None)).cast(kind).alias(name)
        for name, kind in silver_types(dataset).items()
    )


def newest(rows: pl.DataFrame, key: Sequence[str], counting: Sequence[str]) -> pl.DataFrame:
    """Of each key the row of the last of the `counting` deliveries, in it the one of the highest line and sheet.

    Rows in no order. Only rows whose key's hash stands more than once are compared.
    """
    again = rows.select(pl.struct(key).hash()).to_series().is_duplicated()
    if not again.any():
        return rows
    place = pl.col("_delivery_id").replace_strict(list(counting), range(len(counting)), return_dtype=pl.Int64)
    last = (
        rows.filter(again)
        .sort(place, "_line", "_sheet", descending=True, nulls_last=True)
        .unique(key, keep="first", maintain_order=True)
    )
    return pl.concat([rows.filter(~again), last])


def repeated_keys(rows: pl.LazyFrame, key: Sequence[str]) -> pl.Series:
    """Hashes of keys that stand in more than one row (or, rarely, only share their hash)."""
    hashes = rows.select(pl.struct(key).hash().alias("hash")).collect().to_series().sort()
    return hashes.filter(hashes == hashes.shift()).unique()
