"""One wide row a village and month."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from agrilake.gold.columns import Inputs, last_day_of, quarter_of, union, valid_then

KEY = ["division_code", "period"]
POPULATION = ("households", "registered_population", "resident_population", "rural_labour")
MONTHLY = (
    "product_trace",
    "online_trade",
    "village_disclosure",
    "quality_inspection",
    "subsidy",
    "assistance",
    "elder_visit",
    "online_purchase",
    "agri_supply",
)
"""Inputs whose months make the rows, beside those of the delivery frequency."""

SITES = {
    "ecommerce": "commerce_service_site",
    "postal": "postal_site",
    "info": "agri_info_service_site",
    "convenience": "civil_convenience_site",
    "coop": "coop_service_site",
}

NOT_FILLED = ("informatised_area_mu",)
"""Columns that a department may leave out of its rows: what it left out is no zero."""


@dataclass(frozen=True)
class Part:
    """What one input says of a village and month: rows with KEY and the `columns` (sums), by village and month."""

    name: str
    rows: DataFrame
    columns: tuple[str, ...]


def village_profile(inputs: Inputs, min_days_per_week: int) -> DataFrame:
    """Every village and every month that any monthly input covers.

    What happened is that of the month, crops, animals and routes are those of its quarter, registers stand as on its
    last day; population is that of the newest year not after the month's. A column stays null where its input has
    nothing for that time at all; where it has, a village without rows has zero.
    """
    months = _months(inputs)
    parts = [*_monthly(inputs), *_quarterly(inputs, months), *_registers(inputs, months)]
    profile = _with_population(_villages(inputs).crossJoin(months), inputs["stats_population"])
    profile = _with_sites(_with_parts(profile, parts), inputs["service_site"])
    frequency = inputs["village_delivery_frequency"].filter("period_type = 'month'")
    return (
        profile.join(_entities(inputs["business_entity"]), on="division_code", how="left")
        .join(frequency.select(*KEY, "days_per_week", "meets_five"), on=KEY, how="left")
        .fillna(0, subset=["entities"])
        .withColumn("plans_five", f.col("planned_frequency") >= min_days_per_week)
    )


def _months(inputs: Inputs) -> DataFrame:
    monthly = [inputs[name].select("period") for name in MONTHLY]
    monthly.append(inputs["village_delivery_frequency"].filter("period_type = 'month'").select("period"))
    return reduce(union, monthly).distinct()


def _villages(inputs: Inputs) -> DataFrame:
    return inputs["division"].filter("level = 'village'").select(
        "division_code", f.col("name").alias("division_name"), "township_code", "township_name",
        "is_administrative_village",
    )  # fmt: skip


def _monthly(inputs: Inputs) -> Iterable[Part]:
    totals: dict[str, dict[str, Column]] = {
        "product_trace": {"trace_batches": f.count("*"), "trace_quantity_kg": f.sum("quantity_kg")},
        "online_trade": {"online_amount_yuan": f.sum("amount_yuan"), "online_orders": f.sum("orders")},
        "village_disclosure": {"disclosed_items": f.count_if("disclosed"), "expected_items": f.count("*")},
        "quality_inspection": {"inspection_samples": f.count("*"), "inspection_failed": f.count_if(~f.col("passed"))},
        "subsidy": {"subsidy_payments": f.count("*"), "subsidy_amount_yuan": f.sum("amount_yuan")},
        "assistance": {"assisted_persons": f.sum("persons")},
        "elder_visit": {"elder_visits": f.count("*")},
        "online_purchase": {
            "online_purchase_orders": f.sum("orders"),
            "online_purchase_amount_yuan": f.sum("amount_yuan"),
        },
        "agri_supply": {"agri_supply_t": f.sum("quantity_t"), "agri_supply_amount_yuan": f.sum("amount_yuan")},
    }
    for name, columns in totals.items():
        yield _part(name, inputs[name], columns)


def _quarterly(inputs: Inputs, months: DataFrame) -> Iterable[Part]:
    """The quarter's figures in each of its months."""
    totals: dict[str, dict[str, Column]] = {
        "crop_production": {
            "crop_area_mu": f.sum("sown_area_mu"),
            "informatised_area_mu": f.sum("informatised_area_mu"),
            "crop_output_t": f.sum("output_t"),
            "crop_value_yuan": f.sum("value_yuan"),
        },
        "livestock": {
            "pig_stock": f.sum(f.when(f.col("species") == "pig", f.col("stock"))),
            "livestock_output_t": f.sum("output_t"),
        },
        "logistics_route": {"planned_frequency": f.sum("weekly_frequency")},
    }
    quarters = months.withColumn("_quarter", quarter_of("period"))
    for name, columns in totals.items():
        rows = inputs[name].withColumnRenamed("period", "_quarter")
        yield _part(name, rows.join(f.broadcast(quarters), on="_quarter", how="inner"), columns)


