"""Datasets over what the publication says of the data itself: deliveries, quarantine, checks, the catalogue, layers."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from agrilake.catalog.catalogue import CATALOGUE_SCHEMAS
from agrilake.publish import layouts
from agrilake.publish.model import Column as LayoutColumn
from agrilake.publish.model import Layout
from agrilake.superset.assets import Field, Metric, SupersetDataset
from agrilake.superset.measures import ROWS


def record(
    layout: Layout, description: str, metrics: Iterable[Metric] = (ROWS,), extra: Iterable[Field] = ()
) -> SupersetDataset:
    """A dataset over a table that the publication describes itself, with calculated columns added."""
    fields = [Field(column.name, column.title, column.sql_type) for column in layout.columns]
    times = [item.name for item in fields if item.is_temporal]
    return SupersetDataset(
        layout.name,
        f"{layout.title}：{description}",
        (*fields, *extra),
        tuple(metrics),
        time_field=times[0] if times else None,
    )


def _arrow_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    names = {pa.types.is_date: "DATE", pa.types.is_timestamp: "TIMESTAMP", pa.types.is_boolean: "BOOLEAN"}
    names |= {pa.types.is_integer: "BIGINT", pa.types.is_floating: "DOUBLE"}
    return next((name for test, name in names.items() if test(kind)), "VARCHAR")


def catalogue_layout(name: str) -> Layout:
    """A table of the catalogue, with the titles that its columns have in the published file."""
    columns = [
        LayoutColumn(item.name, _arrow_type(item.type), layouts.CATALOGUE_COLUMNS[item.name])
        for item in CATALOGUE_SCHEMAS[name]
    ]
    return Layout(name, layouts.CATALOGUE_TITLES[name], columns)


OVERDUE_TEXT = Field(
    "overdue_text",
    "报送情况",
    description="超过应报日期仍未报送为逾期",
    expression="CASE WHEN overdue THEN '逾期' ELSE '按期' END",
)
DELIVERED_WORDS = (
    "'本页用到 ' || COUNT(*) || ' 个数据集，已有数据 ' || COUNT(period_latest) || ' 个，最新期间 '"
    " || COALESCE(MAX(period_latest), '—')"
)
OWED_WORDS = (
    "CASE COUNT(*) FILTER (WHERE overdue) WHEN 0 THEN '全部按期报送' ELSE"
    " '逾期未报 ' || COUNT(*) FILTER (WHERE overdue) || ' 个：'"
    " || ARRAY_TO_STRING((LIST(department_title || '《' || title || '》应于 ' || due_on || ' 前报送'"
    " ORDER BY due_on, title) FILTER (WHERE overdue))[1:4], '；')"
    " || CASE WHEN COUNT(*) FILTER (WHERE overdue) > 4 THEN ' 等，见页末清单' ELSE '' END END"
)
CATALOGUE_TEXTS = (
    Field("last_delivery_text", "最近报送", expression="COALESCE(strftime(last_delivery_at, '%Y-%m-%d'), '尚无报送')"),
    Field("coverage_text", "覆盖范围", expression="COALESCE(coverage, '—')"),
    Field("trend_text", "质量趋势", description="最新一期与之前几期相比", expression="COALESCE(quality_trend, '—')"),
    Field("terms_text", "共享条件", expression="COALESCE(sharing_terms, '—')"),
)
OLDEST_DUE = Field("oldest_due_text", "最早应报日期", expression="COALESCE(CAST(oldest_due_on AS VARCHAR), '—')")
PERIOD_KIND = Field(
    "period_kind", "周期", expression="CASE length(period) WHEN 4 THEN '年' WHEN 6 THEN '季' ELSE '月' END"
)
STATUS_TEXT = Field(
    "status_text",
    "接收结果",
    expression="CASE status WHEN 'accepted' THEN '全部接收' WHEN 'partial' THEN '部分接收'"
    " WHEN 'refused' THEN '未接收' WHEN 'repeat' THEN '重复报送' WHEN 'waiting' THEN '等待参照数据'"
    " WHEN 'withdrawn' THEN '已撤回' ELSE status END",
)
UNKNOWN_FILE = "'（未能识别的文件）'"
DELIVERED = Field("delivered_title", "数据集", expression=f"COALESCE(title, {UNKNOWN_FILE})")
DELIVERED_BY = Field("department_title", "部门", expression="COALESCE(department, '—')")
DECISION_TEXT = Field(
    "decision_text",
    "结论",
    description="停止：整表不合格，下游暂停更新；提醒：照常更新，请核对",
    expression="CASE decision WHEN 'pass' THEN '通过' WHEN 'warn' THEN '提醒' ELSE '停止' END",
)
SUITE_TEXT = Field("suite_text", "类别", expression="CASE suite WHEN 'dataset' THEN '数据集检查' ELSE '跨表规则' END")
FAILED_TEXT = Field(
    "failed_text",
    "不符合",
    expression="COALESCE(format('{:,} 行', failed_rows), CASE decision WHEN 'pass' THEN '0 行' ELSE '整表' END)",
)
CHECKED_TEXT = Field("checked_text", "检查时间", expression="strftime(checked_at, '%Y-%m-%d %H:%M')")
RECORDS: tuple[SupersetDataset, ...] = (
    record(layouts.PUBLICATION, "何时、由数据湖的哪个版本生成"),
    record(layouts.INDICATOR, "名称、单位、口径、责任部门"),
    record(
        catalogue_layout("catalogue"),
        "谁负责、最新期间、应报日期、覆盖范围、质量得分与趋势、隐私等级、共享条件",
        (
            Metric("datasets", "数据集数", "COUNT(*)", ",d"),
            Metric("overdue_datasets", "逾期数据集数", "COUNT(*) FILTER (WHERE overdue)", ",d"),
            Metric("delivered_text", "已报情况", DELIVERED_WORDS),
            Metric("owed_text", "欠报情况", OWED_WORDS),
        ),
        (OVERDUE_TEXT, *CATALOGUE_TEXTS),
    ),
    record(
        layouts.DELIVERY,
        "每个文件一行，接收、隔离、重复之和等于文件的记录数",
        (
            Metric("deliveries", "文件数", "COUNT(*)", ",d"),
            Metric("not_taken", "未接收文件", "COUNT(*) FILTER (WHERE status = 'refused')", ",d"),
            Metric("records", "记录数", "SUM(records)", ",d"),
            Metric("accepted", "接收", "SUM(accepted)", ",d"),
            Metric("quarantined", "隔离", "SUM(quarantined)", ",d"),
            Metric("duplicate", "重复", "SUM(duplicate)", ",d"),
            Metric("accepted_share", "合格率", "SUM(accepted) / NULLIF(SUM(records), 0)", ".2%"),
            Metric("period_latest", "最新期间", "MAX(period)"),
            Metric("received_latest", "最近接收", "strftime(MAX(received_at), '%Y-%m-%d %H:%M')"),
        ),
        (STATUS_TEXT, DELIVERED, DELIVERED_BY),
    ),
    record(
        layouts.QUARANTINE_SUMMARY,
        "按数据集、期间和规则汇总，不含任何单条记录",
        (
            Metric("findings", "记录数", 'SUM("count")', ",d"),
            Metric("period_first", "最早期间", "MIN(period)"),
            Metric("period_latest", "最新期间", "MAX(period)"),
        ),
        (
            Field("problem", "问题", expression="COALESCE(reason, rule)"),
            Field("delivered_title", "数据集", expression=f"COALESCE(title, {UNKNOWN_FILE})"),
            DELIVERED_BY,
        ),
    ),
    record(
        catalogue_layout("catalogue_coverage"),
        "各数据集在每个镇街有多少行、覆盖多少个村（社区）",
        (
            Metric("covered", "有数据的村（社区）数", "SUM(villages_covered)", ",d"),
            Metric("sum_rows", "行数", "SUM(rows)", ",d"),
            Metric(
                "covered_share",
                "有数据的村占比（%）",
                "100.0 * SUM(villages_covered) / NULLIF(SUM(villages), 0)",
                ",.1f",
            ),
        ),
    ),
    record(
        catalogue_layout("catalogue_quality"),
        "各数据集每个报送期的质量得分",
        (Metric("mean_score", "质量得分", "AVG(quality_score)", ".1f"),),
        (PERIOD_KIND,),
    ),
    record(
        catalogue_layout("catalogue_overdue"),
        "到期未报的数据集和报送期",
        (
            Metric("overdue_deliveries", "欠报期数", "COUNT(*)", ",d"),
            Metric("longest", "最长逾期天数", "MAX(days_overdue)", ",d"),
        ),
    ),
    record(
        catalogue_layout("catalogue_department"),
        "各部门数据集数、欠报期数和平均质量得分",
        (Metric("overdue_deliveries", "欠报期数", "SUM(deliveries_overdue)", ",d"),),
        (OLDEST_DUE,),
    ),
    record(
        layouts.LAYER,
        "各图层的要素数、推算范围数和未上图记录数",
        (
            Metric("layers", "图层数", "COUNT(*)", ",d"),
            Metric("not_placed", "未上图记录数", "SUM(left_out)", ",d"),
        ),
    ),
    record(
        layouts.CHECK_RESULT,
        "每条规则最近一次的结论和不符合行数，不含任何数据值",
        (
            Metric("rules", "规则数", "COUNT(*)", ",d"),
            Metric("rules_passed", "通过", "COUNT(*) FILTER (WHERE decision = 'pass')", ",d"),
            Metric("rules_warned", "提醒", "COUNT(*) FILTER (WHERE decision = 'warn')", ",d"),
            Metric("rules_stopped", "停止下游", "COUNT(*) FILTER (WHERE decision = 'stop')", ",d"),
            Metric("wrong_rows", "不符合行数", "SUM(failed_rows)", ",d"),
            Metric("checked_latest", "最近检查", "strftime(MAX(checked_at), '%Y-%m-%d %H:%M')"),
        ),
        (DECISION_TEXT, SUITE_TEXT, FAILED_TEXT, CHECKED_TEXT),
    ),
    record(layouts.HELD_TABLE, "各数据表是否因检查未通过而暂停更新"),
)
