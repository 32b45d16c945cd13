"""Divisions and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from agrilake.gold.columns import VILLAGE_COMMITTEE, Inputs, newest_period, sourced, union, with_division

SITES = {
    "agri_info_service_site": "agri",
    "commerce_service_site": "commerce",
    "civil_convenience_site": "civil",
    "postal_site": "postal",
    "coop_service_site": "coop",
}
"""The five departments' registers of sites (多站合一)."""


def division(inputs: Inputs) -> DataFrame:
    """Every division that ever was, as the newest table that has it says. 建制村: a village whose third code part is at
    least 200 (GB/T 10114)."""
    newest = sourced(_last_states(inputs["stats_division"]), "stats_division")
    townships = newest.filter("level = 'township'").select(
        f.col("code").alias("_township"), f.col("name").alias("township_name")
    )
    township = f.when(f.col("level") == "county", f.lit(None)).otherwise(
        f.concat(f.substring("code", 1, 9), f.lit("000"))
    )
    is_committee = (f.col("level") == "village") & (f.substring("code", 10, 3) >= VILLAGE_COMMITTEE)
    return (
        newest.withColumn("township_code", township)
        .join(f.broadcast(townships), on=f.col("township_code") == f.col("_township"), how="left")
        .join(f.broadcast(_civil_codes(inputs["stats_division_crosswalk"])), on="code", how="left")
        .withColumn("division_code", f.col("code"))
        .withColumn("is_administrative_village", is_committee)
    )


def _last_states(table: DataFrame) -> DataFrame:
    """The newest row of each code. `valid_from`: the first day of the year whose table has it first, null where that is
    the first of all; `valid_to`: that of the first year whose table no longer has it, null while it stands."""
    editions = f.broadcast(table.select(f.col("_period").alias("_edition")).distinct())
    spans = table.groupBy("code").agg(f.min("_period").alias("_first"), f.max("_period").alias("_last"))
    dated = (
        spans.crossJoin(editions)
        .groupBy("code", "_last")
        .agg(
            _new_year(f.max(f.when(f.col("_edition") < f.col("_first"), f.col("_first")))).alias("valid_from"),
            _new_year(f.min(f.when(f.col("_edition") > f.col("_last"), f.col("_edition")))).alias("valid_to"),
        )
    )
    rows = table.drop("valid_from").withColumnRenamed("_period", "_last")
    return rows.join(f.broadcast(dated), on=["code", "_last"], how="inner")


def _new_year(year: Column) -> Column:
    return f.to_date(f.concat(year, f.lit("-01-01")))


def _civil_codes(crosswalk: DataFrame) -> DataFrame:
    """One row a statistics code of the newest crosswalk: its codes at civil affairs."""
    codes = f.array_join(f.array_sort(f.collect_set("civil_code")), "、")
    named = newest_period(crosswalk).filter("statistics_code IS NOT NULL")
    return named.groupBy(f.col("statistics_code").alias("code")).agg(codes.alias("civil_code"))


def service_site(inputs: Inputs, departments: Mapping[str, str]) -> DataFrame:
    """Every department's own record of its sites, under the department's name."""
    parts = [_site(inputs[name], name, departments[owner]) for name, owner in SITES.items()]
    return with_division(reduce(union, parts), inputs["division"])


def _site(frame: DataFrame, dataset: str, owner: str) -> DataFrame:
    optional = {"opened_on": "date", "closed_on": "date", "services": "string"}
    missing = {name: f.lit(None).cast(kind) for name, kind in optional.items() if name not in frame.columns}
    return (
        sourced(frame, dataset)
        .withColumns({**missing, "department": f.lit(owner)})
        .withColumn("site_id", f.concat(f.lit(f"{dataset}:"), f.col("site_no")))
        .select(
            "site_id", "site_no", "name", "department", "division_code", *optional, "lon", "lat",
            "source_dataset", "delivery_id", "line", "sheet",
        )
    )  # fmt: skip


def logistics_node(inputs: Inputs) -> DataFrame:
    """County, township and village nodes of the delivery network."""
    return with_division(sourced(inputs["postal_site"], "postal_site"), inputs["division"])


def logistics_node_history(inputs: Inputs) -> DataFrame:
    """Every state of every node: the rows valid on a day are the network of that day."""
    return with_division(sourced(inputs["postal_site_history"], "postal_site"), inputs["division"])
