"""Silver tables of many rows: Spark replaces the periods, or merges the keys, that new deliveries touch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agrilake.contract.model import Dataset, Load
from agrilake.tables.order import DeliveryRef, winners
from agrilake.tables.types import silver_fields
from agrilake.tables.write import must_rebuild, rebuilt, replace_where

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.connect.session import SparkSession

ORDER = "_order"


def apply(
    spark: SparkSession,
    source: Path,
    path: Path,
    dataset: Dataset,
    deliveries: Sequence[DeliveryRef],
    applied: Collection[str] | None,
) -> None:
    """Bring the table at `path` to the state of `deliveries`, whose accepted rows stand at `source`; with `applied`
    None all of it is built."""
    accepted = spark.read.format("delta").load(str(source))
    counting = winners(dataset.load, deliveries)
    if must_rebuild(path, dataset):
        with rebuilt(path, dataset):
            writer = current_state(accepted, dataset, counting).write.format("delta").mode("overwrite")
            # a schema that is written anew takes the partitions with it
            writer.option("overwriteSchema", "true").partitionBy("_period").save(str(path))
    elif applied is None:
        current_state(accepted, dataset, counting).write.format("delta").mode("overwrite").save(str(path))
    else:
        touched = [item for item in deliveries if item.id not in applied]
        if dataset.load is Load.SNAPSHOT:
            _replace_periods(accepted, path, dataset, deliveries, {item.period for item in touched})
        else:
            _merge_keys(spark, accepted, path, dataset, counting, {item.id for item in touched})


def _replace_periods(
    accepted: DataFrame, path: Path, dataset: Dataset, deliveries: Sequence[DeliveryRef], periods: set[str]
) -> None:
    if not periods:
        return
    counting = winners(dataset.load, [item for item in deliveries if item.period in periods])
    replace_where(current_state(accepted, dataset, counting), path, sorted(periods))


def _merge_keys(
    spark: SparkSession, accepted: DataFrame, path: Path, dataset: Dataset, counting: Sequence[str], touched: set[str]
) -> None:
    """Compute the keys anew that a touched delivery brings, or that rows no longer counting have left behind."""
    from pyspark.sql import functions as f

    silver = spark.read.format("delta").load(str(path))
    key = list(dataset.key)
    changed = accepted.filter(f.col("_delivery_id").isin(sorted(touched))).select(*key)
    stale = silver.filter(~f.col("_delivery_id").isin(list(counting))).select(*key)
    keys = changed.unionByName(stale).distinct()
    state = current_state(accepted.join(keys, on=key, how="left_semi"), dataset, counting)
    known = silver.join(keys, on=key, how="left_semi")
    if known.isEmpty():
        state.write.format("delta").mode("append").save(str(path))
        return
    gone = known.join(state.select(*key), on=key, how="left_anti").withColumn("_gone", f.lit(True))
    source = state.withColumn("_gone", f.lit(False)).unionByName(gone)
    source.createOrReplaceTempView(f"merge_{dataset.id}")
    on = " AND ".join(f"t.{name} = s.{name}" for name in key)
    assign = ", ".join(f"t.{name} = s.{name}" for name in silver_fields(dataset))
    same = " AND ".join(f"t.{name} <=> s.{name}" for name in silver_fields(dataset) if name not in key)
    names = ", ".join(silver_fields(dataset))
    values = ", ".join(f"s.{name}" for name in silver_fields(dataset))
    spark.sql(
        f"MERGE INTO delta.`{path}` t USING merge_{dataset.id} s ON {on} "
        f"WHEN MATCHED AND s._gone THEN DELETE WHEN MATCHED AND NOT ({same}) THEN UPDATE SET {assign} "
        f"WHEN NOT MATCHED AND NOT s._gone THEN INSERT ({names}) VALUES ({values})"
    ).collect()


def current_state(accepted: DataFrame, dataset: Dataset, counting: Sequence[str]) -> DataFrame:
    """Of the accepted rows of the counting deliveries (oldest first), the newest of each key.

    Columns as `silver_fields(dataset)`; a column that no delivery had yet is null. A snapshot's key includes its
    period. The same rule as `small.current_state`.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    # of no delivery at all Spark could not tell the map's types
    places = list(enumerate(counting)) or [(0, "")]
    place = f.create_map(*[f.lit(part) for pair in places for part in reversed(pair)])
    known = set(accepted.columns)
    key = [*(("_period",) if dataset.load is Load.SNAPSHOT else ()), *dataset.key]
    newest = Window.partitionBy(*key).orderBy(f.col(ORDER).desc(), f.col("_line").desc(), f.col("_sheet").desc())
    return (
        accepted.filter(f.col("_delivery_id").isin(list(counting)))
        .withColumn(ORDER, place[f.col("_delivery_id")])
        .withColumn("_rank", f.row_number().over(newest))
        .filter(f.col("_rank") == 1)
        .select(
            *[
                (f.col(name) if name in known else f.lit(None)).cast(kind).alias(name)
                for name, kind in silver_fields(dataset).items()
            ]
        )
    )
