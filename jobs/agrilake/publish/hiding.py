"""What a publication hides of numbers of persons and households, in all of its files alike (docs/small-counts.md).

The reason that is shown is one for all: to tell small numbers from those that keep them company tells that they are
small.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from agrilake.contract.counts import MARK, load_quantities
from agrilake.contract.model import Dataset
from agrilake.lake.erasures import oldest_versions
from agrilake.lake.files import scan, sha256_of
from agrilake.paths import Home
from agrilake.publish.attack import Problem
from agrilake.publish.counts import KEPT, Counts, Sighting, counts_of
from agrilake.publish.database import sql_type
from agrilake.publish.model import Column, IndicatorDeclaration, Publication, TableSource
from agrilake.publish.protection import Costs, Protection, protect
from agrilake.publish.sightings import BETWEEN, FIGURES, counting, of_figures, of_table
from agrilake.publish.twice import over_both
from agrilake.sql import literal, quoted

if TYPE_CHECKING:
    from agrilake.publish.content import Content

NOTE = "保密：人数较少，或可据以推算出较少的人数"
FILE = "hidden.json"
MIN_PERSONS = "min_persons"
MARK_TITLE = "是否保密"
VIEW = "hidden_cell"
Figure = tuple[str, str, str]
"""Indicator, division, period."""
Place = tuple[str, str, str]
"""Table, column, key of the row."""


@dataclass(frozen=True)
class Hiding:
    """What is hidden: cells of tables, parts of figures (`part` of numerator, denominator) and whole figures, and the
    names of cells that the next publication has to keep hidden."""

    cells: Collection[Place] = ()
    parts: Mapping[str, Collection[Figure]] = field(default_factory=dict)
    figures: frozenset[Figure] = frozenset()
    names: frozenset[str] = frozenset()
    protection: Protection = field(default_factory=Protection)

    @property
    def figure_rows(self) -> pl.DataFrame:
        """Figures of which something is hidden. Columns: indicator_id, division_code, period, and whether the value,
        numerator, denominator and the value of the year before are."""
        later = {(name, division, _next_year(period)) for name, division, period in self.figures}
        sets = {
            "hidden": self.figures,
            "numerator_hidden": set(self.parts.get("numerator", ())),
            "denominator_hidden": set(self.parts.get("denominator", ())),
            "previous_hidden": later,
        }
        keys = sorted(set().union(*sets.values()))
        schema = dict.fromkeys(("indicator_id", "division_code", "period"), pl.String) | dict.fromkeys(sets, pl.Boolean)
        return pl.DataFrame(
            [(*key, *(key in found for found in sets.values())) for key in keys], schema=schema, orient="row"
        )

    @contextmanager
    def registered(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """The hidden cells of tables as a view, while a table is written."""
        schema = {"tab": pl.String, "col": pl.String, "key": pl.String}
        connection.register(VIEW, pl.DataFrame(sorted(self.cells), schema=schema, orient="row").to_arrow())
        try:
            yield
        finally:
            connection.unregister(VIEW)

    def write(self, folder: Path) -> str:
        """For the next publication; for the lake's own user alone, since it tells which numbers are hidden. Its
        SHA-256."""
        path = folder / FILE
        content = {"cells": sorted(self.names), "figures": sorted(self.figures)}
        path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        path.chmod(0o600)
        return sha256_of(path)


def instead(table: Dataset) -> dict[str, str]:
    """SQL of the table's columns that count persons, and of their marks, over the view `hidden_cell`."""
    key = ", ".join(f"{quoted(name)}::VARCHAR" for name in table.key)
    found = {}
    for column in counting(table):
        name = quoted(column.name)
        which = f"tab = {literal(table.id)} AND col = {literal(column.name)}"
        is_hidden = f"concat_ws({literal(BETWEEN)}, {key}) IN (SELECT key FROM {VIEW} WHERE {which})"
        found[column.name] = f"CASE WHEN {is_hidden} THEN NULL ELSE {name} END::{sql_type(column)} AS {name}"
        found[column.name + MARK] = f"{is_hidden} AS {quoted(column.name + MARK)}"
    return found


