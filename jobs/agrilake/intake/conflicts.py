"""Rows against the other rows of the same file: repeats, and keys that say two things."""

from __future__ import annotations

import polars as pl

LINES_SHOWN = 6


def twice(key: pl.DataFrame) -> pl.Series:
    """Indices of the rows that share all values with another row."""
    return key.select(pl.struct(pl.all()).is_duplicated()).to_series().arg_true().cast(pl.UInt32)


def repeats(meaning: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """Rows that wholly repeat an earlier one: row, first (the earlier row's index).

    `meaning` has one column a contract column with what its cell says (typed value as text, or the text where
    it could not be typed), so `1,234` repeats `1234`; `rows` are its rows' indices in the file. Columns outside
    the contract (a running number, say) do not make a row different.
    """
    first = meaning.with_columns(row=rows).with_columns(first=pl.col("row").min().over(meaning.columns))
    return first.filter(pl.col("row") != pl.col("first")).select("row", "first")


def conflicts(key: pl.DataFrame, rows: pl.Series, places: pl.Series) -> pl.DataFrame:
    """Rows that share a complete key with another row: row, and detail = where the key stands.

    `rows` are the indices in the file of the rows of `key`, `places` each one's line as a person finds it.
    """
    names = key.columns
    whole = key.with_columns(row=rows, place=places).drop_nulls(names)
    shared = whole.filter(whole.select(pl.struct(names).is_duplicated()).to_series())
    shown = pl.col("place").head(LINES_SHOWN).str.join("、").over(names)
    many = pl.when(pl.len().over(names) > LINES_SHOWN).then(pl.lit("…")).otherwise(pl.lit(""))
    return shared.select("row", (shown + many).alias("detail"))
