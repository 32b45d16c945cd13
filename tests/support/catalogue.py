"""Deliveries and divisions for the catalogue's tests, without a file."""

from __future__ import annotations

from typing import Any

import polars as pl

from agrilake.lake.state import Delivery

COUNTY = "500112000000"
DIVISIONS = pl.LazyFrame(
    [
        (COUNTY, "某区", "county", "500100000000", "2024"),
        ("500112101000", "甲镇", "township", COUNTY, "2024"),
        ("500112101201", "甲一村", "village", "500112101000", "2024"),
        ("500112101202", "甲二村", "village", "500112101000", "2024"),
        ("500112102000", "乙镇", "township", COUNTY, "2024"),
        ("500112102201", "乙一村", "village", "500112102000", "2024"),
        ("500112102202", "旧村", "village", "500112102000", "2023"),
    ],
    schema=["code", "name", "level", "parent_code", "_period"],
    orient="row",
)


def delivery(name: str, dataset: str, period: str, **other: Any) -> Delivery:
    """A delivery of ten accepted records unless `other` says so."""
    base = {"department": dataset.split("_", maxsplit=1)[0], "file_name": "x.csv", "sha256": name, "bytes": 1}
    counts = {"status": "accepted", "records": 10, "accepted": 10}
    return Delivery(id=name, dataset=dataset, period=period, **{**base, **counts, **other})
