"""One wide row a village and month.

Every input says what it adds as pairs of a column's name and an amount, so that one pass over all of them adds up and
lays out: a join for each input, or a union of wide rows, would take Spark many times longer to plan than to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from agrilake.gold.columns import Inputs, last_day_of, months_of, standing, union
from agrilake.tables.history import valid_on

KEY = ["division_code", "period"]
POPULATION = ("households", "registered_population", "resident_population", "rural_labour")
FREQUENCY = "village_delivery_frequency"
SITES = {
    "ecommerce": "commerce_service_site",
    "postal": "postal_site",
    "info": "agri_info_service_site",
    "convenience": "civil_convenience_site",
    "coop": "coop_service_site",
}
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

AMOUNT = "decimal(28,6)"
NOT_FILLED = ("informatised_area_mu",)
"""Columns that a department may leave out of its rows: what it left out is no zero."""

ALWAYS_FILLED = ("entities",)
"""Columns of a register that is known as soon as anything is."""


@dataclass(frozen=True)
class Part:
    """What one input says of villages and months: rows with KEY, of which each adds `columns` to its village's month.

    Where an input covers a month, a village that it does not name there has zero.
    """

    name: str
    rows: DataFrame
    columns: Mapping[str, Column]


def village_profile(inputs: Inputs, min_days_per_week: int) -> DataFrame:
    """Every village of a month, for every month that any monthly input covers.

    What happened is that of the month, crops, animals and routes are those of its quarter, registers stand as on its
    last day; population is that of the newest year not after the month's. A column stays null where its input has
    nothing for that time at all; where it has, a village without rows has zero.
    """
    months = _months(inputs)
    parts = [*_monthly(inputs), *_quarterly(inputs), *_registers(inputs, months), *_undated(inputs, months)]
    grid = _with_population(_villages(inputs, f.broadcast(months)), inputs["stats_population"])
    flags = {f"has_{name}_site": f.col(f"{name}_sites") > 0 for name in SITES}
    return (
        _with_parts(grid, parts)
        .join(_frequency(inputs).select(*KEY, "days_per_week", "meets_five"), on=KEY, how="left")
        .withColumns(flags | {"plans_five": f.col("planned_frequency") >= min_days_per_week})
    )


def _months(inputs: Inputs) -> DataFrame:
    monthly = [inputs[name].select("period") for name in MONTHLY]
    monthly.append(_frequency(inputs).select("period"))
    # fetched, since a dozen parts need them: each would find them out for itself
    found = reduce(union, monthly).distinct().toArrow()
    return inputs["division"].sparkSession.createDataFrame(found, "period string")


def _frequency(inputs: Inputs) -> DataFrame:
    return inputs[FREQUENCY].filter("period_type = 'month'")


def _villages(inputs: Inputs, months: DataFrame) -> DataFrame:
    return standing(inputs["division"].filter("level = 'village'"), months).select(
        "division_code", f.col("name").alias("division_name"), "township_code", "township_name",
        "is_administrative_village", "period",
    )  # fmt: skip


def _monthly(inputs: Inputs) -> Iterator[Part]:
    one = f.lit(1)
    columns: dict[str, dict[str, Column]] = {
        "product_trace": {"trace_batches": one, "trace_quantity_kg": f.col("quantity_kg")},
        "online_trade": {"online_amount_yuan": f.col("amount_yuan"), "online_orders": f.col("orders")},
        "village_disclosure": {"disclosed_items": f.col("disclosed").cast("int"), "expected_items": one},
        "quality_inspection": {"inspection_samples": one, "inspection_failed": (~f.col("passed")).cast("int")},
        "subsidy": {"subsidy_payments": one, "subsidy_amount_yuan": f.col("amount_yuan")},
        "assistance": {"assisted_persons": f.col("persons")},
        "elder_visit": {"elder_visits": one},
        "online_purchase": {
            "online_purchase_orders": f.col("orders"),
            "online_purchase_amount_yuan": f.col("amount_yuan"),
        },
        "agri_supply": {"agri_supply_t": f.col("quantity_t"), "agri_supply_amount_yuan": f.col("amount_yuan")},
    }
    for name in MONTHLY:
        yield Part(name, inputs[name], columns[name])


def _quarterly(inputs: Inputs) -> Iterator[Part]:
    """The quarter's figures in each of its months."""
    columns: dict[str, dict[str, Column]] = {
        "crop_production": {
            "crop_area_mu": f.col("sown_area_mu"),
            "informatised_area_mu": f.col("informatised_area_mu"),
            "crop_output_t": f.col("output_t"),
            "crop_value_yuan": f.col("value_yuan"),
        },
        "livestock": {
            "pig_stock": f.when(f.col("species") == "pig", f.col("stock")),
            "livestock_output_t": f.col("output_t"),
        },
        "logistics_route": {"planned_frequency": f.col("weekly_frequency")},
    }
    for name, added in columns.items():
        yield Part(name, inputs[name].withColumn("period", f.explode(months_of("period"))), added)


