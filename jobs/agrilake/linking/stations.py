"""The five departments' stations as the linking compares them: one frame, one row a station."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import polars as pl
from polars.datatypes import DataType, DataTypeClass

from agrilake.linking.features import Features, Town, features

REGISTERS = (
    "agri_info_service_site",
    "civil_convenience_site",
    "commerce_service_site",
    "coop_service_site",
    "postal_site",
)
"""The departments' registers of stations; of postal_site the village's nodes alone."""
STATION: dict[str, DataType | DataTypeClass] = {
    "site_id": pl.String,
    "dataset": pl.String,
    "site_no": pl.String,
    "name": pl.String,
    "address": pl.String,
    "division_code": pl.String,
    "township_code": pl.String,
    "lon": pl.Float64,
    "lat": pl.Float64,
    "opened_on": pl.Date,
    "closed_on": pl.Date,
    "services": pl.String,
    "_delivery_id": pl.String,
    "_line": pl.Int64,
    "_sheet": pl.String,
}
"""Columns of a station; those that a register does not have are null."""
FEATURES: dict[str, DataType | DataTypeClass] = {
    "village": pl.String,
    "group_no": pl.Int64,
    "road": pl.String,
    "door": pl.Int64,
    "marks": pl.List(pl.String),
    "near": pl.String,
    "grams": pl.List(pl.String),
    "office_usual": pl.Boolean,
    "in_village": pl.Int64,
    "cell": pl.String,
    "shifted_cell": pl.String,
}
SAID = [name for name in FEATURES if name not in ("in_village", "cell", "shifted_cell")]
USUALLY_IN_OFFICE = ("civil_convenience_site",)
"""Registers whose stations stand in the village's office where nothing else is said (便民服务站在党群服务中心)."""
CELL_DEGREES = 0.006
"""Side of a block's square, about 600 m: two stations that far apart are no longer one place by their points."""


def stations(registers: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The stations of all registers that are there, by site_id (columns STATION)."""
    parts = [_stations(name, registers[name]) for name in REGISTERS if name in registers]
    return pl.concat([pl.DataFrame(schema=STATION), *parts]).sort("site_id")


def _stations(dataset: str, frame: pl.DataFrame) -> pl.DataFrame:
    if "level" in frame.columns:  # of the post's nodes, the townships' and the district's are no village stations
        frame = frame.filter(pl.col("level") == "village")
    placed = frame.with_columns(
        site_id=pl.concat_str(pl.lit(f"{dataset}:"), "site_no"),
        dataset=pl.lit(dataset),
        township_code=pl.col("division_code").str.head(9) + "000",
    )
    known = placed.columns
    return placed.select(
        (pl.col(name) if name in known else pl.lit(None)).cast(kind).alias(name) for name, kind in STATION.items()
    )


def with_features(frame: pl.DataFrame, divisions: pl.DataFrame) -> pl.DataFrame:
    """The stations with FEATURES, what their names and addresses say; `divisions` has code and name.

    `village` is the one that a station's name says, where its code's village is another of the same town: departments
    pick the wrong line of the list more often than they misname a station.
    """
    towns = _towns(divisions)
    nowhere = Town()
    columns = ["dataset", "name", "address", "division_code", "township_code"]
    rows = [
        _said(features(name, address, towns.get(town, nowhere)), code, dataset)
        for dataset, name, address, code, town in frame.select(columns).iter_rows()
    ]
    said = pl.DataFrame(rows, schema={name: FEATURES[name] for name in SAID})
    cells = {"cell": 0.0, "shifted_cell": CELL_DEGREES / 2}
    return frame.hstack(said).with_columns(
        pl.len().over("dataset", "village").cast(pl.Int64).alias("in_village"),
        *(_cell(shift).alias(name) for name, shift in cells.items()),
    )


def _said(found: Features, code: str, dataset: str) -> dict[str, object]:
    silent = not found.marks and found.near is None
    said = asdict(found) | {"village": found.village or code, "grams": found.grams}
    said["office_usual"] = silent and dataset in USUALLY_IN_OFFICE
    return {("group_no" if name == "group" else name): value for name, value in said.items()}


def _towns(divisions: pl.DataFrame) -> dict[str, Town]:
    names = dict(divisions.select("code", "name").iter_rows())
    villages: dict[str, list[tuple[str, str]]] = {}
    for code, name in sorted(names.items()):
        if not code.endswith("000"):
            villages.setdefault(f"{code[:9]}000", []).append((code, name))
    return {town: Town.of(names.get(town, ""), found) for town, found in villages.items()}


def _cell(shift: float) -> pl.Expr:
    """The square of a grid that a point lies in; null without a point, so that no block joins such rows."""
    parts = [((pl.col(axis) + shift) / CELL_DEGREES).floor().cast(pl.Int64).cast(pl.String) for axis in ("lon", "lat")]
    return pl.concat_str(parts, separator=":")
