"""What is traced, sold, bought and taught."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from agrilake.gold.columns import Inputs, month_of, sourced, with_division


def product_trace(inputs: Inputs) -> DataFrame:
    """Trace batches with their entity's name; the month is that of production."""
    batches = sourced(inputs["agri_trace_batch"], "agri_trace_batch").withColumn("period", month_of("produced_on"))
    names = inputs["agri_business_entity"].select("credit_code", f.col("name").alias("entity_name"))
    return with_division(batches.join(names, on="credit_code", how="left"), inputs["division"])


def online_trade(inputs: Inputs) -> DataFrame:
    """Monthly online sales; the division is that of the selling entity."""
    sales = sourced(inputs["commerce_ecommerce_sales"], "commerce_ecommerce_sales")
    entities = inputs["agri_business_entity"].select("credit_code", f.col("name").alias("entity_name"), "division_code")
    sold = sales.withColumn("period", f.col("month")).join(entities, on="credit_code", how="left")
    return with_division(sold, inputs["division"])


FARM_SUPPLIES = ("fertiliser", "pesticide", "seed", "tool")


def online_purchase(inputs: Inputs) -> DataFrame:
    """Goods that villages bought online, by month and category."""
    bought = sourced(inputs["commerce_online_purchase"], "commerce_online_purchase").withColumns(
        {"period": f.col("month"), "is_farm_supply": f.col("category").isin(*FARM_SUPPLIES)}
    )
    return with_division(bought, inputs["division"])


def agri_supply(inputs: Inputs) -> DataFrame:
    """Farm supplies sold by the co-op's sites; the division is that of the site."""
    sold = sourced(inputs["coop_agri_supply"], "coop_agri_supply").withColumns(
        {"period": f.col("month"), "site_id": f.concat(f.lit("coop_service_site:"), f.col("site_no"))}
    )
    sites = inputs["coop_service_site"].select("site_no", f.col("name").alias("site_name"), "division_code")
    return with_division(sold.join(sites, on="site_no", how="left"), inputs["division"])


def training(inputs: Inputs) -> DataFrame:
    """Training sessions; the month is that of the first day."""
    held = sourced(inputs["commerce_training"], "commerce_training").withColumn("period", month_of("held_on"))
    return with_division(held, inputs["division"])
