"""Computing all indicators: division level × period, from declarations, in one table.

Steps: every measure of one source is aggregated in one pass; parts are laid on the grid of all divisions and periods
(so that what is missing shows as missing); then value, growth, previous year and target follow. The first is
Spark's; the rest is small and Polars', and delta-rs is the only writer of gold/indicator_value.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from agrilake.contract.load import Registry
from agrilake.contract.settings import Settings
from agrilake.gold import columns
from agrilake.indicators import arrivals as arriving
from agrilake.indicators import grid, measures, model, values
from agrilake.indicators.arrivals import Arrivals
from agrilake.indicators.measures import measured
from agrilake.indicators.model import Indicator
from agrilake.indicators.recipe import DIVISION, Engine, Recipe, engine_of, keep_recipe, recipe, tables_of
from agrilake.intake import dates, schedule
from agrilake.lake.files import table_version
from agrilake.paths import Home
from agrilake.tables import history, small
from agrilake.tables.read import table_at
from agrilake.tables.write import TableWrite, commit_note

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.connect.session import SparkSession

TABLE = "indicator_value"


def compute_indicators(
    spark: SparkSession,
    home: Home,
    indicators: Sequence[Indicator],
    registry: Registry,
    settings: Settings,
    arrivals: Mapping[str, Arrivals],
) -> TableWrite:
    """Write gold/indicator_value (columns: its contract); unchanged where no source table, no declaration and nothing
    of `arrivals` changed. What it is computed from is kept, and the commit names it.

    A source table that is held back is read as it stands: at its last good version.
    """
    path = home.table("gold", TABLE)
    versions = {name: table_version(home.table("gold", name)) for name in tables_of(indicators)}
    wanted = recipe(indicators, registry, settings.district_code, versions, arrivals, engine())
    note = {"inputs": versions, "recipe": wanted.digest}
    before = table_version(path)
    if before is not None and commit_note(path) == note:
        return TableWrite(TABLE, before, changed=False)
    keep_recipe(home, wanted)
    found = computed(spark, home, wanted)
    small.overwrite(found, path, registry.gold[TABLE], note)
    return TableWrite(TABLE, table_version(path) or 0, changed=True)


def computed(spark: SparkSession, home: Home, wanted: Recipe) -> pl.DataFrame:
    """The values that a recipe gives, from the gold tables at its versions."""
    tables = {
        name: table_at(spark, home.table("gold", name), source.version, source.fields)
        for name, source in wanted.sources.items()
    }
    return indicator_values(tables, wanted)


def indicator_values(tables: Mapping[str, DataFrame], wanted: Recipe) -> pl.DataFrame:
    """The values of all indicators from their source tables (by name); the columns of the contract are among the
    frame's."""
    indicators = wanted.settled
    parts = measured(tables, indicators, wanted.district)
    columns = ["division_code", "level", "township_code", "valid_from", "valid_to"]
    division = pl.DataFrame(pl.from_arrow(tables[DIVISION].select(*columns).toArrow()))
    whole = grid.expected(division, parts, indicators, wanted.district)
    inputs = {
        item.id: json.dumps({f"gold/{name}": wanted.inputs.get(name) for name in _sources(item, indicators)})
        for item in indicators
    }
    marks = arriving.marks_of(indicators, whole["period"].unique().sort(), wanted.arrivals, wanted.behind)
    return values.evaluated(whole, parts, indicators, inputs, marks)


def engine() -> Engine:
    """This engine: its own code and the libraries under it."""
    modules = (sys.modules[__name__], arriving, grid, measures, model, values, columns, dates, history, schedule)
    return engine_of(Path(str(module.__file__)) for module in modules)


def _sources(item: Indicator, indicators: Sequence[Indicator]) -> tuple[str, ...]:
    behind = [other for other in indicators if other.id in item.derived_from]
    return tuple(sorted({*item.sources, *(name for other in behind for name in _sources(other, indicators))}))
