"""Village ledgers and the disclosure of party, village and financial affairs (三务公开)."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from agrilake.gold.columns import Inputs, administrative_villages, sourced


def village_disclosure(inputs: Inputs) -> DataFrame:
    """Each 建制村, delivered month and item (party, village, finance): what was not reported is not disclosed."""
    ledger = sourced(inputs["civil_village_ledger"], "civil_village_ledger")
    items = ledger.sparkSession.createDataFrame([("party",), ("village",), ("finance",)], "item string")
    expected = administrative_villages(inputs["division"], ledger.select("period").distinct()).crossJoin(items)
    found = ledger.withColumn("reported", f.lit(True))
    return expected.join(found, on=["division_code", "period", "item"], how="left").fillna(
        False, subset=["reported", "disclosed", "electronic"]
    )
