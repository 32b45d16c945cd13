"""Slowly changing dimensions: from a reference table's yearly snapshots to validity intervals (SCD type 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agrilake.contract.model import Dataset
from agrilake.paths import Home
from agrilake.tables.write import overwrite

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.connect.session import SparkSession

VALIDITY = ("valid_from", "valid_to", "is_current")


def history_name(dataset: Dataset) -> str:
    """The silver table that holds a dataset's history."""
    return f"{dataset.id}_history"


def write_history(spark: SparkSession, home: Home, dataset: Dataset) -> None:
    """Build silver/<dataset>_history from silver/<dataset>."""
    silver = spark.read.format("delta").load(str(home.table("silver", dataset.id)))
    overwrite(validity(silver, dataset), home.table("silver", history_name(dataset)))


def validity(snapshots: DataFrame, dataset: Dataset) -> DataFrame:
    """Validity intervals of every state that a key has had.

    Columns: the contract's, `_delivery_id`, `_line` of the first snapshot with that state, `valid_from` (date,
    the row's own where it has one, else the first day of that snapshot's period), `valid_to` (date, exclusive,
    null while it stands) and `is_current`. A key that a later snapshot lacks ends with that snapshot's period.
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
    start = f.to_date(f.concat(f.substring("_first", 1, 4), f.lit("-01-01")))
    own = f.coalesce(f.col("_own"), start) if "_own" in runs.columns else start
    next_start = f.lead("_first").over(Window.partitionBy(*key).orderBy("_run"))
    end = f.coalesce(next_start, f.col("_end"))
    return runs.select(
        *key,
        *state,
        f.when(f.col("_run") == 1, own).otherwise(start).alias("valid_from"),
        f.to_date(f.concat(f.substring(end, 1, 4), f.lit("-01-01"))).alias("valid_to"),
        end.isNull().alias("is_current"),
        "_delivery_id",
        "_line",
    )
