"""Datasets over the tables of the published file: gold tables from their contracts, and the lake's own records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pyarrow as pa

from agrilake.catalog.catalogue import CATALOGUE_SCHEMAS
from agrilake.contract.codes import coded_columns, label_of
from agrilake.contract.load import Registry
from agrilake.contract.model import Column, Dataset, LogicalType
from agrilake.contract.order import in_order
from agrilake.contract.units import MONEY
from agrilake.publish import layouts
from agrilake.publish.database import sql_type
from agrilake.publish.departments import WAY_BACK, shown_columns
from agrilake.publish.indicators import NAME as INDICATOR_VALUE
from agrilake.publish.indicators import value_layout
from agrilake.publish.model import LEADER, Layout
from agrilake.publish.model import Column as LayoutColumn
from agrilake.publish.revisions import TABLE as REVISION
from agrilake.superset.assets import ANALYST_DATABASE_NAME, Field, Metric, SupersetDataset

# What cannot be added up: places, shares, concentrations.
NOT_ADDED = ("度", "%", "毫克/千克")
QUANTITIES = (LogicalType.INTEGER, LogicalType.NUMBER)
ROWS = Metric("rows", "行数", "COUNT(*)", ",d")
VALUE = Metric("value", "数值", "MAX(value)", ",.2~f")
# Columns that lead back to a file's line or are a code beside a name: nobody groups by them.
NOT_DIMENSIONS = ("_code", "_id", "_no", "delivery_id", "line", "sheet", "source_dataset")
# In this order by pinyin and by code point alike, as charts.PROGRESS_COLOURS expects.
METRICS: dict[str, tuple[Metric, ...]] = {
    "village_delivery_frequency": (
        Metric("villages_short", "不足周五班的建制村", "COUNT(*) FILTER (WHERE NOT meets_five)", ",d"),
        Metric("villages_met", "达到周五班的建制村", "COUNT(*) FILTER (WHERE meets_five)", ",d"),
    )
}


def published_datasets(registry: Registry) -> dict[str, SupersetDataset]:
    """Every dataset over one published table, by table name, in stable order."""
    tables = [*in_order(registry), registry.gold[REVISION]]
    gold = [gold_dataset(item, registry) for item in tables if LEADER in item.published]
    contract = registry.gold[INDICATOR_VALUE]
    values = _record(value_layout(contract), contract.description, (ROWS, VALUE))
    return {item.name: item for item in sorted([*gold, values, *RECORDS], key=lambda item: item.name)}


def gold_dataset(contract: Dataset, registry: Registry) -> SupersetDataset:
    """A gold table: titles, units and descriptions as in its contract; a sum for each quantity, money in 万元.

    A coded column (douyin) gets a calculated one beside it with the label that its source's contract gives (抖音).
    """
    labels = _labels(contract, registry)
    columns = [column for column in contract.columns if not column.is_personal]
    fields = (*(_field(column, column.name in labels) for column in columns), *labels.values())
    quantities = [item for item in columns if item.unit and item.unit not in NOT_ADDED and item.type in QUANTITIES]
    times = [item.name for item in fields if item.is_temporal]
    return SupersetDataset(
        contract.id,
        f"{contract.title}：{contract.description}",
        fields,
        (ROWS, *(_sum(column) for column in quantities), *METRICS.get(contract.id, ())),
        time_field=times[0] if times else None,
    )


def department_datasets(registry: Registry) -> dict[str, SupersetDataset]:
    """One dataset a contract, over the analyst's file: what a department sent, as it stands in silver."""
    return {name: department_dataset(registry.datasets[name], registry) for name in sorted(registry.datasets)}


def department_dataset(contract: Dataset, registry: Registry) -> SupersetDataset:
    """Titles, units and labels as in the contract, without personal columns, with the way back to file and line."""
    shown = replace(contract, columns=tuple(shown_columns(contract)))
    found = gold_dataset(shown, registry)
    fields = (*found.fields, *(Field(item.name, item.title, item.sql_type) for item in WAY_BACK))
    description = f"{contract.department_title}《{contract.title}》：{contract.description}"
    return replace(found, description=description, fields=fields, database=ANALYST_DATABASE_NAME)


