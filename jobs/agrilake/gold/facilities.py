"""Places that serve agriculture and elders, the devices on smart farms, and what these measure day by day."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from agrilake.gold.columns import Inputs, month_of, sourced, union, with_division

CATEGORIES = {
    "civil_elder_facility": "elder_care",
    "commerce_cold_chain": "cold_chain",
    "agri_smart_farm": "smart_farm",
}
FARMS = "agri_smart_farm"
NUMBERS = {FARMS: "farm_id"}
OPTIONAL = {
    "credit_code": "string",
    "beds": "bigint",
    "occupied": "bigint",
    "supervised_online": "boolean",
    "capacity_t": "decimal(18,3)",
    "area_mu": "decimal(18,2)",
    "automation_level": "string",
    "opened_on": "date",
    "closed_on": "date",
}
"""What only some of the three departments report, with its type."""


def facility(inputs: Inputs) -> DataFrame:
    """Facilities of all three kinds, by dataset and number."""
    return _facilities(inputs, "", ())


def facility_history(inputs: Inputs) -> DataFrame:
    """Every state of every facility: the rows valid on a day are the registers of that day."""
    return _facilities(inputs, "_history", ("valid_from", "valid_to", "is_current"))


def _facilities(inputs: Inputs, suffix: str, validity: tuple[str, ...]) -> DataFrame:
    parts = [_one_kind(inputs[f"{dataset}{suffix}"], dataset, validity) for dataset in CATEGORIES]
    return with_division(reduce(union, parts), inputs["division"])


def _one_kind(frame: DataFrame, dataset: str, validity: tuple[str, ...]) -> DataFrame:
    if "built_on" in frame.columns:
        frame = frame.withColumnRenamed("built_on", "opened_on")
    absent = {name: f.lit(None).cast(kind) for name, kind in OPTIONAL.items() if name not in frame.columns}
    number = NUMBERS.get(dataset, "facility_no")
    found = sourced(frame, dataset).withColumns(
        {
            **absent,
            "facility_no": f.col(number),
            "facility_id": facility_id(dataset, number),
            "category": f.lit(CATEGORIES[dataset]),
            "facility_type": f.col("kind"),
        }
    )
    return found.select(
        "facility_id", *validity, "facility_no", "name", "category", "facility_type", "division_code", *OPTIONAL,
        "lon", "lat", "source_dataset", "delivery_id", "line", "sheet",
    )  # fmt: skip


def facility_id(dataset: str, number: str) -> f.Column:
    """The identifier of a department's facility among those of all: its dataset and its number there."""
    return f.concat(f.lit(f"{dataset}:"), f.col(number))


def iot_device(inputs: Inputs) -> DataFrame:
    """Devices by their number."""
    return _devices(inputs["agri_iot_device"], inputs)


def iot_device_history(inputs: Inputs) -> DataFrame:
    """Every state of every device: the rows valid on a day are the register of that day."""
    return _devices(inputs["agri_iot_device_history"], inputs)


def _devices(devices: DataFrame, inputs: Inputs) -> DataFrame:
    placed = sourced(devices, "agri_iot_device").withColumn("facility_id", facility_id(FARMS, "farm_id"))
    return with_division(placed, inputs["division"])


def iot_reading_day(inputs: Inputs) -> DataFrame:
    """Readings of a device, metric and day in one row; a device that no register knows has no farm and no village."""
    places = inputs["agri_iot_device"].select("device_id", "farm_id", "division_code")
    days = (
        inputs["agri_iot_reading"]
        .withColumn("read_on", f.to_date("read_at"))
        .groupBy("device_id", "metric", "read_on")
        .agg(
            f.min("unit").alias("unit"),
            f.count("*").alias("readings"),
            f.min("value").alias("min_value"),
            f.avg("value").alias("mean_value"),
            f.max("value").alias("max_value"),
        )
        .withColumn("period", month_of("read_on"))
    )
    return with_division(days.join(f.broadcast(places), on="device_id", how="left"), inputs["division"])
