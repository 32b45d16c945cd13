"""Areas as GeoJSON text (RFC 7946): reading them, and moving them into degrees of EPSG:4490.

Coordinates are longitude before latitude; of projected systems, easting before northing. The checks of every file come
by here, so what draws and converts is imported when an area comes.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from pyproj import Transformer
    from shapely.geometry.base import BaseGeometry

CGCS2000 = "EPSG:4490"
PLACES = 7
"""Decimals kept of a degree, about a centimetre."""

AREAS = ("Polygon", "MultiPolygon")
Shapes = TypeVar("Shapes", "BaseGeometry", "np.ndarray")


def area_from(text: str) -> BaseGeometry:
    """The Polygon or MultiPolygon (bare or in a Feature); ValueError that says in Chinese why it is none."""
    import shapely
    from shapely.errors import GEOSException

    try:
        shape = shapely.from_geojson(text)
    except (GEOSException, UnicodeDecodeError) as error:  # GEOS quotes Chinese text by bytes, cut anywhere
        closed = "closed" in str(error)
        raise ValueError("有的环首尾坐标不相同，没有闭合" if closed else "读不出 GeoJSON，可能不完整") from error
    if shape.geom_type not in AREAS:
        raise ValueError(f"图形类型是 {shape.geom_type}")
    if shape.is_empty:
        raise ValueError("图形里没有坐标")
    return shape


def in_degrees(area: Shapes, crs: str) -> Shapes:
    """A geometry or an array of them in EPSG:4490; coordinates that the system cannot have become infinite."""
    import shapely

    return area if crs == CGCS2000 else shapely.transform(area, _to_degrees(crs).transform, interleaved=False)


def in_metres(shapes: Shapes, epsg: int) -> Shapes:
    """A geometry or an array of them, from EPSG:4490 in a projected system of the district, where metres are metres."""
    import shapely

    return shapely.transform(shapes, _from_degrees(epsg).transform, interleaved=False)


def swapped(area: BaseGeometry) -> BaseGeometry:
    """The area with its two axes exchanged."""
    import shapely

    return shapely.transform(area, lambda east, north: (north, east), interleaved=False)


def geojson(area: BaseGeometry) -> str:
    """The area as GeoJSON, rounded to PLACES; where rounding makes edges touch, the area is rebuilt without them."""
    import numpy as np
    import shapely

    rounded = shapely.transform(area, lambda points: np.round(points, PLACES))
    return str(shapely.to_geojson(rounded if rounded.is_valid else shapely.set_precision(area, 10**-PLACES)))


@cache
def _from_degrees(epsg: int) -> Transformer:
    from pyproj import Transformer

    return Transformer.from_crs(CGCS2000, epsg, always_xy=True)


@cache
def _to_degrees(crs: str) -> Transformer:
    from pyproj import Transformer

    return Transformer.from_crs(crs, CGCS2000, always_xy=True)
