"""Writing one role's DuckDB file from the gold Delta tables at fixed versions, without extension or JVM."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
from deltalake import DeltaTable

from agrilake.contract.model import Column as ContractColumn
from agrilake.contract.model import Dataset, LogicalType
from agrilake.errors import ConsistencyError
from agrilake.publish.model import Column, Layout
from agrilake.publish.opening import read_only
from agrilake.sql import literal, quoted

ROW_GROUP = 122_880
SQL_TYPES = {
    LogicalType.STRING: "VARCHAR",
    LogicalType.INTEGER: "BIGINT",
    LogicalType.DATE: "DATE",
    LogicalType.TIMESTAMP: "TIMESTAMP",
    LogicalType.BOOLEAN: "BOOLEAN",
}


@contextmanager
def new_database(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a file to be written; at the end everything is in the file and nothing beside it."""
    connection = duckdb.connect(str(path), config={"autoinstall_known_extensions": False})
    try:
        connection.begin()  # one commit for all: each alone would be a write to disk
        yield connection
        connection.commit()
        connection.execute("CHECKPOINT")
    finally:
        connection.close()


def published_columns(table: Dataset) -> list[Column]:
    """A gold contract's columns with their SQL types."""
    return [Column(column.name, sql_type(column), column.title) for column in table.columns]


def sql_type(column: ContractColumn) -> str:
    """The published type: numbers as declared, moments as the district's clock shows them."""
    if column.type is LogicalType.NUMBER:
        return "DOUBLE" if column.precision is None else f"DECIMAL({column.precision},{column.scale})"
    return SQL_TYPES[column.type]


def empty_table(connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """The table without rows, so that a dashboard that reads it shows nothing instead of an error."""
    columns = ", ".join(f"{quoted(column.name)} {column.sql_type}" for column in layout.columns)
    connection.execute(f"CREATE TABLE {quoted(layout.name)} ({columns})")
    comment(connection, layout)


def table_from_delta(
    connection: duckdb.DuckDBPyConnection,
    layout: Layout,
    path: Path,
    version: int,
    timezone: str,
    instead: Mapping[str, str] | None = None,
    ordered: Sequence[str] = (),
) -> None:
    """The table's rows at a Delta version, in declared columns and types; ConsistencyError where they do not fit.

    `instead` has the SQL of columns that are not shown as they are; the rows stand in order of those `ordered`.
    """
    with registered(connection, path, version) as kinds:
        other = instead or {}
        missing = [column.name for column in layout.columns if column.name not in kinds | other.keys()]
        if missing:
            raise ConsistencyError(f"gold/{layout.name} version {version}: no column {', '.join(missing)}")
        chosen = [other.get(column.name) or cast(column, kinds[column.name], timezone) for column in layout.columns]
        table_from_source(connection, layout, chosen, f"gold/{layout.name} version {version}", ordered)


def table_from_source(
    connection: duckdb.DuckDBPyConnection,
    layout: Layout,
    chosen: Sequence[str],
    origin: str,
    ordered: Sequence[str] = (),
) -> None:
    """The table as `chosen` (an SQL expression a column) over the view `source`, by the columns `ordered` where given;
    ConsistencyError that names `origin` where a value does not fit its declared type."""
    rows = f"SELECT {', '.join(chosen)} FROM source"
    if ordered:
        names = dict.fromkeys([*ordered, *(column.name for column in layout.columns)])
        rows = f"SELECT * FROM ({rows}) ORDER BY {', '.join(map(quoted, names))}"
    try:
        connection.execute(f"CREATE TABLE {quoted(layout.name)} AS {rows}")
    except duckdb.ConversionException:
        # without its cause, whose message quotes the value
        raise ConsistencyError(f"{origin}: stored values do not fit the contract's types") from None
    comment(connection, layout)


def table_from_frame(connection: duckdb.DuckDBPyConnection, layout: Layout, rows: pl.DataFrame) -> None:
    """The table from rows in memory, in declared columns and types."""
    connection.register("source", rows.to_arrow())
    try:
        chosen = [f"{quoted(column.name)}::{column.sql_type} AS {quoted(column.name)}" for column in layout.columns]
        table_from_source(connection, layout, chosen, layout.name)
    finally:
        connection.unregister("source")


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, path: Path, version: int) -> Iterator[dict[str, str]]:
    """A Delta table at a version as the view `source`, read in batches; yields {column: SQL type}."""
    dataset = DeltaTable(str(path), version=version).to_pyarrow_dataset()
    # In batches of DuckDB's own row groups: smaller ones are written twice, which doubles the time.
    connection.register("source", dataset.scanner(batch_size=ROW_GROUP))
    try:
        described = connection.execute("DESCRIBE source").fetchall()
        yield {row[0]: row[1] for row in described}
    finally:
        connection.unregister("source")


