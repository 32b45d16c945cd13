"""Aggregating the measures of all indicators, one pass a source table and way of belonging to periods."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from agrilake.gold.columns import union
from agrilake.indicators.model import Indicator, Measure

AMOUNT = "decimal(28,8)"
CURRENT = "current"
Part = tuple[str, str, Measure]


def measured(tables: Mapping[str, DataFrame], indicators: Sequence[Indicator], district: str) -> DataFrame:
    """Every measure by division and period.

    Columns: indicator_id, part (numerator, denominator, value), division_code, period ("current" where the measure
    has no time), amount decimal(28,8). Where a source has rows for a period, the district is always among them, so
    a division without rows can be told from a period without data.
    """
    groups: defaultdict[tuple[str, str], list[Part]] = defaultdict(list)
    for item in indicators:
        for part, measure in item.measures.items():
            groups[measure.source, item.time_of(measure)].append((item.id, part, measure))
    return reduce(
        union,
        [_group(tables[source], time, parts, district) for (source, time), parts in sorted(groups.items())],
    )


def _group(table: DataFrame, time: str, parts: Sequence[Part], district: str) -> DataFrame:
    rows = _with_periods(table, time).withColumn("_division", f.explode(_divisions(district)))
    names = [f"m{number}" for number in range(len(parts))]
    totals = [
        f.expr(f"CAST({_filtered(part[2])} AS {AMOUNT})").alias(name) for name, part in zip(names, parts, strict=True)
    ]
    summed = rows.groupBy("_division", "_period_of").agg(*totals)
    stack = ", ".join(
        f"'{indicator}', '{part}', {name}" for name, (indicator, part, _) in zip(names, parts, strict=True)
    )
    return summed.select(
        f.expr(f"stack({len(parts)}, {stack}) AS (indicator_id, part, amount)"),
        f.col("_division").alias("division_code"),
        f.col("_period_of").alias("period"),
    )


def _filtered(measure: Measure) -> str:
    return f"{measure.expression} FILTER (WHERE {measure.where})" if measure.where else measure.expression


def _divisions(district: str) -> f.Column:
    """A row counts once for its village, its township and the district; without a division for the district alone.

    What stands at a township or at the district itself has the same code twice, and is still one row.
    """
    return f.array_distinct(f.array_compact(f.array(f.col("division_code"), f.col("township_code"), f.lit(district))))


def _with_periods(table: DataFrame, time: str) -> DataFrame:
    if time == CURRENT:
        return table.withColumn("_period_of", f.lit(CURRENT))
    if time == "given":
        return table.withColumn("_period_of", f.col("period"))
    periods = table.select("period").distinct().withColumn("_all", f.array(f.col("period"), quarter_of(), year_of()))
    periods = periods.withColumn("_period_of", f.explode("_all")).drop("_all")
    if time == "stock":
        last = periods.groupBy("_period_of").agg(f.max("period").alias("period"))
        periods = last
    return table.join(f.broadcast(periods), on="period", how="inner")


def quarter_of(month: str = "period") -> f.Column:
    """The quarter (2024Q2) of a month column (2024-05)."""
    number = f.ceil(f.substring(month, 6, 2).cast("int") / f.lit(3)).cast("string")
    return f.concat(f.substring(month, 1, 4), f.lit("Q"), number)


def year_of(month: str = "period") -> f.Column:
    """The year (2024) of a month column (2024-05)."""
    return f.substring(month, 1, 4)
