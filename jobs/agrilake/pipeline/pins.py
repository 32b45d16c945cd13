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
    known = [table for version in lake.state.lake_versions() for table in version.tables.items()]
    for path in sorted(lake.home.table("gold").glob("*/_delta_log")):
        newest = last_change(DeltaTable(str(path.parent))).get("version")
        known += [(f"gold/{path.parent.name}", newest)] if newest is not None else []
    while known:
        table, version = known.pop()
        if version not in found[table]:
            found[table].add(version)
            known += _inputs(lake, table, version)
    return {table: sorted(versions) for table, versions in sorted(found.items())}


def _inputs(lake: Lake, table: str, version: int) -> Iterator[tuple[str, int]]:
    """What a version of a gold table says that it was made from."""
    layer, name = table.split("/", 1)
    if layer != "gold":
        return
    entry = _history(lake, name).get(version, {})
    note = json.loads(entry.get("userMetadata") or "{}")
    for source, used in (note.get("inputs") or {}).items():
        if used is not None:
            yield f"{'gold' if source in lake.registry.gold else 'silver'}/{source}", int(used)


def _history(lake: Lake, name: str) -> dict[int, dict[str, str]]:
    path = lake.home.table("gold", name)
    entries = DeltaTable(str(path)).history() if DeltaTable.is_deltatable(str(path)) else []
    return {entry["version"]: entry for entry in entries if "version" in entry}
