"""The grid of what should have a value: indicator × division × period."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from agrilake.indicators.model import Indicator

PERIOD_TYPES = {r"^\d{4}$": "year", r"^\d{4}Q[1-4]$": "quarter", r"^\d{4}-\d{2}$": "month"}


def expected(
    division: pl.DataFrame, parts: pl.DataFrame, indicators: Sequence[Indicator], district: str
) -> pl.DataFrame:
    """Every indicator at each level of its grain, for every period that any input covers.

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
    ).filter((pl.col("division_level") != "district") | (pl.col("division_code") == district))
    return grain.join(places, on="division_level").join(periods_of(parts), how="cross")


def periods_of(parts: pl.DataFrame) -> pl.DataFrame:
    """Periods that any measure covers: period, period_type."""
    kind = pl.coalesce(
        *[pl.when(pl.col("period").str.contains(shape)).then(pl.lit(name)) for shape, name in PERIOD_TYPES.items()]
    )
    return parts.select("period").unique().with_columns(period_type=kind).drop_nulls()