def with_marks(table: Dataset, columns: Iterable[Column]) -> list[Column]:
    """Published columns, beside each that counts persons one that says whether its number is hidden."""
    marks = {one.name: Column(one.name + MARK, "BOOLEAN", one.title + MARK_TITLE) for one in counting(table)}
    return [item for one in columns for item in (one, *filter(None, [marks.get(one.name)]))]


def hidden_before(before: Publication | None) -> tuple[set[str], set[Figure]] | None:
    """Names of cells and the figures that a publication hid; None where it knew of no hiding."""
    path = before.path / FILE if before else None
    if path is None or not path.is_file():
        return None
    told = json.loads(path.read_text(encoding="utf-8"))
    return set(told["cells"]), {tuple(item) for item in told["figures"]}


def hidden_figures(before: Publication | None) -> frozenset[Figure]:
    """The figures that a publication hid."""
    told = hidden_before(before)
    return frozenset(told[1]) if told else frozenset()


def hiding_of(
    home: Home,
    content: Content,
    sources: Mapping[str, TableSource],
    before: Publication | None,
) -> Hiding:
    """What to hide of the tables at the versions of their sources, so that neither these alone nor together with what
    the publication before showed tell a number of persons under `thresholds.min_persons`."""
    k = int(content.settings.threshold(MIN_PERSONS))
    seen = list(_seen(home, content, sources))
    counts = counts_of([item for _, item in seen], load_quantities(), k)
    problem, kept = counts.problem, set[str]()
    told = hidden_before(before)
    if before is not None and told is not None:
        earlier = counts_of([item for _, item in _seen(home, content, before.sources)], load_quantities(), k)
        problem, kept = over_both(problem, earlier.problem, told[0])
    protection = protect(problem, _price(problem, counts), kept=kept)
    return _hiding(seen, counts, protection, content.indicators)


def _price(problem: Problem, counts: Counts) -> Costs:
    def price(name: str, hidden: Collection[str]) -> float:
        cost = problem.cells[name].cost
        return cost * KEPT if name in counts.keys and counts.before(name) in hidden else cost

    return price


def _seen(home: Home, content: Content, sources: Mapping[str, TableSource]) -> Iterator[tuple[Place, Sighting]]:
    gone = oldest_versions(home)
    for name, source in sources.items():
        table = content.registry.gold.get(name)
        version = source.delta_version
        if table is None or version is None or version < gone.get(f"gold/{name}", 0):
            continue
        if name != FIGURES and not counting(table):
            continue
        rows = scan(home.table("gold", name), version)
        if rows is None:
            continue
        if name == FIGURES:
            chosen = rows.select("indicator_id", "division_code", "period", "numerator", "denominator").collect()
            for (indicator, *_), item in of_figures(chosen, content.indicators):
                yield (FIGURES, indicator, item.column.partition("/")[2]), item
        else:
            for key, item in of_table(table, rows.collect()):
                yield (name, item.column, key), item


def _hiding(
    seen: Sequence[tuple[Place, Sighting]],
    counts: Counts,
    protection: Protection,
    indicators: Sequence[IndicatorDeclaration],
) -> Hiding:
    hidden = protection.hidden
    cells: set[Place] = set()
    parts: dict[str, set[Figure]] = {"numerator": set(), "denominator": set()}
    for place, item in seen:
        if hidden.isdisjoint(counts.shown_by[item]):
            continue
        if place[0] == FIGURES:
            parts[place[2]].add((place[1], item.division, item.period))
        else:
            cells.add(place)
    measured = set().union(*parts.values())
    figures = measured | _derived(measured, indicators)
    parts = {part: found | (figures - measured) for part, found in parts.items()}
    return Hiding(cells, parts, frozenset(figures), hidden & counts.problem.cells.keys(), protection)


def _derived(hidden: Collection[Figure], indicators: Sequence[IndicatorDeclaration]) -> set[Figure]:
    """Figures that are made from hidden ones, in the same period or the years after."""
    found: set[Figure] = set()
    while True:
        known = found | set(hidden)
        more = {
            (item.id, division, period)
            for item in indicators
            for name, division, start in known
            if name in item.derived_from
            for period in (start, _next_year(start, item.growth_years))
        }
        if more <= found:
            return found
        found |= more


def _next_year(period: str, years: int = 1) -> str:
    return f"{int(period[:4]) + years}{period[4:]}"
