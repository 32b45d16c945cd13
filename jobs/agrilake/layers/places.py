"""Where the district and its townships are, and whether a point lies where it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import shapely
from shapely.geometry.base import BaseGeometry

from agrilake.contract.settings import Box
from agrilake.layers.features import REASON, Features
from agrilake.layers.source import DIVISION

TOLERANCE = 0.005
"""Degrees, about 500 m: boundaries are generalised, and a site on the border stays a site of the district."""
NO_COORDINATES = "没有坐标"
ELSEWHERE = "坐标不在本区范围内"


@dataclass(frozen=True)
class Ground:
    """Boundaries that the department gave, by division code (EPSG:4490); the district's code and box (settings)."""

    boundaries: Mapping[str, BaseGeometry]
    district_code: str
    box: Box

    @cached_property
    def district(self) -> BaseGeometry:
        """The district with TOLERANCE around it; its box where its boundary is not known."""
        if self.district_code in self.boundaries:
            return self.boundaries[self.district_code].buffer(TOLERANCE)
        return shapely.box(self.box.min_lon, self.box.min_lat, self.box.max_lon, self.box.max_lat)

    def points(self, rows: pl.DataFrame) -> Features:
        """The rows (`lon`, `lat`, DIVISION) as points.

        Added: `place_agrees`, whether the point lies in its township (null where that has no boundary), and the reason
        why it has no place: no coordinates, or such outside the district.
        """
        lon, lat = rows["lon"].to_numpy(), rows["lat"].to_numpy()
        missing = np.isnan(lon.astype(float)) | np.isnan(lat.astype(float))
        shapes = shapely.points(lon.astype(float), lat.astype(float))
        shapely.prepare(self.district)
        away = ~missing & ~self.district.intersects(shapes)
        reasons = np.where(missing, NO_COORDINATES, np.where(away, ELSEWHERE, "")).astype(str)
        return Features(
            rows.drop("lon", "lat").with_columns(
                pl.Series("place_agrees", self._agrees(rows[DIVISION].to_list(), shapes), dtype=pl.Boolean),
                pl.Series(REASON, reasons.tolist(), dtype=pl.String).replace("", None),
            ),
            shapes,
        )

    def _agrees(self, codes: list[str | None], shapes: np.ndarray) -> list[bool | None]:
        townships = np.array([township_of(code) or "" for code in codes])
        agrees = np.full(len(shapes), None, dtype=object)
        for township in set(townships) & set(self.boundaries):
            own = townships == township
            agrees[own] = shapely.contains(self.boundaries[township], shapes[own])
        return [None if value is None else bool(value) for value in agrees]


def township_of(code: str | None) -> str | None:
    """The township of a division code (its first nine digits, GB/T 10114); None for the district itself."""
    return None if code is None or code.endswith("000000") else f"{code[:9]}000"
