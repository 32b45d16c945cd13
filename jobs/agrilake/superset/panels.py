"""The charts that dashboards share: banner, cards, the chosen indicator, where the data comes from.

`slug` is the dashboard's: each has its own, as its charts are limited to its indicators and datasets.
"""

from __future__ import annotations

from collections.abc import Sequence

from agrilake.superset import charts
from agrilake.superset.assets import Chart, SupersetDataset
from agrilake.superset.charts import where
from agrilake.superset.declared import ColumnLook, Dashboard, IndicatorLike
from agrilake.superset.looks import RED_LIGHTS, looks
from agrilake.superset.views import (
    HELD_NOTICE,
    INDICATOR_VIEW,
    PUBLICATION_BANNER,
    TOWNSHIP_MAP,
    VILLAGE_VIEW,
)

DISTRICT_OR_TOWNSHIP = where("division_level", "IN", ["district", "township"])
TREND_POINTS = where("trend_point", "==", "是")
# Sources may be long: these keep the columns beside them on one line (pixels).
WIDTHS = {
    "indicator_name": 190,
    "shown_unit": 70,
    "change_text": 180,
    "target_text": 120,
    "flag_text": 80,
    "value_area": 90,
    "value_period": 120,
    "fresh_text": 140,
}


def names(text: str) -> tuple[str, ...]:
    """Column or metric names written with spaces between them."""
    return tuple(text.split())


def only(indicators: Sequence[IndicatorLike]) -> dict[str, object]:
    """The filter that keeps these indicators."""
    return where("indicator_id", "IN", [item.id for item in indicators])


def banner(dashboard: Dashboard, dataset: SupersetDataset = PUBLICATION_BANNER) -> Chart:
    """What the page is about, who published what and when, and how fresh it is as a whole."""
    return charts.template(
        f"{dashboard.slug}_banner",
        "发布版本",
        "当前发布的数据版本、发布时间和全部数据集的新鲜度",
        dataset,
        names("district edition freshness"),
        file="banner.html",
        words={"TITLE": dashboard.title, "INTRO": dashboard.intro},
    )


def notice(slug: str, dataset: SupersetDataset = HELD_NOTICE) -> Chart:
    """Tables that are held back, or that there are none."""
    return charts.template(
        f"{slug}_notice",
        "暂停更新的表",
        "整表检查未通过的数据表暂停更新，继续显示上一个合格版本；没有时写明全部正常",
        dataset,
        names("tone headline detail"),
        file="notice.html",
    )


def cards(slug: str, head: Sequence[IndicatorLike], in_a_row: int) -> Chart:
    """Indicators as cards, each with its light, period, source and freshness."""
    explained = "；".join(f"{item.name}：{item.formula}" for item in head)
    return charts.template(
        f"{slug}_cards",
        "主要指标",
        "每张卡片写明区域、期间、来源和新鲜度；上边的颜色：绿为达标，黄为接近目标（差距不到目标的一成），红为未达标，"
        f"灰为未设目标。{explained}",
        INDICATOR_VIEW,
        names(
            "indicator_name value_text shown_unit change_text change_tone target_text light light_text"
            " value_area value_period flag_text source fresh_text sort"
        ),
        file="cards.html",
        words={"COLUMNS": str(in_a_row)},
        filters=(only(head), DISTRICT_OR_TOWNSHIP),
        order=(("sort", True),),
    )


def quality_cards(name: str, title: str, about: str, dataset: SupersetDataset) -> Chart:
    """The state of deliveries and checks, as cards."""
    return charts.template(
        name,
        title,
        about,
        dataset,
        names("sort name value_text unit detail foot light"),
        file="quality_cards.html",
        order=(("sort", True),),
    )


def caption(slug: str) -> Chart:
    """One line about the chosen indicator, above its charts."""
    return charts.template(
        f"{slug}_caption",
        "所选指标",
        "所选指标在所选区域和期间的数值、来源、新鲜度与计算方法",
        INDICATOR_VIEW,
        names(
            "indicator_name value_area value_text shown_unit value_period change_text target_text source fresh_text"
            " owner formula"
        ),
        file="caption.html",
        filters=(DISTRICT_OR_TOWNSHIP,),
        limit=1,
    )


def trend(slug: str) -> Chart:
    """The chosen indicator along its shortest periods."""
    return charts.line(
        f"{slug}_trend",
        "走势：实际值、去年同期与目标",
        "所选指标在所选区域的各期数值；单位、来源和新鲜度见上方一行。不受“期间”筛选影响",
        INDICATOR_VIEW,
        axis="period_start",
        metrics=names("previous value target"),
        filters=(DISTRICT_OR_TOWNSHIP, TREND_POINTS),
    )


def trend_of(name: str, title: str, about: str, shown: Sequence[IndicatorLike]) -> Chart:
    """Some indicators of one unit, a line each."""
    return charts.line(
        name,
        title,
        about,
        INDICATOR_VIEW,
        axis="period_start",
        metrics=("value",),
        groupby=("indicator_name",),
        filters=(only(shown), DISTRICT_OR_TOWNSHIP, TREND_POINTS),
        colours=charts.COLOURS,
    )


