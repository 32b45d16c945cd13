"""What is published, and where each of its tables comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agrilake.contract.roles import ANALYST, LEADER
from agrilake.layers.model import LayerFile

ROLES = (LEADER, ANALYST)
"""Roles whose files hold gold, the indicator values and the list of layers; agrilake.contract.roles has all roles."""


class MeasureDeclaration(Protocol):
    """What the publication needs to know of a numerator or denominator: the quantity that it counts, or nothing."""

    @property
    def counts(self) -> str: ...


class IndicatorDeclaration(Protocol):
    """What the publication shows of an indicator (agrilake.indicators makes these)."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def decimals(self) -> int: ...
    @property
    def direction(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def edition(self) -> str: ...
    @property
    def sort(self) -> int: ...
    @property
    def rests_on(self) -> tuple[str, ...]: ...
    @property
    def derived_from(self) -> tuple[str, ...]: ...
    @property
    def growth_years(self) -> int: ...
    @property
    def measures(self) -> Mapping[str, MeasureDeclaration]: ...


@dataclass(frozen=True)
class TableSource:
    """One gold table of a publication.

    `delta_version` is None where nothing was built yet (the table is published empty). A held table
    (`reason` is not empty) is copied from the publication before; `shown_version` is the publication that its rows
    were first published in (None: never), `since_version` the one from which it has been held.
    """

    name: str
    title: str
    delta_version: int | None
    reason: str = ""
    since_version: int | None = None
    shown_version: int | None = None

    @property
    def held(self) -> bool:
        """Whether a suite's stop keeps the newer rows back."""
        return bool(self.reason)


@dataclass(frozen=True)
class Publication:
    """A publication on disk: `path` holds a DuckDB file for each role (leader.duckdb, department/agri.duckdb, …),
    layers/, catalogue.jsonld and manifest.json.

    `tables` gives the rows of each table in the analyst's file, `held` the reasons of those kept back. `format` tells
    which edition of the publication's own tables it has, `person_tokens` by which key and how long it tells persons.
    """

    version: int
    path: Path
    lake_version: int
    made_at: str
    fingerprint: str
    tables: Mapping[str, int]
    held: Mapping[str, str]
    sources: Mapping[str, TableSource]
    layers: Mapping[str, LayerFile]
    format: int = 0
    person_tokens: str = ""

    def database(self, role: str) -> Path:
        """A role's DuckDB file, by the name of its file (agrilake.contract.roles)."""
        return self.path / f"{role}.duckdb"

    def layer(self, name: str) -> Path:
        """The GeoParquet file of one of `layers`."""
        return self.path / "layers" / self.layers[name].file


@dataclass(frozen=True)
class Column:
    """A column of a published table: its Chinese title becomes the comment in the database."""

    name: str
    sql_type: str
    title: str


@dataclass(frozen=True)
class Layout:
    """Columns and title of a table that is not a gold table."""

    name: str
    title: str
    columns: Sequence[Column]