def cast(column: Column, found: str, timezone: str) -> str:
    """SQL that gives a column of SQL type `found` as declared; moments become the district's clock."""
    name = quoted(column.name)
    if found == "TIMESTAMP WITH TIME ZONE" and column.sql_type == "TIMESTAMP":
        return f"{name} AT TIME ZONE '{timezone}' AS {name}"
    return f"{name}::{column.sql_type} AS {name}"


def table_from_rows(connection: duckdb.DuckDBPyConnection, layout: Layout, rows: Iterable[Mapping[str, Any]]) -> None:
    """A small table from rows; keys that the layout does not name are left out."""
    empty_table(connection, layout)
    insert(connection, layout.name, [column.name for column in layout.columns], rows)


def insert(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> None:
    """Add rows to a table, in one statement and in its types."""
    taken = list(rows)
    if not taken:
        return
    connection.register("source", pa.table({name: [row.get(name) for row in taken] for name in columns}))
    try:
        connection.execute(f"INSERT INTO {quoted(table)} SELECT * FROM source")
    finally:
        connection.unregister("source")


def table_from_arrow(
    connection: duckdb.DuckDBPyConnection, name: str, title: str, table: pa.Table, titles: Mapping[str, str]
) -> None:
    """An Arrow table as it stands, with the titles of the columns that have one."""
    connection.register("source", table)
    try:
        connection.execute(f"CREATE TABLE {quoted(name)} AS SELECT * FROM source")
    finally:
        connection.unregister("source")
    columns = [Column(column, "", titles[column]) for column in table.column_names if column in titles]
    comment(connection, Layout(name, title, columns))


def table_from_file(connection: duckdb.DuckDBPyConnection, layout: Layout, file: Path) -> bool:
    """A held table as an earlier publication has it; False where that one does not have it.

    Copied from the file and not read again from Delta: a hold may outlast the versions that a vacuum keeps.
    """
    if not file.exists():  # of a publication that had no file for this role yet
        return False
    earlier = read_only(file)
    try:
        known = earlier.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [layout.name]).fetchone()
        if known is None:
            return False
        connection.register("source", earlier.execute(f"SELECT * FROM {quoted(layout.name)}").to_arrow_reader())
        connection.execute(f"CREATE TABLE {quoted(layout.name)} AS SELECT * FROM source")
        connection.unregister("source")
    finally:
        earlier.close()
    present = {row[0] for row in connection.execute(f"DESCRIBE {quoted(layout.name)}").fetchall()}
    comment(connection, Layout(layout.name, layout.title, [item for item in layout.columns if item.name in present]))
    return True


def comment(connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """Chinese titles as comments of the table and its columns."""
    _comment(connection, f"TABLE {quoted(layout.name)}", layout.title)
    for column in layout.columns:
        _comment(connection, f"COLUMN {quoted(layout.name)}.{quoted(column.name)}", column.title)


def _comment(connection: duckdb.DuckDBPyConnection, what: str, text: str) -> None:
    connection.execute(f"COMMENT ON {what} IS {literal(text)}")


def row_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of every table."""
    names: Sequence[tuple[str]] = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE NOT temporary ORDER BY 1"
    ).fetchall()
    counts = {}
    for (name,) in names:
        row = connection.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone()
        counts[name] = int(row[0]) if row else 0
    return counts
