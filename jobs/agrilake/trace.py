"""The way back: from an indicator's value to its parts, the rows behind them, and their delivery, file and line.

Everything is read at the Delta versions that the value was computed from, by DuckDB, without a JVM.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agrilake.contract.load import load_registry
from agrilake.contract.settings import load_settings
from agrilake.errors import UsageError
from agrilake.indicators.load import load_indicators
from agrilake.indicators.model import FLAG_TITLES, Indicator
from agrilake.intake.schedule import year_before
from agrilake.paths import Home
from agrilake.sql import literal
from agrilake.tables.asof import lake_sql
from agrilake.tables.behind import Behind, origins, rows_of

PERIOD_ORDER = "CASE period_type WHEN 'month' THEN 0 WHEN 'quarter' THEN 1 ELSE 2 END, period DESC"
PART_TITLES = {"numerator": "分子", "denominator": "分母", "value": "样本"}


@dataclass(frozen=True)
class SourceLine:
    """One row as a department sent it: `line` is the file's physical line, or the row of `sheet` in a workbook."""

    dataset: str
    dataset_title: str
    delivery_id: str
    file_name: str | None
    sheet: str | None
    line: int


@dataclass(frozen=True)
class TracedPart:
    """What one part of the value counts: rows of a gold table (`rows` in all, some of them shown), and the lines
    of the deliveries behind the rows shown."""

    part: str
    period: str
    table: str
    title: str
    version: int
    expression: str
    where: str
    rows: int
    shown: tuple[dict[str, Any], ...]
    lines_behind: tuple[SourceLine, ...]


@dataclass(frozen=True)
class TraceResult:
    """A value and everything that it was made from; for a growth rate the parts of both years."""

    indicator: str
    name: str
    unit: str
    formula: str
    division_code: str
    division_name: str | None
    period: str
    value: Decimal | None
    numerator: Decimal | None
    denominator: Decimal | None
    flag: str
    late: bool
    note: str | None
    missing_reason: str | None
    input_versions: dict[str, int | None]
    parts: tuple[TracedPart, ...]

    def lines(self) -> Iterator[str]:
        """The trace as text, top down."""
        place = f"{self.division_name or ''} {self.division_code}".strip()
        shown = f"{self.value} {self.unit}" if self.value is not None else f"缺失（{self.missing_reason}）"
        yield f"{self.name} · {place} · {self.period}：{shown}"
        yield f"  公式：{self.formula}"
        if self.value is not None:
            marks = (FLAG_TITLES[self.flag], "含迟报" if self.late else "", self.note or "")
            yield f"  数据性质：{'，'.join(filter(None, marks))}"
        for label, amount in (("分子", self.numerator), ("分母", self.denominator)):
            if amount is not None:
                yield f"  {label}：{amount}"
        for part in self.parts:
            condition = f"，条件 {part.where}" if part.where else ""
            stored = f"《{part.title}》gold.{part.table} 版本 {part.version}"
            yield f"  {PART_TITLES[part.part]}（{part.period}）来自{stored}："
            yield f"    {part.expression}{condition}，共 {part.rows} 行，列出 {len(part.shown)} 行"
            for row in part.shown:
                yield "    " + "，".join(f"{name}={value}" for name, value in row.items() if value is not None)
            for line in part.lines_behind:
                sheet = f"工作表 {line.sheet} " if line.sheet else ""
                file = line.file_name or "（无文件记录）"
                yield f"      ← {line.dataset_title} {file} {sheet}第 {line.line} 行（交付 {line.delivery_id}）"


