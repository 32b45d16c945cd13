"""Columns and joins that many gold tables share."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

Inputs = Mapping[str, DataFrame]
VILLAGE_COMMITTEE = "200"


def sourced(frame: DataFrame, dataset: str) -> DataFrame:
    """A silver table whose provenance has gold's names: source_dataset, delivery_id, line, sheet."""
    return frame.withColumns(
        {
            "source_dataset": f.lit(dataset),
            "delivery_id": f.col("_delivery_id"),
            "line": f.col("_line"),
            "sheet": f.col("_sheet"),
        }
    )


def with_division(frame: DataFrame, division: DataFrame, code: str = "division_code") -> DataFrame:
    """Many to one: adds division_name, township_code and township_name by the frame's division code."""
    names = division.select(
        f.col("division_code").alias("_code"), f.col("name").alias("division_name"), "township_code", "township_name"
    )
    return frame.join(f.broadcast(names), on=f.col(code) == f.col("_code"), how="left").drop("_code")


def month_of(column: str) -> Column:
    """The period yyyy-MM of a date or timestamp."""
    return f.date_format(column, "yyyy-MM")


def quarter_of(month: str) -> Column:
    """The quarter (2024Q2) of a month yyyy-MM."""
    number = f.ceil(f.substring(month, 6, 2).cast("int") / f.lit(3)).cast("string")
    return f.concat(f.substring(month, 1, 4), f.lit("Q"), number)


def months_of(quarter: str) -> Column:
    """The three months yyyy-MM of a quarter 2024Q2."""
    first = f.substring(quarter, 6, 1).cast("int") * 3 - 2
    numbers = [f.lpad((first + more).cast("string"), 2, "0") for more in range(3)]
    return f.array(*[f.concat(f.substring(quarter, 1, 4), f.lit("-"), number) for number in numbers])


def last_day_of(month: str) -> Column:
    """The last day of a month yyyy-MM."""
    return f.last_day(f.to_date(f.concat(f.col(month), f.lit("-01"))))


def yuan(wan_yuan: str) -> Column:
    """An amount in 万元 as 元."""
    return (f.col(wan_yuan) * f.lit(10_000)).cast("decimal(20,2)")


def hectares(area_mu: str) -> Column:
    """An area in 亩 as 公顷: 15 亩 are one."""
    return (f.col(area_mu) / f.lit(15)).cast("decimal(18,6)")


def newest_period(frame: DataFrame) -> DataFrame:
    """The rows of a snapshot table's newest period."""
    newest = frame.agg(f.max("_period").alias("_newest"))
    return frame.join(f.broadcast(newest), on=f.col("_period") == f.col("_newest"), how="left_semi")


def administrative_villages(division: DataFrame, months: DataFrame) -> DataFrame:
    """The 建制村 (village committees) of each row of `months` (its month: `period`): division_code, division_name,
    township_code, township_name beside the columns of `months`."""
    villages = standing(division.filter("is_administrative_village"), months)
    return villages.select(
        "division_code", f.col("name").alias("division_name"), "township_code", "township_name", *months.columns
    )


def standing(division: DataFrame, months: DataFrame) -> DataFrame:
    """Each division with each row of `months` on whose last day (of `period`) it is one."""
    last = last_day_of("period")
    begun, gone = f.col("valid_from") > last, f.col("valid_to") <= last
    return division.crossJoin(months).filter(~f.coalesce(begun, f.lit(False)) & ~f.coalesce(gone, f.lit(False)))


def union(one: DataFrame, other: DataFrame) -> DataFrame:
    """Rows of both, columns matched by name; a function, since Connect's frames have a class of their own."""
    return one.unionByName(other)
