"""Silver tables: the state that a dataset's deliveries add up to.

The result depends on the set of deliveries alone, never on the order of the runs that applied them: whatever
a delivery touched is computed again from the accepted rows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agrilake.contract.model import Dataset, Load
from agrilake.lake.files import table_version
from agrilake.paths import Home
from agrilake.tables.history import keeps_states, states, validity
from agrilake.tables.order import DeliveryRef, winners
from agrilake.tables.types import silver_fields
from agrilake.tables.write import (
    TableWrite,
    create_table,
    must_rebuild,
    overwrite,
    rebuild,
    replace_where,
    require_fit,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.connect.session import SparkSession

ORDER = "_order"


def apply_silver(
    spark: SparkSession,
    home: Home,
    dataset: Dataset,
    deliveries: Sequence[DeliveryRef],
    applied: Collection[str] | None,
) -> TableWrite:
    """Bring silver/<dataset> to the state of `deliveries`.

    `applied` are deliveries that the table holds as they are now; with None (where one of those is gone) or a changed
    contract of a higher version all of it is built again. Raises ConsistencyError where the stored table no longer
    fits the contract and the version was not raised.
    """
    path = home.table("silver", dataset.id)
    before = table_version(path)
    require_fit(path, dataset)
    create_table(path, dataset)
    accepted = spark.read.format("delta").load(str(home.table("accepted", dataset.id)))
    counting = winners(dataset.load, deliveries)
    if must_rebuild(path, dataset):
        rebuild(current_state(accepted, dataset, counting), path, dataset)
    elif before is None or applied is None:
        overwrite(current_state(accepted, dataset, counting), path)
    else:
        touched = [item for item in deliveries if item.id not in applied]
        if dataset.load is Load.SNAPSHOT:
            _replace_periods(accepted, path, dataset, deliveries, {item.period for item in touched})
        else:
            _merge_keys(spark, accepted, path, dataset, counting, {item.id for item in touched})
    if dataset.history_table:
        history = (
            states(current_state(accepted, dataset, counting, by_period=True), dataset)
            if keeps_states(dataset)
            else validity(spark.read.format("delta").load(str(path)), dataset)
        )
        overwrite(history, home.table("silver", dataset.history_table), schema=True)
    after = table_version(path) or 0
    return TableWrite(dataset.id, after, before != after)


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


def current_state(accepted: DataFrame, dataset: Dataset, counting: Sequence[str], by_period: bool = False) -> DataFrame:
    """Of the accepted rows of the counting deliveries (oldest first), the newest of each key.

    Columns as `silver_fields(dataset)`; a column that no delivery had yet is null. A snapshot's key includes its
    period; with `by_period` so does every other: the newest row of each key in each period.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    # of no delivery at all Spark could not tell the map's types
    places = list(enumerate(counting)) or [(0, "")]
    place = f.create_map(*[f.lit(part) for pair in places for part in reversed(pair)])
    known = set(accepted.columns)
    key = [*(("_period",) if by_period or dataset.load is Load.SNAPSHOT else ()), *dataset.key]
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
