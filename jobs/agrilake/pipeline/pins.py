"""Delta versions that must be kept: figures that were published, and states of the lake that can be asked for."""

from __future__ import annotations

from agrilake.lake.erasures import oldest_versions
from agrilake.pipeline.context import Lake
from agrilake.pipeline.steps import lake_tables
from agrilake.publish.records import Pins, records, union
from agrilake.tables.inputs import made_from


def pinned_versions(lake: Lake) -> Pins:
    """{"silver/x": [3, 7], "gold/y": [2]}: Delta versions whose files no vacuum may remove.

    These are the versions of every publication ever made with all that their gold was made from, of every recorded
    lake version, and of the lake as it stands. A table that is not named may be vacuumed to its newest version.
    Versions that an erasure has taken away are not among them.
    """
    published = [
        (name, version) for item in records(lake.home) for name, found in item.pinned.items() for version in found
    ]
    recorded = [pair for item in lake.state.lake_versions() for pair in item.tables.items()]
    wanted = dict.fromkeys([*published, *recorded, *lake_tables(lake).items()])
    oldest = oldest_versions(lake.home)
    needed = made_from(lake.home, lake.registry, wanted)
    return union([[pair for pair in needed if pair[1] >= oldest.get(pair[0], 0)]])
