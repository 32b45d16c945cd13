"""Areas and middles of villages: the department's boundary where there is one, else estimated from points.

Boundaries of villages are not public. Where the boundary file lacks a village, what is left of its township is divided
among the villages that lack one: each place goes to the village whose middle is nearest (Voronoi). A village's middle
is the median of the sites, facilities and parcels that name it and lie in its township, so that a few wrong coordinates
do not move it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import shapely
from shapely.geometry.base import BaseGeometry

from agrilake.geojson import AREAS, PLACES, in_degrees, in_metres
from agrilake.layers.source import DIVISION

APART_M = 1.0
"""Middles nearer to each other than this (metres) are one place: their villages cannot be told apart."""
AROUND_M = 1000.0
"""How far beyond the township cells are drawn (metres) before they are cut."""


@dataclass(frozen=True)
class Villages:
    """`areas`: code to area (EPSG:4490); `estimated`: codes whose area is; `middles`: code to point."""

    areas: Mapping[str, BaseGeometry]
    estimated: frozenset[str]
    middles: Mapping[str, shapely.Point]


def villages(
    divisions: pl.DataFrame, boundaries: Mapping[str, BaseGeometry], points: pl.DataFrame, epsg: int
) -> Villages:
    """Areas and middles of the villages in `divisions` (code, level, parent_code).

    `boundaries` are those that the department gave, by code (EPSG:4490); `points` has DIVISION, lon and lat; `epsg` is
    the district's projected system, in which distances are measured. A village without boundary has neither area nor
    middle where its township has no boundary, or no point of the village lies in it.
    """
    listed = divisions.filter(pl.col("level") == "village").sort("code")
    areas = {code: boundaries[code] for code in listed["code"] if code in boundaries}
    middles: dict[str, shapely.Point] = {}
    estimated: dict[str, BaseGeometry] = {}
    for (township,), own in listed.group_by("parent_code", maintain_order=True):
        within, codes = boundaries.get(str(township)), own["code"].to_list()
        if within is None:
            continue
        found = _middles(points.filter(pl.col(DIVISION).is_in(codes)), within)
        middles |= found
        lacking = {code: point for code, point in found.items() if code not in areas}
        estimated |= _divided(within, [areas[code] for code in codes if code in areas], lacking, epsg)
    middles |= {code: area.representative_point() for code, area in areas.items() if code not in middles}
    return Villages({**areas, **estimated}, frozenset(estimated), middles)


def _middles(points: pl.DataFrame, township: BaseGeometry) -> dict[str, shapely.Point]:
    inside = shapely.contains_xy(township, points["lon"].to_numpy(), points["lat"].to_numpy())
    medians = points.filter(pl.Series(inside)).group_by(DIVISION).agg(pl.col("lon", "lat").median()).sort(DIVISION)
    return {code: shapely.Point(lon, lat) for code, lon, lat in medians.iter_rows()}


def _divided(
    township: BaseGeometry, taken: list[BaseGeometry], middles: Mapping[str, shapely.Point], epsg: int
) -> dict[str, BaseGeometry]:
    """What is left of the township, divided among the villages with a middle in it.

    Nearness is measured in metres; the cells are cut in degrees, so that together they are what is left, to the edge.
    """
    left = township.difference(shapely.union_all(taken))
    places = np.array(list(middles.values()), dtype=object)
    metric = in_metres(places, epsg)
    usable = shapely.intersects(left, places) & ~_crowded(metric)
    codes, seeds = np.array(list(middles))[usable], metric[usable]
    if not len(seeds):
        return {}
    cells = np.array([left])
    if len(seeds) > 1:
        around = in_metres(left, epsg).envelope.buffer(AROUND_M)
        drawn = shapely.voronoi_polygons(shapely.MultiPoint(seeds), extend_to=around, ordered=True)
        cells = in_degrees(shapely.get_parts(drawn), f"EPSG:{epsg}")
    parts = np.array([_surface(cell) for cell in shapely.intersection(cells, left)], dtype=object)
    rounded = shapely.set_precision(parts, 10**-PLACES)
    return {str(code): area for code, area in zip(codes, rounded, strict=True) if not area.is_empty}


def _crowded(places: np.ndarray) -> np.ndarray:
    """Which places stand on another."""
    one, other = shapely.STRtree(places).query(places, predicate="dwithin", distance=APART_M)
    return np.isin(np.arange(len(places)), one[one != other])


def _surface(shape: BaseGeometry) -> BaseGeometry:
    """The polygons of an intersection, which may touch in lines and points as well."""
    return shapely.union_all([part for part in shapely.get_parts(shape) if part.geom_type in AREAS])