def _labels(contract: Dataset, registry: Registry) -> dict[str, Field]:
    titles = {column.name: column.title for column in contract.columns}
    return {
        name: Field(f"{name}_label", titles[name], expression=label_of(coded.name, coded))
        for name, coded in coded_columns(contract, registry).items()
    }


def _sum(column: Column) -> Metric:
    if column.unit == MONEY:
        return Metric(f"sum_{column.name}", f"{column.title}（万元）", f"SUM({column.name}) / 10000", ",.2f")
    return Metric(f"sum_{column.name}", f"{_title(column)}合计", f"SUM({column.name})", ",.2~f")


def _field(column: Column, has_label: bool) -> Field:
    is_quantity = column.type in QUANTITIES
    is_dimension = not has_label and not is_quantity and not column.name.endswith(NOT_DIMENSIONS)
    return Field(column.name, _title(column), sql_type(column), column.description, is_dimension=is_dimension)


def _title(column: Column) -> str:
    return f"{column.title}（{column.unit}）" if column.unit else column.title


def _record(
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
CATALOGUE_TEXTS = (
    Field("coverage_text", "覆盖范围", expression="COALESCE(coverage, '—')"),
    Field("trend_text", "质量趋势", description="最新一期与之前几期相比", expression="COALESCE(quality_trend, '—')"),
    Field("terms_text", "共享条件", expression="COALESCE(sharing_terms, '—')"),
)
STATUS_TEXT = Field(
    "status_text",
    "接收结果",
    expression="CASE status WHEN 'accepted' THEN '全部接收' WHEN 'partial' THEN '部分接收'"
    " WHEN 'refused' THEN '未接收' WHEN 'repeat' THEN '重复报送' WHEN 'waiting' THEN '等待参照数据' ELSE status END",
)
UNKNOWN_FILE = "'（未能识别的文件）'"
DELIVERED = Field("delivered_title", "数据集", expression=f"COALESCE(title, {UNKNOWN_FILE})")
DELIVERED_BY = Field("delivered_by", "部门", expression="COALESCE(department, '—')")
RECORDS: tuple[SupersetDataset, ...] = (
    _record(layouts.PUBLICATION, "何时、由数据湖的哪个版本生成"),
    _record(layouts.INDICATOR, "名称、单位、口径、责任部门"),
    _record(
        catalogue_layout("catalogue"),
        "谁负责、最新期间、应报日期、覆盖范围、质量得分与趋势、隐私等级、共享条件",
        (
            Metric("datasets", "数据集数", "COUNT(*)", ",d"),
            Metric("overdue_datasets", "逾期数据集数", "COUNT(*) FILTER (WHERE overdue)", ",d"),
        ),
        (OVERDUE_TEXT, *CATALOGUE_TEXTS),
    ),
    _record(
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
    _record(
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
    _record(
        catalogue_layout("catalogue_coverage"),
        "各数据集在每个镇街有多少行、覆盖多少个村（社区）",
        (
            Metric("covered", "有数据的村（社区）数", "SUM(villages_covered)", ",d"),
            Metric("sum_rows", "行数", "SUM(rows)", ",d"),
        ),
    ),
    _record(
        catalogue_layout("catalogue_quality"),
        "各数据集每个报送期的质量得分",
        (Metric("mean_score", "质量得分", "AVG(quality_score)", ".1f"),),
    ),
    _record(
        catalogue_layout("catalogue_overdue"),
        "到期未报的数据集和报送期",
        (
            Metric("overdue_deliveries", "欠报期数", "COUNT(*)", ",d"),
            Metric("longest", "最长逾期天数", "MAX(days_overdue)", ",d"),
        ),
    ),
    _record(
        catalogue_layout("catalogue_department"),
        "各部门数据集数、欠报期数和平均质量得分",
        (Metric("overdue_deliveries", "欠报期数", "SUM(deliveries_overdue)", ",d"),),
    ),
    _record(
        layouts.LAYER,
        "各图层的要素数、推算范围数和未上图记录数",
        (
            Metric("layers", "图层数", "COUNT(*)", ",d"),
            Metric("not_placed", "未上图记录数", "SUM(left_out)", ",d"),
        ),
    ),
    _record(layouts.HELD_TABLE, "各数据表是否因检查未通过而暂停更新"),
)
