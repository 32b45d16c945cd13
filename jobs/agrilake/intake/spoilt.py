"""Identifiers that Excel has spoilt: recognised and refused, never guessed.

Excel keeps 15 significant digits (longer numbers end in zeros), shows 12 and more as 5.00112E+17, drops leading
zeros, and makes dates of 3-5. What is gone cannot be told from the cell.
"""

from __future__ import annotations

from re import _parser  # type: ignore[attr-defined]

import polars as pl
import re2

from agrilake.checks import CHECKS
from agrilake.contract.model import Column
from agrilake.intake.text import put

SCIENTIFIC = r"^[+-]?\d(?:\.\d+)?[Ee]\+\d+$"
POINT_ZERO = r"^\d+\.0+$"
DAY = r"^(?:\d{1,2}月\d{1,2}日|\d{4}[/-]\d{1,2}[/-]\d{1,2}(?: 0{1,2}:00(?::00)?)?)$"
ZERO_TAILED = r"^[1-9]\d{14}0+$"
FORMULA_ERROR = r"^#(?:REF!|N/A|DIV/0!|VALUE!|NAME\?|NUM!|NULL!|#+)$"
# cheap first look: what none of the marks can be is not looked at again
HINT = r"^[\d+-].*[.Ee/月-]|^#|^[1-9]\d{14}0"
CERTAIN_LENGTH = 18
SUSPICIOUS_LENGTH = 17
SUSPICIOUS_SHARE = 0.5


def spoilt(text: pl.Series, column: Column) -> pl.Series:
    """How Excel spoilt each cell of an identifier column, in Chinese; null where it did not."""
    found = pl.repeat(None, len(text), dtype=pl.String, eager=True)
    length = _lost_length(column)
    hint = HINT if length is None else rf"{HINT}|^\d{{1,{length - 1}}}$"
    suspects = text.str.contains(hint).fill_null(False).arg_true()
    return put(found, suspects, _judge(text, suspects, column, length)) if len(suspects) else found


def _judge(text: pl.Series, suspects: pl.Series, column: Column, length: int | None) -> pl.Series:
    some = text.gather(suspects)
    fits = _fits(some, column)
    marks = [
        (some.str.contains(SCIENTIFIC), "成了科学计数法，后面的数字已经丢失"),
        (some.str.contains(FORMULA_ERROR), "公式出错或列宽不够"),
        (some.str.contains(POINT_ZERO) & ~fits, "当成了数值，多了“.0”"),
        (some.str.contains(DAY) & ~fits, "变成了日期"),
        (_zero_tailed(text, column).gather(suspects), "只保留了前 15 位数字，后面都成了 0"),
    ]
    if length is not None:
        right = _fits(some.str.zfill(length), column)
        lost = some.str.contains(r"^\d+$") & (some.str.len_chars() < length) & right & ~fits
        marks.append((lost, "丢掉了前面的 0"))
    found = pl.repeat(None, len(some), dtype=pl.String, eager=True)
    for mark, detail in reversed(marks):
        found = found.set(mark, detail)
    return found


def _fits(text: pl.Series, column: Column) -> pl.Series:
    if column.pattern:
        return text.str.contains(f"^(?:{column.pattern})$")
    return pl.repeat(False, len(text), dtype=pl.Boolean, eager=True)


def _zero_tailed(text: pl.Series, column: Column) -> pl.Series:
    """Long numbers whose digits after the 15th are all zero.

    A number may end so by right: then its check digit holds, or it is a rare one among others of its length.
    """
    candidate = text.str.contains(ZERO_TAILED).fill_null(False)
    if not candidate.any():
        return candidate
    lengths = text.str.len_chars()
    digits = text.str.contains(r"^\d{16,}$").fill_null(False)
    table = pl.DataFrame({"at": candidate, "length": lengths, "digits": digits}).with_columns(
        share=(pl.col("at").sum() / pl.col("digits").sum()).over("length"),
        count=pl.col("at").sum().over("length"),
    )
    common = (table["share"] >= SUSPICIOUS_SHARE) & (table["count"] > 1)
    names = [check.name for check in column.checks if check.name in ("resident_id", "credit_code", "bank_card")]
    alone = lengths >= CERTAIN_LENGTH
    for name in names:
        alone = ~CHECKS[name].holds(text) & (lengths >= SUSPICIOUS_LENGTH)
    return candidate & (common | alone).fill_null(False)


def _lost_length(column: Column) -> int | None:
    """The length of the column's codes where they may begin with zero, so that zeros can get lost."""
    length = fixed_length(column)
    if length is None:
        return None
    probe = re2.compile(column.pattern or r"\d+")
    return length if any(probe.fullmatch("0" + digit * (length - 1)) for digit in "0123456789") else None


def fixed_length(column: Column) -> int | None:
    """The only length that the column's pattern or length limits allow; None where there are several."""
    if column.pattern:
        shortest, longest = _parser.parse(column.pattern).getwidth()
        return int(shortest) if shortest == longest else None
    return column.min_length if column.min_length == column.max_length else None
