"""The committed superset_exports/: made from contracts and indicator declarations, never edited by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from agrilake.contract.load import Registry
from agrilake.contract.roles import load_roles
from agrilake.superset.assets import ANALYST_DATABASE, EXPORT_VERSION, LEADER_DATABASE, Chart, SupersetDataset
from agrilake.superset.build import Surroundings, dashboard_dict, rows_of
from agrilake.superset.declared import IndicatorLike
from agrilake.superset.layout import charts_of
from agrilake.superset.load import load_dashboards
from agrilake.superset.own_pages import pages_of
from agrilake.superset.published import department_datasets, published_datasets
from agrilake.superset.views import VIEWS

# Superset's exports carry the time they were made; ours must not change by themselves.
TIMESTAMP = "2025-01-01T00:00:00+00:00"


class _Dumper(yaml.SafeDumper):
    """Long texts (SQL, templates, CSS) as blocks, so that a difference is readable."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def datasets_of(registry: Registry) -> dict[str, SupersetDataset]:
    """All datasets by name: published tables and the queries over them."""
    return published_datasets(registry) | VIEWS


def surroundings(registry: Registry, indicators: Sequence[IndicatorLike]) -> Surroundings:
    """Everything that the dashboards are made from, their declarations among it."""
    datasets = datasets_of(registry)
    dashboards = load_dashboards(registry, datasets, indicators)
    return Surroundings(registry, datasets, {item.id: item for item in indicators}, dashboards)


def charts_in(around: Surroundings) -> dict[str, list[Chart]]:
    """The charts of each dashboard by its slug, in reading order."""
    return {item.slug: charts_of(rows_of(item, around)) for item in around.dashboards}


def export_files(registry: Registry, indicators: Sequence[IndicatorLike]) -> dict[str, str]:
    """Relative path to YAML text of the whole bundle; the same declarations give the same bytes."""
    around = surroundings(registry, indicators)
    charts = [chart for found in charts_in(around).values() for chart in found]
    datasets = dict(around.datasets) | {chart.dataset.name: chart.dataset for chart in charts}
    pages = pages_of(registry, load_roles())
    files: dict[str, dict[str, Any]] = {
        "metadata.yaml": {"version": EXPORT_VERSION, "type": "assets", "timestamp": TIMESTAMP}
    }
    for database in (LEADER_DATABASE, ANALYST_DATABASE, *(page.database for page in pages)):
        files[f"databases/{database.key}.yaml"] = database.as_dict()
    for dashboard in around.dashboards:
        files[f"dashboards/{dashboard.slug}.yaml"] = dashboard_dict(dashboard, rows_of(dashboard, around), around)
    for page in pages:
        files[f"dashboards/{page.dashboard.slug}.yaml"] = page.as_dict()
    own = [dataset for page in pages for dataset in page.datasets.values()]
    for dataset in (*datasets.values(), *department_datasets(registry).values(), *own):
        files[f"datasets/{dataset.database.key}/{dataset.name}.yaml"] = dataset.as_dict()
    for chart in (*charts, *(chart for page in pages for chart in page.charts)):
        files[f"charts/{chart.name}.yaml"] = chart.as_dict()
    return {name: _dump(content) for name, content in sorted(files.items())}


def _dump(content: dict[str, Any]) -> str:
    return yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110)


def write_exports(registry: Registry, indicators: Sequence[IndicatorLike], folder: Path) -> list[Path]:
    """Write the bundle into `folder`; returns its files."""
    files = export_files(registry, indicators)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [folder / name for name in files]
