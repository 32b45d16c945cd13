"""Reading dashboard declarations, strictly: every error names file and place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from agrilake.contract.load import Registry
from agrilake.contract.yamlfile import YamlFile, read_yaml
from agrilake.paths import project_root
from agrilake.superset.assets import SupersetDataset
from agrilake.superset.declared import (
    COMMON,
    FILTERS,
    KINDS,
    PANELS,
    ChartDeclaration,
    ColumnLook,
    Dashboard,
    IndicatorLike,
    Section,
)

Place = tuple[str | int, ...]
LISTS = ("filters", "cards", "explore", "departments")
CHART_LISTS = ("indicators", "measures", "by", "order")


def load_dashboards(
    registry: Registry,
    datasets: Mapping[str, SupersetDataset],
    indicators: Sequence[IndicatorLike],
    folder: Path | None = None,
) -> tuple[Dashboard, ...]:
    """All declarations in order of `sort`; ContractError for anything unknown, or for a name that stands twice."""
    folder = folder or project_root() / "schemas" / "dashboards"
    known = {item.id: item for item in indicators}
    found = [load_dashboard(read_yaml(path), registry, datasets, known) for path in sorted(folder.glob("*.yaml"))]
    return tuple(sorted(found, key=lambda item: item.sort))


def load_dashboard(
    file: YamlFile,
    registry: Registry,
    datasets: Mapping[str, SupersetDataset],
    indicators: Mapping[str, IndicatorLike],
) -> Dashboard:
    """One declaration; ContractError for anything unknown."""
    data = dict(file.data)
    _only(file, data, Dashboard, ())
    if data["slug"] != file.path.stem:
        raise file.error(("slug",), f"{data['slug']!r} differs from the file's name {file.path.stem!r}")
    departments = sorted({item.department for item in registry.datasets.values()})
    for key, allowed in zip(LISTS, (FILTERS, indicators, indicators, departments), strict=True):
        data[key] = tuple(_listed(file, data.get(key, []), allowed, (key,)))
    for index, name in enumerate(data["explore"]):
        if "township" not in indicators[name].grain:
            raise file.error(("explore", index), f"{name} has no values by township", "show it as a card or a trend")
    sections = data.get("sections", [])
    data["sections"] = tuple(
        _section(file, section, datasets, indicators, ("sections", index)) for index, section in enumerate(sections)
    )
    dashboard = Dashboard(path=file.path, **data)
    names = [chart.name for chart in dashboard.charts]
    for name in names:
        if names.count(name) > 1 or name in PANELS:
            raise file.error(("sections",), f"two charts are called {name!r}")
    return dashboard


def _section(
    file: YamlFile,
    data: dict[str, Any],
    datasets: Mapping[str, SupersetDataset],
    indicators: Mapping[str, IndicatorLike],
    place: Place,
) -> Section:
    _only(file, data, Section, place)
    charts = (
        _chart(file, chart, datasets, indicators, (*place, "charts", index))
        for index, chart in enumerate(data["charts"])
    )
    return Section(data["title"], tuple(charts))


def _chart(
    file: YamlFile,
    data: dict[str, Any],
    datasets: Mapping[str, SupersetDataset],
    indicators: Mapping[str, IndicatorLike],
    place: Place,
) -> ChartDeclaration:
    file.one_of(data.get("kind"), KINDS, (*place, "kind"))
    keyed = KINDS[data["kind"]]
    file.only(data, COMMON | keyed.needed | keyed.allowed, place)
    for key in sorted(COMMON - {"width", "height"} | keyed.needed):
        if not data.get(key):
            raise file.error(place, f"{key} is missing")
    given = dict(data)
    for key in CHART_LISTS:
        given[key] = tuple(data.get(key, ()))
    given["columns"] = tuple(
        _column(file, item, (*place, "columns", index)) for index, item in enumerate(data.get("columns", ()))
    )
    chart = ChartDeclaration(**given)
    _check_indicators(file, chart, indicators, place)
    if chart.table in datasets:
        _check_names(file, chart, datasets[chart.table], place)
    elif chart.table:
        file.one_of(chart.table, sorted(datasets), (*place, "table"))
    return chart


def _check_indicators(
    file: YamlFile, chart: ChartDeclaration, indicators: Mapping[str, IndicatorLike], place: Place
) -> None:
    _listed(file, chart.indicators, indicators, (*place, "indicators"))
    units = {indicators[name].unit for name in chart.indicators}
    if len(units) > 1:
        raise file.error((*place, "indicators"), f"units differ: {', '.join(sorted(units))}", "one chart, one unit")
    if chart.kind == "ranking" and len(chart.indicators) != 1:
        raise file.error((*place, "indicators"), "a ranking shows one indicator")


def _check_names(file: YamlFile, chart: ChartDeclaration, dataset: SupersetDataset, place: Place) -> None:
    """Columns and metrics must be the dataset's."""
    columns, metrics = {item.name for item in dataset.fields}, {item.name for item in dataset.metrics}
    shown = columns | metrics if chart.kind == "summary" else columns
    for key, names, known in (
        ("axis", [chart.axis] * bool(chart.axis), columns),
        ("split", [chart.split] * bool(chart.split), columns),
        ("by", chart.by, columns),
        ("columns", [item.name for item in chart.columns], shown),
        ("where", list(chart.where), columns),
        ("order", [name.removeprefix("-") for name in chart.order], shown),
        ("measures", chart.measures, metrics),
    ):
        for name in names:
            file.one_of(name, sorted(known), (*place, key))


def _column(file: YamlFile, data: str | dict[str, Any], place: Place) -> ColumnLook:
    if isinstance(data, str):
        return ColumnLook(data)
    _only(file, data, ColumnLook, place)
    return ColumnLook(**data)


def _listed(file: YamlFile, names: Sequence[str], allowed: Any, place: Place) -> Sequence[str]:
    for index, name in enumerate(names):
        file.one_of(name, allowed, (*place, index))
    return names


def _only(file: YamlFile, data: dict[str, Any], kind: type, place: Place) -> None:
    known = [item for item in fields(kind) if item.name != "path"]
    file.only(data, [item.name for item in known], place)
    for item in known:
        if item.default is MISSING and item.default_factory is MISSING and item.name not in data:
            raise file.error(place, f"{item.name} is missing")
