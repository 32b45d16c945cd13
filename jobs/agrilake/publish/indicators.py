"""The published indicator values: gold's numbers with the names, units and sources that a chart shows beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset
from agrilake.contract.order import datasets_behind
from agrilake.errors import ConsistencyError
from agrilake.lake.state import Delivery
from agrilake.publish.database import comment, empty_table, insert, published_columns, registered
from agrilake.publish.hiding import NOTE, Hiding
from agrilake.publish.metadata import fresh_until, latest_periods, period_start, source_text
from agrilake.publish.model import Column, IndicatorDeclaration, Layout
from agrilake.sql import literal

NAME = "indicator_value"
ADDED = {
    "indicator_id": (
        Column("indicator_name", "VARCHAR", "指标名称"),
        Column("unit", "VARCHAR", "单位"),
        Column("decimals", "INTEGER", "小数位数"),
        Column("direction", "VARCHAR", "好的方向"),
    ),
    "division_code": (Column("division_name", "VARCHAR", "区划名称"),),
    "township_code": (Column("township_name", "VARCHAR", "镇街名称"),),
    "period_type": (Column("period_start", "DATE", "期间第一天"),),
    "flag": (Column("hidden", "BOOLEAN", "是否保密"), Column("previous_hidden", "BOOLEAN", "上年同期是否保密")),
    "missing_reason": (Column("source", "VARCHAR", "数据来源"), Column("fresh_until", "VARCHAR", "数据截至")),
}
"""What the publication shows beside gold's columns, by the column that it stands after."""
FROM_INDICATOR = {"indicator_name": "name", "unit": "unit", "decimals": "decimals", "direction": "direction"}

HIDDEN = {
    "value": "h.hidden",
    "numerator": "h.numerator_hidden",
    "denominator": "h.denominator_hidden",
    "previous_year_value": "h.previous_hidden",
    "yoy": "h.hidden OR h.previous_hidden",
    "to_target": "h.hidden",
    "target_met": "h.hidden",
}
"""When each column is hidden (Hiding.figure_rows): what is derived from a hidden number goes with it."""


def value_layout(contract: Dataset) -> Layout:
    """The published table: the columns of gold/indicator_value's contract, and beside them names, units and sources."""
    columns = [column for own in published_columns(contract) for column in (own, *ADDED.get(own.name, ()))]
    return Layout(contract.id, contract.title, columns)


def indicator_values(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    version: int,
    names: pl.DataFrame,
    registry: Registry,
    deliveries: Iterable[Delivery],
    indicators: Iterable[IndicatorDeclaration],
    hiding: Hiding,
) -> None:
    """Make `indicator_value` from gold/indicator_value at a Delta version; `indicator` must be there already.

    `names` holds code and name of the divisions, one row a code. A value whose indicator is no longer declared is
    left out; what is hidden is null, and says so. Raises ConsistencyError where a join would lose or multiply rows.
    """
    with registered(connection, path, version) as kinds:
        missing = [column.name for column in registry.gold[NAME].columns if column.name not in kinds]
        if missing:
            raise ConsistencyError(f"gold/{NAME} version {version}: no column {', '.join(missing)}")
        connection.execute("CREATE TEMP TABLE value AS SELECT * FROM source")
    text = "VARCHAR"
    _small(connection, "named", {"code": text, "name": text}, names.iter_rows(named=True))
    origins = _origins(connection, registry, deliveries, indicators)
    _small(connection, "origin", {"indicator_id": text, "inputs": text, "source": text, "fresh_until": text}, origins)
    _small(connection, "start", {"period": text, "day": "DATE"}, _starts(connection))
    _small(connection, "hide", _kinds(hiding.figure_rows), hiding.figure_rows.iter_rows(named=True))
    layout = value_layout(registry.gold[NAME])
    empty_table(connection, layout)
    chosen = ", ".join(f"{_expression(column.name)}::{column.sql_type}" for column in layout.columns)
    connection.execute(
        f"INSERT INTO {NAME} SELECT {chosen} FROM value v "
        "JOIN indicator i ON i.id = v.indicator_id "
        "LEFT JOIN named d ON d.code = v.division_code LEFT JOIN named t ON t.code = v.township_code "
        "LEFT JOIN origin o ON o.indicator_id = v.indicator_id AND o.inputs = v.input_versions "
        "LEFT JOIN start s ON s.period = v.period "
        "LEFT JOIN hide h ON (h.indicator_id, h.division_code, h.period) = (v.indicator_id, v.division_code, v.period) "
        "ORDER BY i.sort, v.period, v.division_code"
    )
    expected = _one(connection, "SELECT count(*) FROM value WHERE indicator_id IN (SELECT id FROM indicator)")
    found = _one(connection, f"SELECT count(*) FROM {NAME}")
    if expected != found:
        raise ConsistencyError(f"{NAME}: {expected} values became {found} when names were joined")
    for table in ("value", "named", "origin", "start", "hide"):
        connection.execute(f"DROP TABLE {table}")
    comment(connection, layout)


