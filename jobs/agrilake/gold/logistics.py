"""Parcels: events at a place, time on the way, and how often a village is served.

建制村周五班: a village committee with at least five days of delivery a week. Weeks are ISO weeks; a week belongs
to the month of its Thursday (ISO 8601), so every week belongs to exactly one month, quarter and year.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from agrilake.gold.columns import Inputs, administrative_villages, month_of, quarter_of, sourced, union, with_division

SERVED = ("arrived", "delivered")
PERIODS = {"month": 0, "quarter": 1, "year": 2}


def delivery_event(inputs: Inputs) -> DataFrame:
    """Every event of every parcel, at the division of its node."""
    nodes = inputs["postal_site"].select("site_no", "division_code")
    events = sourced(inputs["postal_parcel"], "postal_parcel").withColumns(
        {"event_on": f.to_date("event_at"), "period": month_of("event_at")}
    )
    return with_division(events.join(f.broadcast(nodes), on="site_no", how="left"), inputs["division"])


def parcel_transit(inputs: Inputs) -> DataFrame:
    """Inbound parcels that were picked up and delivered: hours between the two, at the place of delivery."""
    inbound = inputs["delivery_event"].filter("direction = 'inbound'")
    picked = inbound.filter("event = 'picked_up'").select("waybill_no", f.col("event_at").alias("picked_up_at"))
    delivered = inbound.filter("event = 'delivered'").withColumnRenamed("event_at", "delivered_at")
    seconds = f.unix_seconds(f.col("delivered_at").cast("timestamp")) - f.unix_seconds(
        f.col("picked_up_at").cast("timestamp")
    )
    return delivered.join(picked, on="waybill_no", how="inner").withColumn(
        "hours", (seconds.cast("decimal(18,0)") / f.lit(3600).cast("decimal(4,0)")).cast("decimal(12,4)")
    )


def logistics_week(inputs: Inputs) -> DataFrame:
    """Each 建制村 and ISO week that the parcel data cover: days with an inbound arrival or delivery, and parcels.

    A week belongs to the data when a delivered month owns it (the month of its Thursday); villages without events
    have zero days, since the postal file covers the whole district.
    """
    events = inputs["delivery_event"].withColumn("week_start", _monday(f.col("event_on")))
    months = events.select("period").distinct()
    weeks = events.select("week_start").distinct().withColumn("period", _week_month(f.col("week_start")))
    weeks = weeks.join(f.broadcast(months), on="period", how="left_semi")
    served = (
        events.filter(f.col("event").isin(*SERVED) & (f.col("direction") == "inbound"))
        .groupBy("division_code", "week_start")
        .agg(f.countDistinct("event_on").alias("delivery_days"), f.countDistinct("waybill_no").alias("parcels"))
    )
    return (
        administrative_villages(inputs["division"], weeks)
        .join(served, on=["division_code", "week_start"], how="left")
        .fillna(0, subset=["delivery_days", "parcels"])
    )


def village_delivery_frequency(inputs: Inputs, min_days_per_week: int) -> DataFrame:
    """Each 建制村 and month, quarter and year: average days of delivery a week, and whether that is enough."""
    weeks = inputs["logistics_week"]
    parts = [weeks.withColumns({"period": _widened("period", kind), "period_type": f.lit(kind)}) for kind in PERIODS]
    totals = (
        reduce(union, parts)
        .groupBy("division_code", "division_name", "township_code", "township_name", "period", "period_type")
        .agg(f.count("*").alias("weeks"), f.sum("delivery_days").alias("delivery_days"))
    )
    days = f.col("delivery_days").cast("decimal(18,0)") / f.col("weeks").cast("decimal(10,0)")
    return totals.withColumns(
        {
            "days_per_week": days.cast("decimal(8,4)"),
            "meets_five": f.col("delivery_days") >= f.col("weeks") * f.lit(min_days_per_week),
        }
    )


def logistics_route(inputs: Inputs) -> DataFrame:
    """Stops of the planned routes, quarter by quarter, with the name of the node that the route starts from."""
    stops = sourced(inputs["postal_route"], "postal_route").withColumn("period", f.col("_period"))
    nodes = inputs["postal_site"].select(f.col("site_no").alias("from_site"), f.col("name").alias("from_name"))
    return with_division(stops.join(f.broadcast(nodes), on="from_site", how="left"), inputs["division"])


def _monday(day: Column) -> Column:
    return f.to_date(f.date_trunc("week", day))


def _week_month(monday: Column) -> Column:
    return f.date_format(f.date_add(monday, 3), "yyyy-MM")


def _widened(month: str, kind: str) -> Column:
    """The quarter or year (2024Q2, 2024) that a month yyyy-MM lies in."""
    if kind == "year":
        return f.substring(month, 1, 4)
    return quarter_of(month) if kind == "quarter" else f.col(month)
