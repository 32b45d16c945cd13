"""Charts from their declarations, a maker for each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agrilake.superset import charts, panels
from agrilake.superset.assets import Chart, SupersetDataset
from agrilake.superset.charts import where
from agrilake.superset.declared import ChartDeclaration, Dashboard, IndicatorLike
from agrilake.superset.looks import looks
from agrilake.superset.views import QUALITY_CARD, by_area


def made(
    dashboard: Dashboard,
    chart: ChartDeclaration,
    datasets: Mapping[str, SupersetDataset],
    indicators: Sequence[IndicatorLike],
) -> Chart:
    """The chart that is declared."""
    head = (f"{dashboard.slug}_{chart.name}", chart.title, chart.about)
    if chart.kind == "trend":
        return panels.trend_of(*head, indicators)
    if chart.kind == "ranking":
        return panels.ranking_of(*head, indicators)
    if chart.kind == "all_indicators":
        return panels.all_indicators(*head)
    if chart.kind == "quality_cards":
        return panels.quality_cards(*head, datasets[chart.table or QUALITY_CARD.name])
    dataset = dataset_of(dashboard, chart, datasets)
    filters = tuple(_where(column, value) for column, value in chart.where.items())
    return _of_table(head, chart, dataset, filters)


def dataset_of(
    dashboard: Dashboard, chart: ChartDeclaration, datasets: Mapping[str, SupersetDataset]
) -> SupersetDataset:
    """The chart's dataset: with an area for each row where the dashboard's filter of areas should reach it."""
    dataset = datasets[chart.table]
    names = {field.name for field in dataset.fields}
    follows = "area" in dashboard.filters and "township_name" in names and "area" not in names
    return by_area(dataset) if follows else dataset


def _where(column: str, value: object) -> dict[str, Any]:
    return where(column, "IN" if isinstance(value, list) else "==", value)


def _of_table(
    head: tuple[str, str, str], chart: ChartDeclaration, dataset: SupersetDataset, filters: tuple[dict[str, Any], ...]
) -> Chart:
    split = (chart.split,) if chart.split else ()
    limit = chart.limit or charts.ROW_LIMIT
    config, warnings = looks(chart.columns)
    if chart.kind == "bars":
        return charts.bars(
            *head,
            dataset,
            axis=chart.axis,
            metrics=chart.measures,
            filters=filters,
            groupby=split,
            horizontal=chart.horizontal,
            stack=chart.stack,
            by_axis=not chart.largest_first,
            colours=charts.PROGRESS_COLOURS if chart.progress else charts.COLOURS,
            limit=limit,
        )
    if chart.kind == "lines":
        return charts.line(
            *head,
            dataset,
            axis=chart.axis,
            metrics=chart.measures,
            filters=filters,
            groupby=split,
            categorical=True,
            colours=charts.COLOURS,
        )
    if chart.kind == "pie":
        return charts.pie(*head, dataset, groupby=chart.split, metric=chart.measures[0], filters=filters)
    if chart.kind == "summary":
        return charts.summary_table(
            *head,
            dataset,
            chart.by,
            chart.measures,
            sort_by=chart.order[0].removeprefix("-"),
            filters=filters,
            column_config=config,
            warnings=warnings,
            page=chart.page,
            search=chart.search,
            limit=limit,
        )
    return charts.table(
        *head,
        dataset,
        tuple(item.name for item in chart.columns),
        filters=filters,
        order=tuple((name.removeprefix("-"), not name.startswith("-")) for name in chart.order),
        column_config=config,
        warnings=warnings,
        page=chart.page,
        search=chart.search,
        limit=limit,
    )