def townships(slug: str) -> Chart:
    """The chosen indicator by township."""
    return charts.bars(
        f"{slug}_townships",
        "各乡镇（街道）对比",
        "所选指标在所选期间的乡镇数值；点击柱形，下方只列该乡镇的村。单位、来源和新鲜度见上方一行",
        INDICATOR_VIEW,
        axis="township_name",
        metrics=("value",),
        filters=(where("division_level", "==", "township"),),
    )


def ranking_of(name: str, title: str, about: str, shown: Sequence[IndicatorLike]) -> Chart:
    """One indicator by township."""
    return charts.bars(
        name,
        title,
        about,
        INDICATOR_VIEW,
        axis="township_name",
        metrics=("value",),
        filters=(only(shown), where("division_level", "==", "township")),
    )


def township_map(slug: str) -> Chart:
    """The chosen indicator on the townships' outlines, five shades from the lowest to the highest."""
    return charts.template(
        f"{slug}_map",
        "镇街示意图：所选指标",
        "有界线的镇街按所选指标由低到高着色，鼠标停在镇街上看数值；示意图不作界线依据",
        TOWNSHIP_MAP,
        names(
            "area value_text shown_unit flag_text change_text indicator_name value_period source fresh_text"
            " path label label_x label_y map_view shade map_value lowest_text highest_text"
        ),
        file="township_map.html",
        order=(("period_order", False), ("sort", True)),
        limit=200,
    )


def villages(slug: str) -> Chart:
    """The chosen indicator by village."""
    return charts.table(
        f"{slug}_villages",
        "逐村明细（数值由低到高）",
        "所选指标在所选期间的村级数值，随“乡镇/街道”筛选或上方柱形的点击而变；每行写明期间、来源和新鲜度",
        VILLAGE_VIEW,
        names(
            "township_name division_name shown_value shown_unit numerator denominator light_text change_text"
            " flag_text value_period source fresh_text"
        ),
        order=(("shown_value", True), ("division_code", True)),
        column_config={
            "shown_value": {"d3NumberFormat": charts.NUMBER, "showCellBars": True},
            "numerator": {"d3NumberFormat": charts.NUMBER},
            "denominator": {"d3NumberFormat": charts.NUMBER},
            **{name: {"columnWidth": WIDTHS[name]} for name in ("change_text", "value_period", "fresh_text")},
        },
        warnings=RED_LIGHTS,
        page=10,
        search=True,
    )


def all_indicators(name: str, title: str, about: str) -> Chart:
    """Every indicator for the chosen area and period."""
    return charts.table(
        name,
        title,
        about,
        INDICATOR_VIEW,
        names(
            "indicator_name value_text shown_unit change_text target_text light_text flag_text value_area value_period"
            " source fresh_text"
        ),
        filters=(DISTRICT_OR_TOWNSHIP,),
        order=(("sort", True),),
        column_config={
            "value_text": {"horizontalAlign": "right", "columnWidth": 100},
            **{name: {"columnWidth": width} for name, width in WIDTHS.items()},
        },
        warnings=RED_LIGHTS,
        page=20,
    )


def state(slug: str, catalogue: SupersetDataset, behind: Sequence[str]) -> Chart:
    """One line: which of the datasets behind the page are awaited."""
    return charts.template(
        f"{slug}_state",
        "数据状态",
        "本页所用数据集的报送情况：哪些逾期未报、应于何日报送；图中没有数据时先看这里",
        catalogue,
        (),
        file="state.html",
        filters=(where("dataset", "IN", list(behind)),),
        metrics=names("delivered_text owed_text"),
    )


def sources(slug: str, catalogue: SupersetDataset, behind: Sequence[str]) -> Chart:
    """Who holds the datasets behind the page, how new, how good."""
    columns = (
        ColumnLook("title", width=170),
        ColumnLook("department_title", width=130),
        *map(ColumnLook, names("period_latest due_on")),
        ColumnLook("overdue_text", red="逾期"),
        ColumnLook("last_delivery_text", width=130),
        ColumnLook("rows", format=",d"),
        ColumnLook("coverage_text", width=190),
        ColumnLook("quality_score", format=".1f", bars=True, red_below=90),
        *map(ColumnLook, names("trend_text privacy_grade sharing")),
    )
    config, warnings = looks(columns)
    return charts.table(
        f"{slug}_sources",
        "数据从哪里来、新不新",
        "本页所用数据集的责任部门、最新期间、应报日期、覆盖范围和质量评分；来源：数据湖报送登记",
        catalogue,
        tuple(item.name for item in columns),
        filters=(where("dataset", "IN", list(behind)),),
        order=(("overdue", False), ("title", True)),
        column_config=config,
        warnings=warnings,
        page=20,
    )
