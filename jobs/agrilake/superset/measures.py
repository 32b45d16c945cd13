"""Measures and texts of single published tables, beside the sums that every quantity has."""

from __future__ import annotations

from agrilake.superset.assets import Field, Metric

ROWS = Metric("rows", "行数", "COUNT(*)", ",d")
FIELDS: dict[str, tuple[Field, ...]] = {
    "logistics_week": (Field("week_text", "周", expression="strftime(week_start, '%Y-%m-%d')"),),
}
# In this order by pinyin and by code point alike, as charts.PROGRESS_COLOURS expects.
METRICS: dict[str, tuple[Metric, ...]] = {
    "facility": (
        Metric(
            "occupancy",
            "入住率",
            "CASE WHEN NOT bool_or(occupied_hidden) THEN SUM(occupied) / NULLIF(SUM(beds), 0) END",
            ".1%",
        ),
        Metric("supervised", "接入线上监管的设施", "COUNT(*) FILTER (WHERE supervised_online)", ",d"),
    ),
    "logistics_route": (
        Metric("routes", "路线数（条）", "COUNT(DISTINCT route_no)", ",d"),
        Metric("stops", "停靠村次", "COUNT(*)", ",d"),
        Metric("mean_frequency", "平均每周班次", "AVG(weekly_frequency)", ",.1f"),
    ),
    "logistics_week": (
        Metric(
            "villages", "有投递的村（社区）", "COUNT(DISTINCT division_code) FILTER (WHERE delivery_days > 0)", ",d"
        ),
        Metric("mean_days", "平均每周投递天数", "AVG(delivery_days)", ",.1f"),
    ),
    "quality_inspection": (
        Metric("failed", "不合格项次", "COUNT(*) FILTER (WHERE NOT passed)", ",d"),
        Metric("passed", "合格项次", "COUNT(*) FILTER (WHERE passed)", ",d"),
        Metric("pass_rate", "合格率", "COUNT(*) FILTER (WHERE passed) / NULLIF(COUNT(passed), 0)", ".1%"),
    ),
    "service_place": (
        Metric("shared_places", "多站合一处所", "COUNT(*) FILTER (WHERE is_shared)", ",d"),
        Metric("single_places", "单一部门处所", "COUNT(*) FILTER (WHERE NOT is_shared)", ",d"),
    ),
    "village_disclosure": (
        Metric("disclosed_items", "已公开事项", "COUNT(*) FILTER (WHERE disclosed)", ",d"),
        Metric("undisclosed_items", "未公开事项", "COUNT(*) FILTER (WHERE NOT disclosed)", ",d"),
        Metric("disclosed_rate", "公开率", "COUNT(*) FILTER (WHERE disclosed) / NULLIF(COUNT(disclosed), 0)", ".1%"),
    ),
    "village_delivery_frequency": (
        Metric("villages_short", "不足周五班的建制村", "COUNT(*) FILTER (WHERE NOT meets_five)", ",d"),
        Metric("villages_met", "达到周五班的建制村", "COUNT(*) FILTER (WHERE meets_five)", ",d"),
    ),
}