def _registers(inputs: Inputs, months: DataFrame) -> Iterable[Part]:
    """The registers' states that were valid on the month's last day."""
    facilities, in_use = inputs["facility_history"], f.col("closed_on").isNull()
    totals: dict[str, tuple[DataFrame, dict[str, Column]]] = {
        "parcel": (inputs["parcel_history"], {"parcels": f.count("*"), "contracted_area_mu": f.sum("area_mu")}),
        "machinery": (
            inputs["machinery_history"],
            {"machines": f.count("*"), "machine_power_kw": f.sum("power_kw")},
        ),
        "elder": (inputs["elder_history"], {"elders": f.count("*")}),
        "smart_farm": (facilities.filter("category = 'smart_farm'"), {"smart_farms": f.count("*")}),
        "cold_chain": (facilities.filter("category = 'cold_chain'"), {"cold_storage_t": f.sum("capacity_t")}),
        "elder_care": (
            facilities.filter("category = 'elder_care'"),
            {"elder_beds": f.sum(f.when(in_use, f.col("beds")))},
        ),
    }
    last_days = months.withColumn("_last_day", last_day_of("period"))
    for name, (states, columns) in totals.items():
        yield _part(name, states.join(f.broadcast(last_days), on=valid_then("_last_day"), how="inner"), columns)


def _part(name: str, rows: DataFrame, columns: dict[str, Column]) -> Part:
    totals = [total.alias(column) for column, total in columns.items()]
    return Part(name, rows.groupBy(*KEY).agg(*totals), tuple(columns))


def _with_parts(profile: DataFrame, parts: Iterable[Part]) -> DataFrame:
    """All parts in two joins: their rows one above the other and added up, and what each of them covers."""
    taken = list(parts)
    marked = [part.rows.withColumn("_part", f.lit(part.name)) for part in taken]
    stacked = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), marked)
    sums = [f.sum(column).alias(column) for part in taken for column in part.columns]
    covered = stacked.groupBy("period").agg(f.collect_set("_part").alias("_covered"))
    filled = {
        column: f.when(f.array_contains("_covered", part.name), f.coalesce(f.col(column), f.lit(0)))
        for part in taken
        for column in part.columns
        if column not in NOT_FILLED
    }
    joined = profile.join(stacked.groupBy(*KEY).agg(*sums), on=KEY, how="left")
    return joined.join(f.broadcast(covered), on="period", how="left").withColumns(filled).drop("_covered")


def _with_population(grid: DataFrame, population: DataFrame) -> DataFrame:
    counts = population.select("division_code", f.col("year").alias("_year"), *POPULATION)
    known = grid.join(counts, on="division_code", how="left")
    usable = f.col("_year") <= f.substring("period", 1, 4)
    newest = [f.max_by(f.when(usable, f.col(name)), f.when(usable, f.col("_year"))).alias(name) for name in POPULATION]
    return known.groupBy(*grid.columns).agg(*newest)


def _with_sites(profile: DataFrame, sites: DataFrame) -> DataFrame:
    """Sites that were open at the month's end; a site without an opening date counts as open.

    Null for a department that has reported no site at all.
    """
    of_sites = sites.select("division_code", "source_dataset", "opened_on", "closed_on")
    end = last_day_of("period")
    is_open = f.coalesce(f.col("opened_on") <= end, f.lit(True)) & f.coalesce(f.col("closed_on") > end, f.lit(True))
    counts = [f.count_if(f.col("source_dataset") == dataset).alias(f"{name}_sites") for name, dataset in SITES.items()]
    open_sites = profile.select(*KEY).join(of_sites, on="division_code", how="left").filter(is_open)
    reported = sites.agg(f.collect_set("source_dataset").alias("_reported"))
    joined = profile.join(open_sites.groupBy(*KEY).agg(*counts), on=KEY, how="left").crossJoin(f.broadcast(reported))
    numbers = {
        f"{name}_sites": f.when(f.array_contains("_reported", dataset), f.coalesce(f.col(f"{name}_sites"), f.lit(0)))
        for name, dataset in SITES.items()
    }
    flags = {f"has_{name}_site": f.col(f"{name}_sites") > 0 for name in SITES}
    return joined.withColumns(numbers).withColumns(flags).drop("_reported")


def _entities(entities: DataFrame) -> DataFrame:
    return entities.groupBy("division_code").agg(f.count("*").alias("entities"))
