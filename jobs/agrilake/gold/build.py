"""Building gold tables: read the inputs, call the transform, put the columns in the contract's order, write."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

import agrilake.gold as package
from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset
from agrilake.contract.settings import Settings
from agrilake.errors import ContractError
from agrilake.lake.files import table_version
from agrilake.paths import Home
from agrilake.tables import periods, small
from agrilake.tables.history import keeps_states, state_fields
from agrilake.tables.read import table_at
from agrilake.tables.types import spark_type, stored_fields
from agrilake.tables.write import TableWrite, commit_note

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.connect.session import SparkSession

Transform = Callable[..., "DataFrame"]


def build_gold(spark: SparkSession, home: Home, gold: Dataset, registry: Registry, settings: Settings) -> TableWrite:
    """Bring gold/<table> up to date; unchanged where neither its inputs nor its rule changed.

    The commit keeps `inputs` ({table: Delta version}) and the fingerprint of the rule. Raises ContractError where
    the contract asks for a transform that does not exist, ConsistencyError where rows violate what it requires.
    """
    path = home.table("gold", gold.id)
    if gold_is_current(home, gold, registry, settings):
        return TableWrite(gold.id, table_version(path) or 0, changed=False)
    versions = input_versions(home, gold, registry)
    note = _note(gold, versions, settings)
    inputs = {name: _input(spark, home, name, registry, version) for name, version in versions.items()}
    arguments = _arguments(gold, settings)
    rows = conform(_transform(gold)(inputs, **arguments), gold)
    if gold.large:
        periods.overwrite(spark, rows, path, gold, note)
    else:
        small.overwrite(pl.DataFrame(pl.from_arrow(rows.toArrow())), path, gold, note)
    return TableWrite(gold.id, table_version(path) or 0, changed=True)


def gold_is_current(home: Home, gold: Dataset, registry: Registry, settings: Settings) -> bool:
    """Whether the table was built from its inputs as they stand, by the rule as it stands."""
    note = _note(gold, input_versions(home, gold, registry), settings)
    return commit_note(home.table("gold", gold.id)) == note


def _note(gold: Dataset, versions: dict[str, int | None], settings: Settings) -> dict[str, Any]:
    return {"inputs": versions, "rule": _rule_fingerprint(gold, settings)}


def conform(frame: DataFrame, gold: Dataset) -> DataFrame:
    """The contract's columns, in its order, with its types."""
    from pyspark.sql import functions as f

    return frame.select(*[f.col(c.name).cast(spark_type(c)).alias(c.name) for c in gold.columns])


def input_versions(home: Home, gold: Dataset, registry: Registry) -> dict[str, int | None]:
    """Delta versions of a gold table's inputs as they stand; None for a table that is not there yet.

    An input that keeps the states of its keys comes with them: `<dataset>_history`.
    """
    tables = [registry.any(name) for name in gold.inputs]
    names = [*gold.inputs, *(table.history_table for table in tables if table.history_table and keeps_states(table))]
    return {name: table_version(_table(home, name, registry)) for name in names}


def _table(home: Home, name: str, registry: Registry) -> Path:
    return home.table("gold" if name in registry.gold else "silver", name)


def _input(spark: SparkSession, home: Home, name: str, registry: Registry, version: int | None) -> DataFrame:
    """The input at a pinned version; an empty frame of its contract's columns where it has not been delivered yet."""
    return table_at(spark, _table(home, name, registry), version, _fields(name, registry))


def _fields(name: str, registry: Registry) -> dict[str, str]:
    if name in registry.gold or name in registry.datasets:
        return stored_fields(registry.any(name))
    return state_fields(next(item for item in registry.datasets.values() if item.history_table == name))


def _transform(gold: Dataset) -> Transform:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        transform: Transform | None = getattr(importlib.import_module(found.name), gold.id, None)
        if transform is not None and transform.__module__ == found.name:
            return transform
    raise ContractError(str(gold.path), "id", f"no transform named {gold.id}", "write it under jobs/agrilake/gold")


def _arguments(gold: Dataset, settings: Settings) -> dict[str, Any]:
    """Settings that a transform asks for by the name of its argument."""
    known = {
        "min_days_per_week": int(settings.threshold("five_a_week_min_deliveries")),
        "departments": settings.departments,
    }
    wanted = list(inspect.signature(_transform(gold)).parameters)[1:]
    return {name: known[name] for name in wanted}


def _rule_fingerprint(gold: Dataset, settings: Settings) -> str:
    """Changes with the contract, the code of the transform (its module and the shared one) and its settings."""
    from agrilake.gold import columns

    module = inspect.getmodule(_transform(gold)) or columns
    parts = (gold.path.read_text(encoding="utf-8"), inspect.getsource(module), inspect.getsource(columns))
    return hashlib.sha256("\n".join((*parts, repr(_arguments(gold, settings)))).encode()).hexdigest()[:16]
