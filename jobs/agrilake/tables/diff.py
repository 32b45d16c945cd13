"""Two versions of a table, row by row: what came, what went, what changed. No personal value leaves this module."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset, Load
from agrilake.errors import UsageError
from agrilake.intake.privacy import mask_text
from agrilake.paths import Home
from agrilake.sql import quoted
from agrilake.tables.types import PROVENANCE

ORIGIN = (*PROVENANCE, "source_dataset", "delivery_id", "sheet", "line")
"""Where a row came from: no part of what it says."""
WAY_BACK = ("_delivery_id", "_sheet", "_line", "delivery_id", "sheet", "line")
COMING, GOING, CHANGED = "added", "removed", "changed"


@dataclass(frozen=True)
class Shape:
    """How rows of a table are told apart: its name and Chinese title, its key, and the columns that may not be shown,
    or only with numbers masked that somebody wrote into them."""

    table: str
    title: str
    key: tuple[str, ...]
    personal: frozenset[str] = frozenset()
    free_text: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RowChange:
    """One row: `kind` added, removed or changed, its key (or the way back to its line where the key is personal), and
    {column: (before, after)} of what changed."""

    kind: str
    key: dict[str, Any]
    columns: dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class TableDiff:
    """How `after` differs from `before`, in rows. `columns` counts the changed rows by column, `moved` the rows that
    say the same and come from another file or line. Without a key a changed row counts as one removed and one added."""

    table: str
    title: str
    before: str
    after: str
    rows_before: int
    rows_after: int
    added: int
    removed: int
    changed: int
    moved: int
    columns: dict[str, int]
    sample: tuple[RowChange, ...]

    @property
    def is_same(self) -> bool:
        """Whether both hold the same rows, wherever these came from."""
        return not (self.added or self.removed or self.changed)


def shape_of(table: str, registry: Registry) -> Shape:
    """Key and personal columns of silver/x, silver/x_history or gold/x; UsageError for another table."""
    layer, _, name = table.partition("/")
    if layer == "gold" and name in registry.gold:
        return _shape(table, registry.gold[name], registry.gold[name].key)
    for dataset in registry.datasets.values() if layer == "silver" else ():
        if name == dataset.id:
            period = ("_period",) if dataset.load is Load.SNAPSHOT else ()
            return _shape(table, dataset, (*period, *dataset.key))
        if name == dataset.history_table:
            return _shape(table, dataset, (*dataset.key, "valid_from"))
    raise UsageError(f"no contract for {table!r}; name a table as silver.postal_parcel or gold.service_site")


def _shape(table: str, contract: Dataset, key: tuple[str, ...]) -> Shape:
    personal = frozenset(column.name for column in contract.personal_columns)
    return Shape(table, contract.title, key, personal, frozenset(c.name for c in contract.columns if c.is_free_text))


def rows_at(home: Home, table: str, version: int | None) -> pa.dataset.Dataset | None:
    """A Delta table at a version; None for no version. UsageError where the table never had that version, or a vacuum
    has removed it."""
    if version is None:
        return None
    path = str(home.table(*table.split("/", 1)))
    newest = DeltaTable(path).version() if DeltaTable.is_deltatable(path) else None
    if newest is None or not 0 <= version <= newest:
        known = "no version yet" if newest is None else f"versions 0 to {newest}"
        raise UsageError(f"{table} has {known}, not {version}")
    try:
        return DeltaTable(path, version=version).to_pyarrow_dataset()
    except (DeltaError, OSError) as error:
        raise UsageError(f"{table} version {version} is no longer kept") from error


def diff(shape: Shape, before: Any, after: Any, names: tuple[str, str], limit: int = 10) -> TableDiff:
    """Compare two Arrow tables or datasets (None: no rows), called `names`; at most `limit` rows are shown of each
    kind."""
    if before is None and after is None:
        return TableDiff(shape.table, shape.title, *names, 0, 0, 0, 0, 0, 0, {}, ())
    connection = duckdb.connect()
    try:
        columns = _registered(connection, before, after)
        compared = [name for name in columns if name not in (*shape.key, *ORIGIN)]
        old, new = (_one(connection, f"SELECT count(*) FROM {side}") for side in ("b", "a"))
        if shape.key and set(shape.key) <= set(columns):
            found = _by_key(connection, shape, columns, compared, limit)
        else:
            found = _by_row(connection, shape, [name for name in columns if name not in ORIGIN], limit)
        return TableDiff(shape.table, shape.title, *names, old, new, **found)
    except duckdb.IOException as error:
        raise UsageError(f"{shape.table} {names[0]} or {names[1]}: files of it were removed by a vacuum") from error
    finally:
        connection.close()


def _registered(connection: duckdb.DuckDBPyConnection, before: Any, after: Any) -> list[str]:
    """The views `b` and `a`, one without rows where there is nothing; the columns that both have."""
    sides = {"b": before, "a": after}
    for name, rows in sides.items():
        if rows is not None:
            connection.register(name, rows)
    for name, rows in sides.items():
        if rows is None:
            connection.execute(f"CREATE TEMP VIEW {name} AS SELECT * FROM {'ab'[name == 'a']} LIMIT 0")
    names = [[row[0] for row in connection.execute(f"DESCRIBE {side}").fetchall()] for side in sides]
    return [name for name in names[1] if name in names[0]]


def _by_key(
    connection: duckdb.DuckDBPyConnection, shape: Shape, columns: Sequence[str], compared: Sequence[str], limit: int
) -> dict[str, Any]:
    """Counts and a sample from a full join on the key."""
    listed = ", ".join(map(quoted, columns))
    match = " AND ".join(f"b.{quoted(name)} IS NOT DISTINCT FROM a.{quoted(name)}" for name in shape.key)
    both = f"(SELECT true AS _in, {listed} FROM b) b FULL JOIN (SELECT true AS _in, {listed} FROM a) a ON {match}"
    connection.execute(
        "CREATE TEMP TABLE joined AS SELECT "
        + ", ".join(f"{side}.{quoted(name)} AS {quoted(f'{side}_{name}')}" for side in ("a", "b") for name in columns)
        + f", b._in AS b_in, a._in AS a_in FROM {both} WHERE b._in IS NULL OR a._in IS NULL OR "
        + _differs([*compared, *(name for name in columns if name in ORIGIN)])
    )
    kinds = {
        GOING: "a_in IS NULL",
        COMING: "b_in IS NULL",
        CHANGED: f"a_in AND b_in AND ({_unequal(compared)})",
        "moved": f"a_in AND b_in AND NOT ({_unequal(compared)})",
    }
    counts = {kind: _one(connection, f"SELECT count(*) FROM joined WHERE {where}") for kind, where in kinds.items()}
    changed = {
        name: _one(connection, f"SELECT count(*) FROM joined WHERE a_in AND b_in AND {_unequal([name])}")
        for name in compared
    }
    shown: list[RowChange] = []
    order = ", ".join(f"coalesce({quoted('a_' + name)}, {quoted('b_' + name)})" for name in shape.key)
    for kind in (CHANGED, COMING, GOING):
        rows = connection.execute(f"SELECT * FROM joined WHERE {kinds[kind]} ORDER BY {order} LIMIT {int(limit)}").pl()
        shown += [_row_change(row, kind, shape, compared) for row in rows.to_dicts()]
    return {**counts, "columns": {name: n for name, n in changed.items() if n}, "sample": tuple(shown)}


def _by_row(connection: duckdb.DuckDBPyConnection, shape: Shape, columns: Sequence[str], limit: int) -> dict[str, Any]:
    """Counts and a sample of whole rows that only one side has, as often as it has them more."""
    found: dict[str, Any] = {CHANGED: 0, "moved": 0, "columns": {}}
    shown: list[RowChange] = []
    listed = ", ".join(map(quoted, columns))
    for kind, one, other in ((COMING, "a", "b"), (GOING, "b", "a")):
        only = connection.execute(f"SELECT {listed} FROM {one} EXCEPT ALL SELECT {listed} FROM {other}").pl()
        found[kind] = only.height
        for row in only.head(limit).to_dicts():
            visible = {name: _shown(shape, name, value) for name, value in row.items() if name not in shape.personal}
            shown.append(RowChange(kind, visible, {}))
    return {**found, "sample": tuple(shown)}


def _row_change(row: dict[str, Any], kind: str, shape: Shape, compared: Sequence[str]) -> RowChange:
    side = "b_" if kind == GOING else "a_"
    open_key = [name for name in shape.key if name not in shape.personal]
    hidden = len(open_key) < len(shape.key)
    names = [*open_key, *(name for name in WAY_BACK if hidden and side + name in row)]
    changed = {
        name: (_shown(shape, name, row[f"b_{name}"]), _shown(shape, name, row[f"a_{name}"]))
        for name in compared
        if kind == CHANGED and name not in shape.personal and row[f"b_{name}"] != row[f"a_{name}"]
    }
    return RowChange(kind, {name: row[side + name] for name in names}, changed)


def _shown(shape: Shape, name: str, value: Any) -> Any:
    return mask_text(value) if isinstance(value, str) and name in shape.free_text else value


def _differs(columns: Collection[str]) -> str:
    return " OR ".join(f"b.{quoted(name)} IS DISTINCT FROM a.{quoted(name)}" for name in columns) or "false"


def _unequal(columns: Collection[str]) -> str:
    return " OR ".join(f"{quoted('b_' + n)} IS DISTINCT FROM {quoted('a_' + n)}" for n in columns) or "false"


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0
