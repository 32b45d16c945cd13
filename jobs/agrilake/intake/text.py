"""The text of a cell before it means anything: spaces, escapes, full-width forms, and words for "nothing"."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from agrilake.contract.model import Column, LogicalType

SPACES = " \t\r\n\f\v\u00a0\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200C)))
UNSEEN = "[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]"
"""Characters without a shape, which come along where text is copied from web pages and chats."""
NOTHING = frozenset(
    (
        "-",
        "--",
        "---",
        "—",
        "——",
        "–",
        "－",
        "/",
        "／",
        "\\",
        "N/A",
        "n/a",
        "#N/A",
        "NULL",
        "null",
        "None",
        "nan",
        "NaN",
    )
)
NOTHING_LENGTH = 4
NOTHING_IN_WORDS = frozenset(("无", "暂无", "空", "没有"))
# The receipt's CSV puts an apostrophe before what a spreadsheet would run as a formula; here it comes off again.
ESCAPED = r"^'(\s*[=+\-@\t\r＝＋－＠])"
# It puts one as well before 12 digits and more, leading zeros and months, which Excel changes when it opens a CSV.
FRAGILE_CODE = r"(?:\d{12,}|0\d+|\d{4}[-/.]\d{1,2}|\d+[Ee]\d+)"
# Excel users keep digits as text by ="00123" or '00123
FORMULA_TEXT = r'^="([^"]*)"$'
COUNTRY = r"^(?:\+86|0086|86)(1\d{10})$"
IDENTIFYING_CHECKS = frozenset({"credit_code", "resident_id", "mobile_phone", "bank_card"})
IDENTIFYING_PII = frozenset({"id_no", "phone", "bank_card"})


def is_identifier(column: Column) -> bool:
    """Whether the column's text is a number-like name of something, where a lost digit is a lost record."""
    if column.type is not LogicalType.STRING or column.enum:
        return False
    named = {check.name for check in column.checks} & IDENTIFYING_CHECKS
    return bool(
        column.pattern or column.division_level or column.reference or named or column.pii in IDENTIFYING_PII
    ) or (column.primary_key and column.max_length is None)


def _strict_code(column: Column) -> bool:
    """Numbers of cards, papers and phones: spaces and hyphens inside are for the eye only."""
    return bool({check.name for check in column.checks} & IDENTIFYING_CHECKS) or column.pii in IDENTIFYING_PII


def where(text: pl.Series, at: pl.Series, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """The series with `change` applied to the cells `at` only; null counts as not."""
    rows = at.fill_null(False).arg_true()
    return put(text, rows, change(text.gather(rows))) if len(rows) else text


def put(series: pl.Series, rows: pl.Series, values: pl.Series | bool) -> pl.Series:
    """A copy with the values at those rows: `Series.scatter` alone would change the caller's series."""
    return series.clone().scatter(rows, values)


def unescape(text: pl.Series) -> pl.Series:
    """Spaces around removed, receipts' escapes and ="…" taken off; empty becomes null."""

    def take_off(odd: pl.Series) -> pl.Series:
        bare = odd.str.strip_chars(SPACES).str.replace(ESCAPED, "$1").str.replace(FORMULA_TEXT, "$1")
        bare = bare.str.strip_chars(SPACES)
        return pl.select(pl.when(bare != "").then(bare)).to_series()

    edge = f"[{SPACES}]"
    return where(text, text.str.contains(f"^(?:['=]|{edge})|{edge}$|^$"), take_off)


def clean(text: pl.Series, column: Column) -> pl.Series:
    """The column's text ready to be typed, null where it says nothing.

    An identifier also loses its full-width forms, characters that nobody sees and a leading apostrophe. `-`, `/` and
    `无` say nothing; but a required text may well be 无.
    """
    cleaned = unescape(text)
    if is_identifier(column):
        strict = _strict_code(column)
        plain = r"[^0-9A-Z]|^(?:86|0086)1\d{10}$" if strict else r"[^\x21-\x7e]|^'"
        cleaned = where(cleaned, cleaned.str.contains(plain), _strict if strict else _identifier)
        cleaned = cleaned.set(cleaned == "", None)  # it held hyphens, or characters that nobody sees, and nothing else
    words = NOTHING
    if column.type is not LogicalType.BOOLEAN and not (column.required and column.type is LogicalType.STRING):
        words = words | NOTHING_IN_WORDS
    words -= {spelling for item in column.enum for spelling in (item.value, item.label, *item.synonyms)}
    short = cleaned.str.len_bytes() <= NOTHING_LENGTH * 3
    return where(cleaned, short, lambda cells: cells.set(cells.is_in(sorted(words)), None))


def _identifier(cells: pl.Series) -> pl.Series:
    return cells.str.replace_all(UNSEEN, "").str.normalize("NFKC").str.strip_prefix("'")


def _strict(cells: pl.Series) -> pl.Series:
    return _identifier(cells).str.replace_all(r"[\s\-]", "").str.to_uppercase().str.replace(COUNTRY, "$1")
