"""Persons in published files: by a token of the file's own, which links its tables and no other publication's.

The lake tells persons by the numbers of departments' registers and by pseudonyms of identity numbers. A publication has
neither: it has HMACs of them under a key that is derived for a year or for this publication alone. Which columns these
are follows from the contracts. In such a table a row's own number is a token too, its line is left out, and the rows
stand in order of the tokens: each of these would lead from one publication to the next.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pyarrow as pa
from duckdb.sqltypes import VARCHAR

from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset
from agrilake.contract.settings import PER_YEAR, Settings
from agrilake.intake.keys import Key, KeyRing
from agrilake.publish.database import sql_type
from agrilake.publish.model import Layout
from agrilake.sql import quoted

FUNCTION = "person_token"
CHARACTERS = 20
TOKEN = re.compile(r"([yn][0-9]+)-([0-9a-f]{20})")
PLACE = {"lon", "lat"}
MARK = "（代号）"
LINES = ("line", "sheet", "_line", "_sheet")


@dataclass(frozen=True)
class Columns:
    """Of a table: columns that are shown as tokens, and those that are left empty."""

    tokens: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True)
class Persons:
    """How one publication tells persons: by tokens `<scope>-<20 hex>`; `columns` by table. Publications of the same
    `span` tell a person by the same token."""

    scope: str
    key: bytes = field(repr=False)
    span: str
    columns: Mapping[str, Columns]

    def apart(self, department: str) -> Persons:
        """For a department's own file: tokens that link its tables and nothing beyond."""
        return replace(self, key=hmac.new(self.key, f"department/{department}".encode(), "sha256").digest())

    def register(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let SQL of this connection make the tokens."""

        def made(values: pa.ChunkedArray) -> pa.Array:
            return self.tokens(pl.Series(values.to_pylist(), dtype=pl.String)).to_arrow().cast(pa.string())

        connection.create_function(FUNCTION, made, [VARCHAR], VARCHAR, type="arrow")  # type: ignore[call-overload]

    def tokens(self, numbers: pl.Series) -> pl.Series:
        """The tokens of register numbers or of the lake's pseudonyms; null stays null."""
        distinct = numbers.drop_nulls().unique()
        prepared = hmac.new(self.key, b"person\x00", "sha256")

        def token(number: str) -> str:
            state = prepared.copy()
            state.update(number.encode())
            return f"{self.scope}-{state.hexdigest()[:CHARACTERS]}"

        made = pl.Series([token(number) for number in distinct], dtype=pl.String)
        return numbers.replace_strict(distinct, made, default=None, return_dtype=pl.String)

    def instead(self, table: Dataset) -> dict[str, str]:
        """SQL of the table's columns that are not published as they are."""
        found = self.columns.get(table.id, Columns())
        kinds = {"_line": "BIGINT"} | {column.name: sql_type(column) for column in table.columns}
        hidden = {name: f"NULL::{kinds.get(name, 'VARCHAR')} AS {quoted(name)}" for name in found.hidden}
        return hidden | {name: f"{FUNCTION}({quoted(name)}::VARCHAR) AS {quoted(name)}" for name in found.tokens}

    def titled(self, table: Dataset, layout: Layout) -> Layout:
        """The layout with titles that say what a token is."""
        tokens = self.columns.get(table.id, Columns()).tokens
        columns = [replace(one, title=one.title + MARK) if one.name in tokens else one for one in layout.columns]
        return replace(layout, columns=columns)


def persons_of(registry: Registry, settings: Settings, ring: KeyRing, version: int) -> Persons:
    """How publication `version` tells persons, by the newest key."""
    scope = f"y{_year(settings)}" if settings.person_tokens == PER_YEAR else f"n{version}"
    return _persons(scope, ring.current, published_columns(registry))


def earlier_persons(registry: Registry, ring: KeyRing, scope: str) -> list[Persons]:
    """How publications of a scope may have told persons, the newest key first."""
    columns = published_columns(registry)
    return [_persons(scope, key, columns) for key in ring.keys]


def _persons(scope: str, key: Key, columns: Mapping[str, Columns]) -> Persons:
    return Persons(scope, key.derived(f"publication/{scope}"), f"{key.id} {key.fingerprint[:8]} {scope}", columns)


def span(settings: Settings, ring: KeyRing) -> str:
    """What makes the same content another publication: another key, another year."""
    until = _year(settings) if settings.person_tokens == PER_YEAR else "each"
    return f"{ring.current.id} {ring.current.fingerprint[:8]} {until}"


def _year(settings: Settings) -> int:
    return datetime.now(ZoneInfo(settings.timezone)).year


def published_columns(registry: Registry) -> dict[str, Columns]:
    """The columns of each table that tell a person, or a row about one."""
    numbers = person_numbers(registry)
    found = {}
    for table in (*registry.datasets.values(), *registry.gold.values()):
        pseudonyms = [item.name for item in table.columns if item.is_personal and item.in_silver and table.is_gold]
        own = [item.name for item in table.columns if (table.id, item.name) in numbers]
        names = {item.name for item in table.columns}
        if own and names >= PLACE:
            found[table.id] = Columns(hidden=tuple(own))  # a place on the map would lead from token to token
        elif own or pseudonyms:
            row_number = table.key if len(table.key) == 1 else ()
            lines = tuple(name for name in LINES if name in names or not table.is_gold)
            found[table.id] = Columns(tuple(dict.fromkeys([*own, *pseudonyms, *row_number])), lines)
    return found


def person_numbers(registry: Registry) -> set[tuple[str, str]]:
    """(table, column) of the numbers by which departments' registers tell persons: the key of a register with identity
    numbers, what refers to it, and the gold columns that carry either on."""
    found = {
        (item.id, item.key[0])
        for item in registry.datasets.values()
        if len(item.key) == 1 and any(column.pii == "id_no" for column in item.columns)
    }
    tables = (*registry.datasets.values(), *registry.gold.values())
    while True:
        more = {(table.id, name) for table in tables for name, origin in _origins(table) if origin in found}
        if more <= found:
            return found
        found |= more


def _origins(table: Dataset) -> list[tuple[str, tuple[str, str]]]:
    """The table's columns, each with a column of another table that it refers to or is taken from."""
    referring = [
        (item.name, (item.reference.dataset, item.reference.column)) for item in table.columns if item.reference
    ]
    carried = [(item.name, (name, item.name)) for name in table.inputs for item in table.columns]
    declared = [(name, (source, taken)) for source, names in table.lineage.items() for name, taken in names.items()]
    return [*referring, *carried, *declared]
