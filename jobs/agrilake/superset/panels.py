"""The charts of the overview, one function each: what it shows, and where it says period, source and freshness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from agrilake.superset import charts
from agrilake.superset.assets import Chart, SupersetDataset
from agrilake.superset.charts import where
from agrilake.superset.views import HELD_NOTICE, INDICATOR_VIEW, PUBLICATION_BANNER, TOWNSHIP_MAP, VILLAGE_VIEW

DISTRICT_OR_TOWNSHIP = where("division_level", "IN", ["district", "township"])
MONTHS_ONLY = where("period_type", "==", "month")
ALARM = "#f0b4ad"
# Sources may be long: these keep the columns beside them on one line (pixels).
WIDTHS = {
    "indicator_name": 190,
    "shown_unit": 70,
    "change_text": 180,
    "target_text": 110,
    "flag_text": 80,
    "area": 90,
    "period_text": 110,
    "fresh_text": 130,
}


class IndicatorLike(Protocol):
    """What the overview needs to know of an indicator's declaration."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def owner(self) -> str: ...


def names(text: str) -> tuple[str, ...]:
    """Column or metric names written with spaces between them."""
    return tuple(text.split())


def banner() -> Chart:
    """Who published what and when, and how fresh it is as a whole."""
    return charts.template(
        "publication_banner",
        "发布版本",
        "当前发布的数据版本、发布时间和全部数据集的新鲜度",
        PUBLICATION_BANNER,
        names("headline edition freshness"),
        file="banner.html",
    )


def notice() -> Chart:
    """Tables that are held back, or that there are none."""
    return charts.template(
        "held_notice",
        "暂停更新的表",
        "整表检查未通过的数据表暂停更新，继续显示上一个合格版本；没有时写明全部正常",
        HELD_NOTICE,
        names("tone headline detail"),
        file="notice.html",
    )


def cards(head: Sequence[IndicatorLike]) -> Chart:
    """The head indicators as cards, each with period, source and freshness."""
    explained = "；".join(f"{item.name}（{item.owner}）：{item.formula}" for item in head)
    return charts.template(
        "head_indicators",
        "主要指标",
        f"每张卡片写明区域、期间、来源和新鲜度。{explained}",
        INDICATOR_VIEW,
        names(
            "indicator_name value_text shown_unit change_text change_tone target_text"
            " area period_text flag_text source fresh_text sort"
        ),
        file="cards.html",
        filters=(where("indicator_id", "IN", [item.id for item in head]), DISTRICT_OR_TOWNSHIP),
        order=(("sort", True),),
    )


def caption() -> Chart:
    """One line about the chosen indicator, above its charts."""
    return charts.template(
        "indicator_caption",
        "所选指标",
        "所选指标在所选区域和期间的数值、来源、新鲜度与计算方法",
        INDICATOR_VIEW,
        names("indicator_name area value_text shown_unit period_text source fresh_text owner formula"),
        file="caption.html",
        filters=(DISTRICT_OR_TOWNSHIP,),
    )


def trend() -> Chart:
    """The chosen indicator month by month."""
    return charts.line(
        "indicator_trend",
        "逐月走势：实际值、去年同期与目标",
        "所选指标在所选区域的各月数值；单位、来源和新鲜度见上方一行。不受“期间”筛选影响",
        INDICATOR_VIEW,
        axis="period_start",
        metrics=names("previous value target"),
        filters=(DISTRICT_OR_TOWNSHIP, MONTHS_ONLY),
    )


def townships() -> Chart:
    """The chosen indicator by township."""
    return charts.bars(
        "township_ranking",
        "各乡镇（街道）对比",
        "所选指标在所选期间的乡镇数值；点击柱形，下方只列该乡镇的村。单位、来源和新鲜度见上方一行",
        INDICATOR_VIEW,
        axis="township_name",
        metrics=("value",),
        filters=(where("division_level", "==", "township"),),
    )


def township_map() -> Chart:
    """The chosen indicator on the townships' outlines, five shades from the lowest to the highest."""
    return charts.template(
        "township_map",
        "镇街示意图：所选指标",
        "有界线的镇街按所选指标由低到高着色，鼠标停在镇街上看数值；示意图不作界线依据",
        TOWNSHIP_MAP,
        names(
            "area value_text shown_unit flag_text change_text indicator_name period_text source fresh_text"
            " path label label_x label_y map_view shade map_value lowest_text highest_text"
        ),
        file="township_map.html",
        order=(("period_order", False), ("sort", True)),
        limit=200,
    )


def villages() -> Chart:
    """The chosen indicator by village."""
    return charts.table(
        "village_table",
        "逐村明细（数值由低到高）",
        "所选指标在所选期间的村级数值，随“乡镇/街道”筛选或上方柱形的点击而变；每行写明期间、来源和新鲜度",
        VILLAGE_VIEW,
        names(
            "township_name division_name shown_value shown_unit numerator denominator change_text"
            " flag_text period_text source fresh_text"
        ),
        order=(("shown_value", True), ("division_code", True)),
        column_config={
            "shown_value": {"d3NumberFormat": charts.NUMBER, "showCellBars": True},
            "numerator": {"d3NumberFormat": charts.NUMBER},
            "denominator": {"d3NumberFormat": charts.NUMBER},
            **{name: {"columnWidth": WIDTHS[name]} for name in ("change_text", "period_text", "fresh_text")},
        },
        page=10,
        search=True,
    )


