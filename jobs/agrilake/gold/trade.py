"""What is produced, traced and sold online."""

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
