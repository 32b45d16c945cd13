"""Subsidies and assistance to households, care for elders, by their numbers in the registers."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from agrilake.gold.columns import Inputs, last_day_of, month_of, sourced, with_division
from agrilake.tables.history import valid_on

NOT_SEEN = "away"
"""The result of a visit that did not meet the elder."""


def assistance(inputs: Inputs) -> DataFrame:
    """Households that received assistance, month by month."""
    return with_division(sourced(inputs["civil_assistance"], "civil_assistance"), inputs["division"])


def subsidy(inputs: Inputs) -> DataFrame:
    """Subsidies paid; the month is that of payment."""
    paid = sourced(inputs["agri_subsidy_payment"], "agri_subsidy_payment").withColumn("period", month_of("paid_on"))
    return with_division(paid, inputs["division"])


def elder_visit(inputs: Inputs) -> DataFrame:
    """Visits to elders; the month is that of the visit."""
    visits = sourced(inputs["civil_elder_visit"], "civil_elder_visit").withColumn("period", month_of("visited_on"))
    return with_division(visits, inputs["division"])


def elder_visit_month(inputs: Inputs) -> DataFrame:
    """Each month that visits were reported of, with every elder living alone or in need of care on its last day.

    Whom the month's visits met is visited; those of whom no visit is reported have none.
    """
    visits = inputs["elder_visit"]
    met = visits.filter(f.col("result") != NOT_SEEN).groupBy("elder_id", "period").agg(f.count("*").alias("visits"))
    months = visits.select("period").distinct().withColumn("_last_day", last_day_of("period"))
    due = (
        inputs["elder_history"]
        .join(f.broadcast(months), on=f.expr(valid_on("_last_day")), how="inner")
        .withColumn("needs_care", f.col("care_level").isNotNull())
        .filter("living_alone OR needs_care")
    )
    counted = due.join(met, on=["elder_id", "period"], how="left").fillna(0, subset=["visits"])
    return counted.withColumn("visited", f.col("visits") > 0)
