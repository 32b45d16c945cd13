"""Townships as SVG, and the five shades of an indicator on them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import duckdb
import pytest
import shapely

from agrilake.contract.load import load_registry
from agrilake.contract.settings import load_settings
from agrilake.layers.drawing import SIZE, drawn_townships
from agrilake.paths import project_root
from agrilake.publish import layouts
from agrilake.publish.database import empty_table, insert
from agrilake.publish.indicators import value_layout
from agrilake.sample.boundaries import areas
from agrilake.sample.places import load_places
from agrilake.superset.views import TOWNSHIP_MAP

EPSG = load_settings().projected_epsg
COUNTY, WEST, EAST = "500112000000", "500112101000", "500112102000"
SQUARE = shapely.box(106.60, 29.70, 106.70, 29.80)
BESIDE = shapely.box(106.70, 29.70, 106.80, 29.80).difference(shapely.box(106.74, 29.74, 106.76, 29.76))


def rings(path: str) -> list[shapely.Polygon]:
    """The areas that the rings of a path enclose."""
    found = [re.findall(r"(-?\d+) (-?\d+)", ring) for ring in path.split("Z") if ring]
    return [shapely.Polygon([(int(x), int(y)) for x, y in ring]) for ring in found]


def test_a_drawing_has_north_up_and_fills_its_view() -> None:
    west, east = drawn_townships({COUNTY: SQUARE, WEST: SQUARE, EAST: BESIDE}, {WEST: "甲镇", EAST: "乙镇"}, EPSG)
    assert (west["division_name"], west["label"]) == ("甲镇", "甲镇")
    [_, _, width, height] = map(int, west["view"].split())
    assert west["view"] == east["view"]
    assert width == SIZE
    assert height == pytest.approx(SIZE * 11_086 / 19_340, rel=0.02)  # a tenth of a degree, two tenths
    [left], [right, hole] = rings(west["path"]), rings(east["path"])
    assert left.bounds[0] <= 5
    assert right.bounds[2] >= SIZE - 5
    assert right.contains(hole)
    assert shapely.touches(left, right)  # neighbours share their border, slanted as the projection has it
    assert shapely.Point(west["label_x"], west["label_y"]).within(left)


def test_the_samples_district_is_drawn_whole_and_small() -> None:
    places = load_places(7)
    found = drawn_townships(areas(places), {town.code: town.name for town in places.townships}, EPSG)
    assert [row["division_code"] for row in found] == [town.code for town in places.townships]
    assert sum(len(row["path"]) for row in found) < 60_000
    assert all(rings(row["path"])[0].is_valid for row in found)


def test_an_area_too_small_for_its_name_has_none() -> None:
    small = shapely.box(106.80, 29.70, 106.81, 29.71)
    found = drawn_townships({WEST: SQUARE, "500112103000": small}, {WEST: "甲镇", "500112103000": "丙街道"}, EPSG)
    assert [(row["division_name"], row["label"]) for row in found] == [("甲镇", "甲镇"), ("丙街道", "")]


def test_what_has_no_boundary_is_not_drawn() -> None:
    assert drawn_townships({COUNTY: SQUARE, "500112101201": SQUARE}, {}, EPSG) == []


@pytest.fixture
def publication() -> duckdb.DuckDBPyConnection:
    """A leader's file of one indicator in four townships, three of them on the map, one of these without a value."""
    values = {WEST: "10", EAST: "20", "500112103000": None, "500112104000": "99"}
    connection = duckdb.connect()
    layout = value_layout(load_registry((project_root() / "schemas",)).gold["indicator_value"])
    for item in (layout, layouts.INDICATOR, layouts.MAP_AREA):
        empty_table(connection, item)
    connection.execute("CREATE TABLE catalogue (department VARCHAR, department_title VARCHAR)")
    common = {"indicator_id": "rate", "indicator_name": "比率", "unit": "%", "decimals": 1, "period": "2024-05"}
    common |= {"period_type": "month", "flag": "official", "late": False}
    rows = [{**common, "division_level": "district", "division_code": COUNTY, "value": Decimal(15)}]
    for code, value in values.items():
        number = None if value is None else Decimal(value)
        place = {"division_level": "township", "division_code": code, "division_name": code[6:9]}
        rows.append({**common, **place, "value": number})
    for table, found in (
        (layout, rows),
        (layouts.INDICATOR, [{"id": "rate", "name": "比率", "owner": "x", "sort": 1}]),
        (layouts.MAP_AREA, drawn_rows(list(values)[:3])),
    ):
        insert(connection, table.name, [column.name for column in table.columns], found)
    return connection


def drawn_rows(codes: list[str]) -> list[dict[str, Any]]:
    return [{"division_code": code, "path": "M0 0Z", "label": "镇", "view": "0 0 9 9"} for code in codes]


def test_shades_run_from_the_lowest_to_the_highest_that_is_drawn(publication: duckdb.DuckDBPyConnection) -> None:
    query = f"SELECT area, shade, map_value, lowest_text, highest_text FROM ({TOWNSHIP_MAP.sql}) ORDER BY area"
    assert publication.execute(query).fetchall() == [
        ("101", "1", "10.0", "10.00", "20.00"),
        ("102", "5", "20.0", "10.00", "20.00"),
        ("103", "none", "", "10.00", "20.00"),
    ]
