"""Params of the chart kinds that the dashboards use: pure functions that return a `Chart`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agrilake.superset.assets import Chart, SupersetDataset

TEMPLATES = Path(__file__).parent / "templates"
NUMBER = ",.2~f"
TIMES = frozenset({"period", "week_text"})
"""Axes of which years of bars have no room for their numbers."""
ROW_LIMIT = 2_000
COLOURS = "agrilake"
# Series are drawn in the order of their titles, so these schemes name: last year, this year, target; short, met.
TREND_COLOURS = "agrilake_trend"
PROGRESS_COLOURS = "agrilake_progress"


def where(column: str, operator: str, value: object) -> dict[str, Any]:
    """A chart's own filter: column, operator as in Superset ("==", "IN"), value."""
    return {
        "clause": "WHERE",
        "expressionType": "SIMPLE",
        "subject": column,
        "operator": operator,
        "operatorId": {"IN": "IN", "==": "EQUALS"}[operator],
        "comparator": value,
        "isExtra": False,
    }


def _order(*items: tuple[str, bool]) -> list[str]:
    return [json.dumps([column, ascending]) for column, ascending in items]


def template(
    name: str,
    title: str,
    description: str,
    dataset: SupersetDataset,
    columns: tuple[str, ...],
    *,
    file: str,
    filters: tuple[dict[str, Any], ...] = (),
    order: tuple[tuple[str, bool], ...] = (),
    limit: int = 50,
    metrics: tuple[str, ...] = (),
    words: Mapping[str, str] | None = None,
) -> Chart:
    """Rows of a dataset (with `metrics` one row of these) laid out by a Handlebars template of templates/.

    `words` replaces %NAME% in the template; looks come from dashboard.css.
    """
    text = (TEMPLATES / file).read_text(encoding="utf-8")
    for word, meaning in (words or {}).items():
        text = text.replace(f"%{word}%", meaning)
    asked = {"query_mode": "aggregate", "groupby": [], "metrics": list(metrics)}
    return Chart(
        name,
        title,
        description,
        dataset,
        "handlebars",
        {
            **(asked if metrics else {"query_mode": "raw", "all_columns": list(columns)}),
            "order_by_cols": _order(*order),
            "adhoc_filters": list(filters),
            "row_limit": limit,
            "handlebarsTemplate": text,
            "styleTemplate": "",
        },
    )


def table(
    name: str,
    title: str,
    description: str,
    dataset: SupersetDataset,
    columns: tuple[str, ...],
    *,
    filters: tuple[dict[str, Any], ...] = (),
    order: tuple[tuple[str, bool], ...] = (),
    column_config: dict[str, dict[str, Any]] | None = None,
    warnings: tuple[dict[str, Any], ...] = (),
    page: int = 10,
    search: bool = False,
    limit: int = ROW_LIMIT,
) -> Chart:
    """Rows as they are, paged; `warnings` are Superset's conditional formats."""
    return Chart(
        name,
        title,
        description,
        dataset,
        "table",
        {
            "query_mode": "raw",
            "all_columns": list(columns),
            "order_by_cols": _order(*order),
            "adhoc_filters": list(filters),
            "row_limit": limit,
            **_table_look(column_config, warnings, page, search),
        },
    )


def summary_table(
    name: str,
    title: str,
    description: str,
    dataset: SupersetDataset,
    groupby: tuple[str, ...],
    metrics: tuple[str, ...],
    *,
    sort_by: str,
    filters: tuple[dict[str, Any], ...] = (),
    column_config: dict[str, dict[str, Any]] | None = None,
    warnings: tuple[dict[str, Any], ...] = (),
    page: int = 10,
    search: bool = False,
    limit: int = ROW_LIMIT,
) -> Chart:
    """Metrics by dimensions, the largest `sort_by` first."""
    return Chart(
        name,
        title,
        description,
        dataset,
        "table",
        {
            "query_mode": "aggregate",
            "groupby": list(groupby),
            "metrics": list(metrics),
            "timeseries_limit_metric": sort_by,
            "order_desc": True,
            "adhoc_filters": list(filters),
            "row_limit": limit,
            **_table_look(column_config, warnings, page, search),
        },
    )


