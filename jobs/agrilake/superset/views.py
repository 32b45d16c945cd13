"""Datasets that are a query over published tables: what the overview shows, with its words made in one place.

`indicator_view` has one row an indicator, division and period that holds data at all. Its `area` is 全区 or a
township. `village_view` has the village rows alone, each under its township and under 全区, so that one filter
leads from the district to its villages. Periods are ordered so that the first one is the latest month in which at
least half of what a full month has is there: a stray early delivery does not empty the page. An indicator that is not
counted by month (or quarter) shows its newest quarter (or year) until then, and `value_period` says so. One that is
not counted by township shows the district's value there, and `value_area` says so.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from agrilake.superset.assets import Field, Metric, SupersetDataset
from agrilake.superset.measures import ROWS

SQL = Path(__file__).parent / "sql"
INDICATOR_FIELDS = (
    Field("indicator_id", "指标编号"),
    Field("indicator_name", "指标"),
    Field("sort", "顺序", "INTEGER"),
    Field("owner", "责任部门"),
    Field("formula", "计算方法"),
    Field("division_code", "区划代码"),
    Field("division_name", "村/社区"),
    Field("division_level", "层级"),
    Field("township_name", "乡镇/街道"),
    Field("area", "区域"),
    Field("area_order", "区域顺序"),
    Field("value_area", "数值区域"),
    Field("period_type", "期间类型"),
    Field("period_start", "月份", "DATE"),
    Field("period_text", "期间"),
    Field("period_order", "期间顺序"),
    Field("value_period", "数值期间"),
    Field("trend_point", "走势上的点", is_dimension=False),
    Field("shown_value", "数值", "DOUBLE"),
    Field("shown_previous", "去年同期", "DOUBLE"),
    Field("shown_target", "目标值", "DOUBLE"),
    Field("shown_unit", "单位"),
    Field("numerator", "分子", "DECIMAL(24,6)"),
    Field("denominator", "分母", "DECIMAL(24,6)"),
    Field("value_text", "数值"),
    Field("change_text", "较去年同期"),
    Field("change_tone", "变化方向"),
    Field("target_text", "目标"),
    Field("light", "达标灯", is_dimension=False),
    Field("light_text", "达标情况"),
    Field("flag_text", "数据质量"),
    Field("source", "数据来源"),
    Field("fresh_text", "新鲜度"),
)
# Charts draw series in the order of their titles and colour them so: these three stand in this order by pinyin and
# by code point alike, whatever the browser sorts by (charts.TREND_COLOURS).
INDICATOR_METRICS = (
    Metric("previous", "去年同期", "MAX(shown_previous)", ",.2~f"),
    Metric("value", "实际值", "MAX(shown_value)", ",.2~f"),
    Metric("target", "应达目标", "MAX(shown_target)", ",.2~f"),
)


def query(name: str) -> str:
    """A file of sql/, with what it names in braces put in."""
    text = (SQL / f"{name}.sql").read_text(encoding="utf-8").strip()
    for part in re.findall(r"^{(\w+)}", text, re.MULTILINE):
        text = text.replace(f"{{{part}}}", query(part))
    return text


INDICATOR_VIEW = SupersetDataset(
    "indicator_view",
    "指标：每个指标、区划、期间一行，金额以万元显示，含同比、目标、来源与新鲜度的说明文字",
    INDICATOR_FIELDS,
    INDICATOR_METRICS,
    sql=query("indicator_view"),
    time_field="period_start",
)
VILLAGE_VIEW = SupersetDataset(
    "village_view",
    "村级指标：每个村的行归入所在乡镇，也归入全区，便于从全区逐级下钻",
    INDICATOR_FIELDS,
    INDICATOR_METRICS,
    sql=query("village_view"),
    time_field="period_start",
)
TOWNSHIP_MAP = SupersetDataset(
    "township_map",
    "镇街示意图：有界线的镇街，每个指标、期间一行，带轮廓和由低到高的五档深浅",
    (
        *INDICATOR_FIELDS,
        Field("path", "轮廓", is_dimension=False),
        Field("label", "注记", is_dimension=False),
        Field("label_x", "注记横坐标", "INTEGER", is_dimension=False),
        Field("label_y", "注记纵坐标", "INTEGER", is_dimension=False),
        Field("map_view", "画幅", is_dimension=False),
        Field("shade", "深浅", is_dimension=False),
        Field("map_value", "图上数值", is_dimension=False),
        Field("lowest_text", "最低值", is_dimension=False),
        Field("highest_text", "最高值", is_dimension=False),
    ),
    INDICATOR_METRICS,
    sql=query("township_map"),
    time_field="period_start",
)
HELD_NOTICE = SupersetDataset(
    "held_notice",
    "暂停更新的数据表；没有时写明全部正常",
    (Field("tone", "状态"), Field("headline", "标题"), Field("detail", "说明")),
    (ROWS,),
    sql=query("held_notice"),
)
PUBLICATION_BANNER = SupersetDataset(
    "publication_banner",
    "页首：区县、发布版本、发布时间、数据新鲜度",
    (
        Field("district", "区县"),
        Field("edition", "版本"),
        Field("freshness", "新鲜度"),
    ),
    (ROWS,),
    sql=query("publication_banner"),
)
QUALITY_CARD = SupersetDataset(
    "quality_card",
    "数据质量要点：报送、合格率、隔离、逾期、检查、待核对处所，各一行",
    (
        Field("sort", "顺序", "INTEGER"),
        Field("name", "要点"),
        Field("value_text", "数值"),
        Field("unit", "单位"),
        Field("detail", "说明"),
        Field("foot", "补充"),
        Field("light", "状态", is_dimension=False),
    ),
    (ROWS,),
    sql=query("quality_card"),
)
# The filters' choices have queries of their own: a filter asks for all values, at every opening of a page.
PERIOD_CHOICE = SupersetDataset(
    "period_choice",
    "可选的期间：数据基本齐全的最近一个月在最前",
    (Field("period_text", "期间"), Field("period_order", "期间顺序")),
    (Metric("period_rank", "期间顺序", "MAX(period_order)"),),
    sql=query("period_choice"),
)
AREA_CHOICE = SupersetDataset(
    "area_choice",
    "可选的区域：全区和各乡镇（街道）",
    (Field("area", "区域"), Field("area_order", "区域顺序")),
    (Metric("area_rank", "区域顺序", "MIN(area_order)"),),
    sql=query("area_choice"),
)
INDICATOR_CHOICE = SupersetDataset(
    "indicator_choice",
    "可选的指标",
    (Field("indicator_id", "指标编号"), Field("indicator_name", "指标"), Field("sort", "顺序", "INTEGER")),
    (Metric("indicator_rank", "指标顺序", "MIN(sort)"),),
    sql="SELECT id AS indicator_id, name AS indicator_name, sort FROM indicator",
)
WHOLE_DISTRICT = "全区"
VIEWS = {
    item.name: item
    for item in (
        *(INDICATOR_VIEW, VILLAGE_VIEW, TOWNSHIP_MAP, HELD_NOTICE, PUBLICATION_BANNER, QUALITY_CARD),
        *(PERIOD_CHOICE, AREA_CHOICE, INDICATOR_CHOICE),
    )
}


def by_area(dataset: SupersetDataset) -> SupersetDataset:
    """A published table for dashboards with a filter of areas: each row belongs to its township, and to 全区.

    Only under that filter, which is never empty, does every row count once.
    """
    return replace(
        dataset,
        name=f"{dataset.name}_by_area",
        description=f"{dataset.description}（每行归入所在镇街，也归入全区，只用于按区域筛选的图）",
        fields=(*dataset.fields, Field("area", "区域")),
        sql=f"SELECT *, coalesce(township_name, '—') AS area FROM {dataset.name}\n"
        f"UNION ALL\nSELECT *, '{WHOLE_DISTRICT}' AS area FROM {dataset.name}",
    )
