"""Numbers in bulk: exact integer arithmetic over whole columns for the usual spellings.

Takes `1234.5`, `1,234.5` and `1,234.5 万元`; whatever it leaves null goes through `numbers.parse_number`, which
gives the same values (a test compares) and the reasons.
"""

from __future__ import annotations

from fractions import Fraction

import polars as pl

from agrilake.intake.numbers import EXCEL_DIGITS, NumberColumn, factor_of
from agrilake.intake.text import put

PARTS = r"^(?P<number>-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*(?P<unit>[^\d.,+\-\s][^\d]*)?$"
FRACTION_DIGITS = 6
INT64_DIGITS = 18


def numbers_in_bulk(text: pl.Series, spec: NumberColumn, dtype: pl.DataType) -> pl.Series:
    """Values in the column's unit and type; null where the text is no usual spelling or does not fit exactly."""
    parts = text.str.extract_groups(PARTS).struct.unnest()
    digits = parts["number"].str.replace_all(",", "", literal=True)
    result = pl.repeat(None, len(text), dtype=dtype, eager=True)
    if spec.scale is None:
        return result  # a double's nearest value is for numbers.parse_number to find
    for unit in parts["unit"].unique():
        factor = factor_of((unit or "").strip(), spec)
        if factor is not None:
            rows = (parts["unit"].eq_missing(unit) & digits.is_not_null()).arg_true()
            result = put(result, rows, _scaled(digits.gather(rows), factor, spec.scale, dtype))
    return result


def _scaled(digits: pl.Series, factor: Fraction, scale: int, dtype: pl.DataType) -> pl.Series:
    """digits x factor as an exact decimal of that scale; null where it would need rounding or more than 64 bits."""
    ratio = factor * 10**scale / 10**FRACTION_DIGITS
    whole = INT64_DIGITS - FRACTION_DIGITS - len(str(ratio.numerator)) + 1
    if whole < 1:
        return pl.repeat(None, len(digits), dtype=dtype, eager=True)
    number = digits.to_frame("text").lazy()
    fits = pl.col("text").str.contains(rf"^-?\d{{1,{whole}}}(?:\.\d{{1,{FRACTION_DIGITS}}})?$")
    # beyond Excel's 15 digits a fraction is noise, which is for the parser to cut
    fits &= ~pl.col("text").str.contains(".", literal=True) | (pl.col("text").str.len_chars() <= EXCEL_DIGITS + 1)
    point = pl.col("text").str.split_exact(".", 1).struct
    unscaled = (point.field("field_0") + point.field("field_1").fill_null("").str.pad_end(FRACTION_DIGITS, "0")).cast(
        pl.Int64, strict=False
    )
    scaled = number.select(pl.when(fits).then(unscaled) * ratio.numerator).select(
        pl.when(pl.all() % ratio.denominator == 0).then(pl.all() // ratio.denominator).alias("value")
    )
    value, unit = pl.col("value"), 10**scale
    if dtype == pl.Int64:
        return scaled.collect()["value"]
    sign = pl.when(value < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    fraction = (value.abs() % unit).cast(pl.String).str.zfill(scale)
    text = sign + (value.abs() // unit).cast(pl.String) + (pl.lit(".") + fraction if scale else pl.lit(""))
    return scaled.select(text.cast(dtype, strict=False)).collect().to_series()
