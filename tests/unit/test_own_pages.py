"""Pages of stewards and departments: each over its role's own file alone, whole in itself, and with a login."""

from __future__ import annotations

import duckdb
import pytest
import yaml

from agrilake.catalog.catalogue import CATALOGUE_SCHEMAS
from agrilake.contract.load import Registry, load_registry
from agrilake.contract.roles import ADMINISTRATOR, DEPARTMENT, KINDS, STEWARD, load_roles
from agrilake.indicators.load import load_indicators
from agrilake.paths import project_root
from agrilake.publish import layouts
from agrilake.publish.database import empty_table, published_columns
from agrilake.publish.model import Layout
from agrilake.publish.opening import SHUT_IN
from agrilake.superset.accounts import accounts
from agrilake.superset.export import export_files
from agrilake.superset.own_pages import OwnPage, pages_of

REGISTRY = load_registry((project_root() / "schemas",))
EXPORTS = project_root() / "superset_exports"
PAGES = {page.dashboard.slug: page for page in pages_of(REGISTRY, load_roles())}
OF_ALL = (layouts.PUBLICATION, layouts.DELIVERY, layouts.QUARANTINE_SUMMARY, layouts.CHECK_RESULT)


def delivering(registry: Registry) -> set[str]:
    return {item.department for item in registry.datasets.values()}


def own_file(page: OwnPage) -> duckdb.DuckDBPyConnection:
    """An empty file of the page's role: the tables that agrilake.publish.own writes there, and no other."""
    connection = duckdb.connect()
    is_stewards = page.database.file == STEWARD
    more = (layouts.CROSS_TABLE_LINE, layouts.HELD_TABLE, layouts.INDICATOR) if is_stewards else ()
    for layout in (*OF_ALL, layouts.QUARANTINE_FINDING, *more):
        empty_table(connection, layout)
    for table in REGISTRY.gold.values():
        if is_stewards and STEWARD in table.published:
            empty_table(connection, Layout(table.id, table.title, published_columns(table)))
    for name, schema in CATALOGUE_SCHEMAS.items():
        connection.register("source", schema.empty_table())
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM source")
    return connection


def test_stewards_and_each_department_that_delivers_have_a_page() -> None:
    assert set(PAGES) == {STEWARD, *(f"department_{name}" for name in delivering(REGISTRY))}


@pytest.mark.parametrize("slug", sorted(PAGES))
def test_a_page_asks_its_own_file_alone_and_what_is_there(slug: str) -> None:
    page = PAGES[slug]
    assert page.charts
    connection = own_file(page)
    for name, dataset in page.datasets.items():
        assert dataset.database == page.database, name
        assert dataset.sql, "a name of its own in Superset, so never the bare table's"
        fields = ", ".join(item.expression or f'"{item.name}"' for item in dataset.fields)
        connection.execute(f"SELECT {fields} FROM ({dataset.sql})")
        metrics = ", ".join(item.expression for item in dataset.metrics)
        connection.execute(f"SELECT {metrics or 1} FROM ({dataset.sql})")


@pytest.mark.parametrize("slug", sorted(PAGES))
def test_what_charts_and_filters_need_is_kept(slug: str) -> None:
    page = PAGES[slug]
    for chart in page.charts:
        kept = page.datasets[chart.dataset.name]
        assert chart.columns_used() <= {item.name for item in kept.fields}, chart.name
        assert chart.metrics_used() <= {item.name for item in kept.metrics}, chart.name
    reached = [(item.column, name) for item in page.filters for name in item.reaches]
    assert reached
    for column, name in reached:
        [chart] = [chart for chart in page.charts if chart.name == name]
        assert column in {item.name for item in page.datasets[chart.dataset.name].fields}, name


def test_every_connection_is_shut_in() -> None:
    files = export_files(REGISTRY, load_indicators())
    databases = [yaml.safe_load(text) for name, text in files.items() if name.startswith("databases/")]
    assert len(databases) == len(PAGES) + 2
    for item in databases:
        arguments = item["extra"]["engine_params"]["connect_args"]
        assert arguments == {"read_only": True, "config": SHUT_IN}
        assert not any(item[name] for name in ("allow_dml", "allow_ctas", "allow_cvas", "allow_file_upload"))


def test_each_role_has_a_login_over_its_own_files() -> None:
    made = accounts(EXPORTS)
    assert {item.kind for item in made} == set(KINDS)
    logins = {role.login for role in load_roles() if role.kind != DEPARTMENT or role.department in delivering(REGISTRY)}
    assert {item.login for item in made} == logins
    for item in made:
        files = {
            yaml.safe_load((EXPORTS / "databases" / f"{key}.yaml").read_text(encoding="utf-8"))["sqlalchemy_uri"]
            for key in item.databases
        }
        [role] = [role for role in load_roles() if role.login == item.login]
        own = {f"duckdb:///publications/current/{role.file}.duckdb"} if role.kind != ADMINISTRATOR else set()
        more = {"duckdb:///publications/current/leader.duckdb"} if role.kind == "analyst" else set()
        assert files == own | more, item.login
