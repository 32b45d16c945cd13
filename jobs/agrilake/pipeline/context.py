"""Everything that a step needs to know, gathered once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from agrilake.contract.load import Registry, load_registry
from agrilake.contract.settings import Settings, load_settings
from agrilake.intake.divisions import DivisionIndex
from agrilake.intake.keys import KeyRing, create_key, key_path, refuse_place
from agrilake.intake.privacy import Pseudonymiser
from agrilake.lake.files import scan, table_version
from agrilake.lake.state import State
from agrilake.paths import Home

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

DIVISION = "stats_division"
CROSSWALK = "stats_division_crosswalk"
ENCRYPT = "AGRILAKE_ENCRYPT"
"""1 or 0 instead of what the district's settings say of encryption at rest."""


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

    @classmethod
    def start(cls, home: Home | None = None) -> Lake:
        """The lake, for who writes into it. SecretError before anything is written, where its key is gone, may be read
        by others, or is another lake's. A lake that has taken nothing yet gets a key."""
        home = home or Home.from_environment()
        if os.path.lexists(key_path()) or (home.state_file.exists() and State(home.state_file).deliveries()):
            ring = KeyRing.from_environment(home)
            if home.state_file.exists():
                ring.refuse_foreign(State(home.state_file).keys())
        lake = cls.open(home)
        lake.ensure_key()
        return lake

    @cached_property
    def ring(self) -> KeyRing:
        """The lake's keys; SecretError where the key file is missing, readable by others, or another lake's."""
        ring = KeyRing.from_environment(self.home)
        ring.refuse_foreign(self.state.keys())
        return ring

    @cached_property
    def pseudonymiser(self) -> Pseudonymiser:
        """Keyed tokens; SecretError as `ring`."""
        return Pseudonymiser.of(self.ring)

    def ensure_key(self) -> None:
        """Make a key file for a lake that has taken nothing yet (one with data must have its own), and let the lake
        know its keys again from now on. Raises SecretError as `ring`."""
        is_new = not self.state.deliveries()
        if is_new and not self.state.keys() and not os.path.lexists(key_path()):
            refuse_place(key_path(), self.home)
            create_key()
        known = self.state.keys()
        for key in reversed(self.ring.keys):
            if key.id not in known:
                self.state.record_key(key.id, key.fingerprint, settled=is_new or len(self.ring.keys) == 1)

    def seals(self, dataset: str) -> KeyRing | None:
        """The keys by which landing and bronze of a dataset are encrypted; None where they are not: it has no personal
        column, or the settings (AGRILAKE_ENCRYPT) leave it plain."""
        said = os.environ.get(ENCRYPT)
        wanted = self.settings.encrypted_at_rest if said is None else said not in ("", "0")
        return self.ring if wanted and self.registry.get(dataset).personal_columns else None

    def forget_key(self) -> None:
        """Let the key file be read again: it has changed."""
        for name in ("ring", "pseudonymiser"):
            self.__dict__.pop(name, None)

    def division_table(self) -> pl.DataFrame | None:
        """The newest division table of silver, None before it has arrived."""
        table = scan(self.home.table("silver", DIVISION))
        return None if table is None else newest_period(table.collect())

    def spark(self) -> SparkSession:
        """A session on the project's Spark Connect server, which is started where it does not run."""
        from agrilake.services.spark import connect

        return connect(self.home.root)

    def editions(self) -> Editions | None:
        """The division tables and crosswalks of all years, as they stand in silver; None before both have arrived."""
        paths = [self.home.table("silver", name) for name in (DIVISION, CROSSWALK)]
        versions = [table_version(path) for path in paths]
        return None if None in versions else _editions(*paths, *versions)


@lru_cache(maxsize=2)
def _editions(divisions: Path, crosswalks: Path, *_versions: int | None) -> Editions | None:
    """Read once for each pair of versions: every file of a run asks."""
    tables = [scan(path) for path in (divisions, crosswalks)]
    if tables[0] is None or tables[1] is None:
        return None
    found = Editions(tables[0].collect(), tables[1].collect())
    return None if found.divisions.is_empty() else found


@dataclass(frozen=True)
class Editions:
    """Division tables and crosswalks by the year that delivered them (`_period`)."""

    divisions: pl.DataFrame
    crosswalks: pl.DataFrame

    def of(self, period: str) -> DivisionIndex:
        """The divisions in force in the year of a period: what departments report of that time is resolved by them, so
        that rows of a village that was merged later stay its own."""
        year = period[:4]
        if year not in self._by_year:  # asked for every delivery of the lake
            self._by_year[year] = self._of_year(year)
        return self._by_year[year]

    @cached_property
    def _by_year(self) -> dict[str, DivisionIndex]:
        return {}

    @cached_property
    def _known(self) -> dict[tuple[str | None, str | None], DivisionIndex]:
        return {}

    def _of_year(self, year: str) -> DivisionIndex:
        chosen = in_force(self.divisions, year), in_force(self.crosswalks, year)
        if chosen not in self._known:
            tables = zip((self.divisions, self.crosswalks), chosen, strict=True)
            self._known[chosen] = DivisionIndex.from_frames(
                *(table.filter(_period=edition) for table, edition in tables)
            )
        return self._known[chosen]


def in_force(table: pl.DataFrame, year: str) -> str | None:
    """The newest edition of the year or before, else the first; None for an empty table."""
    editions = sorted(set(table["_period"]))
    before = [edition for edition in editions if edition[:4] <= year]
    return before[-1] if before else next(iter(editions), None)


def newest_period(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of a snapshot table's newest period."""
    return frame.filter(pl.col("_period") == pl.col("_period").max())
