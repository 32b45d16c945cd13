"""Versions that must stay readable, whatever upkeep deletes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator

from deltalake import DeltaTable

from agrilake.lake.files import last_change
from agrilake.pipeline.context import Lake


def pinned_versions(lake: Lake) -> dict[str, list[int]]:
    """{"silver/x": Delta versions}: those of every recorded lake version, which as-of queries and publications read,
    those that the newest gold was made from, and from there on the inputs of the inputs."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    made_from: dict[str, dict[int, dict[str, int]]] = {}
    known = [table for version in lake.state.lake_versions() for table in version.tables.items()]
    for log in sorted(lake.home.table("gold").glob("*/_delta_log")):
        table = DeltaTable(str(log.parent))
        name = f"gold/{log.parent.name}"
        made_from[name] = dict(_inputs(lake, table))
        newest = last_change(table).get("version")
        known += [(name, newest)] if newest is not None else []
    while known:
        name, version = known.pop()
        if version not in found[name]:
            found[name].add(version)
            known += made_from.get(name, {}).get(version, {}).items()
    return {name: sorted(versions) for name, versions in sorted(found.items())}


def _inputs(lake: Lake, table: DeltaTable) -> Iterator[tuple[int, dict[str, int]]]:
    """What each version of a gold table says that it was made from."""
    for entry in table.history():
        note = json.loads(entry.get("userMetadata") or "{}")
        used = {name: version for name, version in (note.get("inputs") or {}).items() if version is not None}
        if used:
            yield entry["version"], {_qualified(lake, name): int(version) for name, version in used.items()}


def _qualified(lake: Lake, name: str) -> str:
    return f"{'gold' if name in lake.registry.gold else 'silver'}/{name}"
