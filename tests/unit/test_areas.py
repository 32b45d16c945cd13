"""Areas in GeoJSON: why one is refused, in words, and where one lies in EPSG:4490."""

from __future__ import annotations

import json

import polars as pl
import pytest
import shapely

from agrilake.checks import CHECKS, CheckContext
from agrilake.geojson import area_from, geojson, in_degrees
from agrilake.sample.boundaries import areas, boundaries
from agrilake.sample.places import load_places

BOX = CheckContext(longitudes=(106.2, 107.2), latitudes=(29.4, 30.2))
RING = [[106.7, 29.8], [106.8, 29.8], [106.8, 29.9], [106.7, 29.8]]


def text_of(ring: list[list[float]], kind: str = "Polygon") -> str:
    return json.dumps({"type": kind, "coordinates": [ring]})


def explained(check: str, text: str, crs: str = "EPSG:4490") -> str | None:
    """What the check says of the text; None where it passes."""
    frame = pl.DataFrame({"geometry": [text], "crs": [crs]})
    named, arguments = CHECKS[check], {"crs": "crs"} if check == "inside_district" else {}
    passed = named.valid(frame, "geometry", arguments, BOX)[0]
    assert named.explain is not None
    found = named.explain(frame, "geometry", arguments, BOX)[0]
    assert passed is (found is None)
    return found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (text_of(RING), None),
        (text_of(RING)[:-4], "读不出 GeoJSON，可能不完整"),
        ("界线见附图", "读不出 GeoJSON，可能不完整"),
        ("[]", "读不出 GeoJSON，可能不完整"),
        (text_of(RING[:-1]), "有的环首尾坐标不相同，没有闭合"),
        (json.dumps({"type": "LineString", "coordinates": RING}), "图形类型是 LineString"),
        ('{"type":"Polygon","coordinates":[]}', "图形里没有坐标"),
    ],
)
def test_what_is_no_area_says_why(text: str, words: str | None) -> None:
    assert explained("polygon", text) == words


def test_a_crossing_is_located() -> None:
    crossed = text_of([[106.7, 29.8], [106.8, 29.9], [106.8, 29.8], [106.7, 29.9], [106.7, 29.8]])
    assert explained("simple_polygon", crossed) == "，在（106.75, 29.85）附近"
    assert explained("simple_polygon", text_of(RING)) is None
    assert explained("simple_polygon", "no area: another check's business") is None


METRES = [[400000, 3300000], [401000, 3300000], [401000, 3301000], [400000, 3300000]]


@pytest.mark.parametrize(
    ("ring", "crs", "words"),
    [
        (RING, "EPSG:4490", None),
        (RING, "EPSG:4326", None),
        (METRES, "EPSG:4545", None),
        ([point[::-1] for point in RING], "EPSG:4490", "两个坐标轴填反了"),
        ([point[::-1] for point in METRES], "EPSG:4545", "两个坐标轴填反了"),
        ([[lon + 1, lat] for lon, lat in RING], "EPSG:4490", "有坐标不在本区范围内"),
        (METRES, "EPSG:4544", "有坐标不在本区范围内"),
        ([[x + 36_000_000, y] for x, y in METRES], "EPSG:4545", "有坐标不在本区范围内"),
        (METRES, "EPSG:4490", "有坐标不在本区范围内"),
    ],
)
def test_an_area_lies_in_the_district_by_its_own_system(ring: list[list[float]], crs: str, words: str | None) -> None:
    assert explained("inside_district", text_of(ring), crs) == words


def test_nothing_there_is_nothing_to_check() -> None:
    frame = pl.DataFrame(
        {"geometry": [None, text_of(RING)], "crs": ["EPSG:4490", None]}, schema_overrides={"geometry": pl.String}
    )
    assert CHECKS["inside_district"].valid(frame, "geometry", {"crs": "crs"}, BOX).to_list() == [None, True]
    assert CHECKS["polygon"].valid(frame, "geometry", {}, BOX).to_list() == [None, True]


@pytest.mark.parametrize(("crs", "meridian"), [("EPSG:4544", 105), ("EPSG:4545", 108)])
def test_the_false_easting_is_the_zones_meridian(crs: str, meridian: int) -> None:
    """500,000 m east of nothing is the central meridian itself (CGCS2000, 3-degree zones)."""
    area = in_degrees(area_from(text_of([[5e5, 33e5], [501e3, 33e5], [501e3, 3301e3], [5e5, 33e5]])), crs)
    assert area.bounds[0] == pytest.approx(meridian, abs=1e-9)
    assert 29.8 < area.bounds[1] < 29.83
    assert geojson(area).count(".") > 4


def test_an_area_that_is_valid_stays_so() -> None:
    """A tongue of half a centimetre, whose edges touch when they are rounded."""
    tongue = [[106.7, 29.8], [106.8, 29.8], [106.8, 29.9], [106.9, 29.90000004], [106.8, 29.90000002], [106.7, 29.8]]
    area = area_from(text_of(tongue))
    assert area.is_valid
    assert area_from(geojson(area)).is_valid


def test_the_samples_areas_meet_and_hold_their_villages() -> None:
    places = load_places(7)
    found = areas(places)
    county, towns = found[places.county.code], [found[town.code] for town in places.townships]
    assert all(area.is_valid for area in found.values())
    assert sum(area.area for area in towns) == pytest.approx(county.area, rel=1e-6)
    assert all(
        found[village.parent_code].contains(shapely.Point(village.lon, village.lat)) for village in places.villages
    )


def test_what_was_surveyed_in_any_system_lies_where_it_is() -> None:
    """Written in four systems' coordinates, each area comes back to within a metre."""
    places = load_places(7)
    truth = areas(places)
    for row in boundaries(places, ["2024"])["2024"]:
        area = in_degrees(area_from(row["geometry"]), row["crs"])
        assert area.symmetric_difference(truth[row["division_code"]]).area < 1e-5 * area.area
        assert shapely.hausdorff_distance(area, truth[row["division_code"]]) < 1e-5
