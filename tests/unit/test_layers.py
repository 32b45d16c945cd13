"""Layers from a hand-made analysts' file: what is on the map, what is left out and why, and valid GeoParquet."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_spatial
import geopandas
import geoparquet_validator
import pyarrow.parquet as pq
import pytest
import shapely
from tests.support.analyst import Rows, analyst_file

from agrilake.contract.load import load_registry
from agrilake.contract.settings import load_settings
from agrilake.geojson import geojson, in_metres
from agrilake.layers.load import load_layers
from agrilake.layers.make import NO_AREA, make_layers
from agrilake.layers.model import LayerFile
from agrilake.layers.places import ELSEWHERE, NO_COORDINATES
from agrilake.layers.routes import TOO_FEW
from agrilake.paths import project_root

REGISTRY = load_registry((project_root() / "schemas",))
SETTINGS = load_settings()
LAYERS = load_layers()
COUNTY, TOWN, OTHER = "500112000000", "500112101000", "500112102000"
ONE, TWO, THREE, FAR = "500112101201", "500112101202", "500112101203", "500112102201"
SQUARE = shapely.box(106.60, 29.70, 106.70, 29.80)
EAST = shapely.box(106.70, 29.70, 106.80, 29.80)
DIVISIONS = [
    {"code": code, "name": name, "level": level, "parent_code": parent, "_period": "2024", "urban_rural_code": kind}
    for code, name, level, parent, kind in (
        (COUNTY, "某区", "county", "500100000000", None),
        (TOWN, "甲镇", "township", COUNTY, None),
        (OTHER, "乙镇", "township", COUNTY, None),
        (ONE, "甲一村", "village", TOWN, "220"),
        (TWO, "甲二村", "village", TOWN, "220"),
        (THREE, "甲三村", "village", TOWN, "220"),
        (FAR, "乙一村", "village", OTHER, "220"),
    )
]


def boundary(code: str, area: shapely.Geometry) -> dict[str, Any]:
    return {"division_code": code, "geometry": geojson(area), "crs": "EPSG:4490", "_period": "2024"}


def parcel(number: int, code: str, lon: float | None, lat: float | None) -> dict[str, Any]:
    return {"parcel_code": f"{number:019d}", "division_code": code, "area_mu": "1.5", "lon": lon, "lat": lat}


def node(number: str, code: str, lon: float | None, lat: float | None, level: str = "village") -> dict[str, Any]:
    return {"site_no": number, "name": f"{number}站", "level": level, "division_code": code, "lon": lon, "lat": lat}


def facility(category: str, number: str, code: str, lon: float, **more: Any) -> dict[str, Any]:
    place = {"division_code": code, "lon": lon, "lat": 29.75}
    return {"facility_id": f"{category}:{number}", "facility_no": number, "category": category, **place, **more}


def stop(route: str, number: int, code: str, start: str = "YZ1", km: str = "2.5", weekly: int = 5) -> dict[str, Any]:
    return {
        "period": "2024Q2",
        "route_no": route,
        "stop_no": number,
        "from_site": start,
        "division_code": code,
        "distance_km": km,
        "weekly_frequency": weekly,
    }


TABLES: dict[str, Rows] = {
    "stats_division": DIVISIONS,
    "planning_boundary": [boundary(COUNTY, SQUARE.union(EAST)), boundary(TOWN, SQUARE), boundary(OTHER, EAST)],
    "parcel": [
        parcel(1, ONE, 106.62, 29.75),
        parcel(2, ONE, 106.64, 29.75),
        parcel(3, ONE, 106.63, 29.75),
        parcel(4, TWO, 106.67, 29.75),
        parcel(5, TWO, 106.75, 29.75),  # in the township beside its own
        parcel(6, FAR, None, None),
        parcel(7, ONE, 107.15, 30.15),  # within the district's box, outside its boundary
    ],
    "logistics_route": [
        stop("LX1", 1, FAR) | {"period": "2024Q1"},
        stop("LX3", 1, ONE) | {"period": "2024Q1"},
        stop("LX2", 1, FAR, "YZ9"),
        stop("LX1", 2, TWO, weekly=3),
        stop("LX1", 1, ONE),
        stop("LX1", 3, THREE, km="4"),
    ],
    "facility": [
        facility("cold_chain", "LL20230001", ONE, 106.63, facility_type="origin", capacity_t="120"),
        facility("elder_care", "YL1", ONE, 106.63, facility_type="home", beds=30),
        facility("smart_farm", "F1", TWO, 106.67, facility_type="orchard", automation_level="remote", area_mu="50"),
    ],
    "service_site": [{"site_id": "a:1", "division_code": ONE, "department": "区商务委", "lon": 106.63, "lat": 29.75}],
    "logistics_node": [node("YZ1", TOWN, 106.65, 29.79, "township"), node("YZ9", OTHER, None, None, "township")],
    "village_profile": [
        {"division_code": ONE, "period": "2024-01", "households": 9},
        {"division_code": ONE, "period": "2024-02", "households": 10},
        {"division_code": FAR, "period": "2024-02", "households": 20},
    ],
}
Made = tuple[dict[str, LayerFile], dict[str, geopandas.GeoDataFrame], list[dict[str, Any]], Path]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mapping[str, Rows]], Made]:
    """Layers of the tables above with some of them replaced."""

    def made(changed: Mapping[str, Rows]) -> Made:
        root = tmp_path_factory.mktemp("layers")
        connection = analyst_file(root / "analyst.duckdb", REGISTRY, {**TABLES, **changed})
        files, left_out = make_layers(connection, root / "layers", LAYERS, REGISTRY, SETTINGS)
        connection.close()
        frames = {item.id: geopandas.read_parquet(root / "layers" / item.file) for item in files}
        return {item.id: item for item in files}, frames, left_out.to_pylist(), root / "layers"

    return made


@pytest.fixture(scope="module")
def layers(make: Callable[[Mapping[str, Rows]], Made]) -> Made:
    return make({})


def reasons(left_out: list[dict[str, Any]], layer: str) -> dict[str, str]:
    return {row["key"]: row["reason"] for row in left_out if row["layer"] == layer}


@pytest.mark.parametrize("layer", LAYERS, ids=lambda item: item.id)
def test_every_layer_is_valid_geoparquet(layers: Made, layer: Any) -> None:
    path = layers[3] / f"{layer.id}.parquet"
    report = geoparquet_validator.check(str(path))
    assert geoparquet_validator.failed(report) == [], report
    geo = json.loads(pq.read_schema(path).metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    column = geo["columns"][geo["primary_column"]]
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 4490}
    assert column["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]


def test_the_validator_finds_what_is_wrong(layers: Made, tmp_path: Path) -> None:
    table = pq.read_table(layers[3] / "parcels.parquet")
    geo = json.loads(table.schema.metadata[b"geo"])
    geo["columns"]["geometry"]["encoding"] = "WKT"
    path = tmp_path / "spoilt.parquet"
    pq.write_table(table.replace_schema_metadata({b"geo": json.dumps(geo).encode()}), path)
    assert geoparquet_validator.failed(geoparquet_validator.check(str(path)))


def test_duckdb_reads_what_geopandas_reads(layers: Made) -> None:
    connection = duckdb.connect()
    [extension] = Path(duckdb_extension_spatial.__file__).parent.rglob("*.duckdb_extension")
    connection.execute(f"LOAD '{extension}'")
    for name, frame in layers[1].items():
        path = layers[3] / f"{name}.parquet"
        query = f"SELECT count(*), count(*) FILTER (WHERE ST_IsValid(geometry)) FROM '{path}'"
        assert connection.execute(query).fetchone() == (len(frame), len(frame))
    query = (
        f"SELECT round(ST_X(geometry), 2) FROM '{layers[3] / 'parcels.parquet'}' WHERE bbox.xmin > 106.66 ORDER BY 1"
    )
    assert connection.execute(query).fetchall() == [(106.67,), (106.75,)]


def test_a_village_without_boundary_is_what_lies_nearest_to_its_middle(layers: Made) -> None:
    villages = layers[1]["villages"].set_index("division_code")
    assert list(villages.index) == [ONE, TWO]
    assert villages["estimated"].all()
    assert list(villages["township_name"]) == ["甲镇", "甲镇"]
    one, two = villages.geometry
    assert one.contains(shapely.Point(106.6499, 29.71))  # the middles are 106.63 and 106.67
    assert two.contains(shapely.Point(106.6501, 29.79))
    assert shapely.union_all([one, two]).symmetric_difference(SQUARE).area < 1e-9
    assert one.intersection(two).area < 1e-12
    expected = in_metres(SQUARE, SETTINGS.projected_epsg).area / 1e6
    assert villages["area_km2"].sum() == pytest.approx(expected, rel=1e-5)


def test_villages_without_a_point_have_no_area_and_say_so(layers: Made) -> None:
    files, _, left_out, _ = layers
    assert reasons(left_out, "villages") == {THREE: NO_AREA, FAR: NO_AREA}
    assert (files["villages"].rows, files["villages"].estimated, files["villages"].left_out) == (2, 2, 2)
    assert reasons(left_out, "village_profile") == {f"{FAR}/2024-02": NO_AREA}


def test_a_departments_own_boundary_comes_first(make: Callable[[Mapping[str, Rows]], Made]) -> None:
    own = shapely.box(106.60, 29.70, 106.64, 29.80)
    boundaries = [*TABLES["planning_boundary"], boundary(ONE, own)]
    villages = make({"planning_boundary": boundaries})[1]["villages"].set_index("division_code")
    assert list(villages["estimated"]) == [False, True]
    assert villages.geometry[ONE].equals(own)
    assert villages.geometry[TWO].symmetric_difference(SQUARE.difference(own)).area < 1e-9


def test_a_merger_has_both_boundaries_in_the_history_alone(make: Callable[[Mapping[str, Rows]], Made]) -> None:
    before = [boundary(code, area) | {"_period": "2023"} for code, area in ((TOWN, SQUARE), (OTHER, EAST))]
    frames = make({"planning_boundary": [*before, boundary(TOWN, SQUARE.union(EAST))]})[1]
    assert list(frames["boundaries"]["division_code"]) == [TOWN]
    history = frames["boundary_history"]
    assert list(zip(history["division_code"], history["period"], strict=True)) == [
        (TOWN, "2023"),
        (TOWN, "2024"),
        (OTHER, "2023"),
    ]
    assert [area.equals(SQUARE) for area in history.geometry] == [True, False, False]


def test_the_profile_shows_its_newest_month_on_the_villages_areas(layers: Made) -> None:
    profile = layers[1]["village_profile"]
    assert list(profile["period"]) == ["2024-02"]
    assert list(profile["households"]) == [10]
    assert profile.geometry[0].equals(layers[1]["villages"].geometry[0])


def test_what_lies_nowhere_or_elsewhere_is_left_out_with_its_line(layers: Made) -> None:
    files, frames, left_out, _ = layers
    assert reasons(left_out, "parcels") == {f"{6:019d}": NO_COORDINATES, f"{7:019d}": ELSEWHERE}
    [row] = [row for row in left_out if row["key"] == f"{7:019d}"]
    assert (row["delivery_id"], row["line"], row["title"]) == ("d1", 8, "承包地块")
    assert files["parcels"].rows == len(frames["parcels"]) == 5


def test_a_point_in_another_township_is_shown_and_marked(layers: Made) -> None:
    parcels = layers[1]["parcels"].set_index("parcel_code")
    assert list(parcels["place_agrees"]) == [True, True, True, True, False]


def test_a_route_runs_from_its_start_through_its_stops_in_order(layers: Made) -> None:
    files, frames, left_out, _ = layers
    [route] = frames["logistics_routes"].to_dict("records")
    assert (route["route_no"], route["from_site"], route["stops"], route["stops_placed"]) == ("LX1", "YZ1", 3, 2)
    assert (route["distance_km"], route["weekly_frequency"]) == (9.0, 3)
    turns = [(round(lon, 3), round(lat, 3)) for lon, lat in route["geometry"].coords]
    assert turns == [(106.65, 29.79), (106.63, 29.75), (106.67, 29.75)]
    assert reasons(left_out, "logistics_routes") == {"LX2": TOO_FEW}  # nothing of an earlier quarter
    assert files["logistics_routes"].left_out == 1


def test_a_table_of_all_facilities_is_a_layer_for_each_of_its_categories(layers: Made) -> None:
    numbers = {name: list(layers[1][name]["facility_no"]) for name in ("cold_chain", "elder_facilities", "farms")}
    assert numbers == {"cold_chain": ["LL20230001"], "elder_facilities": ["YL1"], "farms": ["F1"]}


def test_the_district_is_its_box_where_its_boundary_is_not_known(make: Callable[[Mapping[str, Rows]], Made]) -> None:
    _, frames, left_out, _ = make({"planning_boundary": []})
    assert len(frames["parcels"]) == 6
    assert frames["parcels"]["place_agrees"].isna().all()
    assert frames["villages"].empty
    assert set(reasons(left_out, "villages").values()) == {NO_AREA}


def test_villages_at_one_place_cannot_be_told_apart(make: Callable[[Mapping[str, Rows]], Made]) -> None:
    rows = [parcel(1, ONE, 106.63, 29.75), parcel(2, TWO, 106.63, 29.75), parcel(3, THREE, 106.68, 29.75)]
    villages = make({"parcel": rows, "facility": ()})[1]["villages"]
    assert list(villages["division_code"]) == [THREE]


def test_an_empty_lake_has_empty_layers(make: Callable[[Mapping[str, Rows]], Made]) -> None:
    files, frames, left_out, folder = make(dict.fromkeys(TABLES, ()))
    assert all(frame.empty for frame in frames.values())
    assert left_out == []
    assert all(item.bounds is None for item in files.values())
    for item in files.values():
        report = geoparquet_validator.check(str(folder / item.file))
        # statistics of a bounding box ("distribution") are more than an empty file can have
        assert geoparquet_validator.conformant(report, "core")
        assert geoparquet_validator.conformant(report, "covering")


def test_codes_stand_with_their_labels_and_numbers_are_numbers(layers: Made) -> None:
    [row] = layers[1]["cold_chain"].to_dict("records")
    assert (row["facility_type"], row["facility_type_label"], row["capacity_t"]) == (
        "origin",
        "产地冷藏保鲜设施",
        120.0,
    )
    assert list(layers[1]["farms"]["automation_level_label"]) == ["二级远控"]
    assert (row["division_name"], row["township_code"]) == ("甲一村", TOWN)
    nodes = layers[1]["logistics_nodes"]
    assert list(nodes["level_label"]) == ["镇"]  # the gold table's codes mean what the department's mean


def test_the_same_rows_are_the_same_file(make: Callable[[Mapping[str, Rows]], Made], layers: Made) -> None:
    again = make({})
    for name, item in layers[0].items():
        assert (again[3] / item.file).read_bytes() == (layers[3] / item.file).read_bytes(), name


def test_a_hidden_number_is_hidden_on_the_map_and_says_so(make: Callable[[Mapping[str, Rows]], Made]) -> None:
    homes = [
        facility("elder_care", "YL1", ONE, 106.63, facility_type="home", beds=30, occupied=20, occupied_hidden=False),
        facility("elder_care", "YL2", ONE, 106.63, facility_type="home", beds=30, occupied_hidden=True),
    ]
    _, frames, *_ = make({"facility": homes})
    shown = frames["elder_facilities"][["occupied", "occupied_hidden"]]
    assert shown.astype(object).fillna("").to_numpy().tolist() == [[20, False], ["", True]]
