"""Whether a gold table must lead to what counts by now, or was overtaken and waits for the next run."""

from __future__ import annotations

from collections.abc import Collection

from agrilake.lake.files import table_version
from agrilake.pipeline import intake, steps
from agrilake.pipeline.context import Lake
from agrilake.tables.inputs import located
from agrilake.tables.write import commit_note


def moving(lake: Lake) -> set[str]:
    """Datasets of which deliveries, or the way from them to silver, are not dealt with yet."""
    stale = {item.dataset for item in intake.stale_deliveries(lake)}
    return stale | {name for name in lake.registry.datasets if not steps.silver_is_current(lake, name)}


def is_settled(lake: Lake, table: str, moving: Collection[str]) -> bool:
    """Whether everything that gold/<table> was made from, down to deliveries, stands as it did then; its rule may be
    newer. A version that the lake did not make names no inputs: the next run makes another. An input that was not there
    yet, and is not there now, has not moved."""
    inputs = commit_note(lake.home.table("gold", table)).get("inputs", {})
    for name, version in inputs.items():
        layer, _, _ = located(name, lake.registry).partition("/")
        if name in moving or table_version(lake.home.table(layer, name)) != version:
            return False
        if layer == "gold" and version is not None and not is_settled(lake, name, moving):
            return False
    return bool(inputs)
