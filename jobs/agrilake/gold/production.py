"""What is grown, kept, tested and worked with, in one unit each: 亩, 吨, 元."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from agrilake.gold.columns import Inputs, hectares, month_of, sourced, with_division, yuan


def crop_production(inputs: Inputs) -> DataFrame:
    """Crops by village and quarter."""
    crops = sourced(inputs["agri_crop_production"], "agri_crop_production")
    conformed = {"sown_area_ha": hectares("sown_area_mu"), "value_yuan": yuan("value_wan_yuan")}
    return with_division(crops.withColumns(conformed), inputs["division"])


def livestock(inputs: Inputs) -> DataFrame:
    """Animals by village and quarter."""
    return with_division(sourced(inputs["agri_livestock"], "agri_livestock"), inputs["division"])


def quality_inspection(inputs: Inputs) -> DataFrame:
    """Samples with the name of the entity that they were taken from; the month is that of sampling."""
    samples = sourced(inputs["agri_quality_inspection"], "agri_quality_inspection")
    names = inputs["agri_business_entity"].select("credit_code", f.col("name").alias("entity_name"))
    named = samples.withColumn("period", month_of("sampled_on")).join(names, on="credit_code", how="left")
    return with_division(named, inputs["division"])


def machinery(inputs: Inputs) -> DataFrame:
    """Machines by their number."""
    return with_division(sourced(inputs["agri_machinery"], "agri_machinery"), inputs["division"])


def machinery_history(inputs: Inputs) -> DataFrame:
    """Every state of every machine: the rows valid on a day are the register of that day."""
    return with_division(sourced(inputs["agri_machinery_history"], "agri_machinery"), inputs["division"])
