"""Silver tables of many rows: Spark replaces the periods, or merges the keys, that new deliveries touch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agrilake.contract.model import Dataset, Load
from agrilake.sql import literal
from agrilake.tables.layout import partitions
from agrilake.tables.order import DeliveryRef, winners
from agrilake.tables.periods import replace_periods, writer
from agrilake.tables.types import silver_fields
from agrilake.tables.write import must_rebuild, rebuilt

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
            made = writer(current_state(accepted, dataset, counting), dataset, "overwrite")
            # a schema that is written anew takes the partitions with it
            made.option("overwriteSchema", "true").partitionBy(*partitions(dataset)).save(str(path))
    elif applied is None:
        writer(current_state(accepted, dataset, counting), dataset, "overwrite").save(str(path))
    else:
        touched = [item for item in deliveries if item.id not in applied]
        if dataset.load is Load.SNAPSHOT:
            _replace_periods(accepted, path, dataset, deliveries, {item.period for item in touched})
        else:
            _merge_keys(spark, accepted, path, dataset, deliveries, {item.id for item in touched})


def _replace_periods(
    accepted: DataFrame, path: Path, dataset: Dataset, deliveries: Sequence[DeliveryRef], periods: set[str]
) -> None:
    if not periods:
        return
    counting = winners(dataset.load, [item for item in deliveries if item.period in periods])
    replace_periods(current_state(accepted, dataset, counting), path, dataset, sorted(periods))


def _merge_keys(
    spark: SparkSession,
    accepted: DataFrame,
    path: Path,
    dataset: Dataset,
    deliveries: Sequence[DeliveryRef],
    touched: set[str],
) -> None:
    """Compute the keys anew that a touched delivery brings, or that rows no longer counting have left behind.

    Only what that may concern is read and written: of silver the files whose statistics admit the keys, of the accepted
    rows the touched deliveries (all of them only where a row fell away, since it may have hidden others), and in the
    table the periods that hold a row which changes. Where none does there is no commit.
    """
    from pyspark.sql import functions as f

    key = list(dataset.key)
    counting = winners(dataset.load, deliveries)
    silver = spark.read.format("delta").load(str(path))
    stale = _stale(silver, deliveries, set(counting), touched).select(*key)
    brought = accepted.filter(f.col("_delivery_id").isin(sorted(touched & set(counting))))
    keys = brought.select(*key).unionByName(stale).distinct()
    bounds = _bounds(keys, key)
    if bounds is None:
        return
    within = " AND ".join(["true", *bounds])
    known = silver.filter(within).join(keys, on=key, how="left_semi").select(*silver_fields(dataset)).persist()
    if stale.isEmpty():
        candidates = _as_silver(brought, dataset).unionByName(known)
    else:
        candidates = accepted.filter(within).join(keys, on=key, how="left_semi")
    state = current_state(candidates, dataset, counting)
    gone = known.join(state.select(*key), on=key, how="left_anti")
    changes = (
        state.subtract(known)
        .withColumn("_gone", f.lit(False))
        .unionByName(gone.withColumn("_gone", f.lit(True)))
        .persist()
    )
    try:
        if changes.isEmpty():
            return
        found = known.join(changes.select(*key), on=key, how="left_semi").select("_period").distinct().collect()
        if found:
            _merge(spark, changes, path, dataset, bounds, sorted(row["_period"] for row in found))
        else:
            writer(changes.drop("_gone"), dataset, "append").save(str(path))
    finally:
        for frame in (changes, known):
            frame.unpersist()


def _stale(silver: DataFrame, deliveries: Sequence[DeliveryRef], counting: set[str], touched: set[str]) -> DataFrame:
    """Rows of deliveries that no longer count, or that are applied again; a delivery's rows lie in its period."""
    from pyspark.sql import functions as f

    suspect = [item for item in deliveries if item.id in touched or item.id not in counting]
    of_period = f.col("_period").isin(sorted({item.period for item in suspect}))
    return silver.filter(of_period & f.col("_delivery_id").isin(sorted({item.id for item in suspect})))


def _bounds(keys: DataFrame, key: Sequence[str]) -> list[str] | None:
    """What the columns of these keys lie between, as conditions that file statistics can answer; None of no key."""
    from pyspark.sql import functions as f

    ends = [f.expr(f"{end}({name})").cast("string").alias(f"{end}_{name}") for name in key for end in ("min", "max")]
    found = keys.agg(f.count("*").alias("keys"), *ends).collect()[0]
    if not found["keys"]:
        return None
    kinds = dict(keys.dtypes)
    return [
        f"{name} {sign} CAST({literal(found[f'{end}_{name}'])} AS {kinds[name]})"
        for name in key
        for sign, end in ((">=", "min"), ("<=", "max"))
        if found[f"{end}_{name}"] is not None
    ]


def _merge(
    spark: SparkSession, changes: DataFrame, path: Path, dataset: Dataset, bounds: Sequence[str], periods: Sequence[str]
) -> None:
    """Delete, update and insert by key; the rows that are there already lie in `periods` and within `bounds`."""
    changes.createOrReplaceTempView(f"merge_{dataset.id}")
    listed = ", ".join(literal(period) for period in periods)
    same = [f"t.{name} = s.{name}" for name in dataset.key]
    on = " AND ".join([f"t._period IN ({listed})", *(f"t.{bound}" for bound in bounds), *same])
    assign = ", ".join(f"t.{name} = s.{name}" for name in silver_fields(dataset))
    names = ", ".join(silver_fields(dataset))
    values = ", ".join(f"s.{name}" for name in silver_fields(dataset))
    spark.sql(
        f"MERGE INTO delta.`{path}` t USING merge_{dataset.id} s ON {on} "
        f"WHEN MATCHED AND s._gone THEN DELETE WHEN MATCHED THEN UPDATE SET {assign} "
        f"WHEN NOT MATCHED AND NOT s._gone THEN INSERT ({names}) VALUES ({values})"
    ).collect()


def _as_silver(accepted: DataFrame, dataset: Dataset) -> DataFrame:
    """Accepted rows with silver's columns; one that no delivery had yet is null."""
    from pyspark.sql import functions as f

    known = set(accepted.columns)
    return accepted.select(
        *[
            (f.col(name) if name in known else f.lit(None)).cast(kind).alias(name)
            for name, kind in silver_fields(dataset).items()
        ]
    )


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
    key = [*(("_period",) if dataset.load is Load.SNAPSHOT else ()), *dataset.key]
    newest = Window.partitionBy(*key).orderBy(f.col(ORDER).desc(), f.col("_line").desc(), f.col("_sheet").desc())
    return (
        _as_silver(accepted.filter(f.col("_delivery_id").isin(list(counting))), dataset)
        .withColumn(ORDER, place[f.col("_delivery_id")])
        .withColumn("_rank", f.row_number().over(newest))
        .filter(f.col("_rank") == 1)
        .select(*silver_fields(dataset))
    )
