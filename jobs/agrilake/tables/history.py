"""Slowly changing dimensions (SCD type 2): validity intervals from a reference table's yearly snapshots, and from the
deliveries of a register that comes as changes by key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agrilake.contract.model import Dataset, Load
from agrilake.tables.types import silver_fields

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

VALIDITY = ("valid_from", "valid_to", "is_current")


def state_fields(dataset: Dataset) -> dict[str, str]:
    """Columns of `states` with their Spark types."""
    return {**silver_fields(dataset), "valid_from": "date", "valid_to": "date", "is_current": "boolean"}


def states(by_period: DataFrame, dataset: Dataset) -> DataFrame:
    """The states of a register's keys, from the newest row of each key in each period (columns of silver).

    Columns: `state_fields`. What a period's deliveries say holds from its first day (`valid_from`) until the first
    day of the next period that says something of the key (`valid_to`, exclusive, null while it stands). So the
    rows valid on a period's last day are the register as it stood after that period's deliveries.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    in_time = Window.partitionBy(*dataset.key).orderBy("valid_from")
    begun = by_period.withColumn("valid_from", period_start(f.col("_period")))
    dated = begun.withColumn("valid_to", f.lead("valid_from").over(in_time))
    return dated.withColumn("is_current", f.col("valid_to").isNull()).select(*state_fields(dataset))


def keeps_states(dataset: Dataset) -> bool:
    """Whether the history is made of `states`, not of snapshots."""
    return dataset.history is not None and dataset.load is Load.UPSERT


def validity(snapshots: DataFrame, dataset: Dataset) -> DataFrame:
    """Validity intervals of every state that a key has had.

    Columns: the contract's, `_delivery_id`, `_line` of the first snapshot with that state, `valid_from` (date),
    `valid_to` (date, exclusive, null while it stands) and `is_current`. A state begins on the day that its row
    names (`valid_from`), unless that day belongs to the state before (departments often leave it unchanged); then,
    and where no day is named, on the first day of the snapshot's period. It ends where the next begins, or with
    the first day of the period whose snapshot lacks the key.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    key = list(dataset.key)
    state = [column.name for column in dataset.silver_columns if column.name not in (*key, "valid_from")]
    by_key = Window.partitionBy(*key).orderBy("_period")
    periods = snapshots.select("_period").distinct()
    following = periods.withColumn("_next", f.lead("_period").over(Window.partitionBy(f.lit(1)).orderBy("_period")))
    fingerprint = f.xxhash64(*[f.coalesce(f.col(name).cast("string"), f.lit("\u0000")) for name in state])
    seen = (
        snapshots.join(following, on="_period", how="left")
        .withColumn("_state", fingerprint)
        .withColumn("_previous", f.lag("_state").over(by_key))
        .withColumn("_missed", f.lag("_next").over(by_key) != f.col("_period"))
        .withColumn("_starts", f.col("_previous").isNull() | (f.col("_previous") != f.col("_state")) | f.col("_missed"))
        .withColumn("_run", f.sum(f.col("_starts").cast("int")).over(by_key))
    )
    runs = seen.groupBy(*key, "_run").agg(
        *[f.min_by(name, "_period").alias(name) for name in (*state, "_delivery_id", "_line")],
        f.min("_period").alias("_first"),
        f.max_by("_next", "_period").alias("_end"),
        *([f.min("valid_from").alias("_own")] if "valid_from" in [c.name for c in dataset.columns] else []),
    )
    in_time = Window.partitionBy(*key).orderBy("_run")
    start = period_start(f.col("_first"))
    own = f.col("_own") if "_own" in runs.columns else f.lit(None).cast("date")
    earlier = f.lag(f.coalesce(own, start)).over(in_time)
    begins = f.when(earlier.isNull() | (own > earlier), f.coalesce(own, start)).otherwise(start)
    dated = runs.withColumn("_begins", begins)
    follows_at_once = f.lead("_first").over(in_time) == f.col("_end")
    ends = f.when(follows_at_once, f.lead("_begins").over(in_time)).otherwise(period_start(f.col("_end")))
    return dated.select(
        *key,
        *state,
        f.col("_begins").alias("valid_from"),
        ends.alias("valid_to"),
        f.col("_end").isNull().alias("is_current"),
        "_delivery_id",
        "_line",
    )


def period_start(period: Column) -> Column:
    """The first day of a period 2024, 2024Q3, 2024-05 or 2024-05-01."""
    from pyspark.sql import functions as f

    year = f.substring(period, 1, 4)
    month = (f.substring(period, 6, 1).try_cast("int") * 3 - 2).cast("string")
    quarter = f.concat(year, f.lit("-"), f.lpad(month, 2, "0"), f.lit("-01"))
    day = f.concat(period, f.substring(f.lit("-01-01"), f.length(period) - 3, f.lit(6)))
    return f.to_date(f.when(period.contains("Q"), quarter).otherwise(day))
