"""Registers of stations as silver holds them, from a few words each, for tests of the linking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from deltalake import write_deltalake

from agrilake.contract.load import load_registry
from agrilake.intake.values import silver_type
from agrilake.paths import Home
from agrilake.tables.newest import PLACES

REGISTRY = load_registry()
TOWN, VILLAGE, OTHER = "500112129000", "500112129206", "500112129207"
DIVISIONS = [
    ("500112000000", "渝北区", "county"),
    (TOWN, "玉峰山镇", "township"),
    (VILLAGE, "龙门村村民委员会", "village"),
    (OTHER, "双井村村民委员会", "village"),
]
DATASETS = {
    "YN": "agri_info_service_site",
    "DS": "commerce_service_site",
    "BM": "civil_convenience_site",
    "YZ": "postal_site",
    "WW": "coop_service_site",
}
LON, LAT = 106.7, 29.97
METRE = 1 / 111_320


def station(site_no: str, name: str, address: str | None = None, **rest: Any) -> dict[str, Any]:
    """A station of 龙门村; `north` moves its point by metres, `point=False` leaves it out."""
    north, point = rest.pop("north", 0), rest.pop("point", True)
    where = {"lon": LON, "lat": LAT + north * METRE} if point else {"lon": None, "lat": None}
    return {"site_no": site_no, "name": name, "address": address, "division_code": VILLAGE, **where, **rest}


def registers(*rows: dict[str, Any]) -> dict[str, pl.DataFrame]:
    """The rows by the register that the first two letters of their number name."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(DATASETS[row["site_no"][:2]], []).append(row)
    return {name: register(name, part) for name, part in found.items()}


def register(dataset: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of one silver table; what a row does not say is empty, postal nodes are those of a village."""
    kinds = {column.name: silver_type(column) for column in REGISTRY.datasets[dataset].silver_columns} | PLACES
    base = {"_delivery_id": "d1", "_line": 2, "_period": "2024Q1", "_sheet": None}
    if dataset == "postal_site":
        base |= {"level": "village", "co_distribution": True}
    full = [dict.fromkeys(kinds) | base | row for row in rows]
    return pl.DataFrame(full, schema=kinds)


def divisions() -> pl.DataFrame:
    """Code and name of the divisions."""
    return pl.DataFrame([row[:2] for row in DIVISIONS], schema=["code", "name"], orient="row")


def store(home: Home, *rows: dict[str, Any]) -> None:
    """Write the registers of these rows and the division table into silver; other registers stay as they are."""
    for name, frame in registers(*rows).items():
        _write(home.table("silver", name), frame)
    table = pl.DataFrame(DIVISIONS, schema=["code", "name", "level"], orient="row").with_columns(_period=pl.lit("2024"))
    if not home.table("silver", "stats_division").exists():
        _write(home.table("silver", "stats_division"), table)


def _write(path: Path, frame: pl.DataFrame) -> None:
    write_deltalake(str(path), frame.to_arrow(), mode="overwrite")
