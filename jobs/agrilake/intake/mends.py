"""Mended rows: what the receipt showed masked is put back from the line it came from."""

from __future__ import annotations

import polars as pl

from agrilake.contract.model import Dataset
from agrilake.intake.raw import LINE, ORIGIN_LINE, ORIGIN_SHEET, SHEET
from agrilake.intake.text import FRAGILE_CODE, unescape
from agrilake.intake.veil import shown_rows

MASKED = r"\*{3}|^.\*+$"
GUARDED = rf"^'((?:\s*[=+\-@\t\r＝＋－＠].*)|{FRAGILE_CODE})$"


def restore(frame: pl.DataFrame, dataset: Dataset, original: pl.DataFrame | None) -> pl.DataFrame:
    """The frame as the department means it: apostrophes of the receipt's CSV taken off, and every masked cell that
    equals the mask of its original replaced by the original.

    `original` holds bronze rows (contract columns as text, `_line`) of the delivery that is mended; rows are
    found by `_origin_line` and, where the receipt has it, `_origin_sheet`. Without it several sheets may have a row
    of that number: a cell is restored only where all that fit the mask agree.
    """
    if original is None or ORIGIN_LINE not in frame.columns or frame[ORIGIN_LINE].null_count() == frame.height:
        return frame
    names = [column.name for column in dataset.columns]
    plain = pl.when(pl.col(ORIGIN_LINE).is_not_null()).then(pl.col(names).str.replace(GUARDED, "$1"))
    indexed = frame.with_columns(plain.otherwise(pl.col(names)).name.keep()).with_row_index("_row")
    known = [name for name in names if name in original.columns]
    whole = original.with_columns(unescape(original[name]).alias(name) for name in known)
    masks = shown_rows(whole, dataset, known)
    for name in known:
        sources = whole.select(pl.col(LINE).alias(ORIGIN_LINE), SHEET, pl.col(name).alias("whole"), mask=masks[name])
        indexed = indexed.with_columns(_restored(indexed, sources, name))
    return indexed.drop("_row")


def _restored(frame: pl.DataFrame, sources: pl.DataFrame, name: str) -> pl.Series:
    cells = frame.select("_row", ORIGIN_LINE, ORIGIN_SHEET, unescape(frame[name]).alias("cell"))
    masked = cells.filter(pl.col("cell").str.contains(MASKED))
    pairs = masked.join(sources, on=ORIGIN_LINE, how="inner").drop_nulls("whole")
    pairs = pairs.filter(pl.col(ORIGIN_SHEET).is_null() | pl.col(ORIGIN_SHEET).eq_missing(pl.col(SHEET)))
    pairs = pairs.filter(pl.col("mask") == pl.col("cell"))
    fitting = pairs.group_by("_row").agg(pl.col("whole").unique()).filter(pl.col("whole").list.len() == 1)
    found = frame.select("_row").join(fitting, on="_row", how="left", maintain_order="left")
    return pl.select(pl.coalesce(found["whole"].list.first(), frame[name])).to_series().alias(name)


def still_masked(text: pl.Series, origin: pl.Series | None) -> pl.Series:
    """Cells of mended rows that still hold a mask: nobody knows what they mean."""
    if origin is None:
        return pl.repeat(False, len(text), dtype=pl.Boolean, eager=True)
    return (text.str.contains(MASKED) & origin.is_not_null()).fill_null(False)
