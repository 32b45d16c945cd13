"""Datasets over the tables of the published file: gold tables from their contracts, and the lake's own records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from agrilake.contract.codes import coded_columns, label_of
from agrilake.contract.counts import MARK
from agrilake.contract.load import Registry
from agrilake.contract.model import Column, Dataset, LogicalType
from agrilake.contract.order import in_order
from agrilake.contract.units import MONEY
from agrilake.publish.database import sql_type
from agrilake.publish.departments import WAY_BACK, shown_columns
from agrilake.publish.indicators import NAME as INDICATOR_VALUE
from agrilake.publish.indicators import value_layout
from agrilake.publish.model import LEADER
from agrilake.publish.revisions import TABLE as REVISION
from agrilake.superset.assets import ANALYST_DATABASE, Field, Metric, SupersetDataset
from agrilake.superset.measures import FIELDS, METRICS, ROWS
from agrilake.superset.records import RECORDS, record

# What cannot be added up: places, shares, concentrations.
NOT_ADDED = ("度", "%", "毫克/千克")
QUANTITIES = (LogicalType.INTEGER, LogicalType.NUMBER)
KEPT_BACK = "保密"
VALUE = Metric("value", "数值", "MAX(value)", ",.2~f")
PERIOD_TEXT = (
    "CASE length(period) WHEN 4 THEN period || '年' WHEN 6 THEN period[1:4] || '年第' || period[6:6] || '季度'"
    " ELSE period[1:4] || '年' || CAST(period[6:7] AS INTEGER) || '月' END"
)
# Columns that lead back to a file's line or are a code beside a name: nobody groups by them.
NOT_DIMENSIONS = ("_code", "_id", "_no", "delivery_id", "line", "sheet", "source_dataset")


def published_datasets(registry: Registry) -> dict[str, SupersetDataset]:
    """Every dataset over one published table, by table name, in stable order."""
    tables = [*in_order(registry), registry.gold[REVISION]]
    gold = [gold_dataset(item, registry) for item in tables if LEADER in item.published]
    contract = registry.gold[INDICATOR_VALUE]
    values = record(value_layout(contract), contract.description, (ROWS, VALUE))
    return {item.name: item for item in sorted([*gold, values, *RECORDS], key=lambda item: item.name)}


def gold_dataset(contract: Dataset, registry: Registry) -> SupersetDataset:
    """A gold table: titles, units and descriptions as in its contract; a sum for each quantity, money in 万元.

    A coded column (douyin) gets a calculated one beside it with the label that its source's contract gives (抖音).
    """
    labels = _labels(contract, registry)
    columns = [column for column in contract.columns if not column.is_personal]
    own = (_field(column, column.name in labels) for column in columns)
    fields = (*own, *labels.values(), *(item for column in columns for item in _shown(column, contract.is_gold)))
    fields += FIELDS.get(contract.id, ())
    quantities = [item for item in columns if item.unit and item.unit not in NOT_ADDED and item.type in QUANTITIES]
    times = [item.name for item in fields if item.is_temporal]
    return SupersetDataset(
        contract.id,
        f"{contract.title}：{contract.description}",
        fields,
        (ROWS, *(_sum(column, contract.is_gold) for column in quantities), *METRICS.get(contract.id, ())),
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
    return replace(found, description=description, fields=fields, database=ANALYST_DATABASE)


def _labels(contract: Dataset, registry: Registry) -> dict[str, Field]:
    titles = {column.name: column.title for column in contract.columns}
    return {
        name: Field(f"{name}_label", titles[name], expression=label_of(coded.name, coded))
        for name, coded in coded_columns(contract, registry).items()
    }


def _shown(column: Column, is_marked: bool) -> Iterator[Field]:
    """Calculated columns for people: money in 万元, yes and no in words, numbers of persons or that they are hidden,
    the period as its filter writes it."""
    if column.unit == MONEY:
        title = f"{column.title}（万元）"
        yield Field(f"{column.name}_wan", title, "DOUBLE", expression=f"{column.name} / 10000", is_dimension=False)
    if column.counts and is_marked:
        number = f"format('{{:,}}', {column.name})"
        words = f"CASE WHEN {column.name}{MARK} THEN '{KEPT_BACK}' ELSE {number} END"
        yield Field(f"{column.name}_text", _title(column), expression=words, is_dimension=False)
    if column.type is LogicalType.BOOLEAN:
        words = f"CASE WHEN {column.name} THEN '是' WHEN NOT {column.name} THEN '否' ELSE '—' END"
        yield Field(f"{column.name}_text", column.title, expression=words)
    if column.name == "period":
        yield Field("period_text", column.title, expression=PERIOD_TEXT, is_dimension=False)


def _sum(column: Column, is_marked: bool) -> Metric:
    """The column's sum. Of numbers of persons, where hidden ones are marked, none if there is one among them: it would
    be too small."""
    if column.counts and is_marked:
        total = f"CASE WHEN NOT bool_or({column.name}{MARK}) THEN SUM({column.name}) END"
        return Metric(f"sum_{column.name}", f"{_title(column)}合计（有保密数的不合计）", total, ",.2~f")
    if column.unit == MONEY:
        return Metric(f"sum_{column.name}", f"{column.title}（万元）", f"SUM({column.name}) / 10000", ",.2f")
    return Metric(f"sum_{column.name}", f"{_title(column)}合计", f"SUM({column.name})", ",.2~f")


def _field(column: Column, has_label: bool) -> Field:
    is_quantity = column.type in QUANTITIES
    is_dimension = not has_label and not is_quantity and not column.name.endswith(NOT_DIMENSIONS)
    return Field(column.name, _title(column), sql_type(column), column.description, is_dimension=is_dimension)


def _title(column: Column) -> str:
    return f"{column.title}（{column.unit}）" if column.unit else column.title