def _expression(column: str) -> str:
    if column in FROM_INDICATOR:
        return f"i.{FROM_INDICATOR[column]}"
    others = {
        "division_name": "d.name",
        "township_name": "t.name",
        "period_start": "s.day",
        "source": "o.source",
        "fresh_until": "o.fresh_until",
        "hidden": "coalesce(h.hidden, FALSE)",
        "previous_hidden": "coalesce(h.previous_hidden, FALSE)",
        "missing_reason": f"CASE WHEN h.hidden THEN {literal(NOTE)} ELSE v.missing_reason END",
    }
    others |= {name: f"CASE WHEN {when} THEN NULL ELSE v.{name} END" for name, when in HIDDEN.items()}
    return others.get(column, f"v.{column}")


def _kinds(frame: pl.DataFrame) -> dict[str, str]:
    return {name: "BOOLEAN" if kind == pl.Boolean else "VARCHAR" for name, kind in frame.schema.items()}


def _origins(
    connection: duckdb.DuckDBPyConnection,
    registry: Registry,
    deliveries: Iterable[Delivery],
    indicators: Iterable[IndicatorDeclaration],
) -> list[dict[str, Any]]:
    """For each indicator and its input versions: who holds the data that it rests on, and up to which period they came.

    Where its measures do not name datasets, all that are behind its tables count.
    """
    latest: Mapping[str, str] = latest_periods(deliveries)
    declared = {item.id: item for item in indicators}
    rows = []
    query = "SELECT DISTINCT indicator_id, input_versions FROM value WHERE indicator_id IN (SELECT id FROM indicator)"
    for name, inputs in connection.execute(query).fetchall():
        rests_on = _rests_on(declared[name], declared)
        datasets = datasets_behind(rests_on or json.loads(inputs or "{}"), registry)
        rows.append(
            {
                "indicator_id": name,
                "inputs": inputs,
                "source": source_text(datasets),
                "fresh_until": fresh_until(datasets, latest),
            }
        )
    return rows


def _rests_on(item: IndicatorDeclaration, declared: Mapping[str, IndicatorDeclaration]) -> tuple[str, ...]:
    """The datasets that a measured indicator names, and a derived one through all that it is made from; else empty."""
    named = [_rests_on(declared[name], declared) for name in item.derived_from] or [item.rests_on]
    return tuple(sorted({one for names in named for one in names})) if all(named) else ()


def _starts(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    periods = connection.execute("SELECT DISTINCT period FROM value").fetchall()
    return [{"period": period, "day": period_start(period)} for (period,) in periods]


def _small(
    connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]
) -> None:
    kinds = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    connection.execute(f"CREATE TEMP TABLE {name} ({kinds})")
    insert(connection, name, list(columns), rows)


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0
