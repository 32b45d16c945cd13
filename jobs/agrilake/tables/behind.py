"""The rows behind a measure, and the delivered lines behind those rows, in DuckDB's SQL at pinned versions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlglot

from agrilake.contract.load import load_registry
from agrilake.contract.model import Dataset
from agrilake.indicators.model import Indicator, Measure
from agrilake.intake.dates import period_bounds
from agrilake.intake.schedule import periods_around
from agrilake.paths import Home
from agrilake.sql import literal
from agrilake.tables.asof import lake_sql
from agrilake.tables.history import valid_on
from agrilake.tables.inputs import note_at

PROVENANCE = ("source_dataset", "delivery_id", "sheet", "line")


@dataclass(frozen=True)
class Behind:
    """A measure of an indicator at one division and period; `limit` bounds what is fetched."""

    home: Home
    indicator: Indicator
    measure: Measure
    division: str
    level: str
    period: str
    limit: int


def rows_of(behind: Behind, table: Dataset, version: int) -> tuple[int, list[dict[str, Any]]]:
    """How many rows of the gold table the measure counts, and the first of them in key order."""
    where = " AND ".join(f"({part})" for part in _conditions(behind, table, version))
    name = f"gold.{table.id}"
    pinned = {f"gold/{table.id}": version}
    counted = lake_sql(behind.home, f"SELECT count(*) AS n FROM {name} WHERE {where}", pinned).to_pylist()
    order = ", ".join(table.key) or "1"
    query = f"SELECT * FROM {name} WHERE {where} ORDER BY {order} LIMIT {int(behind.limit)}"
    return int(counted[0]["n"]), lake_sql(behind.home, query, pinned).to_pylist()


def origins(behind: Behind, table: Dataset, version: int, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Delivered lines (source_dataset, delivery_id, sheet, line) behind rows of a gold table.

    Rows with provenance have it themselves; others are followed through the contract's `lineage`, table by table,
    to rows that have. `measure.evidence` names which of several lineages the measure rests on.
    """
    if not rows:
        return []
    if "delivery_id" in {column.name for column in table.columns}:
        return [{name: row[name] for name in PROVENANCE} for row in rows if row["delivery_id"] is not None]
    if not table.is_gold:
        return [{"source_dataset": table.id, **{name: row[f"_{name}"] for name in PROVENANCE[1:]}} for row in rows]
    found: list[dict[str, Any]] = []
    inputs = _input_versions(behind.home, table, version)
    for name, columns in table.lineage.items():
        is_wanted = not behind.measure.evidence or len(table.lineage) == 1 or name == behind.measure.evidence
        if is_wanted and inputs.get(name) is not None:
            source = load_registry().any(name)
            below = _rows_below(behind, source, inputs[name], columns, rows)
            found += origins(behind, source, inputs[name], below)
    return found[: behind.limit]


def _rows_below(
    behind: Behind, source: Dataset, version: int, columns: dict[str, str], rows: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Rows of a lineage's input that any of the rows was made from."""
    layer = "gold" if source.id in load_registry().gold else "silver"
    names = {column.name for column in source.columns}
    wanted = " OR ".join(sorted({_same(columns, row) for row in rows}))
    evidence = behind.measure.evidence_where if "delivery_id" in names else ""
    where = f"({wanted}) AND ({duckdb_sql(evidence)})" if evidence else wanted
    order = ", ".join(source.key) or "1"
    query = f"SELECT * FROM {layer}.{source.id} WHERE {where} ORDER BY {order} LIMIT {int(behind.limit)}"
    found: list[dict[str, Any]] = lake_sql(behind.home, query, {f"{layer}/{source.id}": version}).to_pylist()
    return found


def _same(columns: dict[str, str], row: dict[str, Any]) -> str:
    """One row's condition on its input: a period is made of what lies in it or around it, everything else is equal."""
    parts = []
    for name, expression in columns.items():
        parts.append(overlapping(expression, row[name]) if name == "period" else f"{expression} = '{row[name]}'")
    return "(" + " AND ".join(parts) + ")"


def _conditions(behind: Behind, table: Dataset, version: int) -> Iterable[str]:
    """What the engine's aggregate kept: the measure's filter, the division and the period."""
    if behind.measure.where:
        yield duckdb_sql(behind.measure.where)
    if behind.level != "district":
        code = literal(behind.division)
        yield f"division_code = {code} OR township_code = {code}"
    time = behind.indicator.time_of(behind.measure)
    if time == "given":
        yield f"period = '{behind.period}'"
    elif time == "flow":
        yield within("period", behind.period)
    elif time == "stock":
        yield f"period = (SELECT max(period) FROM gold.{table.id} WHERE {within('period', behind.period)})"
    elif time == "as_of":
        yield valid_on(f"DATE '{period_bounds(behind.period)[1]}'")
    yield "true"


def overlapping(column: str, period: str) -> str:
    """Periods that lie in a month, quarter or year, and those that it lies in itself: a month's quarter and year."""
    around = ", ".join(f"'{name}'" for name in periods_around(period))
    return f"({within(column, period)} OR {column} IN ({around}))"


def within(column: str, period: str) -> str:
    """Months yyyy-MM and quarters that lie in a month, quarter (2024Q2) or year (2024), or are it."""
    if "Q" in period:
        year, quarter = period.split("Q")
        months = ", ".join(f"'{year}-{3 * (int(quarter) - 1) + number:02d}'" for number in (1, 2, 3))
        return f"{column} IN ({months}, '{period}')"
    return f"{column} = '{period}'" if "-" in period else f"substr({column}, 1, 4) = '{period}'"


def duckdb_sql(text: str) -> str:
    """A declaration's Spark SQL as DuckDB's."""
    return sqlglot.transpile(text, read="spark", write="duckdb")[0]


def _input_versions(home: Home, table: Dataset, version: int) -> dict[str, int]:
    """Delta versions of the inputs that a gold table's commit was built from; empty where it kept none."""
    inputs = note_at(home.table("gold", table.id), version).get("inputs", {})
    return {name: number for name, number in inputs.items() if number is not None}
