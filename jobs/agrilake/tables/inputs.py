"""What a gold table was made from: the note that its commit keeps, followed down to silver."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from agrilake.contract.load import Registry
from agrilake.paths import Home


def note_at(path: Path, version: int) -> dict[str, Any]:
    """The note that a table's commit keeps; empty where it has none.

    Read from the commit's own file, since delta-rs can only list the whole history, which grows for ever.
    """
    commit = path / "_delta_log" / f"{version:020d}.json"
    for line in commit.read_text(encoding="utf-8").splitlines() if commit.is_file() else ():
        if '"commitInfo"' in line:
            found = json.loads(json.loads(line)["commitInfo"].get("userMetadata") or "{}")
            return found if isinstance(found, dict) else {}
    return {}


def made_from(
    home: Home,
    registry: Registry,
    tables: Iterable[tuple[str, int]],
    note: Callable[[Path, int], dict[str, Any]] = note_at,
) -> list[tuple[str, int]]:
    """Tables (layer/name) and Delta versions, those given and all that they were made from, as gold's notes say."""
    found: dict[tuple[str, int], None] = {}
    waiting = list(tables)
    while waiting:
        table = waiting.pop()
        if table in found:
            continue
        found[table] = None
        layer, _, name = table[0].partition("/")
        if layer == "gold":
            inputs = note(home.table("gold", name), table[1]).get("inputs", {})
            waiting += [(located(one, registry), version) for one, version in inputs.items() if version is not None]
    return sorted(found)


def located(name: str, registry: Registry) -> str:
    """A table's name with its layer: gold/x, silver/y."""
    return f"{'gold' if name in registry.gold else 'silver'}/{name}"
