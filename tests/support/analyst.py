"""An analysts' file made by hand: every published table as the publication lays it out, with a few rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from agrilake.contract.load import Registry
from agrilake.publish.database import empty_table, insert, new_database, published_columns
from agrilake.publish.departments import department_layout
from agrilake.publish.hiding import with_marks
from agrilake.publish.model import Layout

Rows = Sequence[Mapping[str, Any]]


def analyst_file(path: Path, registry: Registry, tables: Mapping[str, Rows]) -> duckdb.DuckDBPyConnection:
    """The file at `path`, opened; rows name only what matters, and stand in line 2 and on of delivery `d1`."""
    layouts = {name: department_layout(dataset) for name, dataset in registry.datasets.items()}
    for name, table in registry.gold.items():
        if table.published:
            layouts[name] = Layout(name, table.title, with_marks(table, published_columns(table)))
    with new_database(path) as connection:
        for name, layout in layouts.items():
            empty_table(connection, layout)
            known = [column.name for column in layout.columns]
            rows = [_complete(row, number, known) for number, row in enumerate(tables.get(name, ()), 2)]
            if rows:
                insert(connection, name, known, rows)
    return duckdb.connect(str(path), read_only=True)


def _complete(row: Mapping[str, Any], line: int, known: Sequence[str]) -> dict[str, Any]:
    assert set(row) <= set(known), set(row) - set(known)
    back = {"delivery_id": "d1", "line": line} if "delivery_id" in known else {"_delivery_id": "d1", "_line": line}
    return {"_period": "2024Q1", **back, **row}
