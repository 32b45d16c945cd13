"""What a gold table was made from: the note that its commit keeps, followed down to silver."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from agrilake.contract.load import Registry
from agrilake.paths import Home


def notes(path: Path) -> dict[int, dict[str, Any]]:
    """{Delta version: the note that its commit keeps}, of the commits that have one; empty where there is no table."""
    if not DeltaTable.is_deltatable(str(path)):
        return {}
    found = {}
    for entry in DeltaTable(str(path)).history():
        note = json.loads(entry.get("userMetadata") or "{}")
        if isinstance(note, dict) and note:
            found[int(entry["version"])] = note
    return found


def made_from(home: Home, registry: Registry, tables: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Tables (layer/name) and Delta versions, those given and all that they were made from."""
    known = cache(lambda name: notes(home.table("gold", name)))
    found: dict[tuple[str, int], None] = {}
    waiting = list(tables)
    while waiting:
        table = waiting.pop()
        if table in found:
            continue
        found[table] = None
        layer, _, name = table[0].partition("/")
        if layer == "gold":
            inputs = known(name).get(table[1], {}).get("inputs", {})
            waiting += [(located(one, registry), version) for one, version in inputs.items() if version is not None]
    return sorted(found)


def located(name: str, registry: Registry) -> str:
    """A table's name with its layer: gold/x, silver/y."""
    return f"{'gold' if name in registry.gold else 'silver'}/{name}"
