"""Bad boundaries and points, from a department's file to the layers: each has its outcome, the others go on."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas
import polars as pl
import pytest
import shapely
from tests.support.intake import findings, reference_lake, take
from tests.support.lakes import agrilake
from tests.support.samples import drop

from agrilake.errors import UsageError
from agrilake.geojson import geojson, in_degrees, in_metres
from agrilake.notebook import open_lake as open_notebook
from agrilake.pipeline import publishing, steps
from agrilake.pipeline.context import Lake
from agrilake.publish import current_publication, open_publication
from agrilake.sample.boundaries import areas
from agrilake.sample.places import load_places

pytestmark = pytest.mark.spark
BOUNDARY = ("区划代码", "边界", "坐标系统")
COLD = ("设施编号", "设施名称", "所在村", "设施类型", "库容（吨）", "经度", "纬度", "建成日期")
PLACES = load_places(7)
AREAS = areas(PLACES)
COUNTY = PLACES.county.code
"""The sample's own areas: a district of townships that meet."""


def write(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


GOOD, METRIC, KNOT = "500112129000", "500112138000", "500112144000"
"""The three townships of the committed division table."""


def crossed(area: shapely.Geometry) -> str:
    ring = json.loads(geojson(area))["coordinates"][0]
    ring[1], ring[len(ring) // 2] = ring[len(ring) // 2], ring[1]
    return json.dumps({"type": "Polygon", "coordinates": [ring]})


def turned(area: shapely.Geometry) -> str:
    return geojson(shapely.transform(area, lambda points: points[:, ::-1]))


Built = tuple[Lake, dict[str, geopandas.GeoDataFrame], pl.DataFrame]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, spark_remote: str) -> Built:
    """A lake that took one file of boundaries and one of cold stores and published, its layers, what they leave out."""
    lake = reference_lake(tmp_path_factory.mktemp("lake"))
    folder = tmp_path_factory.mktemp("files")
    own = [item for item in PLACES.villages if item.parent_code == GOOD]
    plots = [shapely.box(item.lon, item.lat, item.lon + 0.01, item.lat + 0.01) for item in own[:2]]
    boundaries = [
        (COUNTY, geojson(AREAS[COUNTY]), "EPSG:4490"),
        (GOOD, geojson(AREAS[GOOD]), "EPSG:4490"),
        # another system, and it says so
        (METRIC, shapely.to_geojson(in_metres(AREAS[METRIC], 4545)), "CGCS2000_3_Degree_GK_CM_108E"),
        (KNOT, crossed(AREAS[KNOT]), "EPSG:4490"),
        (own[0].code, turned(plots[0]), "EPSG:4490"),
        # another system, and it does not say so
        (own[1].code, shapely.to_geojson(in_metres(plots[1], 4545)), "EPSG:4490"),
        ("青石沟镇", geojson(AREAS[GOOD]), "EPSG:4490"),
    ]
    village, inside = own[0].code, shapely.Point(own[0].lon, own[0].lat)
    stores = [
        ("LL20240001", "好冷库", village, "产地", 100, inside.x, inside.y, "2023-01-01"),
        ("LL20240002", "海上冷库", village, "产地", 100, 122.5, 29.9, "2023-01-01"),
        ("LL20240003", "经纬颠倒冷库", village, "产地", 100, inside.y, inside.x, "2023-01-01"),
        ("LL20240004", "邻区冷库", village, "产地", 100, 107.19, 30.19, "2023-01-01"),
        ("LL20240005", "无名村冷库", "500112999299", "产地", 100, inside.x, inside.y, "2023-01-01"),
        ("LL20240006", "没有坐标的冷库", village, "产地", 100, "", "", "2023-01-01"),
    ]
    drop(write(folder / "planning" / "planning_boundary__2024.csv", BOUNDARY, boundaries), lake.home.root)
    drop(write(folder / "commerce" / "commerce_cold_chain__2024Q1.csv", COLD, stores), lake.home.root)
    take(lake)
    for name in ("planning_boundary", "commerce_cold_chain"):
        steps.update_silver(lake, name)
    for name in lake.registry.datasets:
        steps.check_suite(lake, name)
    for name in ("division", "facility"):
        steps.update_gold(lake, name)
    publishing.update_publication(lake)
    opened = open_notebook(lake.home.root)
    frames = {name: opened.layer(name) for name in opened.layers()["图层"]}
    with closing(open_publication(lake.home)) as connection:
        left_out = connection.execute("SELECT * FROM layer_left_out").pl()
    return lake, frames, left_out


def rules(lake: Lake, dataset: str) -> dict[int, str]:
    """Rule by line of what the dataset's only delivery has in quarantine."""
    [delivery] = lake.state.deliveries(dataset)
    found = findings(lake, delivery)
    return dict(found.select("line", "rule").iter_rows())


def test_a_bad_boundary_stops_at_its_row(built: Built) -> None:
    assert rules(built[0], "planning_boundary") == {
        5: "simple_polygon",
        6: "inside_district",
        7: "inside_district",
        8: "division_known",
    }


def test_the_good_boundaries_are_on_the_map_in_one_system(built: Built) -> None:
    shown = built[1]["boundaries"].set_index("division_code")
    assert sorted(shown.index) == sorted([COUNTY, GOOD, METRIC])
    assert shown.crs.to_epsg() == 4490
    assert shown.geometry.is_valid.all()
    for code in shown.index:
        assert shapely.hausdorff_distance(shown.geometry[code], AREAS[code]) < 2e-5  # two metres
        assert in_degrees(shown.geometry[code], "EPSG:4490").bounds[0] > 106


def test_villages_of_a_township_without_boundary_wait_for_it(built: Built) -> None:
    _, frames, left_out = built
    assert set(frames["villages"]["township_code"]) == {GOOD}
    missing = left_out.filter(pl.col("layer") == "villages")["division_code"]
    assert KNOT[:9] in {code[:9] for code in missing}


def test_points_in_the_sea_or_turned_stop_at_their_row(built: Built) -> None:
    found = rules(built[0], "commerce_cold_chain")
    assert set(found) == {3, 4, 6}
    assert found[6] == "division_known"
    assert {found[3], found[4]} <= {"longitude", "latitude"}


def test_points_outside_the_districts_boundary_are_left_out_with_their_line(built: Built) -> None:
    _, frames, left_out = built
    assert list(frames["cold_chain"]["name"]) == ["好冷库"]
    assert list(frames["cold_chain"]["place_agrees"]) == [True]
    lost = left_out.filter(pl.col("layer") == "cold_chain").select("key", "reason", "line").rows()
    assert lost == [
        ("commerce_cold_chain:LL20240004", "坐标不在本区范围内", 5),
        ("commerce_cold_chain:LL20240006", "没有坐标", 7),
    ]


def test_the_publication_lists_its_layers_for_everybody(built: Built) -> None:
    lake, frames, _ = built
    published = current_publication(lake.home)
    assert published is not None
    for role in ("leader", "analyst"):
        with closing(open_publication(lake.home, role)) as connection:
            listed = dict(connection.execute("SELECT id, rows FROM layer").fetchall())
        assert listed == {name: len(frame) for name, frame in frames.items()}
    described = json.loads((published.path / "catalogue.jsonld").read_text(encoding="utf-8"))
    files = [node["dcat:downloadURL"]["@id"] for node in described["@graph"] if "dcat:downloadURL" in node]
    assert sorted(name.rsplit("/", 1)[-1] for name in files) == sorted(item.file for item in published.layers.values())


def test_a_notebook_opens_a_layer_by_title_and_at_its_version(built: Built) -> None:
    lake = open_notebook(built[0].home.root)
    assert lake.layer("冷链物流设施").equals(lake.layer("cold_chain"))
    assert lake.layer("cold_chain").crs.to_epsg() == 4490
    assert "bbox" not in lake.layer("cold_chain")
    listed = lake.layers().set_index("图层")
    assert (listed.loc["cold_chain", "图形"], listed.loc["cold_chain", "未上图"]) == ("点", 2)
    with pytest.raises(UsageError, match="冷库"):
        lake.layer("冷库")
    version = lake.state.lake_versions()[-1].version
    assert len(lake.as_of(version=version).layer("cold_chain")) == 1
    lake.state.record_lake_version({"silver/planning_boundary": 99})
    newer = lake.as_of(version=version + 1)
    with pytest.raises(UsageError, match="只保留最近几次"):
        newer.layers()


def test_a_notebook_asks_the_publication(built: Built) -> None:
    lake = open_notebook(built[0].home.root)
    taken = lake.published("SELECT accepted, quarantined FROM delivery WHERE dataset = 'commerce_cold_chain'")
    assert taken.to_numpy().tolist() == [[3, 3]]
    assert lake.published("SELECT capacity_t FROM facility")["capacity_t"].to_list() == [100.0] * 3
    with pytest.raises(UsageError, match="nothing_such"):
        lake.published("SELECT * FROM nothing_such")


def test_the_commands_show_layers_and_catalogue(built: Built, tmp_path: Path) -> None:
    home = built[0].home.root
    shown = agrilake(home, "layers", "--json")
    assert shown.returncode == 0, shown.stderr
    layers = {item["id"]: item for item in json.loads(shown.stdout)}
    assert len(geopandas.read_parquet(layers["boundaries"]["path"])) == layers["boundaries"]["rows"] == 3
    target = tmp_path / "catalogue.jsonld"
    written = agrilake(home, "catalogue", "--dcat", str(target), "--json")
    assert written.returncode == 0, written.stderr
    found = json.loads(written.stdout)
    [resource] = [item for item in found["catalogue"] if item["dataset"] == "commerce_cold_chain"]
    divisions = built[0].division_table()
    assert divisions is not None
    villages = divisions.filter(pl.col("level") == "village").height
    assert (resource["coverage"], resource["sharing"]) == (f"1/3 个镇街，1/{villages} 个村（社区）", "无条件共享")
    assert "冷链物流设施" in target.read_text(encoding="utf-8")
    assert agrilake(tmp_path / "empty", "layers").returncode == UsageError.exit_code
