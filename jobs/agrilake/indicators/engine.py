"""Computing all indicators: division level × period, from declarations, in one table.

Steps: every measure of one source is aggregated in one pass; parts are laid on the grid of all divisions and periods
(so that what is missing shows as missing); then value, growth, previous year and target follow. The first is
Spark's; the rest is small and Polars', and delta-rs is the only writer of gold/indicator_value.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from deltalake import CommitProperties, write_deltalake

from agrilake.contract.load import Registry
from agrilake.contract.settings import Settings
from agrilake.indicators import grid, measures, values
from agrilake.indicators.measures import measured
from agrilake.indicators.model import Indicator
from agrilake.lake.files import table_version
from agrilake.paths import Home
from agrilake.tables.types import spark_type
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
) -> TableWrite:
    """Write gold/indicator_value; unchanged where neither a source table nor a declaration changed.

    A source table that is held back is read as it stands: at its last good version. Columns: indicator_id,
    division_code, division_level, township_code, period, period_type, value decimal(24,6), numerator,
    denominator, flag (official | missing), missing_reason, previous_year_value, yoy (percent), target,
    to_target, input_versions (json).
    """
    path = home.table("gold", TABLE)
    names = sorted({name for item in indicators for name in item.sources} | {DIVISION})
    versions = {name: table_version(home.table("gold", name)) for name in names}
    note = {"inputs": versions, "rule": _fingerprint(indicators)}
    before = table_version(path)
    if before is not None and commit_note(path) == note:
        return TableWrite(TABLE, before, changed=False)
    tables = {name: _read(spark, home, registry, name, version) for name, version in versions.items()}
    known = [_settled(item, versions, registry) for item in indicators]
    values = indicator_values(tables, known, settings.district_code, versions)
    write_deltalake(
        str(path),
        values.to_arrow(),
        mode="overwrite",
        schema_mode="overwrite",
        commit_properties=CommitProperties(custom_metadata={"userMetadata": json.dumps(note)}),
    )
    return TableWrite(TABLE, table_version(path) or 0, changed=True)


def indicator_values(
    tables: Mapping[str, DataFrame],
    indicators: Sequence[Indicator],
    district: str,
    versions: Mapping[str, int | None],
) -> pl.DataFrame:
    """The values of all indicators from their source tables (by name); columns as `values.OUTPUT`."""
    parts = pl.DataFrame(pl.from_arrow(measured(tables, indicators, district).toArrow()))
    columns = ["division_code", "level", "township_code"]
    division = pl.DataFrame(pl.from_arrow(tables[DIVISION].select(*columns).toArrow()))
    whole = grid.expected(division, parts, indicators, district)
    inputs = {
        item.id: json.dumps({f"gold/{name}": versions.get(name) for name in _sources(item, indicators)})
        for item in indicators
    }
    return values.evaluated(whole, parts, indicators, inputs)


def _sources(item: Indicator, indicators: Sequence[Indicator]) -> tuple[str, ...]:
    if item.growth_of:
        return _sources(next(other for other in indicators if other.id == item.growth_of), indicators)
    return item.sources


def _settled(item: Indicator, versions: Mapping[str, int | None], registry: Registry) -> Indicator:
    """An indicator whose source table is not there yet awaits it."""
    absent = [name for name in item.sources if versions[name] is None]
    if not absent:
        return item
    return replace(item, awaits=item.awaits or registry.gold[absent[0]].title, numerator=None, value=None)


def _read(spark: SparkSession, home: Home, registry: Registry, name: str, version: int | None) -> DataFrame:
    if version is None:
        columns = ", ".join(f"{column.name} {spark_type(column)}" for column in registry.gold[name].columns)
        return spark.createDataFrame([], columns)
    return spark.read.format("delta").option("versionAsOf", version).load(str(home.table("gold", name)))


def _fingerprint(indicators: Sequence[Indicator]) -> str:
    """Changes when a declaration or the engine's own code changes."""
    sources = [Path(file) for file in (__file__, grid.__file__, measures.__file__, values.__file__)]
    texts = [item.path.read_bytes() for item in indicators] + [source.read_bytes() for source in sources]
    return hashlib.sha256(b"\n".join(texts)).hexdigest()[:16]
