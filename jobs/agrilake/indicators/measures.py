"""Aggregating the measures of all indicators, one pass a source table and way of belonging to periods."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from agrilake.gold.columns import month_of, quarter_of, union
from agrilake.indicators.model import Indicator, Measure
from agrilake.intake.dates import period_bounds
from agrilake.intake.schedule import periods_around
from agrilake.tables.history import valid_on

AMOUNT = "decimal(28,8)"
AS_OF = "as_of"
Part = tuple[str, str, Measure]
SCHEMA: dict[str, Any] = {
    "indicator_id": pl.String,
    "part": pl.String,
    "amount": pl.Decimal(28, 8),
    "division_code": pl.String,
    "period": pl.String,
}


def measured(tables: Mapping[str, DataFrame], indicators: Sequence[Indicator], district: str) -> pl.DataFrame:
    """Every measure by division and period.

    Columns: SCHEMA (part: numerator, denominator, value). Where a source has rows for a period, the district is
    always among them, so a division without rows can be told from a period without data. Tables of states are
    counted on the last day of every period that any table covers, from their own first one on.
    """
    groups: defaultdict[tuple[str, str], list[Part]] = defaultdict(list)
    for item in indicators:
        for part, measure in item.measures.items():
            groups[measure.source, item.time_of(measure)].append((item.id, part, measure))
    dated = [
        _group(_with_periods(tables[source], time), parts, district)
        for (source, time), parts in sorted(groups.items())
        if time != AS_OF
    ]
    found = _collected(dated)
    registers = {source: parts for (source, time), parts in sorted(groups.items()) if time == AS_OF}
    begun = _collected([tables[name].select(month_of("valid_from").alias("period")).distinct() for name in registers])
    covered = {period for frame in (found, begun) for period in (frame["period"] if frame.width else ())}
    periods = sorted({around for period in covered for around in periods_around(period)})
    counted = [_group(_valid(tables[name], periods), parts, district) for name, parts in registers.items()]
    frames = [frame for frame in (found, _collected(counted if periods else [])) if frame.width]
    ordered = [frame.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()) for frame in frames]
    return pl.concat(ordered) if ordered else pl.DataFrame(schema=SCHEMA)


def _collected(frames: Iterable[DataFrame]) -> pl.DataFrame:
    """The union of the frames, fetched in one job; an empty frame without columns for none."""
    taken = list(frames)
    return pl.DataFrame(pl.from_arrow(reduce(union, taken).toArrow())) if taken else pl.DataFrame()


def _group(rows: DataFrame, parts: Sequence[Part], district: str) -> DataFrame:
    """The parts over rows that carry their period as `_period_of`."""
    placed = rows.withColumn("_division", f.explode(_divisions(district)))
    names = [f"m{number}" for number in range(len(parts))]
    totals = [
        f.expr(f"CAST({_filtered(part[2])} AS {AMOUNT})").alias(name) for name, part in zip(names, parts, strict=True)
    ]
    summed = placed.groupBy("_division", "_period_of").agg(*totals)
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
    if time == "given":
        return table.withColumn("_period_of", f.col("period"))
    dated = table.filter(f.col("period").isNotNull())
    if time == "flow":
        return dated.withColumn("_period_of", f.explode(_around("period")))
    periods = dated.select("period").distinct().withColumn("_period_of", f.explode(_around("period")))
    newest = periods.groupBy("_period_of").agg(f.max("period").alias("period"))
    return table.join(f.broadcast(newest), on="period", how="inner")


def _valid(table: DataFrame, periods: Sequence[str]) -> DataFrame:
    """Each period with the states that were valid on its last day."""
    days = [(period, period_bounds(period)[1]) for period in periods]
    last = table.sparkSession.createDataFrame(days, "_period_of string, _last_day date")
    return table.join(f.broadcast(last), on=f.expr(valid_on("_last_day")), how="inner")


def _around(period: str) -> f.Column:
    """A period with the longer ones that it lies in: a month's quarter and year, a quarter's year."""
    own, year = f.col(period), f.substring(period, 1, 4)
    return (
        f.when(f.length(own) == len("2024"), f.array(own))
        .when(f.substring(period, 5, 1) == "Q", f.array(own, year))
        .otherwise(f.array(own, quarter_of(period), year))
    )
