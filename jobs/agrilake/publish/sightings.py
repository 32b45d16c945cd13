"""The numbers of persons and households that published tables show, as sightings (agrilake.publish.counts).

Which columns count what stands in the contracts, which measures in the indicators' declarations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from agrilake.contract.counts import load_quantities
from agrilake.contract.model import Column, Dataset
from agrilake.publish.counts import Sighting
from agrilake.publish.model import IndicatorDeclaration

FIGURES = "indicator_value"
BETWEEN = "\x1f"
NOWHERE = "-"
"""Stands for the division of a row that names none."""


def counting(table: Dataset) -> list[Column]:
    """The table's columns that count persons or households."""
    return [column for column in table.columns if column.counts]


def row_key(names: Sequence[str]) -> pl.Expr:
    """A row's key as one text, as agrilake.publish.hiding writes it in SQL."""
    return pl.concat_str([pl.col(name).cast(pl.String) for name in names], separator=BETWEEN)


def of_table(table: Dataset, rows: pl.DataFrame) -> Iterator[tuple[str, Sighting]]:
    """Each number that a table shows, with the key of its row. A history's rows hold from day to day."""
    quantities, has = load_quantities(), {column.name for column in table.columns}
    for column in counting(table):
        unit = quantities[column.counts].unit
        chosen = {
            "key": row_key(table.key),
            "division": pl.col("division_code").fill_null(NOWHERE),
            "value": pl.col(column.name).cast(pl.Int64),
            "period": _or(has, "period", ""),
            "unit": _or(has, unit, ""),
            "since": _or(has, "valid_from", None),
            "until": _or(has, "valid_to", None),
        }
        for number, row in enumerate(_known(rows, chosen)):
            key = row.pop("key")
            yield key, Sighting(table.id, number, column.name, column.counts, **row)


def of_figures(
    figures: pl.DataFrame, indicators: Iterable[IndicatorDeclaration]
) -> Iterator[tuple[tuple[str, str, str], Sighting]]:
    """Each numerator and denominator that counts persons or households, with its indicator, division and period."""
    for item in indicators:
        for part, measure in item.measures.items():
            if not measure.counts or part == "value":
                continue
            own = figures.filter(indicator_id=item.id)
            chosen = {
                "division": pl.col("division_code"),
                "period": pl.col("period"),
                "value": pl.col(part).cast(pl.Int64),
            }
            for number, row in enumerate(_known(own, chosen)):
                seen = Sighting(FIGURES, number, f"{item.id}/{part}", measure.counts, **row)
                yield (item.id, seen.division, seen.period), seen


def _or(has: Iterable[str], name: str, instead: Any) -> pl.Expr:
    return pl.col(name) if name and name in has else pl.lit(instead)


def _known(rows: pl.DataFrame, chosen: Mapping[str, pl.Expr]) -> list[dict[str, Any]]:
    """The rows that have a value, in a stable order."""
    found = rows.select(**chosen).filter(pl.col("value").is_not_null())
    return found.sort(found.columns).to_dicts()
