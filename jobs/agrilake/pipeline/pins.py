"""Delta versions that must be kept: figures that were published, and states of the lake that can be asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agrilake.errors import ConsistencyError
from agrilake.lake.erasures import oldest_versions
from agrilake.lake.logs import COMMIT, DATA, LOG, BrokenLog, broken_anywhere
from agrilake.pipeline.context import Lake
from agrilake.pipeline.steps import lake_tables
from agrilake.publish.records import Pins, records, union
from agrilake.tables.inputs import made_from, note_at

VERSIONED = ("silver", "gold")
"""Layers of which older versions are kept."""


def pinned_versions(lake: Lake) -> Pins:
    """{"silver/x": [3, 7], "gold/y": [2]}: Delta versions whose files no vacuum may remove.

    These are the versions of every publication ever made with all that their gold was made from, of every recorded
    lake version, and of the lake as it stands. A table that is not named may be vacuumed to its newest version.
    Versions that an erasure has taken away are not among them.

    Raises ConsistencyError where a log that would have to say it is broken: then nobody can tell.
    """
    _look(lake)
    published = [
        (name, version) for item in records(lake.home) for name, found in item.pinned.items() for version in found
    ]
    recorded = [pair for item in lake.state.lake_versions() for pair in item.tables.items()]
    wanted = dict.fromkeys([*published, *recorded, *lake_tables(lake).items()])
    oldest = oldest_versions(lake.home)

    def note(path: Path, version: int) -> dict[str, Any]:
        return {} if version < oldest.get(f"gold/{path.name}", 0) else _note(path, version)

    needed = made_from(lake.home, lake.registry, wanted, note)
    return union([[pair for pair in needed if pair[1] >= oldest.get(pair[0], 0)]])


def _look(lake: Lake) -> None:
    """Raise the ConsistencyError."""
    for layer in VERSIONED:
        for path in sorted(lake.home.table(layer).glob("[!.]*")):
            broken = broken_anywhere(path)
            if broken and broken.kind != DATA:
                raise ConsistencyError(broken.line)


def _note(path: Path, version: int) -> dict[str, Any]:
    """What the version was made from; ConsistencyError where the log begins after it. Of a table that is gone nothing
    is left to keep."""
    commit = path / LOG / f"{version:020d}.json"
    if commit.parent.is_dir() and not commit.is_file():
        raise ConsistencyError(BrokenLog(path, version, commit, "is missing", COMMIT).line)
    return note_at(path, version)
