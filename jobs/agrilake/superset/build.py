"""A dashboard from its declaration: the row of links, banner, cards, the chosen indicator, sections, sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agrilake.contract.load import Registry
from agrilake.superset import panels
from agrilake.superset.assets import EXPORT_VERSION, LAKE_NAME, SupersetDataset, identity
from agrilake.superset.declared import Dashboard, IndicatorLike
from agrilake.superset.filters import Filter
from agrilake.superset.layout import Cell, Heading, Note, Row, charts_of, flowed, number_of, position
from agrilake.superset.made import made
from agrilake.superset.reach import behind_dashboard, empty_words
from agrilake.superset.views import AREA_CHOICE, INDICATOR_CHOICE, PERIOD_CHOICE, WHOLE_DISTRICT

CSS = Path(__file__).parent / "templates" / "dashboard.css"
FILTER_COLUMNS = {
    "period": "period_text",
    "area": "area",
    "indicator": "indicator_name",
    "department": "department_title",
    "dataset": "title",
}
CARDS_A_ROW, CARD_ROW_HEIGHT = 6, 34


@dataclass(frozen=True)
class Surroundings:
    """What dashboards are made from, beside their declarations."""

    registry: Registry
    datasets: Mapping[str, SupersetDataset]
    indicators: Mapping[str, IndicatorLike]
    dashboards: Sequence[Dashboard]

    def of(self, names: Iterable[str]) -> list[IndicatorLike]:
        """Indicators by id."""
        return [self.indicators[name] for name in names]


def rows_of(dashboard: Dashboard, around: Surroundings) -> list[Row]:
    """The dashboard's rows, top to bottom."""
    slug, catalogue = dashboard.slug, around.datasets["catalogue"]
    behind = behind_dashboard(dashboard, around.registry, around.indicators)
    listed = sorted(
        {*behind, *(x.id for x in around.registry.datasets.values() if x.department in dashboard.departments)}
    )
    rows: list[Row] = [
        Note(links(dashboard, around.dashboards), 6),
        [Cell(panels.banner(dashboard), 8, 19), Cell(panels.notice(slug), 4, 19)],
    ]
    if not dashboard.cards:
        listed = []  # a page about the deliveries themselves says all of it already
    if listed:
        rows.append([Cell(panels.state(slug, catalogue, listed), 12, 10)])
    if dashboard.cards:
        card_rows = -(-len(dashboard.cards) // CARDS_A_ROW)
        in_a_row = -(-len(dashboard.cards) // card_rows)
        cards = panels.cards(slug, around.of(dashboard.cards), in_a_row)
        rows.append([Cell(cards, 12, CARD_ROW_HEIGHT * card_rows)])
    if dashboard.explore:
        rows += [
            Heading("所选指标：走势、乡镇对比、逐村下钻"),
            [Cell(panels.caption(slug), 12, 13)],
            [Cell(panels.township_map(slug), 6, 78), Cell(panels.trend(slug), 6, 78)],
            [Cell(panels.townships(slug), 12, 54)],
            [Cell(panels.villages(slug), 12, 62)],
        ]
    rows += sections_of(dashboard, around)
    if listed:
        height = 24 + 4 * min(len(listed), 10)
        rows += [Heading("数据来源与新鲜度"), [Cell(panels.sources(slug, catalogue, listed), 12, height)]]
    return rows


def sections_of(dashboard: Dashboard, around: Surroundings) -> list[Row]:
    """The declared sections, each under its heading."""
    rows: list[Row] = []
    for section in dashboard.sections:
        charts = [made(dashboard, chart, around.datasets, around.of(chart.indicators)) for chart in section.charts]
        cells = [
            Cell(chart, declared.width, declared.height) for chart, declared in zip(charts, section.charts, strict=True)
        ]
        rows += [Heading(section.title), *flowed(cells)]
    return rows


def links(dashboard: Dashboard, dashboards: Sequence[Dashboard]) -> str:
    """The row of links between the dashboards, as HTML; the open one is marked."""
    parts = [
        f'<span class="lake-link{" lake-link-here" * (item.slug == dashboard.slug)}">'
        f'<a href="/superset/dashboard/{item.slug}/">{item.short}</a></span>'
        for item in dashboards
    ]
    return f'<div class="lake-links">{"".join(parts)}</div>'


def filters_of(dashboard: Dashboard, rows: Sequence[Row], around: Surroundings) -> list[Filter]:
    """The declared native filters, each with a default that shows something at once."""
    explored = around.of(dashboard.explore)
    known = {
        "period": Filter(
            "期间",
            PERIOD_CHOICE,
            "period_text",
            _reached(dashboard, rows, "period"),
            "月、季或年；默认为数据基本齐全的最近一个月；按季、按年统计的指标显示其最近一期",
            descending=True,
            sort_metric="period_rank",
        ),
        "area": Filter(
            "乡镇/街道",
            AREA_CHOICE,
            "area",
            _reached(dashboard, rows, "area"),
            "选一个乡镇（街道）看它的数值和所辖各村",
            default=WHOLE_DISTRICT,
            sort_metric="area_rank",
        ),
        "indicator": Filter(
            "指标",
            INDICATOR_CHOICE,
            "indicator_name",
            _reached(dashboard, rows, "indicator"),
            "走势、乡镇对比和逐村明细所示的指标",
            default=explored[0].name if explored else None,
            sort_metric="indicator_rank",
            offered=panels.only(explored),
        ),
        "department": Filter(
            "部门",
            around.datasets["catalogue"],
            "department_title",
            _reached(dashboard, rows, "department"),
            "默认显示全部部门，可选一个或几个",
            is_open=True,
        ),
        "dataset": Filter(
            "数据集",
            around.datasets["catalogue"],
            "title",
            _reached(dashboard, rows, "dataset"),
            "默认显示全部数据集，可选一个或几个",
            is_open=True,
        ),
    }
    return [known[name] for name in dashboard.filters]


def _reached(dashboard: Dashboard, rows: Sequence[Row], name: str) -> set[str]:
    """Charts that a filter reaches: those that have its column and follow it.

    Along all periods go the trends, and the charts over tables that do not ask for one; over all townships their
    comparison and the map; over other indicators everything but the panels of the chosen one.
    """
    slug, column = dashboard.slug, FILTER_COLUMNS[name]
    having = {chart.name for chart in charts_of(rows) if _has(chart.dataset, column)}
    if name == "period":
        lasting = (
            chart for chart in dashboard.charts if chart.kind == "trend" or (chart.table and not chart.of_period)
        )
        return having - {f"{slug}_trend", *(f"{slug}_{chart.name}" for chart in lasting)}
    if name == "area":
        return having - {f"{slug}_townships", f"{slug}_map"}
    if name == "indicator":
        return having & {f"{slug}_{panel}" for panel in ("caption", "trend", "townships", "map", "villages")}
    return having


def css_of(rows: Sequence[Row], registry: Registry) -> str:
    """The common looks, and what an empty chart says: which deliveries it rests on."""
    parts = [CSS.read_text(encoding="utf-8")]
    for chart in charts_of(rows):
        words = empty_words(chart.dataset, registry).replace('"', "”")
        parts.append(f'[data-test-chart-name="{chart.title}"] .ant-empty::after {{ content: "{words}"; }}\n')
    return "".join(parts)


def dashboard_dict(dashboard: Dashboard, rows: Sequence[Row], around: Surroundings) -> dict[str, Any]:
    """The dashboard with these rows as Superset exports it."""
    numbers = number_of(charts_of(rows))
    townships = {chart.name for chart in charts_of(rows) if _has(chart.dataset, "township_name")}
    return {
        "dashboard_title": dashboard.title,
        "description": dashboard.intro,
        "css": css_of(rows, around.registry),
        "slug": dashboard.slug,
        "uuid": identity("dashboard", dashboard.slug),
        "position": position(dashboard.title, rows),
        "metadata": {
            # none: each chart keeps its own scheme
            "color_scheme": "",
            "cross_filters_enabled": True,
            "filter_bar_orientation": "HORIZONTAL",
            "native_filter_configuration": [item.as_dict(numbers) for item in filters_of(dashboard, rows, around)],
            **_cross_filters(numbers, source=f"{dashboard.slug}_townships", targets=_clicked(dashboard, townships)),
            "refresh_frequency": 0,
            "expanded_slices": {},
            "label_colors": {},
            "map_label_colors": {},
            "shared_label_colors": [],
            "color_scheme_domain": [],
            "timed_refresh_immune_slices": [],
        },
        "published": True,
        "version": EXPORT_VERSION,
        "certified_by": "",
        "certification_details": f"数据来自{LAKE_NAME}的当前发布版本",
        "is_managed_externally": True,
    }


def _has(dataset: SupersetDataset, column: str) -> bool:
    return column in {item.name for item in dataset.fields}


def _clicked(dashboard: Dashboard, townships: set[str]) -> set[str]:
    """Charts that a click on a township's bar filters: the villages, and what is counted by township."""
    declared = {f"{dashboard.slug}_{chart.name}" for chart in dashboard.charts if chart.table}
    return townships & {*declared, f"{dashboard.slug}_villages"}


def _cross_filters(numbers: Mapping[str, int], *, source: str, targets: set[str]) -> dict[str, Any]:
    """A click in `source` filters `targets` alone; clicks elsewhere filter nothing."""
    everything = sorted(numbers.values())
    others = [number for name, number in numbers.items() if name not in targets]

    def scope(number: int) -> dict[str, Any]:
        excluded = others if number == numbers.get(source) else everything
        return {"scope": {"rootPath": ["ROOT_ID"], "excluded": excluded}, "chartsInScope": []}

    return {
        "chart_configuration": {str(number): {"id": number, "crossFilters": scope(number)} for number in everything},
        "global_chart_configuration": {
            "scope": {"rootPath": ["ROOT_ID"], "excluded": everything},
            "chartsInScope": [],
        },
    }
