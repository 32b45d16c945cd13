"""From the checked cells of an earlier layout to today's columns: renamed, in today's unit, in today's codes."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from agrilake.contract.layouts import feeding
from agrilake.contract.model import Column, Dataset, Feed, LogicalType
from agrilake.intake.cells import Cells, number_limits, report_typing
from agrilake.intake.values import PROBLEMS, Typed, silver_type, type_column

NUMBERS = (LogicalType.INTEGER, LogicalType.NUMBER)


def fed(cells: dict[str, Cells], layout: Dataset, dataset: Dataset) -> dict[str, Cells]:
    """Today's columns of `dataset`, filled from the cells of `layout`; null where nothing fills them.

    A value that does not fit after the conversion (rules scale, overflow, minimum, maximum) is found under the title
    that the file's column had.
    """
    if layout.valid_until is None:
        return cells
    sources = feeding(layout)
    height = len(next(iter(cells.values())).raw)
    return {
        column.name: _filled(cells[sources[column.name][0].name], column, sources[column.name][1], dataset)
        if column.name in sources
        else _empty(column, height)
        for column in dataset.columns
    }


def _filled(source: Cells, column: Column, feed: Feed, dataset: Dataset) -> Cells:
    if feed.codes or _measured(source.column) != _measured(column):
        text = source.values.cast(pl.String).replace(dict(feed.codes))
        typed = type_column(text, column, dataset, source.column.unit)
    else:
        typed = Typed(source.text, source.values.cast(silver_type(column)), pl.DataFrame(schema=PROBLEMS))
    titled = replace(column, title=source.column.title)
    result = Cells(titled, source.raw, source.text, typed.values.alias(column.name), source.bad, source.most)
    report_typing(result, typed)
    number_limits(result)
    return result


def _measured(column: Column) -> tuple[object, ...]:
    """What tells numbers apart: nothing does in columns that hold none."""
    return (column.type, column.unit, column.precision, column.scale) if column.type in NUMBERS else ()


def _empty(column: Column, height: int) -> Cells:
    nothing = pl.repeat(None, height, dtype=pl.String, eager=True)
    return Cells(
        column,
        nothing,
        nothing,
        nothing.cast(silver_type(column)).alias(column.name),
        pl.repeat(False, height, dtype=pl.Boolean, eager=True),
        height,
    )
