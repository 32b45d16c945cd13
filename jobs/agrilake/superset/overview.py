"""The dashboard 数字乡村总览: what a district leader reads, from head indicators down to villages and sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agrilake.superset import panels
from agrilake.superset.assets import DATABASE_NAME, EXPORT_VERSION, SupersetDataset, identity
from agrilake.superset.filters import Filter
from agrilake.superset.layout import Cell, Heading, charts_of, number_of, position
from agrilake.superset.panels import IndicatorLike
from agrilake.superset.views import INDICATOR_VIEW

TITLE = "数字乡村总览"
SLUG = "overview"
HEAD = (
    "village_five_a_week_rate",
    "village_ecommerce_site_coverage",
    "online_retail_amount",
    "three_affairs_disclosure_rate",
    "trace_batches",
    "delivery_hours_median",
)
WHOLE_DISTRICT = "全区"
CSS = Path(__file__).parent / "templates" / "dashboard.css"

Row = Heading | Sequence[Cell]


def head_indicators(indicators: Sequence[IndicatorLike]) -> list[IndicatorLike]:
    """The declared head indicators, in the order of HEAD."""
    declared = {item.id: item for item in indicators}
    return [declared[name] for name in HEAD if name in declared]


def overview_rows(
    datasets: Mapping[str, SupersetDataset],
    indicators: Sequence[IndicatorLike],
    origins: Mapping[str, Sequence[str]],
) -> list[Row]:
    """The dashboard's rows, top to bottom; `origins` gives the department datasets behind each gold table."""
    return [
        [Cell(panels.banner(), 8, 16), Cell(panels.notice(), 4, 16)],
        [Cell(panels.cards(head_indicators(indicators)), 12, 34)],
        Heading("所选指标：走势、乡镇对比、逐村下钻"),
        [Cell(panels.caption(), 12, 12)],
        [Cell(panels.township_map(), 6, 78), Cell(panels.trend(), 6, 78)],
        [Cell(panels.townships(), 12, 54)],
        [Cell(panels.villages(), 12, 62)],
        *_fact_rows(datasets, origins),
        Heading("全部指标"),
        [Cell(panels.all_indicators(), 12, 88)],
        Heading("数据来源与新鲜度"),
        [Cell(panels.departments(datasets["catalogue_department"]), 12, 42)],
        [Cell(panels.catalogue(datasets["catalogue"]), 12, 64)],
        Heading("数据质量"),
        [Cell(panels.delivery_caption(), 12, 10)],
        [
            Cell(panels.deliveries(datasets["delivery"]), 7, 62),
            Cell(panels.reasons(datasets["quarantine_summary"]), 5, 62),
        ],
    ]


def _fact_rows(datasets: Mapping[str, SupersetDataset], origins: Mapping[str, Sequence[str]]) -> list[Row]:
    """Charts over gold tables, where they are published: a right click on a bar drills by, or to the rows."""
    cells = []
    if trade := datasets.get("online_trade"):
        cells.append(Cell(panels.trade(trade), 6, 50))
    if frequency := datasets.get("village_delivery_frequency"):
        cells.append(Cell(panels.frequency(frequency), 6, 50))
    if not cells:
        return []
    behind = sorted({item for cell in cells for item in origins.get(cell.chart.dataset.name, ())})
    return [
        Heading("业务明细：右键单击柱形可按乡镇、村、产品等下钻"),
        [Cell(panels.sources(datasets["catalogue"], behind), 12, 11)],
        cells,
    ]


def overview_filters(indicators: Sequence[IndicatorLike]) -> list[Filter]:
    """期间, 乡镇/街道 and 指标, each with a default that shows something at once."""
    head = head_indicators(indicators)
    of_both = {"indicator_caption", "township_ranking", "township_map", "village_table"}
    of_period = {*of_both, "head_indicators", "all_indicators"}
    of_area = {"head_indicators", "indicator_caption", "indicator_trend", "village_table", "all_indicators"}
    of_indicator = {*of_both, "indicator_trend"}
    return [
        Filter(
            "期间",
            INDICATOR_VIEW,
            "period_text",
            of_period,
            "月、季或年；默认为数据基本齐全的最近一个月",
            descending=True,
            sort_metric="period_rank",
        ),
        Filter(
            "乡镇/街道",
            INDICATOR_VIEW,
            "area",
            of_area,
            "选一个乡镇（街道）看它的数值和所辖各村",
            default=WHOLE_DISTRICT,
            sort_metric="area_rank",
        ),
        Filter(
            "指标",
            INDICATOR_VIEW,
            "indicator_name",
            of_indicator,
            "走势、乡镇对比和逐村明细所示的指标",
            default=head[0].name if head else None,
            sort_metric="indicator_rank",
        ),
    ]


def overview(rows: Sequence[Row], indicators: Sequence[IndicatorLike]) -> dict[str, Any]:
    """The dashboard as Superset exports it, from `overview_rows`."""
    numbers = number_of(charts_of(rows))
    return {
        "dashboard_title": TITLE,
        "description": "数字乡村主要指标、乡镇与村级明细、数据来源与质量",
        "css": CSS.read_text(encoding="utf-8"),
        "slug": SLUG,
        "uuid": identity("dashboard", SLUG),
        "position": position(TITLE, rows),
        "metadata": {
            # none: each chart keeps its own scheme
            "color_scheme": "",
            "cross_filters_enabled": True,
            "filter_bar_orientation": "HORIZONTAL",
            "native_filter_configuration": [item.as_dict(numbers) for item in overview_filters(indicators)],
            **_cross_filters(numbers, source="township_ranking", target="village_table"),
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
        "certification_details": f"数据来自{DATABASE_NAME}的当前发布版本",
        "is_managed_externally": True,
    }


def _cross_filters(numbers: Mapping[str, int], *, source: str, target: str) -> dict[str, Any]:
    """A click in `source` filters `target` alone; clicks elsewhere filter nothing."""
    everything = sorted(numbers.values())
    others = [number for number in everything if number != numbers[target]]

    def scope(number: int) -> dict[str, Any]:
        excluded = others if number == numbers[source] else everything
        return {"scope": {"rootPath": ["ROOT_ID"], "excluded": excluded}, "chartsInScope": []}

    return {
        "chart_configuration": {str(number): {"id": number, "crossFilters": scope(number)} for number in everything},
        "global_chart_configuration": {
            "scope": {"rootPath": ["ROOT_ID"], "excluded": everything},
            "chartsInScope": [],
        },
    }