def _table_look(
    column_config: dict[str, dict[str, Any]] | None, warnings: tuple[dict[str, Any], ...], page: int, search: bool
) -> dict[str, Any]:
    return {
        "server_pagination": False,
        "page_length": page,
        "include_search": search,
        "show_cell_bars": False,
        "color_pn": False,
        "table_timestamp_format": "%Y-%m-%d",
        "column_config": column_config or {},
        "conditional_formatting": list(warnings),
        "allow_rearrange_columns": False,
    }


def line(
    name: str,
    title: str,
    description: str,
    dataset: SupersetDataset,
    *,
    axis: str,
    metrics: tuple[str, ...],
    filters: tuple[dict[str, Any], ...] = (),
    groupby: tuple[str, ...] = (),
    categorical: bool = False,
    colours: str = TREND_COLOURS,
) -> Chart:
    """Metrics along a time axis of months (or, where `categorical`, along a text), with markers, the y axis no longer
    than the data."""
    return Chart(
        name,
        title,
        description,
        dataset,
        "echarts_timeseries_line",
        {
            "x_axis": axis,
            **({"xAxisForceCategorical": True, "x_axis_sort": axis} if categorical else {"time_grain_sqla": "P1M"}),
            "x_axis_sort_asc": True,
            "metrics": list(metrics),
            "groupby": list(groupby),
            "adhoc_filters": list(filters),
            "row_limit": ROW_LIMIT,
            "markerEnabled": True,
            "markerSize": 6,
            "show_legend": True,
            "legendOrientation": "top",
            "legendType": "scroll",
            "rich_tooltip": True,
            "x_axis_time_format": "%Y-%m",
            "tooltipTimeFormat": "%Y年%-m月",
            "y_axis_format": NUMBER,
            "truncateYAxis": True,
            "y_axis_bounds": [None, None],
            "color_scheme": colours,
            "sort_series_type": "name",
            "sort_series_ascending": True,
            "seriesType": "line",
            "only_total": True,
        },
    )


def bars(
    name: str,
    title: str,
    description: str,
    dataset: SupersetDataset,
    *,
    axis: str,
    metrics: tuple[str, ...],
    filters: tuple[dict[str, Any], ...] = (),
    horizontal: bool = False,
    stack: bool = False,
    groupby: tuple[str, ...] = (),
    by_axis: bool = False,
    colours: str = COLOURS,
    limit: int = 1_000,
) -> Chart:
    """Metrics by a category; a click on a bar filters, a right click drills by or to detail.

    The largest stands first, unless `by_axis` keeps the order of the axis (months).
    """
    return Chart(
        name,
        title,
        description,
        dataset,
        "echarts_timeseries_bar",
        {
            "x_axis": axis,
            "xAxisForceCategorical": True,
            "x_axis_sort": axis if by_axis else metrics[0],
            "x_axis_sort_asc": by_axis or horizontal,
            "metrics": list(metrics),
            "groupby": list(groupby),
            "adhoc_filters": list(filters),
            "orientation": "horizontal" if horizontal else "vertical",
            "stack": "Stack" if stack else None,
            "row_limit": limit,
            "show_value": axis not in TIMES,
            "show_legend": bool(groupby) or len(metrics) > 1,
            "legendOrientation": "top",
            "rich_tooltip": True,
            "y_axis_format": ",.1~f",
            "xAxisLabelRotation": 0 if horizontal else 45,
            "xAxisLabelInterval": "0",
            "color_scheme": colours,
            "sort_series_type": "sum" if groupby else "name",
            "sort_series_ascending": not groupby,
            "only_total": True,
        },
    )


def pie(
    name: str,
    title: str,
    description: str,
    dataset: SupersetDataset,
    *,
    groupby: str,
    metric: str,
    filters: tuple[dict[str, Any], ...] = (),
) -> Chart:
    """One metric's parts by a category, as a ring, with their names and figures beside it."""
    return Chart(
        name,
        title,
        description,
        dataset,
        "pie",
        {
            "groupby": [groupby],
            "metric": metric,
            "adhoc_filters": list(filters),
            "row_limit": 20,
            "sort_by_metric": True,
            "color_scheme": COLOURS,
            "label_type": "key_value",
            "number_format": NUMBER,
            "show_labels": True,
            "labels_outside": True,
            "label_line": True,
            "show_labels_threshold": 2,
            "donut": True,
            "innerRadius": 45,
            "outerRadius": 65,
            "show_legend": False,
            "show_total": True,
        },
    )
