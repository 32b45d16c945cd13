"""How tables of many rows lie on disk, so that one village's month reads little of them.

A large table is partitioned by period, and within a period ordered by what stands for the place and by time, in files
and row groups of bounded size; their statistics then tell a reader which of them it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agrilake.contract.model import Dataset, LogicalType

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ROWS_PER_FILE = 200_000
ROWS_PER_GROUP = 20_000
"""Spark's writers learn it from its server's settings (services.spark)."""
LOG_RETENTION = {"delta.logRetentionDuration": "interval 36500 days"}
"""A log is never thinned out: what was published from an old version must still find its files in it."""
STATISTICS = "delta.dataSkippingStatsColumns"
_TIMES = (LogicalType.TIMESTAMP, LogicalType.DATE)


def partition_column(dataset: Dataset) -> str | None:
    """The column of the period that a large table is partitioned by."""
    if not dataset.large:
        return None
    if not dataset.is_gold:
        return "_period"
    return "period" if any(column.name == "period" for column in dataset.columns) else None


def partitions(dataset: Dataset) -> list[str]:
    """The same as a list, empty where the table is not partitioned."""
    column = partition_column(dataset)
    return [column] if column else []


def cluster_columns(dataset: Dataset) -> list[str]:
    """What the rows of a period are ordered by: the division, else the register's number that leads to it (site,
    device), then the time of the event."""
    columns = dataset.silver_columns
    places = [column.name for column in columns if column.division_level or column.name == "division_code"]
    registered = [column.name for column in columns if column.reference]
    times = [column.name for column in columns if column.type in _TIMES]
    chosen = [*(places or registered)[:1], *times[:1]]
    return chosen or list(dataset.key)


def properties(dataset: Dataset) -> dict[str, str]:
    """Table properties: how long the log is kept, and which columns have statistics."""
    if not dataset.large:
        return {**LOG_RETENTION, "delta.dataSkippingNumIndexedCols": "8"}
    times = [column.name for column in dataset.silver_columns if column.type in _TIMES]
    delivery = "delivery_id" if dataset.is_gold else "_delivery_id"
    known = {column.name for column in dataset.silver_columns} | {"_delivery_id"}
    wanted = dict.fromkeys([*cluster_columns(dataset), *dataset.key, *times, delivery])
    kept = [name for name in wanted if name in known and name != partition_column(dataset)]
    return {**LOG_RETENTION, STATISTICS: ",".join(kept)}


def laid_out(frame: DataFrame, dataset: Dataset) -> DataFrame:
    """The rows of a large table in the order in which they are to be written."""
    by = partitions(dataset)
    return (frame.repartition(*by) if by else frame).sortWithinPartitions(*by, *cluster_columns(dataset))
