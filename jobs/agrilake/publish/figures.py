"""The figures of a publication, as the manifest keeps them: what they were computed from, a seal on each indicator."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import polars as pl

from agrilake.errors import ConsistencyError
from agrilake.lake.files import scan
from agrilake.paths import Home
from agrilake.publish.opening import read_only
from agrilake.tables.inputs import note_at

TABLE = "indicator_value"
KEY = ("indicator_id", "division_code", "period")
SHOWN = ("value", "numerator", "denominator", "flag")
"""What must come out the same, bit for bit, when a figure is computed again."""


def figures_of(home: Home, version: int, database: Path) -> dict[str, Any]:
    """What the manifest keeps of the figures in a published file, as gold/indicator_value has them at `version`, also
    where the file hides them:

    `delta_version`, `inputs` (gold table: Delta version), `recipe` (agrilake.indicators.recipe), `seals` by indicator.
    """
    note = note_at(home.table("gold", TABLE), version)
    connection = read_only(database)
    try:
        shown = connection.execute(f"SELECT DISTINCT indicator_id FROM {TABLE}").fetchall()
    finally:
        connection.close()
    return {
        "delta_version": version,
        "inputs": note.get("inputs", {}),
        "recipe": note.get("recipe"),
        "seals": seals(stored_figures(home, version, [name for (name,) in shown])),
    }


def recipe_of(home: Home, version: int) -> str | None:
    """The digest of the recipe that gold/indicator_value was computed by at `version`; None where none was kept."""
    digest: str | None = note_at(home.table("gold", TABLE), version).get("recipe")
    return digest


def seals(figures: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """{indicator: {rows, sha256 of its figures in order of division and period}}."""
    chosen = figures.select(*KEY, *SHOWN).sort(KEY)
    return {
        str(name): {"rows": part.height, "sha256": hashlib.sha256(part.write_csv().encode()).hexdigest()}
        for (name,), part in chosen.group_by("indicator_id", maintain_order=True)
    }


def stored_figures(home: Home, version: int, indicators: Collection[str]) -> pl.DataFrame:
    """The rows of gold/indicator_value at a Delta version, of the indicators that were published. Raises
    ConsistencyError where the table is gone."""
    path = home.table("gold", TABLE)
    table = scan(path, version)
    if table is None:
        raise ConsistencyError(f"{path} is gone, though it was published; bring it back from the backups")
    return table.filter(pl.col("indicator_id").is_in(list(indicators))).collect()
