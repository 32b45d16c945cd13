"""Checks that compare: with the district's bounds, the delivery's period, the divisions, or other columns."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import polars as pl

from agrilake.checks.model import Arguments, CheckContext


def all_pass(values: pl.Series) -> pl.Series:
    """What a check says whose context is missing; null stays null."""
    return pl.select(pl.when(values.is_not_null()).then(True)).to_series()


def longitude(values: pl.Series, context: CheckContext) -> pl.Series:
    """Degrees east, within the district's box (settings)."""
    if context.longitudes is None:
        return all_pass(values)
    return values.cast(pl.Float64).is_between(*context.longitudes)


def latitude(values: pl.Series, context: CheckContext) -> pl.Series:
    """Degrees north, within the district's box (settings)."""
    if context.latitudes is None:
        return all_pass(values)
    return values.cast(pl.Float64).is_between(*context.latitudes)


def not_future(values: pl.Series, context: CheckContext) -> pl.Series:
    """A day not after the last day of the delivery's period."""
    if context.period_end is None:
        return all_pass(values)
    return values.cast(pl.Date) <= context.period_end


def division_known(values: pl.Series, context: CheckContext) -> pl.Series:
    """A 12-digit statistics code that is among the divisions."""
    if context.division_codes is None:
        return all_pass(values)
    known = pl.Series(sorted(context.division_codes), dtype=pl.Utf8)
    return values.is_in(known.implode())


def _pair(frame: pl.DataFrame, column: str, other: str) -> tuple[pl.Series, pl.Series]:
    """Both columns in a type in which they compare: as days where one of them is a day."""
    left, right = frame[column], frame[other]
    if pl.Date in (left.dtype, right.dtype):
        return left.cast(pl.Date), right.cast(pl.Date)
    return left, right


def _subject(column: str, arguments: Arguments) -> str:
    """The column a check is about: its own, or in a check of the whole row the argument `column`."""
    return str(arguments.get("column") or column)


def not_before(frame: pl.DataFrame, column: str, arguments: Arguments, _context: CheckContext) -> pl.Series:
    """The column's time is not before that of `other`."""
    left, right = _pair(frame, _subject(column, arguments), str(arguments["other"]))
    return left >= right


def not_above(frame: pl.DataFrame, column: str, arguments: Arguments, _context: CheckContext) -> pl.Series:
    """The column's number is not above that of `other`."""
    left, right = _pair(frame, _subject(column, arguments), str(arguments["other"]))
    return left <= right


def other_value(frame: pl.DataFrame, _column: str, arguments: Arguments, _context: CheckContext) -> pl.Series:
    """Text of the `other` column, for the sentence that explains."""
    return frame[str(arguments["other"])].cast(pl.Utf8)


def _sum_of(frame: pl.DataFrame, arguments: Arguments) -> pl.Series:
    parts = arguments["columns"]
    if not isinstance(parts, Sequence) or isinstance(parts, str):
        raise TypeError("sum_equals: columns is a list of column names")
    wide = pl.Decimal(38, 4)
    return frame.select(
        pl.sum_horizontal([pl.col(str(part)).cast(wide) for part in parts], ignore_nulls=False)
    ).to_series()


def sum_equals(frame: pl.DataFrame, _column: str, arguments: Arguments, _context: CheckContext) -> pl.Series:
    """`total` equals the sum of `columns`, within `tolerance` (in the columns' unit; default 0)."""
    tolerance = Decimal(str(arguments.get("tolerance", 0)))
    total = frame[str(arguments["total"])].cast(pl.Decimal(38, 4))
    return (total - _sum_of(frame, arguments)).abs() <= tolerance


def sum_value(frame: pl.DataFrame, _column: str, arguments: Arguments, _context: CheckContext) -> pl.Series:
    """Text of the sum, for the sentence that explains."""
    return _sum_of(frame, arguments).cast(pl.Utf8).str.replace(r"\.?0+$", "")