def _registers(inputs: Inputs, months: DataFrame) -> Iterator[Part]:
    """The registers' states that were valid on the month's last day."""
    one = f.lit(1)
    facilities, beds = inputs["facility_history"], f.when(f.col("closed_on").isNull(), f.col("beds"))
    states: dict[str, tuple[DataFrame, dict[str, Column]]] = {
        "parcel": (inputs["parcel_history"], {"parcels": one, "contracted_area_mu": f.col("area_mu")}),
        "machinery": (inputs["machinery_history"], {"machines": one, "machine_power_kw": f.col("power_kw")}),
        "elder": (inputs["elder_history"], {"elders": one}),
        "smart_farm": (facilities.filter("category = 'smart_farm'"), {"smart_farms": one}),
        "cold_chain": (facilities.filter("category = 'cold_chain'"), {"cold_storage_t": f.col("capacity_t")}),
        "elder_care": (facilities.filter("category = 'elder_care'"), {"elder_beds": beds}),
    }
    last_days = f.broadcast(months.withColumn("_last_day", last_day_of("period")))
    for name, (rows, columns) in states.items():
        yield Part(name, rows.join(last_days, on=f.expr(valid_on("_last_day")), how="inner"), columns)


def _undated(inputs: Inputs, months: DataFrame) -> Iterator[Part]:
    """Sites and entities, which have no period of their own, in every month.

    A site that was not open at a month's end counts as none; one without an opening date counts as open.
    """
    every_month = f.broadcast(months)
    end = last_day_of("period")
    is_open = f.coalesce(f.col("opened_on") <= end, f.lit(True)) & f.coalesce(f.col("closed_on") > end, f.lit(True))
    for name, dataset in SITES.items():
        rows = inputs["service_site"].filter(f.col("source_dataset") == dataset).crossJoin(every_month)
        yield Part(f"{name}_site", rows, {f"{name}_sites": is_open.cast("int")})
    yield Part("entity", inputs["business_entity"].crossJoin(every_month), {"entities": f.lit(1)})


def _with_population(grid: DataFrame, population: DataFrame) -> DataFrame:
    counts = population.select("division_code", f.col("year").alias("_year"), *POPULATION)
    known = grid.join(counts, on="division_code", how="left")
    usable = f.col("_year") <= f.substring("period", 1, 4)
    newest = [f.max_by(f.when(usable, f.col(name)), f.when(usable, f.col("_year"))).alias(name) for name in POPULATION]
    return known.groupBy(*grid.columns).agg(*newest)


def _with_parts(grid: DataFrame, parts: list[Part]) -> DataFrame:
    pairs = reduce(union, map(_pairs, parts)).withColumn("_pair", f.explode("_pairs"))
    names = [name for part in parts for name in part.columns]
    totals = [f.expr(f"sum(_pair.amount) FILTER (WHERE _pair.name = '{name}')").alias(name) for name in names]
    added = pairs.groupBy(*KEY).agg(*totals, f.collect_set("_part").alias("_parts"))
    covered = added.groupBy("period").agg(f.array_distinct(f.flatten(f.collect_list("_parts"))).alias("_covered"))
    filled = {
        name: f.when(f.array_contains("_covered", part.name), f.coalesce(f.col(name), f.lit(0)))
        for part in parts
        for name in part.columns
        if name not in NOT_FILLED
    }
    always = {name: f.coalesce(f.col(name), f.lit(0)) for name in ALWAYS_FILLED}
    joined = grid.join(added, on=KEY, how="left").join(f.broadcast(covered), on="period", how="left")
    return joined.withColumns(filled | always).drop("_covered", "_parts")


def _pairs(part: Part) -> DataFrame:
    """The part's rows: KEY, _part, _pairs (an array of name and amount)."""
    pairs = [
        f.struct(f.lit(name).alias("name"), amount.cast(AMOUNT).alias("amount"))
        for name, amount in part.columns.items()
    ]
    return part.rows.select(*KEY, f.lit(part.name).alias("_part"), f.array(*pairs).alias("_pairs"))
