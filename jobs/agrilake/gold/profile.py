"""One wide row a village and month."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from agrilake.gold.columns import Inputs, union

KEY = ["division_code", "period"]
POPULATION = ("households", "registered_population", "resident_population", "rural_labour")


def village_profile(inputs: Inputs) -> DataFrame:
    """Every village and every month that any monthly input covers.

    Counts of sites are as of the month's end; population is that of the newest year not after the month's. A column
    stays null where its input has nothing for that month at all; where it has, a village without rows has zero.
    """
    grid = _grid(inputs)
    trace = _monthly(inputs["product_trace"], trace_batches=f.count("*"), trace_quantity_kg=f.sum("quantity_kg"))
    online = _monthly(inputs["online_trade"], online_amount_yuan=f.sum("amount_yuan"), online_orders=f.sum("orders"))
    disclosed = _monthly(
        inputs["village_disclosure"], disclosed_items=f.sum(f.col("disclosed").cast("int")), expected_items=f.count("*")
    )
    frequency = (
        inputs["village_delivery_frequency"].filter("period_type = 'month'").select(*KEY, "days_per_week", "meets_five")
    )
    profile = _with_population(grid, inputs["stats_population"])
    for part in (trace, online, disclosed):
        profile = _add_monthly(profile, part)
    return (
        _with_sites(profile, inputs["service_site"])
        .join(_entities(inputs["business_entity"]), on="division_code", how="left")
        .join(frequency, on=KEY, how="left")
        .fillna(0, subset=["entities"])
    )


def _grid(inputs: Inputs) -> DataFrame:
    villages = inputs["division"].filter("level = 'village'").select(
        "division_code", f.col("name").alias("division_name"), "township_code", "township_name",
        "is_administrative_village",
    )  # fmt: skip
    monthly = [inputs[name].select("period") for name in ("product_trace", "online_trade", "village_disclosure")]
    monthly.append(inputs["village_delivery_frequency"].filter("period_type = 'month'").select("period"))
    return villages.crossJoin(reduce(union, monthly).distinct())


def _monthly(frame: DataFrame, **totals: f.Column) -> DataFrame:
    return frame.groupBy(*KEY).agg(*[total.alias(name) for name, total in totals.items()])


def _add_monthly(profile: DataFrame, part: DataFrame) -> DataFrame:
    covered = part.select("period").distinct().withColumn("_covered", f.lit(True))
    names = [name for name in part.columns if name not in KEY]
    joined = profile.join(part, on=KEY, how="left").join(f.broadcast(covered), on="period", how="left")
    filled = {name: f.when(f.col("_covered"), f.coalesce(f.col(name), f.lit(0))) for name in names}
    return joined.withColumns(filled).drop("_covered")


def _with_population(grid: DataFrame, population: DataFrame) -> DataFrame:
    counts = population.select("division_code", f.col("year").alias("_year"), *POPULATION)
    known = grid.join(counts, on="division_code", how="left")
    usable = f.col("_year") <= f.substring("period", 1, 4)
    newest = [f.max_by(f.when(usable, f.col(name)), f.when(usable, f.col("_year"))).alias(name) for name in POPULATION]
    return known.groupBy(*grid.columns).agg(*newest)


def _with_sites(profile: DataFrame, sites: DataFrame) -> DataFrame:
    """Sites that were open at the month's end; a site without an opening date counts as open."""
    of_sites = sites.select("division_code", "source_dataset", "opened_on", "closed_on")
    end = f.last_day(f.to_date(f.concat(f.col("period"), f.lit("-01"))))
    is_open = f.coalesce(f.col("opened_on") <= end, f.lit(True)) & f.coalesce(f.col("closed_on") > end, f.lit(True))
    counted = (
        profile.select(*KEY)
        .join(of_sites, on="division_code", how="left")
        .filter(is_open)
        .groupBy(*KEY)
        .agg(
            f.count_if(f.col("source_dataset") == "commerce_service_site").alias("ecommerce_sites"),
            f.count_if(f.col("source_dataset") == "postal_site").alias("postal_sites"),
        )
    )
    return (
        profile.join(counted, on=KEY, how="left")
        .fillna(0, subset=["ecommerce_sites", "postal_sites"])
        .withColumns({"has_ecommerce_site": f.col("ecommerce_sites") > 0, "has_postal_site": f.col("postal_sites") > 0})
    )


def _entities(entities: DataFrame) -> DataFrame:
    return entities.groupBy("division_code").agg(f.count("*").alias("entities"))
