"""The grid of what should have a value: indicator × division × period."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from agrilake.indicators.model import PERIOD_TYPES as ORDER
from agrilake.indicators.model import Indicator
from agrilake.intake.dates import period_bounds

PERIOD_TYPES = {r"^\d{4}$": "year", r"^\d{4}Q[1-4]$": "quarter", r"^\d{4}-\d{2}$": "month"}


def expected(
    division: pl.DataFrame, parts: pl.DataFrame, indicators: Sequence[Indicator], district: str
) -> pl.DataFrame:
    """Every indicator at each level of its grain, for every period of its lengths that any input as frequent as its
    own covers: accounts that go back for years make no gaps in what is counted month by month. A division has values
    for the periods on whose last day it is one.

    Columns: indicator_id, division_code, division_level, township_code, period, period_type.
    """
    grain = pl.DataFrame(
        [(item.id, level) for item in indicators for level in item.grain],
        schema={"indicator_id": pl.String, "division_level": pl.String},
        orient="row",
    )
    places = division.select(
        "division_code",
        pl.col("level").replace("county", "district").alias("division_level"),
        "township_code",
        "valid_from",
        "valid_to",
    ).filter((pl.col("division_level") != "district") | (pl.col("division_code") == district))
    whole = grain.join(places, on="division_level").join(_dated(periods_of(parts, indicators)), on="indicator_id")
    begun = pl.col("valid_from").fill_null(pl.date(1, 1, 1)) <= pl.col("_last_day")
    stands = pl.col("valid_to").fill_null(pl.date(9999, 12, 31)) > pl.col("_last_day")
    return whole.filter(begun & stands).drop("valid_from", "valid_to", "_last_day")


def _dated(periods: pl.DataFrame) -> pl.DataFrame:
    last = {period: period_bounds(period)[1] for period in set(periods["period"])}
    day = (
        pl.col("period").replace_strict(last, return_dtype=pl.Date).alias("_last_day")
        if last
        else pl.lit(None, pl.Date)
    )
    return periods.with_columns(day.alias("_last_day"))


def periods_of(parts: pl.DataFrame, indicators: Sequence[Indicator]) -> pl.DataFrame:
    """The periods of each indicator: indicator_id, period, period_type."""
    kind = pl.coalesce(
        *[pl.when(pl.col("period").str.contains(shape)).then(pl.lit(name)) for shape, name in PERIOD_TYPES.items()]
    )
    covered = parts.select("indicator_id", "period").unique().with_columns(period_type=kind).drop_nulls()
    own = pl.DataFrame(
        [(item.id, ORDER.index(item.periods[0]), name) for item in indicators for name in item.periods],
        schema={"indicator_id": pl.String, "shortest": pl.Int64, "period_type": pl.String},
        orient="row",
    )
    shortest = own.select("indicator_id", "shortest").unique()
    by_length = covered.join(shortest, on="indicator_id").select("period", "period_type", covers="shortest").unique()
    return (
        own.join(by_length, on="period_type")
        .filter(pl.col("covers") <= pl.col("shortest"))
        .select("indicator_id", "period", "period_type")
        .unique()
    )