def all_indicators() -> Chart:
    """Every indicator for the chosen area and period."""
    return charts.table(
        "all_indicators",
        "全部指标一览",
        "全部指标在所选区域和期间的数值；缺数据的写明原因，不以零代替",
        INDICATOR_VIEW,
        names(
            "indicator_name value_text shown_unit change_text target_text flag_text area period_text source fresh_text"
        ),
        filters=(DISTRICT_OR_TOWNSHIP,),
        order=(("sort", True),),
        column_config={
            "value_text": {"horizontalAlign": "right", "columnWidth": 100},
            **{name: {"columnWidth": width} for name, width in WIDTHS.items()},
        },
        page=20,
    )


def sources(catalogue: SupersetDataset, behind: Sequence[str]) -> Chart:
    """One line about the datasets behind the fact charts."""
    return charts.template(
        "fact_sources",
        "业务明细的数据来源",
        "下方两图所用数据集的责任部门、最新期间和报送情况",
        catalogue,
        names("department_title title period_latest overdue_text quality_score"),
        file="sources.html",
        filters=(where("dataset", "IN", list(behind)),),
        order=(("title", True),),
    )


def trade(trade: SupersetDataset) -> Chart:
    """Online retail by month and platform."""
    return charts.bars(
        "online_trade_by_month",
        "农产品网络零售额（万元，按平台）",
        "各月网络零售额；横轴为期间，来源和新鲜度见上方一行。不受筛选影响，可按乡镇、村、产品、品牌下钻",
        trade,
        axis="period",
        metrics=names("sum_amount_yuan"),
        groupby=names("platform_label"),
        stack=True,
        by_axis=True,
    )


def frequency(frequency: SupersetDataset) -> Chart:
    """Villages with and without five deliveries a week, by month."""
    return charts.bars(
        "villages_five_a_week",
        "建制村周五班：达到与不足的村数",
        "各月达到和不足周五班的建制村数；横轴为期间，来源和新鲜度见上方一行。不受筛选影响，可按乡镇、村下钻",
        frequency,
        axis="period",
        metrics=names("villages_short villages_met"),
        filters=(MONTHS_ONLY,),
        stack=True,
        by_axis=True,
        colours=charts.PROGRESS_COLOURS,
    )


def catalogue(catalogue: SupersetDataset) -> Chart:
    """Who holds what, how new, how good."""
    return charts.table(
        "data_sources",
        "数据从哪里来、新不新",
        "每个数据集的责任部门、最新期间、应报日期、覆盖范围、质量评分和共享条件；来源：数据湖报送登记",
        catalogue,
        names(
            "title department_title period_latest due_on overdue_text"
            " last_delivery_at freshness_days rows coverage_text quality_score trend_text"
            " privacy_grade sharing terms_text"
        ),
        order=(("overdue", False), ("title", True)),
        column_config={
            "rows": {"d3NumberFormat": ",d"},
            "quality_score": {"d3NumberFormat": ".1f", "showCellBars": True},
            "coverage_text": {"columnWidth": 190},
            "terms_text": {"columnWidth": 320},
        },
        warnings=(
            {"column": "overdue_text", "operator": "=", "targetValue": "逾期", "colorScheme": ALARM},
            {"column": "quality_score", "operator": "<", "targetValue": 90, "colorScheme": ALARM},
        ),
        page=20,
    )


def departments(department: SupersetDataset) -> Chart:
    """What each department owes, and how good its data is on the whole."""
    return charts.table(
        "department_deliveries",
        "各部门报送与欠报",
        "各部门应报未报的期数、最早应报日期和平均质量得分；按发布当日计算，来源：数据湖报送登记",
        department,
        names(
            "department_title datasets datasets_delivered datasets_overdue"
            " deliveries_overdue oldest_due_on quality_score"
        ),
        order=(("deliveries_overdue", False), ("department_title", True)),
        column_config={"quality_score": {"d3NumberFormat": ".1f"}},
        warnings=({"column": "deliveries_overdue", "operator": ">", "targetValue": 0, "colorScheme": ALARM},),
    )


def delivery_caption() -> Chart:
    """One line about what was delivered."""
    return charts.template(
        "delivery_caption",
        "报送情况",
        "报送的期间、来源和最近接收时间",
        PUBLICATION_BANNER,
        names("deliveries edition"),
        file="deliveries.html",
    )


def deliveries(delivery: SupersetDataset) -> Chart:
    """What was delivered and how much of it was accepted, by dataset."""
    return charts.summary_table(
        "deliveries_by_dataset",
        "各数据集的报送与合格率",
        "记录数 = 接收 + 隔离 + 重复；每行写明最新期间和最近接收时间",
        delivery,
        names("delivered_by delivered_title"),
        names(
            "deliveries not_taken records accepted quarantined duplicate accepted_share period_latest received_latest"
        ),
        sort_by="quarantined",
        page=20,
    )


def reasons(quarantine: SupersetDataset) -> Chart:
    """What was quarantined, by problem."""
    return charts.summary_table(
        "quarantine_reasons",
        "被隔离的数据：按问题",
        "按问题汇总的隔离记录数，改好后重新报送即可，改法见各文件的回执；每行写明数据集与期间",
        quarantine,
        names("delivered_by delivered_title problem"),
        names("findings period_first period_latest"),
        sort_by="findings",
        page=20,
    )
