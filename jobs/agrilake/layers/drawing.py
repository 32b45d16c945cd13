"""Townships drawn small: SVG paths for the leaders' dashboard, which has neither map tiles nor a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from agrilake.geojson import in_metres

SIZE = 1000
"""Units of the drawing's longer side, so that names have one size whatever the district's shape."""
TOLERANCE_M = 60.0
"""Metres that a drawn border may lie off the true one: less than a line's width on a district's map."""
LABELLED = 0.012
"""Share of the whole from which on an area has room for its name."""
Row = dict[str, Any]


def drawn_townships(boundaries: Mapping[str, BaseGeometry], names: Mapping[str, str], epsg: int) -> list[Row]:
    """One row a township with a boundary, by code: division_code, division_name, path, label, label_x, label_y, view.

    `boundaries` are areas by division code (EPSG:4490). `path` is an SVG path in whole units, SIZE of them on the
    longer side, north up; `view` its viewBox, the same in every row; `label` is empty where an area is too small for
    its name. Neighbours keep their common border.
    """
    codes = sorted(code for code in boundaries if code.endswith("000") and not code.endswith("000000"))
    if not codes:
        return []
    areas = in_metres(np.array([boundaries[code] for code in codes], dtype=object), epsg)
    west, south, east, north = shapely.total_bounds(areas)
    scale = SIZE / max(east - west, north - south)
    simple = shapely.coverage_simplify(areas, TOLERANCE_M)
    drawn = shapely.transform(simple, lambda points: np.abs(points - (west, north)) * scale)
    view = f"0 0 {round((east - west) * scale)} {round((north - south) * scale)}"
    least = LABELLED * float(shapely.area(drawn).sum())
    return [_row(code, names.get(code, code), area, view, least) for code, area in zip(codes, drawn, strict=True)]


def _row(code: str, name: str, area: BaseGeometry, view: str, least: float) -> Row:
    largest = max(shapely.get_parts(area), key=shapely.area)
    middle = shapely.maximum_inscribed_circle(largest, tolerance=1).coords[0]
    return {
        "division_code": code,
        "division_name": name,
        "path": " ".join(_ring(ring) for part in shapely.get_parts(area) for ring in (part.exterior, *part.interiors)),
        "label": name if area.area >= least else "",
        "label_x": round(middle[0]),
        "label_y": round(middle[1]),
        "view": view,
    }


def _ring(ring: shapely.LinearRing) -> str:
    points = np.rint(np.asarray(ring.coords)[:-1]).astype(int)
    return "M" + "L".join(f"{x} {y}" for x, y in points) + "Z"
