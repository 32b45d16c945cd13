"""The last look before a file is published: no direct identifier and no pseudonym of the lake in it, and tokens of
persons only where a role is to see them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import duckdb
import polars as pl

from agrilake.checks import CHECKS
from agrilake.contract.model import Dataset
from agrilake.contract.roles import LEADER, STEWARD
from agrilake.errors import ConsistencyError
from agrilake.sql import quoted

_EDGE = "(^|[^0-9A-Za-z])"
_END = "([^0-9A-Za-z]|$)"
# GB 11643: six digits of an area, a birth date, three digits, a check character.
RESIDENT_ID = "([1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx])"
MOBILE_PHONE = "1[3-9][0-9]{9}"
PSEUDONYM = "k[0-9]+:[0-9a-f]{32}"
PERSON_NUMBER = "[yn][0-9]+-[0-9a-f]{20}"
"""As agrilake.publish.persons makes them."""
WITHOUT_PERSONS = (LEADER, STEWARD)
"""Roles that have no row about a person, not even by a token."""


def refuse_personal_columns(tables: Iterable[Dataset]) -> None:
    """Raise ConsistencyError for a table of the leader's file whose contract declares a personal column."""
    for table in tables:
        names = [column.name for column in table.columns if column.is_personal]
        if LEADER in table.published and names:
            raise ConsistencyError(
                f"{table.path.name}: {', '.join(names)} is personal, so the table cannot be published to {LEADER}"
            )


def refuse_identifiers(connection: duckdb.DuckDBPyConnection, role: str, only: Collection[str] | None = None) -> None:
    """Scan every text column of the open database (of `only` those tables where given); ConsistencyError names table
    and column, never the value."""
    columns = connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() "
        "WHERE NOT internal AND data_type IN ('VARCHAR', 'VARCHAR[]', 'JSON') ORDER BY ALL"
    ).fetchall()
    by_table: dict[str, list[str]] = {}
    for table, column in columns:
        if only is None or table in only:
            by_table.setdefault(table, []).append(column)
    shapes = {"a mobile number": MOBILE_PHONE, "a pseudonym of the lake": PSEUDONYM}
    shapes |= {"a person's token": PERSON_NUMBER} if role in WITHOUT_PERSONS else {}
    for table, names in by_table.items():
        _refuse_shapes(connection, role, table, names, shapes)
        _refuse_resident_ids(connection, role, table, names)


def _refuse_shapes(
    connection: duckdb.DuckDBPyConnection, role: str, table: str, columns: list[str], shapes: dict[str, str]
) -> None:
    wanted = [(column, what, pattern) for column in columns for what, pattern in shapes.items()]
    tests = ", ".join(
        f"count_if(regexp_matches({quoted(column)}::VARCHAR, '{_EDGE}{pattern}{_END}'))"
        for column, _, pattern in wanted
    )
    counts = connection.execute(f"SELECT {tests} FROM {quoted(table)}").fetchone() or ()
    for (column, what, _), count in zip(wanted, counts, strict=True):
        if count:
            raise _found(role, table, column, what, count)


def _refuse_resident_ids(connection: duckdb.DuckDBPyConnection, role: str, table: str, columns: list[str]) -> None:
    """By shape and date; registration codes of organisations may have that shape by chance and are let pass."""
    for column in columns:
        pattern = f"'{_EDGE}{RESIDENT_ID}{_END}'"
        text = f"{quoted(column)}::VARCHAR"
        hits = connection.execute(
            f"SELECT regexp_extract({text}, {pattern}, 2) FROM {quoted(table)} WHERE regexp_matches({text}, {pattern})"
        ).fetchall()
        if hits:
            codes = CHECKS["credit_code"].holds(pl.Series([hit[0] for hit in hits], dtype=pl.Utf8))
            persons = len(hits) - int(codes.sum())
            if persons:
                raise _found(role, table, column, "a resident id", persons)


def _found(role: str, table: str, column: str, what: str, count: int) -> ConsistencyError:
    return ConsistencyError(
        f"{role}.duckdb: {table}.{column} holds {what} in {count} rows; nothing was published. "
        "Drop or pseudonymise the column in its contract."
    )
