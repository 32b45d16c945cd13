"""Computing all indicators: division level × period, from declarations, in one table.

Steps: every measure of one source is aggregated in one pass; parts are laid on the grid of all divisions and periods
(so that what is missing shows as missing); then value, growth, previous year and target follow. The first is
Spark's; the rest is small and Polars', and delta-rs is the only writer of gold/indicator_value.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset
from agrilake.contract.order import datasets_behind
from agrilake.contract.settings import Settings
from agrilake.indicators import arrivals as arriving
from agrilake.indicators import grid, measures, model, values
from agrilake.indicators.arrivals import Arrivals
from agrilake.indicators.measures import measured
from agrilake.indicators.model import Indicator
from agrilake.lake.files import table_version
from agrilake.paths import Home
from agrilake.tables import small
from agrilake.tables.read import table_at
from agrilake.tables.types import stored_fields
from agrilake.tables.write import TableWrite, commit_note

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.connect.session import SparkSession

TABLE = "indicator_value"
DIVISION = "division"


def compute_indicators(
    spark: SparkSession,
    home: Home,
    indicators: Sequence[Indicator],
    registry: Registry,
    settings: Settings,
    arrivals: Mapping[str, Arrivals],
) -> TableWrite:
    """Write gold/indicator_value (columns: its contract); unchanged where no source table, no declaration and nothing
    of `arrivals` changed.

    A source table that is held back is read as it stands: at its last good version.
    """
    path = home.table("gold", TABLE)
    names = sorted({name for item in indicators for name in item.sources} | {DIVISION})
    versions = {name: table_version(home.table("gold", name)) for name in names}
    contract = registry.gold[TABLE]
    note = {"inputs": versions, "rule": _fingerprint(indicators, contract), "arrivals": arriving.as_note(arrivals)}
    before = table_version(path)
    if before is not None and commit_note(path) == note:
        return TableWrite(TABLE, before, changed=False)
    tables = {
        name: table_at(spark, home.table("gold", name), version, stored_fields(registry.gold[name]))
        for name, version in versions.items()
    }
    known = [_settled(item, versions, registry) for item in indicators]
    found = indicator_values(tables, known, settings.district_code, versions, arrivals, registry)
    small.overwrite(found, path, contract, note)
    return TableWrite(TABLE, table_version(path) or 0, changed=True)


def indicator_values(
    tables: Mapping[str, DataFrame],
    indicators: Sequence[Indicator],
    district: str,
    versions: Mapping[str, int | None],
    arrivals: Mapping[str, Arrivals],
    registry: Registry,
) -> pl.DataFrame:
    """The values of all indicators from their source tables (by name), with the marks that `arrivals` give them; the
    columns of the contract are among the frame's."""
    parts = measured(tables, indicators, district)
    columns = ["division_code", "level", "township_code", "valid_from", "valid_to"]
    division = pl.DataFrame(pl.from_arrow(tables[DIVISION].select(*columns).toArrow()))
    whole = grid.expected(division, parts, indicators, district)
    inputs = {
        item.id: json.dumps({f"gold/{name}": versions.get(name) for name in _sources(item, indicators)})
        for item in indicators
    }
    behind = {name: [one.id for one in datasets_behind([name], registry)] for name in tables}
    marks = arriving.marks_of(indicators, whole["period"].unique().sort(), arrivals, behind)
    return values.evaluated(whole, parts, indicators, inputs, marks)


def _sources(item: Indicator, indicators: Sequence[Indicator]) -> tuple[str, ...]:
    behind = [other for other in indicators if other.id in item.derived_from]
    return tuple(sorted({*item.sources, *(name for other in behind for name in _sources(other, indicators))}))


def _settled(item: Indicator, versions: Mapping[str, int | None], registry: Registry) -> Indicator:
    """An indicator whose source table is not there yet awaits it."""
    absent = [name for name in item.sources if versions[name] is None]
    if not absent:
        return item
    return replace(item, awaits=item.awaits or registry.gold[absent[0]].title, numerator=None, value=None)


def _fingerprint(indicators: Sequence[Indicator], contract: Dataset) -> str:
    """Changes when a declaration, the contract or the engine's own code changes."""
    code = [Path(str(module.__file__)) for module in (sys.modules[__name__], arriving, grid, measures, model, values)]
    texts = [path.read_bytes() for path in (*(item.path for item in indicators), contract.path, *code)]
    constants = [repr(item.combined.constants).encode() for item in indicators if item.combined]
    return hashlib.sha256(b"\n".join([*texts, *constants])).hexdigest()[:16]
