"""Slowly changing dimensions (SCD type 2): validity intervals from a reference table's yearly snapshots, and from the
deliveries of a register that comes as changes by key."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from agrilake.contract.model import Dataset, Load
from agrilake.intake.dates import period_bounds
from agrilake.tables.types import silver_fields

VALIDITY = ("valid_from", "valid_to", "is_current")


def state_fields(dataset: Dataset) -> dict[str, str]:
    """Columns of `states` with their Spark types."""
    return {**silver_fields(dataset), "valid_from": "date", "valid_to": "date", "is_current": "boolean"}


def states(by_period: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """The states of a register's keys, from the newest row of each key in each period (columns of silver).

    Columns: `state_fields`. What a period's deliveries say holds from its first day (`valid_from`) until the first
    day of the next period that says something of the key (`valid_to`, exclusive, null while it stands). So the
    rows valid on a period's last day are the register as it stood after that period's deliveries.
    """
    begun = by_period.with_columns(first_day(pl.col("_period"), by_period["_period"]).alias("valid_from"))
    following = pl.col("valid_from").shift(-1).over(dataset.key)
    dated = begun.sort(*dataset.key, "valid_from").with_columns(following.alias("valid_to"))
    return dated.with_columns(pl.col("valid_to").is_null().alias("is_current")).select(*state_fields(dataset))


def valid_on(day: str) -> str:
    """Condition in SQL (Spark's and DuckDB's) that keeps the states of a register valid on a day, an SQL expression."""
    return f"valid_from <= {day} AND (valid_to IS NULL OR valid_to > {day})"


def keeps_states(dataset: Dataset) -> bool:
    """Whether the history is made of `states`, not of snapshots."""
    return dataset.history is not None and dataset.load is Load.UPSERT


def validity(snapshots: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """Validity intervals of every state that a key has had.

    Columns: the contract's, `_delivery_id`, `_line` of the first snapshot with that state, `valid_from` (date),
    `valid_to` (date, exclusive, null while it stands) and `is_current`. A state begins on the day that its row
    names (`valid_from`), unless that day belongs to the state before (departments often leave it unchanged); then,
    and where no day is named, on the first day of the snapshot's period. It ends where the next begins, or with
    the first day of the period whose snapshot lacks the key.
    """
    key = list(dataset.key)
    state = [column.name for column in dataset.silver_columns if column.name not in (*key, "valid_from")]
    own = pl.col("valid_from") if "valid_from" in snapshots.columns else pl.lit(None, pl.Date)
    periods = snapshots["_period"].unique().sort()
    following = pl.DataFrame({"_period": periods, "_next": periods.shift(-1)})
    changed = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1).over(key)) for name in state)
    runs = (
        snapshots.join(following, on="_period", how="left")
        .sort(*key, "_period")
        .with_columns(
            changed.alias("_changed"),
            (pl.int_range(pl.len()).over(key) == 0).alias("_first_seen"),
            (pl.col("_next").shift(1).over(key) != pl.col("_period")).fill_null(value=True).alias("_missed"),
        )
        .with_columns(pl.any_horizontal("_changed", "_first_seen", "_missed").cum_sum().over(key).alias("_run"))
        .group_by(*key, "_run", maintain_order=True)
        .agg(
            pl.col(*state, "_delivery_id", "_line").first(),
            pl.col("_period").first().alias("_first"),
            pl.col("_next").last().alias("_end"),
            own.min().alias("_own"),
        )
        .with_columns(first_day(pl.col("_first"), periods).alias("_start"))
    )
    named = pl.coalesce("_own", "_start")
    earlier = named.shift(1).over(key)
    begins = pl.when(earlier.is_null() | (pl.col("_own") > earlier)).then(named).otherwise("_start")
    follows_at_once = pl.col("_first").shift(-1).over(key) == pl.col("_end")
    ends = pl.when(follows_at_once).then(pl.col("valid_from").shift(-1).over(key))
    return runs.with_columns(begins.alias("valid_from")).select(
        *key,
        *state,
        "valid_from",
        ends.otherwise(first_day(pl.col("_end"), periods)).alias("valid_to"),
        pl.col("_end").is_null().alias("is_current"),
        "_delivery_id",
        "_line",
    )


def first_day(period: pl.Expr, known: Iterable[str]) -> pl.Expr:
    """The first day of the period that stands in a column, of those known: 2024, 2024Q3, 2024-05 or 2024-05-01."""
    days = {name: period_bounds(name)[0] for name in known}
    return period.replace_strict(list(days), list(days.values()), default=None, return_dtype=pl.Date)
