"""Questions that people ask of silver and gold, recorded where personal tables are in them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pyarrow as pa

from agrilake.contract.load import Registry
from agrilake.lake import audit
from agrilake.paths import Home
from agrilake.tables.asof import TABLE, lake_sql


def ask(home: Home, registry: Registry, query: str, versions: Mapping[str, int] | None = None) -> pa.Table:
    """The answer to a person's query (see lake_sql).

    Each table with personal columns in it leaves a line in the audit log: who, which table, a hash of the query (not
    the query: somebody may ask for a person by number).
    """
    for table in personal_tables(registry, query):
        audit.record(home, "read", table, query=hashlib.sha256(query.encode()).hexdigest()[:16])
    return lake_sql(home, query, versions)


def personal_tables(registry: Registry, query: str) -> list[str]:
    """Tables of the query (layer/name) that hold pseudonyms or other personal columns by their contract."""
    asked = sorted({(layer.lower(), name.lower()) for layer, name in TABLE.findall(query)})
    return [f"{layer}/{name}" for layer, name in asked if _is_personal(registry, layer, name)]


def _is_personal(registry: Registry, layer: str, name: str) -> bool:
    known = registry.datasets if layer == "silver" else registry.gold
    declared = known.get(name) or known.get(name.removesuffix("_history"))
    return declared is not None and any(column.is_personal for column in declared.columns)
