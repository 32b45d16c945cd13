"""The export for Superset: the same every time, complete in itself, and over columns that the publication has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from agrilake.catalog.catalogue import CATALOGUE_SCHEMAS
from agrilake.contract.load import Registry, load_registry
from agrilake.indicators.load import load_indicators
from agrilake.indicators.model import Indicator
from agrilake.paths import project_root
from agrilake.publish import layouts
from agrilake.publish.database import empty_table, published_columns
from agrilake.publish.departments import department_layout
from agrilake.publish.hiding import with_marks
from agrilake.publish.indicators import value_layout
from agrilake.publish.model import LEADER, Layout
from agrilake.superset.assets import Chart
from agrilake.superset.build import Surroundings, filters_of, rows_of
from agrilake.superset.export import charts_in, datasets_of, export_files, surroundings
from agrilake.superset.layout import COLUMNS, Heading, Note
from agrilake.superset.published import department_datasets
from agrilake.superset.setup import exports_hash


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry((project_root() / "schemas",))


@pytest.fixture(scope="module")
def indicators() -> tuple[Indicator, ...]:
    return load_indicators()


@pytest.fixture(scope="module")
def texts(registry: Registry, indicators: tuple[Indicator, ...]) -> dict[str, str]:
    return export_files(registry, indicators)


@pytest.fixture(scope="module")
def files(texts: dict[str, str]) -> dict[str, dict[str, Any]]:
    return {name: yaml.safe_load(text) for name, text in texts.items()}


@pytest.fixture(scope="module")
def around(registry: Registry, indicators: tuple[Indicator, ...]) -> Surroundings:
    return surroundings(registry, indicators)


@pytest.fixture(scope="module")
def charts(around: Surroundings) -> list[Chart]:
    return [chart for found in charts_in(around).values() for chart in found]


def of_kind(files: dict[str, dict[str, Any]], folder: str) -> dict[str, dict[str, Any]]:
    return {name: content for name, content in files.items() if name.startswith(f"{folder}/")}


def test_same_declarations_give_same_bytes(
    registry: Registry, indicators: tuple[Indicator, ...], texts: dict[str, str]
) -> None:
    assert export_files(registry, indicators) == texts


def test_committed_export_is_fresh(texts: dict[str, str]) -> None:
    folder = project_root() / "superset_exports"
    found = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.yaml")}
    assert found == texts, "run: agrilake generate"


def test_references_between_files_exist(files: dict[str, dict[str, Any]]) -> None:
    databases = {item["uuid"] for item in of_kind(files, "databases").values()}
    datasets = {item["uuid"] for item in of_kind(files, "datasets").values()}
    charts = {item["uuid"] for item in of_kind(files, "charts").values()}
    assert {item["database_uuid"] for item in of_kind(files, "datasets").values()} == databases
    assert {item["dataset_uuid"] for item in of_kind(files, "charts").values()} <= datasets
    placed = []
    for dashboard in of_kind(files, "dashboards").values():
        cells = [item for item in dashboard["position"].values() if isinstance(item, dict)]
        placed += [item["meta"]["uuid"] for item in cells if item["type"] == "CHART"]
        for item in dashboard["metadata"]["native_filter_configuration"]:
            assert {target["datasetUuid"] for target in item["targets"]} <= datasets
    assert sorted(placed) == sorted(charts), "every chart stands on one dashboard"


def test_uuids_are_unique(files: dict[str, dict[str, Any]]) -> None:
    uuids = [item["uuid"] for name, item in files.items() if name != "metadata.yaml"]
    assert len(uuids) == len(set(uuids))


def test_charts_use_columns_and_metrics_of_their_dataset(charts: list[Chart]) -> None:
    for chart in charts:
        assert chart.columns_used() <= {item.name for item in chart.dataset.fields}, chart.name
        assert chart.metrics_used() <= {item.name for item in chart.dataset.metrics}, chart.name


def test_templates_use_columns_that_are_asked_for(charts: list[Chart]) -> None:
    for chart in charts:
        if chart.kind == "handlebars":
            used = set(re.findall(r"{{(\w+)}}", chart.params["handlebarsTemplate"]))
            assert used <= set(chart.params.get("all_columns", chart.params.get("metrics"))), chart.name
            assert "%" not in re.sub(r"{{.*?}}", "", chart.params["handlebarsTemplate"]), "a word left unfilled"


def test_filters_reach_charts_whose_dataset_has_the_column(around: Surroundings) -> None:
    found = charts_in(around)
    for dashboard in around.dashboards:
        charts = {chart.name: chart for chart in found[dashboard.slug]}
        for item in filters_of(dashboard, rows_of(dashboard, around), around):
            assert item.reaches, (dashboard.slug, item.title)
            for name in item.reaches:
                assert item.column in {field.name for field in charts[name].dataset.fields}, (item.title, name)


def test_rows_that_count_twice_stand_under_a_filter_of_areas(around: Surroundings) -> None:
    """Datasets with an area for each row hold every row twice: no chart over them may do without the filter."""
    found = charts_in(around)
    for dashboard in around.dashboards:
        filters = filters_of(dashboard, rows_of(dashboard, around), around)
        reached = {name for item in filters if item.column == "area" and item.default for name in item.reaches}
        doubled = {chart.name for chart in found[dashboard.slug] if chart.dataset.name.endswith("_by_area")}
        assert doubled <= reached


@pytest.fixture(scope="module")
def empty_publication(registry: Registry) -> duckdb.DuckDBPyConnection:
    """A leader's file without rows, made by the publication's own code."""
    connection = duckdb.connect()
    for table in registry.gold.values():
        if LEADER in table.published and table.id != "indicator_value":
            empty_table(connection, Layout(table.id, table.title, with_marks(table, published_columns(table))))
    values = value_layout(registry.gold["indicator_value"])
    described = (layouts.INDICATOR, values, layouts.DELIVERY, layouts.QUARANTINE_SUMMARY, layouts.CHECK_RESULT)
    for layout in (*described, layouts.HELD_TABLE, layouts.PUBLICATION, layouts.LAYER, layouts.MAP_AREA):
        empty_table(connection, layout)
    for name, schema in CATALOGUE_SCHEMAS.items():
        connection.register("source", schema.empty_table())
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM source")
    return connection


def test_every_field_and_metric_is_valid_over_a_publication(
    registry: Registry, charts: list[Chart], empty_publication: duckdb.DuckDBPyConnection
) -> None:
    for dataset in (datasets_of(registry) | {chart.dataset.name: chart.dataset for chart in charts}).values():
        source = f"({dataset.sql})" if dataset.sql else f'"{dataset.name}"'
        fields = ", ".join(item.expression or f'"{item.name}"' for item in dataset.fields)
        empty_publication.execute(f"SELECT {fields} FROM {source}")
        metrics = ", ".join(item.expression for item in dataset.metrics)
        empty_publication.execute(f"SELECT {metrics or 1} FROM {source}")


def test_every_contract_has_a_dataset_over_the_analysts_file(registry: Registry) -> None:
    made = department_datasets(registry)
    assert list(made) == sorted(registry.datasets)
    with duckdb.connect() as connection:
        for name, dataset in made.items():
            contract = registry.datasets[name]
            empty_table(connection, department_layout(contract))
            fields = ", ".join(item.expression or f'"{item.name}"' for item in dataset.fields)
            metrics = ", ".join(item.expression for item in dataset.metrics)
            connection.execute(f"SELECT {fields} FROM {name}")
            connection.execute(f"SELECT {metrics} FROM {name}")
            names = {item.name for item in dataset.fields}
            assert {"_delivery_id", "_sheet", "_line"} <= names, "the way back to file and line"
            assert not names & {column.name for column in contract.personal_columns}


def test_no_personal_column_is_exported(registry: Registry) -> None:
    datasets = datasets_of(registry)
    for table in registry.gold.values():
        personal = {column.name for column in table.personal_columns}
        if table.id in datasets:
            assert not personal & {item.name for item in datasets[table.id].fields}


def test_no_machine_path_is_exported(texts: dict[str, str]) -> None:
    text = "\n".join(texts.values())
    assert str(project_root()) not in text
    assert "duckdb:///publications/current/leader.duckdb" in text


def test_rows_fit_the_grid_and_every_chart_explains_itself(around: Surroundings) -> None:
    for dashboard in around.dashboards:
        for row in rows_of(dashboard, around):
            if not isinstance(row, Heading | Note):
                assert sum(cell.width for cell in row) == COLUMNS, (dashboard.slug, row[0].chart.name)
                for cell in row:
                    assert re.search(r"[\u4e00-\u9fff]{6}", cell.chart.description), cell.chart.name


def test_hash_follows_every_input(tmp_path: Path) -> None:
    (tmp_path / "charts").mkdir()
    chart = tmp_path / "charts" / "a.yaml"
    chart.write_text("a: 1")
    before = exports_hash(tmp_path)
    chart.write_text("a: 2")
    changed = exports_hash(tmp_path)
    chart.rename(tmp_path / "charts" / "b.yaml")
    assert len({before, changed, exports_hash(tmp_path)}) == 3
