"""Pages of the roles that mend: the stewards', and one for each department that delivers.

Each reads its role's own file of the publication (schemas/settings/roles.yaml), by a database, datasets and charts of
its own: what another role's file holds is not within its reach. Declared once in schemas/dashboards/roles/.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agrilake.contract.load import Registry
from agrilake.contract.roles import DEPARTMENT, STEWARD, Role
from agrilake.contract.yamlfile import read_yaml
from agrilake.paths import project_root
from agrilake.superset import panels
from agrilake.superset.assets import LAKE_NAME, STEWARD_DATABASE, Chart, Database, SupersetDataset
from agrilake.superset.build import Surroundings, dashboard_dict, filters_of, sections_of
from agrilake.superset.declared import Dashboard
from agrilake.superset.filters import Filter
from agrilake.superset.layout import Cell, Row, charts_of
from agrilake.superset.load import load_dashboard
from agrilake.superset.own_views import DEPARTMENT_BANNER, department_datasets, steward_datasets
from agrilake.superset.views import HELD_NOTICE, PUBLICATION_BANNER

DEPARTMENT_TITLE = "{department_title}"


@dataclass(frozen=True)
class OwnPage:
    """A role's page: its dashboard, laid out, and the database that it reads."""

    database: Database
    dashboard: Dashboard
    rows: Sequence[Row]
    around: Surroundings

    @property
    def charts(self) -> list[Chart]:
        """The charts in reading order."""
        return charts_of(self.rows)

    @property
    def filters(self) -> list[Filter]:
        """The native filters."""
        return filters_of(self.dashboard, self.rows, self.around)

    @property
    def datasets(self) -> dict[str, SupersetDataset]:
        """What the page asks, by name: of each dataset the columns and metrics that a chart or a filter needs."""
        used: dict[str, tuple[SupersetDataset, set[str]]] = {}
        for chart in self.charts:
            used.setdefault(chart.dataset.name, (chart.dataset, set()))[1].update(
                chart.columns_used() | chart.metrics_used()
            )
        for item in self.filters:
            used.setdefault(item.dataset.name, (item.dataset, set()))[1].add(item.column)
            for chart in self.charts:
                if chart.name in item.reaches:
                    used[chart.dataset.name][1].add(item.column)
        return {name: _only(*found) for name, found in sorted(used.items())}

    def as_dict(self) -> dict[str, Any]:
        """The dashboard as Superset exports it."""
        return dashboard_dict(self.dashboard, self.rows, self.around)


def _only(dataset: SupersetDataset, names: Container[str]) -> SupersetDataset:
    return replace(
        dataset,
        fields=tuple(item for item in dataset.fields if item.name in names),
        metrics=tuple(item for item in dataset.metrics if item.name in names),
        time_field=None,
    )


def department_database(role: Role) -> Database:
    """The connection to a department's file."""
    key = f"department_{role.department}"
    return Database(key, f"{LAKE_NAME}（{role.title}）", role.file)


def pages_of(registry: Registry, roles: Sequence[Role]) -> list[OwnPage]:
    """The stewards' page and one for each department that delivers."""
    delivering = {item.department for item in registry.datasets.values()}
    departments = [role for role in roles if role.kind == DEPARTMENT and role.department in delivering]
    return [
        _page(registry, STEWARD, STEWARD_DATABASE, steward_datasets(registry, STEWARD_DATABASE)),
        *(_department_page(registry, role) for role in departments),
    ]


def _department_page(registry: Registry, role: Role) -> OwnPage:
    database = department_database(role)
    return _page(registry, DEPARTMENT, database, department_datasets(database), role)


def _page(
    registry: Registry,
    declared: str,
    database: Database,
    datasets: dict[str, SupersetDataset],
    role: Role | None = None,
) -> OwnPage:
    file = read_yaml(project_root() / "schemas" / "dashboards" / "roles" / f"{declared}.yaml")
    dashboard = replace(load_dashboard(file, registry, datasets, {}), slug=database.key)
    around = Surroundings(registry, datasets, {}, (dashboard,))
    rows = _rows(dashboard, around)
    title = dashboard.title.replace(DEPARTMENT_TITLE, role.title) if role else dashboard.title
    return OwnPage(database, replace(dashboard, title=title), rows, around)


def _rows(dashboard: Dashboard, around: Surroundings) -> list[Row]:
    """Banner, the steward's notice of tables that are held back, then the declared sections."""
    datasets, slug = around.datasets, dashboard.slug
    if HELD_NOTICE.name in datasets:
        banner = panels.banner(dashboard, datasets[PUBLICATION_BANNER.name])
        head = [Cell(banner, 8, 19), Cell(panels.notice(slug, datasets[HELD_NOTICE.name]), 4, 19)]
    else:
        # the department's title comes from its file: a template is no place for a setting's text
        untitled = replace(dashboard, title=dashboard.title.replace(DEPARTMENT_TITLE, ""))
        head = [Cell(panels.banner(untitled, datasets[DEPARTMENT_BANNER.name]), 12, 19)]
    return [head, *sections_of(dashboard, around)]
