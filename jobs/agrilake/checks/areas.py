"""Checks of areas in GeoJSON: that they are areas, whole, and where they say."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

from agrilake.checks.model import Arguments, CheckContext
from agrilake.geojson import area_from, in_degrees, swapped

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Problem = Callable[[str], str | None]


def _no_area(text: str) -> str | None:
    try:
        area_from(text)
    except ValueError as error:
        return str(error)
    return None


def _not_simple(text: str) -> str | None:
    """Where the area's rings cross or overlap (OGC simple features)."""
    import shapely

    area = _area(text)
    if area is None or area.is_valid:
        return None
    found = re.search(r"\[(\S+) (\S+)\]", shapely.is_valid_reason(area))
    return f"，在（{found[1]}, {found[2]}）附近" if found else ""


def _area(text: str) -> BaseGeometry | None:
    try:
        return area_from(text)
    except ValueError:
        return None


def _problems(values: pl.Series, problem: Problem) -> pl.Series:
    found = [None if text is None else problem(text) for text in values]
    return pl.Series(found, dtype=pl.String)


def polygon(values: pl.Series, _context: CheckContext) -> pl.Series:
    """A GeoJSON Polygon or MultiPolygon (RFC 7946) whose rings are closed."""
    return _passed(values, _problems(values, _no_area))


def polygon_problem(frame: pl.DataFrame, column: str, _arguments: Arguments, _context: CheckContext) -> pl.Series:
    """What is no area about it, for the sentence that explains."""
    return _problems(frame[column], _no_area)


def simple_polygon(values: pl.Series, _context: CheckContext) -> pl.Series:
    """An area whose boundary does not cross itself; what is no area passes."""
    return _passed(values, _problems(values, _not_simple))


def crossing(frame: pl.DataFrame, column: str, _arguments: Arguments, _context: CheckContext) -> pl.Series:
    """Where it crosses itself, for the sentence that explains."""
    return _problems(frame[column], _not_simple)


def _passed(values: pl.Series, problems: pl.Series) -> pl.Series:
    """True without a problem, False with one, null where nothing is."""
    return pl.select(pl.when(values.is_not_null()).then(problems.is_null())).to_series()


def inside_district(frame: pl.DataFrame, column: str, arguments: Arguments, context: CheckContext) -> pl.Series:
    """The area, in the coordinate system that the column `crs` names, lies within the district's box (settings)."""
    return _passed(frame[column], misplaced(frame, column, arguments, context))


def misplaced(frame: pl.DataFrame, column: str, arguments: Arguments, context: CheckContext) -> pl.Series:
    """How the area lies elsewhere (its axes exchanged, or outside), for the sentence that explains."""
    pairs = zip(frame[column], frame[str(arguments["crs"])], strict=True)
    found = [None if None in pair else _elsewhere(*pair, context) for pair in pairs]
    return pl.Series(found, dtype=pl.String)


def _elsewhere(text: str, crs: str, context: CheckContext) -> str | None:
    area = _area(text)
    if area is None or _inside(area, crs, context):
        return None
    return "两个坐标轴填反了" if _inside(swapped(area), crs, context) else "有坐标不在本区范围内"


def _inside(area: BaseGeometry, crs: str, context: CheckContext) -> bool:
    bounds = in_degrees(area, crs).bounds
    return all(
        limits is None or (math.isfinite(low + high) and limits[0] <= low and high <= limits[1])
        for limits, low, high in ((context.longitudes, bounds[0], bounds[2]), (context.latitudes, bounds[1], bounds[3]))
    )
