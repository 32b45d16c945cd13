"""A contract's columns as Spark types."""

from __future__ import annotations

from agrilake.contract.model import Column, Dataset, LogicalType
from agrilake.sql import literal

SIMPLE = {
    LogicalType.STRING: "string",
    LogicalType.INTEGER: "bigint",
    LogicalType.DATE: "date",
    LogicalType.TIMESTAMP: "timestamp_ntz",
    LogicalType.BOOLEAN: "boolean",
}
PROVENANCE = {"_delivery_id": "string", "_line": "bigint", "_sheet": "string", "_period": "string"}


def spark_type(column: Column) -> str:
    """The Spark SQL type of a stored column."""
    if column.type is LogicalType.NUMBER:
        return "double" if column.precision is None else f"decimal({column.precision},{column.scale})"
    return SIMPLE[column.type]


def silver_fields(dataset: Dataset) -> dict[str, str]:
    """Columns of a silver table with their Spark types, provenance last."""
    return {column.name: spark_type(column) for column in dataset.silver_columns} | PROVENANCE


def stored_fields(dataset: Dataset) -> dict[str, str]:
    """Columns of a contract's own table with their Spark types: silver, or gold, whose provenance is declared."""
    if not dataset.is_gold:
        return silver_fields(dataset)
    return {column.name: spark_type(column) for column in dataset.columns}


def constraint(dataset: Dataset) -> str:
    """One CHECK for the table: what must be filled, code lists and ranges; the row checks have proved them already.

    Of a decimal's bounds only zero stands in it: delta-rs 1.6 writes other literals down without their scale (0.001 of
    a decimal(18,4) becomes 10), so that rows are refused that are right. The suite checks those.
    """
    parts = [part for column in dataset.silver_columns for part in _column_parts(column)]
    return " AND ".join(parts)


def _column_parts(column: Column) -> list[str]:
    parts = [f"{column.name} IS NOT NULL"] if column.never_null else []
    if column.enum:
        codes = ", ".join(literal(value.value) for value in column.enum)
        parts.append(f"{column.name} IN ({codes})")
    if column.type in (LogicalType.INTEGER, LogicalType.NUMBER):
        for sign, bound in ((">=", column.minimum), ("<=", column.maximum)):
            if bound is not None and (not column.scale or bound == 0):
                parts.append(f"{column.name} {sign} {bound}")
    if column.never_null:
        return parts
    parts = [f"({column.name} IS NULL OR {part})" for part in parts]
    if column.required_since is not None:
        parts.append(f"(_period < {literal(column.required_since)} OR {column.name} IS NOT NULL)")
    return parts
