"""Where a resource has data: rows and villages of each dataset, township by township."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
import pyarrow as pa

from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset, Load

DIVISIONS, CODE = "stats_division", "code"
COVERAGE_SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("title", pa.string()),
        ("department_title", pa.string()),
        ("township_code", pa.string()),
        ("township_name", pa.string()),
        ("period", pa.string()),
        ("rows", pa.int64()),
        ("villages_covered", pa.int64()),
        ("villages", pa.int64()),
    ]
)
WHOLE_DISTRICT = "全区数据，不分镇街"
NO_DIVISION = "不按区划组织"


def coverage_table(registry: Registry, silver: Mapping[str, pl.LazyFrame]) -> pa.Table:
    """One row a dataset and township (columns: COVERAGE_SCHEMA), zero rows where nothing stands of it.

    A register counts as it stands now, everything else by its newest `period`. `villages` are those of the division
    table's newest period. Datasets that came not yet, or hold the district as a whole, have no rows here.
    `silver` holds the tables that exist, each with the contract's columns and `_period`.
    """
    rows = [row for dataset in registry.datasets.values() for row in _rows(dataset, registry, silver)]
    return pa.Table.from_pylist(rows, schema=COVERAGE_SCHEMA)


def _rows(dataset: Dataset, registry: Registry, silver: Mapping[str, pl.LazyFrame]) -> Iterator[dict[str, Any]]:
    codes = division_codes(dataset, registry, silver)
    if codes is None or DIVISIONS not in silver:
        return
    townships = _townships(silver[DIVISIONS])
    counted = _by_township(codes)
    if counted.join(townships, on="township_code", how="semi").is_empty():
        return
    period = None if dataset.load is Load.UPSERT else _newest(silver[dataset.id])
    shown = townships.join(counted, on="township_code", how="left").fill_null(0).sort("township_code")
    for row in shown.iter_rows(named=True):
        yield {
            **row,
            "dataset": dataset.id,
            "title": dataset.title,
            "department_title": dataset.department_title,
            "period": period,
        }


def division_codes(dataset: Dataset, registry: Registry, silver: Mapping[str, pl.LazyFrame]) -> pl.DataFrame | None:
    """`code` of the division of each row that counts; null where the row's own reference leads nowhere.

    Where the dataset names no division, its references are followed to one that does (an event to its site). None
    where nothing arrived yet or no way leads to a division.
    """
    way = _way(dataset, registry)
    if way is None or any(name not in silver for name, _, _ in way):
        return None
    frame = _counting(dataset, silver[dataset.id]).select(pl.col(way[0][1]).alias(CODE))
    for name, column, key in way[1:]:
        target = silver[name].select(pl.col(key).alias("_key"), pl.col(column).alias("_next"))
        frame = frame.join(target.unique("_key"), left_on=CODE, right_on="_key", how="left").select(
            pl.col("_next").alias(CODE)
        )
    return frame.collect()


def _way(dataset: Dataset, registry: Registry, seen: frozenset[str] = frozenset()) -> list[tuple[str, str, str]] | None:
    """Steps from a row to its division: (table, column to go on with, key by which the step before reaches it)."""
    own = dataset.division_column or _referring(dataset, DIVISIONS)
    if own:
        return [(dataset.id, own, "")]
    for column in dataset.columns:
        target = registry.datasets.get(column.reference.dataset) if column.reference else None
        if target is not None and column.reference is not None and target.id not in seen:
            rest = _way(target, registry, seen | {dataset.id})
            if rest:
                name, following, _ = rest[0]
                return [(dataset.id, column.name, ""), (name, following, column.reference.column), *rest[1:]]
    return None


def _referring(dataset: Dataset, target: str) -> str | None:
    found = (item.name for item in dataset.columns if item.reference and item.reference.dataset == target)
    return next(found, None)


def _counting(dataset: Dataset, table: pl.LazyFrame) -> pl.LazyFrame:
    return table if dataset.load is Load.UPSERT else table.filter(pl.col("_period") == pl.col("_period").max())


def _newest(table: pl.LazyFrame) -> str | None:
    period: str | None = table.select(pl.col("_period").max()).collect().item()
    return period


def _townships(divisions: pl.LazyFrame) -> pl.DataFrame:
    """township_code, township_name and how many villages it has, of the newest division table."""
    newest = divisions.filter(pl.col("_period") == pl.col("_period").max()).collect()
    villages = newest.filter(pl.col("level") == "village").group_by("parent_code").len("villages")
    return (
        newest.filter(pl.col("level") == "township")
        .select(pl.col(CODE).alias("township_code"), pl.col("name").alias("township_name"))
        .join(villages, left_on="township_code", right_on="parent_code", how="left")
        .with_columns(pl.col("villages").fill_null(0).cast(pl.Int64))
    )


def _by_township(codes: pl.DataFrame) -> pl.DataFrame:
    """township_code, rows and villages_covered. A code's first nine digits are its township's (GB/T 10114)."""
    is_village = pl.col(CODE).str.slice(9) != "000"
    return (
        codes.drop_nulls(CODE)
        .with_columns((pl.col(CODE).str.slice(0, 9) + "000").alias("township_code"))
        .group_by("township_code")
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            pl.col(CODE).filter(is_village).n_unique().cast(pl.Int64).alias("villages_covered"),
        )
    )


def coverage_text(dataset: Dataset, registry: Registry, coverage: pa.Table) -> str | None:
    """The dataset's coverage in a few words; None where nothing of it arrived yet (the caller knows)."""
    rows = [row for row in coverage.to_pylist() if row["dataset"] == dataset.id]
    if not rows:
        return NO_DIVISION if _way(dataset, registry) is None else WHOLE_DISTRICT
    covered = sum(row["rows"] > 0 for row in rows)
    villages = sum(row["villages_covered"] for row in rows)
    text = f"{covered}/{len(rows)} 个镇街"
    return f"{text}，{villages}/{sum(row['villages'] for row in rows)} 个村（社区）" if villages else text
