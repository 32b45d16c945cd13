"""Everything that a step needs to know, gathered once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from agrilake.contract.load import Registry, load_registry
from agrilake.contract.settings import Settings, load_settings
from agrilake.intake.divisions import DivisionIndex
from agrilake.intake.privacy import Pseudonymiser, create_key, key_path
from agrilake.lake.files import scan
from agrilake.lake.state import State
from agrilake.paths import Home

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

DIVISION = "stats_division"
CROSSWALK = "stats_division_crosswalk"


@dataclass(frozen=True)
class Lake:
    """A home with its contracts, settings and registry."""

    home: Home
    registry: Registry
    settings: Settings
    state: State

    @classmethod
    def open(cls, home: Home | None = None) -> Lake:
        """The lake at `home` (default: AGRILAKE_HOME), its folders made."""
        home = (home or Home.from_environment()).prepare()
        return cls(home, load_registry(), load_settings(), State(home.state_file))

    @cached_property
    def pseudonymiser(self) -> Pseudonymiser:
        """Keyed tokens; SecretError where the key is missing or readable by others."""
        return Pseudonymiser.from_environment(self.home)

    def ensure_key(self) -> None:
        """Make a pseudonym key for a lake that has taken nothing yet; a lake with data must have its own.

        Raises SecretError where the key is gone or readable by others.
        """
        if not key_path().exists() and not self.state.deliveries():
            create_key()
        _ = self.pseudonymiser

    def division_table(self) -> pl.DataFrame | None:
        """The newest division table of silver, None before it has arrived."""
        table = scan(self.home.table("silver", DIVISION))
        return None if table is None else newest_period(table.collect())

    def spark(self) -> SparkSession:
        """A session on the project's Spark Connect server, which is started where it does not run."""
        from agrilake.services.spark import connect

        return connect(self.home.root)

    def divisions(self) -> DivisionIndex | None:
        """The division table and its crosswalk as they stand in silver; None before either has arrived."""
        tables = [scan(self.home.table("silver", name)) for name in (DIVISION, CROSSWALK)]
        frames = [None if table is None else newest_period(table.collect()) for table in tables]
        if frames[0] is None or frames[1] is None or frames[0].is_empty():
            return None
        return DivisionIndex.from_frames(frames[0], frames[1])


def newest_period(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of a snapshot table's newest period."""
    return frame.filter(pl.col("_period") == pl.col("_period").max())
