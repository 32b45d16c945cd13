"""Coordinates as departments send them, stored in EPSG:4490.

Map exports are shifted: AMap's in GCJ-02, Baidu's in BD-09. `prcoords` inverts the shift by iteration to within
centimetres of WGS 84, which CGCS2000 (EPSG:4490) agrees with to centimetres. A contract's `crs` says what its
`lon` and `lat` are.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import prcoords

from agrilake.contract.model import Dataset

INVERSES: dict[str, Callable[..., prcoords.Coords]] = {
    "GCJ-02": prcoords.gcj_wgs_bored,
    "BD-09": prcoords.bd_wgs_bored,
}
PLACES = 7
"""Decimals kept, about a centimetre: below it the iteration's last digits depend on the platform."""


def to_cgcs2000(accepted: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """The frame with `lon` and `lat` (degrees, Float64) in EPSG:4490; unchanged where the contract says so already."""
    inverse = INVERSES.get(dataset.crs or "")
    if inverse is None or not {"lon", "lat"} <= set(accepted.columns):
        return accepted
    pairs = zip(accepted["lon"], accepted["lat"], strict=True)
    moved = [(None, None) if None in pair else _moved(inverse, *pair) for pair in pairs]
    return accepted.with_columns(
        pl.Series("lon", [lon for lon, _ in moved], dtype=pl.Float64),
        pl.Series("lat", [lat for _, lat in moved], dtype=pl.Float64),
    )


def _moved(inverse: Callable[..., prcoords.Coords], lon: float, lat: float) -> tuple[float, float]:
    point = inverse(prcoords.Coords(lat, lon), check_china=False)
    return round(point.lon, PLACES), round(point.lat, PLACES)
