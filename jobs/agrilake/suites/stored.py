"""Reading what a suite looks at: the stored table at one version, its row counts, and the lists of known codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from agrilake.checks import district_context
from agrilake.contract.settings import Settings
from agrilake.errors import UsageError
from agrilake.lake.files import scan
from agrilake.paths import Home
from agrilake.suites.judge import Surroundings

DIVISION_TABLE, DIVISION_CODE = "stats_division", "code"
CROSSWALK_TABLE = "stats_division_crosswalk"
LEVEL_OF_CODE: dict[str, Callable[[str], bool]] = {
    "county": lambda code: code.endswith("000000"),
    "township": lambda code: code.endswith("000") and not code.endswith("000000"),
    "village": lambda code: not code.endswith("000"),
    "any": lambda code: True,
}


def delta_version(path: Path, version: int | None) -> int:
    """The version to look at (default: the newest); UsageError where there is no table."""
    if not DeltaTable.is_deltatable(str(path)):
        raise UsageError(f"{path.parent.name}/{path.name}: there is no such table yet")
    return DeltaTable(str(path)).version() if version is None else version


def row_count(path: Path, version: int) -> int:
    """Rows at a version, from the log's statistics where all its files have them."""
    table = DeltaTable(str(path), version=version)
    actions = pl.from_arrow(table.get_add_actions(flatten=True))
    if isinstance(actions, pl.DataFrame) and "num_records" in actions.columns:
        deleted = [name for name in actions.columns if name.startswith("deletion_vector")]
        plain = all(actions[name].is_null().all() for name in deleted)
        if plain and not actions["num_records"].has_nulls():
            return int(actions["num_records"].sum())
    frame = scan(path, version)
    return 0 if frame is None else int(frame.select(pl.len()).collect().item())


def previous_rows(path: Path, version: int) -> int | None:
    """Rows at the version before; None for the first, or where that version was vacuumed away or its log cut."""
    if version == 0:
        return None
    try:
        return row_count(path, version - 1)
    except (OSError, DeltaError):
        return None


def columns_of(path: Path, version: int) -> list[str]:
    """Column names at a version, in the table's order."""
    return [field.name for field in DeltaTable(str(path), version=version).schema().fields]


def read_pandas(path: Path, version: int, timezone: str) -> pd.DataFrame:
    """The table for the pandas engine: decimals as doubles (ranges of doubles are all they are compared with),
    moments as the clock of `timezone` shows them (their day is what they are compared by)."""
    frame = scan(path, version)
    if frame is None:
        raise UsageError(f"{path.name}: there is no such table yet")
    kinds = frame.collect_schema()
    decimals = [name for name, kind in kinds.items() if kind.is_decimal()]
    moments = [name for name, kind in kinds.items() if isinstance(kind, pl.Datetime) and kind.time_zone]
    local = pl.col(moments).dt.convert_time_zone(timezone).dt.replace_time_zone(None)
    return frame.with_columns(pl.col(decimals).cast(pl.Float64), local).collect().to_pandas()


def surroundings_for(home: Home, suite: Mapping[str, Any], settings: Settings) -> tuple[Surroundings, set[str]]:
    """What the suite's checks compare with, and the lookups whose table is not there yet."""
    wanted = {item["kwargs"]["lookup"] for item in suite["expectations"] if item["kwargs"].get("lookup")}
    lookups: dict[str, frozenset[str]] = {}
    for name in sorted(wanted):
        kind, _, target = name.partition(":")
        table, _, column = target.partition(".") if kind == "column" else (DIVISION_TABLE, "", DIVISION_CODE)
        codes = _codes(home, table, column)
        if codes is not None:
            belongs = LEVEL_OF_CODE[target] if kind == "division" else LEVEL_OF_CODE["any"]
            lookups[name] = frozenset(code for code in codes if belongs(code))
    context = replace(district_context(settings), civil_codes=_civil_codes(home))
    return Surroundings(context, lookups), wanted - set(lookups)


def _civil_codes(home: Home) -> dict[str, list[str]] | None:
    """Codes of civil affairs to those of statistics that any year's crosswalk gives; None until one has arrived."""
    frame = scan(home.table("silver", CROSSWALK_TABLE))
    if frame is None:
        return None
    pairs = frame.group_by("civil_code").agg(pl.col("statistics_code").unique())
    return dict(pairs.collect().iter_rows())


def _codes(home: Home, table: str, column: str) -> Iterable[str] | None:
    """All values of a column that silver (else gold) has ever held at once: also codes of earlier periods count."""
    for layer in ("silver", "gold"):
        frame = scan(home.table(layer, table))
        if frame is not None:
            values = frame.select(pl.col(column).cast(pl.Utf8).drop_nulls().unique()).collect()
            return [str(value) for value in values.to_series()]
    return None
