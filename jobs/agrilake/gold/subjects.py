"""Households, business entities and elders, without anything that names a person."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from agrilake.gold.columns import Inputs, sourced, with_division


def household(inputs: Inputs) -> DataFrame:
    """Households by their number."""
    return with_division(sourced(inputs["agri_farm_household"], "agri_farm_household"), inputs["division"])


def business_entity(inputs: Inputs) -> DataFrame:
    """Business entities by credit code."""
    return with_division(sourced(inputs["agri_business_entity"], "agri_business_entity"), inputs["division"])


def elder(inputs: Inputs) -> DataFrame:
    """Elders by registry number; of the birth date only the year is kept."""
    elders = sourced(inputs["civil_elder"], "civil_elder").withColumn("birth_year", f.year("birth_date"))
    return with_division(elders, inputs["division"])
