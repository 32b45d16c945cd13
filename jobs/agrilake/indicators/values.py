"""From measured parts to values: ratio, growth, previous year, target, quality flag, and why a value is missing.

The measures are Spark's work over tables of any size; what they leave is a row for each division and period,
which Polars evaluates exactly, in decimals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from agrilake.indicators.load import in_depth
from agrilake.indicators.measures import AS_OF
from agrilake.indicators.model import Combination, Indicator

KEY = ["indicator_id", "division_code", "period"]
PARTS = ("numerator", "denominator", "value")
VALUE = pl.Decimal(24, 6)
WIDE = pl.Decimal(38, 8)
NOT_YET = "尚未接入"
NO_INPUT = "本期没有收到所需数据"
NO_BASE = "本期没有收到分母所需数据"
NOT_YET_KEPT = "早于首次报送，当时没有台账"
NO_CASES = "本期没有可计算的记录"
ZERO_BASE = "分母为零"
NEGATIVE = "首末期有负数，算不出增速"
NO_PREVIOUS = "缺少上年同期数"
NO_EARLIER = "缺少 {years} 年前同期数"
PLACES = 6
PLACE = ["division_code", "period"]


def evaluated(
    whole: pl.DataFrame,
    parts: pl.DataFrame,
    indicators: Sequence[Indicator],
    inputs: Mapping[str, str],
    marks: pl.DataFrame,
) -> pl.DataFrame:
    """Values for the whole grid, columns as the contract of gold/indicator_value names them, in order of its key.

    `inputs` gives each indicator's input_versions, `marks` flag, late and note of each indicator and period. A value
    is never zero for want of data: it is null, flag is `missing`, and the reason says which of the causes it is.
    `to_target` is positive where the value is better than its target, whichever the indicator's direction.
    """
    declared = pl.DataFrame([_declared(item, inputs) for item in indicators], infer_schema_length=None).with_columns(
        pl.col("awaits").cast(pl.String)
    )
    laid = _lay_out(whole.join(declared, on="indicator_id"), parts)
    values, titles = _ratios(laid), {item.id: item.name for item in indicators}
    for item in in_depth({item.id: item for item in indicators}):
        if item.growth_of:
            values = _with_growth(values, item)
        elif item.combined:
            values = _with_combined(values, item, item.combined, titles)
    values = _with_targets(_with_previous_year(values), indicators)
    missing = pl.col("value").is_null()
    gap = pl.col("value") - pl.col("target")
    return (
        values.join(marks, on=["indicator_id", "period"], how="left")
        .with_columns(
            flag=pl.when(missing).then(pl.lit("missing")).otherwise("flag"),
            late=~missing & pl.col("late"),
            note=pl.when(~missing).then("note"),
            missing_reason=pl.when(missing).then("missing_reason"),
            to_target=pl.when(pl.col("direction") == "down").then(-gap).otherwise(gap),
        )
        .with_columns(target_met=pl.col("to_target") >= 0)
        .sort(KEY)
    )


def _declared(item: Indicator, inputs: Mapping[str, str]) -> dict[str, object]:
    first, base = item.numerator or item.value, item.denominator
    return {
        "indicator_id": item.id,
        "has_ratio": base is not None,
        "is_statistic": item.value is not None,
        "is_growth": bool(item.growth_of),
        "awaits": item.awaits or None,
        "direction": item.direction,
        "scale": Decimal(str(item.scale)),
        "is_register": first is not None and item.time_of(first) == AS_OF,
        "input_versions": inputs[item.id],
    }


def _lay_out(grid: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """The grid with each part beside it.

    A source that covers a period covers all divisions: one without rows has zero there, not nothing.
    """
    for part in PARTS:
        amounts = parts.filter(pl.col("part") == part).select(*KEY, pl.col("amount").alias(part))
        covered = amounts.select("indicator_id", "period").unique().with_columns(pl.lit(True).alias(f"has_{part}"))
        grid = (
            grid.join(amounts, on=KEY, how="left")
            .join(covered, on=["indicator_id", "period"], how="left")
            .with_columns(pl.col(f"has_{part}").fill_null(False))
            .with_columns(
                pl.when(pl.col(f"has_{part}") & (part != "value"))
                .then(pl.col(part).fill_null(0))
                .when(pl.col(f"has_{part}"))
                .then(part)
                .cast(WIDE)
                .alias(part)
            )
        )
    return grid


def _ratios(laid: pl.DataFrame) -> pl.DataFrame:
    scaled = _product(pl.col("numerator"), pl.col("scale"))
    ratio = _quotient(scaled, pl.col("denominator"))
    plain = pl.when("is_statistic").then("value").otherwise(scaled)
    reason = (
        pl.when(pl.col("awaits").is_not_null())
        .then(pl.col("awaits") + NOT_YET)
        .when(pl.col("is_statistic") & pl.col("has_value"))
        .then(pl.lit(NO_CASES))
        .when(pl.col("is_register") & ~pl.col("has_numerator"))
        .then(pl.lit(NOT_YET_KEPT))
        .when(pl.col("is_statistic") | ~pl.col("has_numerator"))
        .then(pl.lit(NO_INPUT))
        .when(pl.col("has_ratio") & ~pl.col("has_denominator"))
        .then(pl.lit(NO_BASE))
        .otherwise(pl.lit(ZERO_BASE))
    )
    return laid.with_columns(
        pl.when("has_ratio").then(ratio).otherwise(plain.cast(VALUE)).alias("value"), reason.alias("missing_reason")
    )


def _product(amount: pl.Expr, factor: pl.Expr) -> pl.Expr:
    return (amount.cast(WIDE) * factor.cast(pl.Decimal(12, 4))).cast(WIDE)


def _quotient(amount: pl.Expr, base: pl.Expr) -> pl.Expr:
    """amount ÷ base rounded to six places; null for a base of zero."""
    divided = amount.cast(WIDE) / pl.when(base != 0).then(base).cast(WIDE)
    return divided.cast(VALUE)


def _year_before(values: pl.DataFrame, name: str, years: int = 1) -> pl.DataFrame:
    """The same values moved to the same period of the next year, or so many years on."""
    following = (pl.col("period").str.head(4).cast(pl.Int32) + years).cast(pl.String) + pl.col("period").str.slice(4)
    return values.select("indicator_id", "division_code", following.alias("period"), pl.col("value").alias(name))


def _with_growth(values: pl.DataFrame, item: Indicator) -> pl.DataFrame:
    """Fill a growth indicator: numerator is the gain over the same period of the earlier year, denominator its value.

    Over several years the value is the mean yearly growth, ((now ÷ then) ^ (1 ÷ years) − 1) × 100, rounded to six
    places from double precision.
    """
    years, base = item.growth_years, values.filter(indicator_id=item.growth_of)
    now = base.select(*PLACE, pl.col("value").alias("_now"))
    then = _year_before(base, "_then", years).drop("indicator_id")
    both = values.filter(indicator_id=item.id).select(PLACE).join(now, on=PLACE, how="left")
    both = both.join(then, on=PLACE, how="left")
    gain = (pl.col("_now") - pl.col("_then")).cast(VALUE)
    positive = pl.when(pl.col("_then") > 0).then("_then")
    if years == 1:
        growth = _quotient(_product(gain, pl.lit(Decimal(100))), positive.otherwise(0))
    else:
        ratio = pl.when(pl.col("_now") >= 0).then("_now").cast(pl.Float64) / positive.cast(pl.Float64)
        growth = _rounded((ratio.pow(1 / years) - 1) * 100)
    reason = (
        pl.when(pl.col("_now").is_null())
        .then(pl.lit(NO_INPUT))
        .when(pl.col("_then").is_null())
        .then(pl.lit(NO_PREVIOUS if years == 1 else NO_EARLIER.format(years=years)))
        .when((pl.col("_then") < 0) | (pl.col("_now") < 0))
        .then(pl.lit(NEGATIVE))
        .otherwise(pl.lit(ZERO_BASE))
    )
    return _replaced(values, item, both, growth, gain, pl.col("_then"), reason)


def _with_combined(values: pl.DataFrame, item: Indicator, of: Combination, titles: Mapping[str, str]) -> pl.DataFrame:
    """Fill a combination from the values of its indicators at the same place and period; missing where one of them is.

    Computed in double precision and rounded to six places.
    """
    known = values.filter(indicator_id=item.id).select(PLACE)
    reason = pl.lit(ZERO_BASE)
    for name, other in reversed(of.of.items()):
        part = values.filter(indicator_id=other).select(
            *PLACE, pl.col("value").cast(pl.Float64).alias(name), pl.col("missing_reason").alias(f"_why_{name}")
        )
        known = known.join(part, on=PLACE, how="left")
        why = pl.lit(f"{titles[other]}：") + pl.col(f"_why_{name}").fill_null(NO_INPUT)
        reason = pl.when(pl.col(name).is_null()).then(why).otherwise(reason)
    known = known.with_columns(pl.lit(amount).alias(name) for name, amount in of.constants.items())
    above, below = (pl.sql_expr(text).cast(pl.Float64) for text in (of.numerator, of.denominator))
    value = _rounded(above * item.scale / pl.when(below != 0).then(below))
    return _replaced(values, item, known, value, _rounded(above), _rounded(below), reason)


def _rounded(amount: pl.Expr) -> pl.Expr:
    """A double to the places that are stored."""
    return amount.round(PLACES).cast(VALUE)


def _replaced(
    values: pl.DataFrame,
    item: Indicator,
    rows: pl.DataFrame,
    value: pl.Expr,
    numerator: pl.Expr,
    denominator: pl.Expr,
    reason: pl.Expr,
) -> pl.DataFrame:
    """The values with those of one indicator computed from `rows`, one for each place and period that it has."""
    computed = rows.select(
        *PLACE, value=value, numerator=numerator.cast(WIDE), denominator=denominator.cast(WIDE), missing_reason=reason
    )
    own = values.filter(indicator_id=item.id).drop("value", "numerator", "denominator", "missing_reason")
    filled = own.join(computed, on=PLACE, how="left").select(values.columns)
    return pl.concat([values.filter(pl.col("indicator_id") != item.id), filled])


def _with_previous_year(values: pl.DataFrame) -> pl.DataFrame:
    joined = values.join(_year_before(values, "previous_year_value"), on=KEY, how="left")
    before = pl.col("previous_year_value")
    gain = _product(pl.col("value") - before, pl.lit(Decimal(100)))
    growth = _quotient(gain, pl.when(before > 0).then(before).otherwise(0))
    return joined.with_columns(yoy=pl.when(~pl.col("is_growth")).then(growth))


def _with_targets(values: pl.DataFrame, indicators: Sequence[Indicator]) -> pl.DataFrame:
    rows = [(item.id, str(year), Decimal(str(goal))) for item in indicators for year, goal in item.targets.items()]
    schema: dict[str, Any] = {"indicator_id": pl.String, "_year": pl.String, "target": VALUE}
    targets = pl.DataFrame(rows, schema=schema, orient="row")
    return values.with_columns(_year=pl.col("period").str.head(4)).join(
        targets, on=["indicator_id", "_year"], how="left"
    )
