"""From text to typed values, column by column: a vectorised fast path, and the departments' spellings once a value.

Whatever the fast path does not take is parsed once for each distinct text, so 300,000 rows of `1,234.5 万元` cost
as much as their distinct amounts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import polars as pl

from agrilake.contract.model import Column, Dataset, Frequency, LogicalType
from agrilake.intake import spoilt
from agrilake.intake.bulk import numbers_in_bulk
from agrilake.intake.dates import canonical_period, parse_date, parse_timestamp
from agrilake.intake.numbers import INTEGER_DIGITS, Broken, NumberColumn, factor_of, parse_number
from agrilake.intake.text import clean, is_identifier, put

PROBLEMS = {"row": pl.UInt32, "rule": pl.String, "detail": pl.String}
TRUE = ("是", "有", "对", "√", "✓", "✔", "☑", "1", "true", "t", "y", "yes", "1.0")
FALSE = ("否", "无", "没有", "不是", "错", "×", "✕", "✗", "✘", "x", "☒", "0", "false", "f", "n", "no", "0.0")


@dataclass(frozen=True)
class Typed:
    """A typed column.

    `text` is the cleaned text (null: nothing there), `values` has the silver type (null where nothing is or
    where a problem is); `problems` has row (index), rule, detail.
    """

    text: pl.Series
    values: pl.Series
    problems: pl.DataFrame


def silver_type(column: Column) -> pl.DataType:
    """The Polars type that silver stores (before pseudonyms, which are String)."""
    if column.type is LogicalType.NUMBER:
        return pl.Float64() if column.scale is None else pl.Decimal(column.precision or 18, column.scale)
    simple: dict[LogicalType, pl.DataType] = {
        LogicalType.STRING: pl.String(),
        LogicalType.INTEGER: pl.Int64(),
        LogicalType.DATE: pl.Date(),
        LogicalType.TIMESTAMP: pl.Datetime("us"),
        LogicalType.BOOLEAN: pl.Boolean(),
    }
    return simple[column.type]


def type_column(raw: pl.Series, column: Column, dataset: Dataset, header_unit: str | None = None) -> Typed:
    """Clean and type one column; rules: excel_spoilt, enum, type_*, date_precision, unit_unknown, scale, overflow."""
    text = _reworded(clean(raw, column), column)
    if column.enum:
        values, problems = _enumerated(text, column)
    elif column.name == dataset.period_column:
        values, problems = _period(text, column, dataset.frequency)
    else:
        values, problems = _plain(text, column, header_unit)
    return Typed(text, values, problems)


def _reworded(text: pl.Series, column: Column) -> pl.Series:
    """Words of the contract that stand for a value (未检出) replaced by it."""
    if not column.words:
        return text
    meanings = {_fold(word): meaning for word, meaning in column.words}
    distinct = text.drop_nulls().unique()
    known = {value: meanings[_fold(value)] for value in distinct if _fold(value) in meanings}
    return text.replace(known) if known else text


def _plain(text: pl.Series, column: Column, header_unit: str | None) -> tuple[pl.Series, pl.DataFrame]:
    match column.type:
        case LogicalType.STRING:
            return _string(text, column)
        case LogicalType.INTEGER | LogicalType.NUMBER:
            return _number(text, column, header_unit)
        case LogicalType.DATE:
            fast = text.set(~text.str.contains(r"^(?:19|20)\d{2}-\d{2}-\d{2}$").fill_null(True), None)
            return _parse_rest(text, fast.str.to_date("%Y-%m-%d", strict=False), parse_date)
        case LogicalType.TIMESTAMP:
            fast = text.set(~text.str.contains(r"^(?:19|20)\d{2}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$").fill_null(True), None)
            moments = fast.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us")
            return _parse_rest(text, moments, parse_timestamp)
        case _:
            return _boolean(text)


def _string(text: pl.Series, column: Column) -> tuple[pl.Series, pl.DataFrame]:
    if not is_identifier(column):
        return text, pl.DataFrame(schema=PROBLEMS)
    detail = spoilt.spoilt(text, column)
    rows = detail.is_not_null().arg_true()
    problems = pl.DataFrame({"row": rows, "rule": ["excel_spoilt"] * len(rows), "detail": detail.gather(rows)})
    return text.set(detail.is_not_null(), None), problems.cast(PROBLEMS)  # type: ignore[arg-type]


def _number(text: pl.Series, column: Column, header_unit: str | None) -> tuple[pl.Series, pl.DataFrame]:
    kind = silver_type(column)
    if column.type is LogicalType.INTEGER:
        spec = NumberColumn("type_integer", INTEGER_DIGITS, 0, column.unit, header_unit)
    else:
        spec = NumberColumn("type_number", column.precision, column.scale, column.unit, header_unit)
    plain = factor_of("", spec) == 1 and text.str.contains(_plain_number(spec)).fill_null(False)
    fast = pl.repeat(None, len(text), dtype=kind, eager=True)
    if not isinstance(plain, bool):
        fast = text.set(~plain, None).cast(kind, strict=False)
    rest = (text.is_not_null() & fast.is_null()).arg_true()
    if len(rest):
        fast = put(fast, rest, numbers_in_bulk(text.gather(rest), spec, kind))
    return _parse_rest(text, fast, partial(parse_number, column=spec))


def _plain_number(spec: NumberColumn) -> str:
    """Plain numbers that certainly fit, so that the cast can neither round nor overflow."""
    if spec.scale is None:
        return r"^-?\d{1,15}(?:\.\d{1,15})?$"
    fraction = rf"(?:\.\d{{1,{spec.scale}}})?" if spec.scale else ""
    return rf"^-?\d{{1,{(spec.precision or INTEGER_DIGITS) - spec.scale}}}{fraction}$"


def _boolean(text: pl.Series) -> tuple[pl.Series, pl.DataFrame]:
    words = {**dict.fromkeys(TRUE, True), **dict.fromkeys(FALSE, False)}
    empty = pl.repeat(None, len(text), dtype=pl.Boolean, eager=True)
    return _parse_rest(text, empty, lambda value: words.get(_fold(value), Broken("type_boolean")))


def _fold(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()


def _enumerated(text: pl.Series, column: Column) -> tuple[pl.Series, pl.DataFrame]:
    codes = {
        _fold(spelling): item.value for item in column.enum for spelling in (*item.synonyms, item.label, item.value)
    }

    def code(value: str) -> str | Broken:
        folded = _fold(value)
        return codes.get(folded) or codes.get(folded.removesuffix(".0")) or Broken("enum")

    empty = pl.repeat(None, len(text), dtype=pl.String, eager=True)
    values, problems = _parse_rest(text, empty, code)
    if column.type is LogicalType.BOOLEAN:
        values = values.str.to_lowercase() == "true"
    return values.cast(silver_type(column)), problems


def _period(text: pl.Series, column: Column, frequency: Frequency) -> tuple[pl.Series, pl.DataFrame]:
    """A period column in its canonical form; what is no period stays as it is, for the pattern to judge."""

    def canonical(value: str) -> str:
        found = canonical_period(value)
        if found is None:
            return value
        return found[:7] if frequency is Frequency.MONTH and found.endswith("-01") and len(found) == 10 else found

    empty = pl.repeat(None, len(text), dtype=pl.String, eager=True)
    periods, problems = _parse_rest(text, empty, canonical)
    if column.type is LogicalType.STRING:
        return periods, problems
    if column.type is LogicalType.DATE and frequency is Frequency.MONTH:
        periods = periods.str.replace(r"^(\d{4}-\d{2})$", "$1-01")
    return _plain(periods, column, None)


def _parse_rest(
    text: pl.Series, fast: pl.Series, parse: Callable[[str], object | Broken]
) -> tuple[pl.Series, pl.DataFrame]:
    """Fill what the fast path left null by parsing each distinct text once."""
    rows = (text.is_not_null() & fast.is_null()).arg_true()
    if not len(rows):
        return fast, pl.DataFrame(schema=PROBLEMS)
    rest = text.gather(rows)
    distinct = rest.unique()
    parsed = [parse(value) for value in distinct]
    broken = [item if isinstance(item, Broken) else None for item in parsed]
    meaning = pl.DataFrame(
        {
            "text": distinct,
            "value": pl.Series([None if isinstance(item, Broken) else item for item in parsed], dtype=fast.dtype),
            "rule": pl.Series([item.rule if item else None for item in broken], dtype=pl.String),
            "detail": pl.Series([item.detail if item else None for item in broken], dtype=pl.String),
        }
    )
    table = pl.DataFrame({"row": rows.cast(pl.UInt32), "text": rest}).join(
        meaning, on="text", how="left", maintain_order="left"
    )
    values = put(fast, rows, table["value"])
    return values, table.filter(pl.col("rule").is_not_null()).select(list(PROBLEMS))
