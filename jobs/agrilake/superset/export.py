"""The committed superset_exports/: made from contracts and indicator declarations, never edited by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from agrilake.contract.load import Registry
from agrilake.contract.order import datasets_behind
from agrilake.superset.assets import (
    ANALYST_DATABASE_NAME,
    ANALYST_DATABASE_URI,
    EXPORT_VERSION,
    Chart,
    SupersetDataset,
    database_dict,
)
from agrilake.superset.layout import charts_of
from agrilake.superset.overview import SLUG, Row, overview, overview_rows
from agrilake.superset.panels import IndicatorLike
from agrilake.superset.published import department_datasets, published_datasets
from agrilake.superset.views import VIEWS

DATABASE_FILE, ANALYST_DATABASE_FILE = "agrilake", "agrilake_analyst"
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


def rows_of(registry: Registry, indicators: Sequence[IndicatorLike]) -> list[Row]:
    """The rows of the overview."""
    origins = {name: [item.id for item in datasets_behind([name], registry)] for name in registry.gold}
    return overview_rows(datasets_of(registry), indicators, origins)


def charts_in(registry: Registry, indicators: Sequence[IndicatorLike]) -> list[Chart]:
    """All charts, in the order of the dashboard."""
    return charts_of(rows_of(registry, indicators))


def export_files(registry: Registry, indicators: Sequence[IndicatorLike]) -> dict[str, str]:
    """Relative path to YAML text of the whole bundle; the same declarations give the same bytes."""
    datasets = datasets_of(registry)
    files: dict[str, dict[str, Any]] = {
        "metadata.yaml": {"version": EXPORT_VERSION, "type": "assets", "timestamp": TIMESTAMP},
        f"databases/{DATABASE_FILE}.yaml": database_dict(),
        f"databases/{ANALYST_DATABASE_FILE}.yaml": database_dict(ANALYST_DATABASE_NAME, ANALYST_DATABASE_URI),
        f"dashboards/{SLUG}.yaml": overview(rows_of(registry, indicators), indicators),
    }
    for dataset in datasets.values():
        files[f"datasets/{DATABASE_FILE}/{dataset.name}.yaml"] = dataset.as_dict()
    for dataset in department_datasets(registry).values():
        files[f"datasets/{ANALYST_DATABASE_FILE}/{dataset.name}.yaml"] = dataset.as_dict()
    for chart in charts_in(registry, indicators):
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
