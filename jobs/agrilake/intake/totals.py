"""An extract's own totals (a township's 小计, the 合计 below) beside the rows that they stand for.

A total that equals no reading of its rows is a warning at its line: rows may be missing, or come twice. The rows are
taken all the same, for nobody but the department knows which of the two is right.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl

from agrilake.contract.conversion import adds_up
from agrilake.contract.model import Column, Dataset, LogicalType
from agrilake.intake.findings import findings, quarantine_schema
from agrilake.intake.raw import LINE, SHEET, RawTable, SetAside
from agrilake.intake.values import type_column

RULE = "total_differs"
DIGITS = re.compile(r"\d[\d,]*(?:\.(?P<fraction>\d+))?")
SHOWN_DECIMALS = 4
ROUNDING = 1e-9
"""Share of a total that is no difference: doubles are added here."""


def total_findings(
    raw: RawTable, dataset: Dataset, frame: pl.DataFrame, good: pl.Series, again: pl.Series
) -> pl.DataFrame:
    """Warnings: line and sheet of a total, and the quarantine's columns from `column` on.

    `frame` are the file's records, `good` marks those accepted, `again` those that repeat another. Rates, degrees
    and the like do not add up and are not compared; nor is a total beside cells or records that cannot be read.
    """
    totals = [item for item in raw.set_aside if item.kind == "total" and item.sums and item.line is not None]
    found = [
        part
        for column in dataset.columns
        if column.unit and adds_up(column.unit) and any(column.name in item.sums for item in totals)
        for part in _of_column(raw, column, dataset, frame, good, again, totals)
    ]
    schema = {
        name: kind for name, kind in quarantine_schema().items() if name not in ("dataset", "period", "delivery_id")
    }
    return pl.concat([pl.DataFrame(schema=schema), *found])


def _of_column(
    raw: RawTable,
    column: Column,
    dataset: Dataset,
    frame: pl.DataFrame,
    good: pl.Series,
    again: pl.Series,
    totals: Sequence[SetAside],
) -> Iterator[pl.DataFrame]:
    unit = raw.header_units.get(column.name)
    values = _numbers(frame[column.name], column, dataset, unit)
    rows = frame.select(
        pl.col(LINE).alias("line"),
        pl.col(SHEET).alias("sheet"),
        pl.lit(values).alias("value"),
        pl.lit(good).alias("clean"),
        pl.lit(again).alias("repeat"),
        pl.lit(values.is_null() & frame[column.name].is_not_null()).alias("unread"),
    )
    texts = [item.sums.get(column.name) for item in totals]
    stated = _numbers(pl.Series(texts, dtype=pl.String), column, dataset, unit)
    for item, text, value in zip(totals, texts, stated, strict=True):
        if text is None or value is None or any(broken.sheet == item.sheet for broken in raw.broken):
            continue
        between = _difference(rows, item, totals, value, _rounding(text, value), column.scale)
        if between is not None:
            cell = pl.DataFrame({"row": [0], "found": [_shown(value)], "detail": [_shown(between)]})
            warning = findings(RULE, column.name, column.title, cell)
            yield warning.select(
                pl.lit(item.line, dtype=pl.Int64).alias("line"), pl.lit(item.sheet, dtype=pl.String).alias("sheet"),
                pl.exclude("row"),
            )  # fmt: skip


def _numbers(texts: pl.Series, column: Column, dataset: Dataset, unit: str | None) -> pl.Series:
    """In the column's unit, whatever their decimals."""
    loose = replace(column, type=LogicalType.NUMBER, precision=None, scale=None)
    return type_column(texts, loose, dataset, unit).values


def _difference(
    rows: pl.DataFrame,
    total: SetAside,
    totals: Sequence[SetAside],
    value: float,
    rounding: float,
    scale: int | None,
) -> float | None:
    """What the rows right above add up to, where no reading of any scope gives the total; else None.

    `rows` has line, sheet, value (Float64), clean (accepted), repeat and unread (Boolean) of each row of the column.
    The scopes are the rows since the total before, those until the next (a 小计 above its rows), the sheet so far,
    the sheet and the file: which of them a department means, only the figures tell.
    """
    line = total.line or 0
    same = pl.col("sheet").eq_missing(pl.lit(total.sheet, dtype=pl.String))
    marks = [item.line for item in totals if item.sheet == total.sheet and item.line is not None]
    before = max((mark for mark in marks if mark < line), default=0)
    after = min((mark for mark in marks if mark > line), default=None)
    place = pl.col("line")
    above = same & place.is_between(before, line)
    below = same & (place > line) & (pl.lit(True) if after is None else place < after)
    for scope in (above, below, same & (place < line), same, pl.lit(True)):
        part = rows.filter(scope)
        slack = rounding + abs(value) * ROUNDING + _last_digits(scale, part.height)
        if any(abs(value - found) <= slack for found in _sums(part)):
            return None
    part = rows.filter(above)
    meant = rows.filter(same) if part.is_empty() else part
    return None if meant["unread"].any() else _sum(meant.filter(~pl.col("repeat")))


def _sums(rows: pl.DataFrame) -> set[float]:
    """What rows add up to: the accepted ones and, where every cell can be read, all of them, or all but repeats."""
    readings = [rows.filter("clean"), *([] if rows["unread"].any() else [rows, rows.filter(~pl.col("repeat"))])]
    return {_sum(part) for part in readings}


def _sum(rows: pl.DataFrame) -> float:
    return float(rows["value"].sum())


def _last_digits(scale: int | None, rows: int) -> float:
    """How far rounded rows may stray in sum: half of each one's last digit; counts are exact."""
    return rows * 0.5 * 10.0**-scale if scale else 0.0


def _rounding(text: str, value: float) -> float:
    """Half of the total's last digit as written, in the column's unit."""
    digits = DIGITS.search(unicodedata.normalize("NFKC", text))
    written = float(digits.group().replace(",", "")) if digits else 0.0
    if digits is None or not written:
        return 0.0
    return 0.5 * 10.0 ** -len(digits["fraction"] or "") * abs(value) / written


def _shown(value: float) -> str:
    text = f"{value:,.{SHOWN_DECIMALS}f}"
    return text.rstrip("0").rstrip(".")
