"""Boundaries of the townships and the district: each point belongs to the village that is nearest to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from agrilake.contract.settings import load_settings
from agrilake.sample.drop import Drop
from agrilake.sample.extracts import CONFLICT, Extract
from agrilake.sample.places import Place, Places
from agrilake.sample.records import Defect, Row
from agrilake.sample.spelling import Style

MARGIN = 0.02
"""Degrees that the district reaches beyond its outermost villages."""

DEGREES, METRES = 1e-6, 0.01
STYLES = (Style(encoding="utf-8", headers=1, divisions="mixed", labels=1),)


def _changed(row: Row, **changes: object) -> str:
    return json.dumps({**json.loads(row["geometry"]), **changes})


def _ring(row: Row) -> list[list[float]]:
    ring: list[list[float]] = json.loads(row["geometry"])["coordinates"][0]
    return ring


def _crossed(row: Row) -> str:
    ring = _ring(row)
    ring[1], ring[2] = ring[2], ring[1]
    return _changed(row, coordinates=[ring])


DEFECTS = (
    Defect("geometry", "polygon", lambda row: row["geometry"][:-9]),
    Defect("geometry", "polygon", "POLYGON ((106.7 29.8, 106.8 29.8, 106.8 29.9, 106.7 29.8))"),
    Defect("geometry", "polygon", lambda row: _changed(row, type="LineString", coordinates=_ring(row))),
    Defect("geometry", "polygon", lambda row: _changed(row, coordinates=[_ring(row)[:-1]])),
    Defect("geometry", "simple_polygon", _crossed),
    Defect("geometry", "inside_district", lambda row: _changed(row, coordinates=[[p[::-1] for p in _ring(row)]])),
    Defect(
        "geometry", "inside_district", lambda row: _changed(row, coordinates=[[[p[0] + 2, p[1]] for p in _ring(row)]])
    ),
    Defect("geometry", "required", ""),
    Defect("crs", "enum", "北京 54"),
    Defect("crs", "required", ""),
    Defect("division_code", "division_known", "青石沟镇"),
)


def areas(places: Places, year: str = "") -> dict[str, BaseGeometry]:
    """The district and its townships by code, in EPSG:4490: they meet without gaps and hold their villages. Of villages
    only those of a merger, as they are in the year: two, later their union."""
    points = shapely.MultiPoint([(place.lon, place.lat) for place in places.villages])
    county = shapely.set_precision(points.convex_hull.buffer(MARGIN, quad_segs=2), DEGREES)
    cells = shapely.voronoi_polygons(points, extend_to=county, ordered=True).geoms
    found = {places.county.code: county}
    for town in places.townships:
        own = [cell for cell, place in zip(cells, places.villages, strict=True) if place.parent_code == town.code]
        if own:
            found[town.code] = shapely.union_all(own).intersection(county, grid_size=DEGREES)
    if places.merger:
        two = {
            place.code: cell.intersection(county, grid_size=DEGREES)
            for cell, place in zip(cells, places.villages, strict=True)
            if place.code in places.watched
        }
        found |= {places.merger.new.code: shapely.union_all(list(two.values()))} if places.merger.is_over(year) else two
    return found


def boundaries(places: Places, years: Sequence[str]) -> dict[str, list[Row]]:
    """One row an area, in degrees of CGCS2000 or WGS 84 or in metres of the district's zone, as it was surveyed."""
    systems = ("EPSG:4490", "EPSG:4490", f"EPSG:{load_settings().projected_epsg}", "EPSG:4326")
    return {year: _edition(places, year, systems) for year in years}


def _edition(places: Places, year: str, systems: Sequence[str]) -> list[Row]:
    rows = []
    for at, (code, area) in enumerate(areas(places, year).items()):
        crs = systems[at % len(systems)]
        rows.append({"division_code": code, "geometry": _written(area, crs), "crs": crs})
    return rows


def _written(area: BaseGeometry, crs: str) -> str:
    """The area in the surveyor's coordinates, to a ten-millionth of a degree or a centimetre."""
    moved = shapely.transform(area, Transformer.from_crs("EPSG:4490", crs, always_xy=True).transform, interleaved=False)
    step = METRES if moved.bounds[0] > 1000 else DEGREES
    decimals = round(-np.log10(step))
    return str(shapely.to_geojson(shapely.transform(moved, partial(np.round, decimals=decimals))))


def _square(place: Place) -> str:
    east, north = round(place.lon, 4), round(place.lat, 4)
    corners = [(0.0, 0.0), (0.01, 0.0), (0.01, 0.01), (0.0, 0.01), (0.0, 0.0)]
    ring = [[round(east + right, 4), round(north + up, 4)] for right, up in corners]
    polygon: Mapping[str, Any] = {"type": "Polygon", "coordinates": [ring]}
    return json.dumps(polygon)


def deliver(drop: Drop, boundaries: Mapping[str, Sequence[Row]], seed: int) -> None:
    """One file a year; villages have no row of their own unless they merge, so their codes are free for what is wrong,
    one for each defect."""
    villages = [place for place in drop.places.villages if place.code not in drop.places.watched]

    def spare(_row: Row, _file: int, number: int) -> Row:
        place = villages[number if number < CONFLICT else CONFLICT - number - 1]
        return {"division_code": place.code, "geometry": _square(place), "crs": "EPSG:4490"}

    extract = Extract(
        "planning_boundary",
        "division_code",
        STYLES,
        DEFECTS[: len(villages) - 3],
        spare,
        lambda _: {"crs": "EPSG:4326"},
        duplicates=1,
    )
    extract.deliver(drop, boundaries, seed)
