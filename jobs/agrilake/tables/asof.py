"""Reading silver and gold at given Delta versions, by DuckDB over delta-rs: no JVM."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from agrilake.errors import UsageError
from agrilake.lake.erasures import oldest_versions
from agrilake.paths import Home

TABLE = re.compile(r"\b(silver|gold)\s*\.\s*\"?([a-z0-9_]+)\"?", re.IGNORECASE)


def lake_sql(home: Home, query: str, versions: Mapping[str, int] | None = None, *, spatial: bool = False) -> pa.Table:
    """The answer to a DuckDB query over tables `silver.x` and `gold.x`.

    `versions` ({"silver/x": 3}) pins the lake; a table that it lacks did not exist then. Only reads: external
    access is off and the configuration locked before the query runs. `spatial` adds the functions ST_… for the lake's
    own rules. Raises UsageError for an unknown table or a query that DuckDB refuses.
    """
    connection = duckdb.connect()
    try:
        for layer, name in sorted(set(TABLE.findall(query))):
            _register(connection, home, layer.lower(), name.lower(), versions)
        if spatial:
            connection.load_extension(str(_spatial()))
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        return connection.execute(query).to_arrow_table()
    except duckdb.Error as error:
        raise UsageError(f"DuckDB: {error}") from error
    finally:
        connection.close()


def _spatial() -> Path:
    """DuckDB's spatial extension, from its package: nothing is downloaded."""
    import duckdb_extension_spatial

    (found,) = Path(duckdb_extension_spatial.__file__).parent.rglob("*.duckdb_extension")
    return found


def _register(
    connection: duckdb.DuckDBPyConnection, home: Home, layer: str, name: str, versions: Mapping[str, int] | None
) -> None:
    path = home.table(layer, name)
    version = None if versions is None else versions.get(f"{layer}/{name}")
    if not DeltaTable.is_deltatable(str(path)) or (versions is not None and version is None):
        folder = home.table(layer)
        known = (
            sorted(item.name for item in folder.iterdir() if not item.name.startswith(".")) if folder.exists() else []
        )
        raise UsageError(f"no table {layer}.{name}{' then' if versions else ''}; known: {', '.join(known) or 'none'}")
    if version is not None and version < oldest_versions(home).get(f"{layer}/{name}", 0):
        raise UsageError(
            f"{layer}.{name} as it was then was taken away when a person was erased; ask for a later day "
            "(agrilake erase --list says when), or for the table as it is now"
        )
    view = f"{layer}__{name}"
    connection.register(view, DeltaTable(str(path), version=version).to_pyarrow_dataset())
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {layer}")
    connection.execute(f"CREATE VIEW {layer}.{name} AS SELECT * FROM {view}")
