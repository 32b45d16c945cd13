"""Checks of a column whose meaning depends on another: codes that begin with a place, readings, and verdicts."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from agrilake.checks.comparisons import all_pass
from agrilake.checks.model import Arguments, CheckContext

DIVISION_DIGITS = 12
COUNTY_DIGITS = 6


def own_district(values: pl.Series, context: CheckContext) -> pl.Series:
    """A code whose first six digits (GB/T 2260) are the district's."""
    if context.district_code is None:
        return all_pass(values)
    return values.str.head(COUNTY_DIGITS) == context.district_code[:COUNTY_DIGITS]


def within_division(frame: pl.DataFrame, column: str, arguments: Arguments, context: CheckContext) -> pl.Series:
    """The code's first twelve digits are the division of `other`, in the statistics or the civil-affairs system."""
    division = frame[str(arguments["other"])]
    start = frame[column].str.head(DIVISION_DIGITS)
    pairs = [civil + code for civil, codes in (context.civil_codes or {}).items() for code in codes]
    return (start == division) | (start + division).is_in(pairs).fill_null(False)


def _table(arguments: Arguments, name: str) -> Mapping[str, object]:
    table = arguments[name]
    if not isinstance(table, Mapping):
        raise TypeError(f"{name} is a mapping from codes")
    return table


def _bounds(frame: pl.DataFrame, arguments: Arguments) -> tuple[pl.Series, pl.Series]:
    """Lower and upper bound of each row; null where the code has none."""
    by, ranges = frame[str(arguments["by"])], _table(arguments, "ranges")
    pairs = {code: [float(str(bound)) for bound in bounds] for code, bounds in ranges.items()}  # type: ignore[attr-defined]
    lower, upper = (
        by.replace_strict({code: pair[end] for code, pair in pairs.items()}, default=None, return_dtype=pl.Float64)
        for end in (0, 1)
    )
    return lower, upper


def range_by(frame: pl.DataFrame, column: str, arguments: Arguments, _context: CheckContext) -> pl.Series:
    """The number lies within the range that `ranges` gives for the row's code in `by`."""
    lower, upper = _bounds(frame, arguments)
    return frame[column].cast(pl.Float64).is_between(lower, upper)


def range_text(frame: pl.DataFrame, _column: str, arguments: Arguments, _context: CheckContext) -> pl.Series:
    """The row's range, for the sentence that explains."""
    lower, upper = _bounds(frame, arguments)
    return pl.select(pl.format("{} 至 {}", _plain(lower), _plain(upper))).to_series()


def _ratio(frame: pl.DataFrame, column: str, arguments: Arguments) -> pl.Series:
    """The column divided by `per`; null where that is zero or missing."""
    per = pl.col(str(arguments["per"])).cast(pl.Float64)
    return frame.select(pl.when(per != 0).then(pl.col(column).cast(pl.Float64) / per)).to_series()


def ratio_by(frame: pl.DataFrame, column: str, arguments: Arguments, _context: CheckContext) -> pl.Series:
    """The number divided by that of `per` (a price, a size) lies within the range of the row's code in `by`."""
    lower, upper = _bounds(frame, arguments)
    return _ratio(frame, column, arguments).is_between(lower, upper)


def ratio_text(frame: pl.DataFrame, column: str, arguments: Arguments, context: CheckContext) -> pl.Series:
    """The quotient and the row's range, for the sentence that explains."""
    quotient = _plain(_ratio(frame, column, arguments).round(2))
    return pl.select(pl.format("{}，常见为 {}", quotient, range_text(frame, column, arguments, context))).to_series()


def _wanted(frame: pl.DataFrame, arguments: Arguments) -> pl.Series:
    allowed = {code: str(value) for code, value in _table(arguments, "allowed").items()}
    return frame[str(arguments["by"])].replace_strict(allowed, default=None, return_dtype=pl.String)


def goes_with(frame: pl.DataFrame, column: str, arguments: Arguments, _context: CheckContext) -> pl.Series:
    """The value is the one that `allowed` gives for the row's code in `by`."""
    return frame[column] == _wanted(frame, arguments)


def wanted_value(frame: pl.DataFrame, _column: str, arguments: Arguments, _context: CheckContext) -> pl.Series:
    """What goes with the row's code, for the sentence that explains."""
    return _wanted(frame, arguments)


def agrees_with_limit(frame: pl.DataFrame, column: str, arguments: Arguments, _context: CheckContext) -> pl.Series:
    """A verdict that is true where `value` is not above `limit` (GB 2763: up to the limit passes), false elsewhere."""
    within = frame[str(arguments["value"])] <= frame[str(arguments["limit"])]
    return frame[column] == within


def measured(frame: pl.DataFrame, _column: str, arguments: Arguments, _context: CheckContext) -> pl.Series:
    """Both numbers, for the sentence that explains."""
    value, limit = (frame[str(arguments[name])] for name in ("value", "limit"))
    return pl.select(pl.format("{} 和 {}", _plain(value), _plain(limit))).to_series()


def _plain(numbers: pl.Series) -> pl.Series:
    """Numbers as text without zeros at the end."""
    return numbers.cast(pl.String).str.replace(r"(\.\d*?)0+$", "$1").str.strip_suffix(".")
