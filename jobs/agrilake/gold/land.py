"""Contracted parcels, each beside the household that holds it."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from agrilake.gold.columns import Inputs, hectares, sourced, with_division


def parcel(inputs: Inputs) -> DataFrame:
    """Parcels by their code."""
    return _parcels(inputs["agri_land_contract"], inputs)


def parcel_history(inputs: Inputs) -> DataFrame:
    """Every state of every parcel: the rows valid on a day are the register of that day."""
    return _parcels(inputs["agri_land_contract_history"], inputs)


def _parcels(parcels: DataFrame, inputs: Inputs) -> DataFrame:
    """Many to one: whether the household lives in another village than the parcel lies in, null for one unknown."""
    lives = inputs["agri_farm_household"].select("household_id", f.col("division_code").alias("_lives_in"))
    found = sourced(parcels, "agri_land_contract").join(lives, on="household_id", how="left")
    return with_division(found, inputs["division"]).withColumns(
        {"area_ha": hectares("area_mu"), "household_village_differs": f.col("_lives_in") != f.col("division_code")}
    )
