"""Lines that are whole records of the header's width beyond doubt: found and split by Polars, a block at once."""

from __future__ import annotations

import re

import polars as pl

from agrilake.contract.settings import Limits
from agrilake.intake.records import QUOTE

IRREGULAR, PLAIN, QUOTED, BLANK = 0, 1, 2, 3
WIDEST = 60
"""The pattern of a quoted line grows with the width; wider tables with quotes are read line by line."""


def regular_kind(delimiter: str, width: int, limits: Limits) -> pl.Expr:
    """For column `text`: PLAIN (no quotes, right number of fields), QUOTED (well-formed with quotes), BLANK or
    IRREGULAR."""
    text = pl.col("text")
    short = text.str.len_chars() <= limits.max_cell_chars
    quoted = text.str.contains(QUOTE, literal=True)
    plain = ~quoted & short & (text.str.count_matches(delimiter, literal=True) == width - 1)
    kind: pl.Expr = pl.when(plain).then(PLAIN).otherwise(IRREGULAR)
    if 1 < width <= WIDEST and delimiter.isascii():
        # a lone CR inside a line would end the record for Polars
        whole = text.str.contains(_whole_line(delimiter, width)) & ~text.str.contains("\r", literal=True)
        kind = pl.when(quoted & short & whole).then(QUOTED).otherwise(kind)
    blank = text.str.strip_chars() == ""
    return pl.when(blank & ~plain).then(BLANK).otherwise(kind)


def _whole_line(delimiter: str, width: int) -> str:
    sign = re.escape(delimiter)
    field = f'(?:"(?:[^"]|"")*"|[^"{sign}]*)'
    return f"^{field}(?:{sign}{field}){{{width - 1}}}$"


def split_plain(lines: pl.Series, delimiter: str, cells: list[str]) -> pl.DataFrame:
    """Columns `cells` of lines without quotes."""
    fields = lines.str.split_exact(delimiter, len(cells) - 1)
    return fields.struct.rename_fields(cells).struct.unnest()


def split_quoted(lines: pl.Series, delimiter: str, cells: list[str]) -> pl.DataFrame:
    """Columns `cells` of lines that are well-formed with quotes."""
    data = "\n".join(lines.to_list()).encode()
    schema = dict.fromkeys(cells, pl.String)
    return pl.read_csv(data, separator=delimiter, has_header=False, schema=schema, quote_char=QUOTE)
