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
    return _elders(inputs["civil_elder"], inputs)


def household_history(inputs: Inputs) -> DataFrame:
    """Every state of every household: the rows valid on a day are the register of that day."""
    states = sourced(inputs["agri_farm_household_history"], "agri_farm_household")
    return with_division(states, inputs["division"])


def business_entity_history(inputs: Inputs) -> DataFrame:
    """Every state of every business entity."""
    states = sourced(inputs["agri_business_entity_history"], "agri_business_entity")
    return with_division(states, inputs["division"])


def elder_history(inputs: Inputs) -> DataFrame:
    """Every state of every elder."""
    return _elders(inputs["civil_elder_history"], inputs)


def _elders(elders: DataFrame, inputs: Inputs) -> DataFrame:
    born = sourced(elders, "civil_elder").withColumn("birth_year", f.year("birth_date"))
    return with_division(born, inputs["division"])