def trace(
    home: Home,
    indicator: str,
    division: str | None = None,
    period: str | None = None,
    limit: int = 20,
    versions: Mapping[str, int] | None = None,
) -> TraceResult:
    """Trace one value; `limit` bounds the rows and the lines shown for each part.

    The district and the newest month with a value are taken where not given; `versions` ({"gold/x": 3}) gives the value
    as it was known then. Raises UsageError for an indicator, division or period without a row in gold/indicator_value.
    """
    declared = _declared(indicator)
    code = division or load_settings().district_code
    found = _value(home, declared, code, period, versions)
    inputs = json.loads(found["input_versions"])
    parts: list[TracedPart] = []
    for measured, when in _measured(declared, found["period"]):
        for part, measure in measured.measures.items():
            if inputs.get(f"gold/{measure.source}") is not None:
                behind = Behind(home, measured, measure, code, found["division_level"], when, limit)
                parts.append(_part(home, part, behind, inputs[f"gold/{measure.source}"]))
    return TraceResult(
        indicator=declared.id,
        name=declared.name,
        unit=declared.unit,
        formula=declared.formula,
        division_code=code,
        division_name=_division_name(home, code),
        period=found["period"],
        value=found["value"],
        numerator=found["numerator"],
        denominator=found["denominator"],
        flag=found["flag"],
        late=found["late"],
        note=found["note"],
        missing_reason=found["missing_reason"],
        input_versions=inputs,
        parts=tuple(parts),
    )


def _declared(name: str) -> Indicator:
    known = load_indicators()
    for item in known:
        if name in (item.id, item.name):
            return item
    raise UsageError(f"no indicator {name!r}; known: {', '.join(item.id for item in known)}")


def _value(
    home: Home, indicator: Indicator, division: str, period: str | None, versions: Mapping[str, int] | None
) -> dict[str, Any]:
    """The row of gold/indicator_value that is asked for."""
    asked = [f"indicator_id = {literal(indicator.id)}", f"division_code = {literal(division)}"]
    if period is not None:
        asked.append(f"period = {literal(period)}")
    order = f"value IS NULL, {PERIOD_ORDER}"
    query = f"SELECT * FROM gold.indicator_value WHERE {' AND '.join(asked)} ORDER BY {order} LIMIT 1"
    rows: list[dict[str, Any]] = lake_sql(home, query, versions).to_pylist()
    if not rows:
        where = f"{division} {period or ''}".strip()
        raise UsageError(
            f"{indicator.id} has no value for {where}; it is computed for {', '.join(indicator.grain)}, "
            'see: agrilake sql "select distinct division_code, period from gold.indicator_value"'
        )
    return rows[0]


def _measured(indicator: Indicator, period: str) -> Iterator[tuple[Indicator, str]]:
    """The indicators and periods whose measures make the value: a growth rate leads to its base in both years, a
    combination to all its indicators."""
    if not indicator.derived_from:
        yield indicator, period
    for name in indicator.derived_from:
        for when in (period, year_before(period, indicator.growth_years)) if indicator.growth_of else (period,):
            yield from _measured(_declared(name), when)


def _part(home: Home, part: str, behind: Behind, version: int) -> TracedPart:
    table = load_registry().gold[behind.measure.source]
    count, rows = rows_of(behind, table, version)
    return TracedPart(
        part=part,
        period=behind.period,
        table=table.id,
        title=table.title,
        version=version,
        expression=behind.measure.expression,
        where=behind.measure.where,
        rows=count,
        shown=tuple(rows),
        lines_behind=tuple(_named(home, origins(behind, table, version, rows))),
    )


def _named(home: Home, found: list[dict[str, Any]]) -> Iterator[SourceLine]:
    """Lines with the name of their file and dataset."""
    from agrilake.lake.state import State

    state, registry = State(home.state_file), load_registry()
    files = {item.id: item.file_name for item in state.deliveries()} if found else {}
    for row in found:
        dataset = registry.datasets.get(row["source_dataset"])
        yield SourceLine(
            dataset=row["source_dataset"],
            dataset_title=dataset.title if dataset else row["source_dataset"],
            delivery_id=row["delivery_id"],
            file_name=files.get(row["delivery_id"]),
            sheet=row["sheet"],
            line=row["line"],
        )


def _division_name(home: Home, code: str) -> str | None:
    rows = lake_sql(home, f"SELECT name FROM gold.division WHERE division_code = {literal(code)}").to_pylist()
    return rows[0]["name"] if rows else None
