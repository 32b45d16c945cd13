"""Coordinates as departments send them, stored in EPSG:4490.

Map exports are shifted: AMap's in GCJ-02, Baidu's in BD-09. `prcoords` inverts the shift by iteration to within
centimetres of WGS 84, which CGCS2000 (EPSG:4490) agrees with to centimetres. A contract's `crs` says what its
`lon` and `lat` are. An area says so itself: `geometry` (GeoJSON) stands beside a column `crs`.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import prcoords

from agrilake.contract.model import Dataset
from agrilake.geojson import CGCS2000, PLACES, area_from, geojson, in_degrees

INVERSES: dict[str, Callable[..., prcoords.Coords]] = {
    "GCJ-02": prcoords.gcj_wgs_bored,
    "BD-09": prcoords.bd_wgs_bored,
}


def to_cgcs2000(accepted: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """The frame with `lon` and `lat` (degrees, Float64) or `geometry` (GeoJSON, with `crs`) in EPSG:4490.

    Unchanged where the contract says so already. Decimals below geojson.PLACES depend on the platform and go.
    """
    if {"geometry", "crs"} <= set(accepted.columns):
        return _areas(accepted)
    inverse = INVERSES.get(dataset.crs or "")
    if inverse is None or not {"lon", "lat"} <= set(accepted.columns):
        return accepted
    pairs = zip(accepted["lon"], accepted["lat"], strict=True)
    moved = [(None, None) if None in pair else _moved(inverse, *pair) for pair in pairs]
    return accepted.with_columns(
        pl.Series("lon", [lon for lon, _ in moved], dtype=pl.Float64),
        pl.Series("lat", [lat for _, lat in moved], dtype=pl.Float64),
    )


def _areas(accepted: pl.DataFrame) -> pl.DataFrame:
    pairs = zip(accepted["geometry"], accepted["crs"], strict=True)
    moved = [None if None in pair else geojson(in_degrees(area_from(pair[0]), pair[1])) for pair in pairs]
    return accepted.with_columns(pl.Series("geometry", moved, dtype=pl.String), crs=pl.lit(CGCS2000))


def _moved(inverse: Callable[..., prcoords.Coords], lon: float, lat: float) -> tuple[float, float]:
    point = inverse(prcoords.Coords(lat, lon), check_china=False)
    return round(point.lon, PLACES), round(point.lat, PLACES)
