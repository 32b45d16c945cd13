"""The published files under attack: all that two publications show, put together by a solver of the test's own.

The attacker reads the files, knows which divisions, months and facilities add up to which, and (more than anybody does)
which numbers did not change between the two publications.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array
from tests.support.counted import (
    DISTRICT,
    FLOWS,
    MONTHS,
    QUARTER,
    RATIOS,
    RESIDENTS,
    TOWNSHIPS,
    VILLAGES,
    Lake,
    World,
    total,
    within,
    world,
)

from agrilake.publish import Publication, hiding
from agrilake.publish.opening import read_only
from agrilake.publish.protection import Protection

K = 5
ROLES = ("leader", "analyst")
PROFILE = {"elders": "elders", "visits": "elder_visits", "assisted": "assisted_persons"}
Name = tuple[str, str, str]
"""Quantity, place, period."""


def changed(counts: World) -> World:
    """A correction later: one number becomes small, one large, one goes to another village."""
    found = dict(counts)
    found["assisted", VILLAGES[1], MONTHS[0]] = 3
    found["trained", VILLAGES[4], MONTHS[1]] += 12
    found["elders", VILLAGES[6], MONTHS[2]] += 9
    found["alone", VILLAGES[6], MONTHS[2]] += 1
    return found


def cells(publication: Publication, role: str) -> Iterator[tuple[Name, int | None]]:
    """Every count that a role's file shows, None where it is hidden."""
    with closing(read_only(publication.database(role))) as connection:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return connection.execute(sql).fetchall()

        for quantity, column in PROFILE.items():
            for place, month, value in rows(f"SELECT division_code, period, {column} FROM village_profile"):
                yield (quantity, place, month), value
        for place, month, value in rows("SELECT division_code, period, attendees FROM training"):
            yield ("trained", place, month), value
        for place, value in rows("SELECT division_code, occupied FROM facility"):
            yield (RESIDENTS, place, MONTHS[-1]), value
        parts = "numerator, denominator, value, to_target"
        for indicator, *found in rows(f"SELECT indicator_id, division_code, period, {parts} FROM indicator_value"):
            yield from figure(indicator, *found)


def figure(
    indicator: str,
    place: str,
    period: str,
    numerator: Decimal | None,
    denominator: Decimal | None,
    value: Decimal | None,
    to_target: Decimal | None,
) -> Iterator[tuple[Name, int | None]]:
    """The numerator and denominator of a published figure, also where they follow from its value or its target."""
    above, below, scale = RATIOS[indicator]
    told = value if value is not None or to_target is None else to_target + 60
    one, other = numerator, denominator
    if one is None and told is not None:
        one = told if denominator is None else told * denominator / scale
    if other is None and told and numerator is not None:
        other = numerator * scale / told
    yield (above, place, period), None if one is None else round(one)
    if below not in (None, "beds"):
        yield (str(below), place, period), None if other is None else round(other)


class Attack:
    """Unknown and known cells of the publications, and the sums between them."""

    def __init__(self, seen: list[tuple[World, Publication]]) -> None:
        self.at: dict[tuple[Name, int], int] = {}
        self.truth: dict[int, int] = {}
        self.known: dict[int, int] = {}
        self.rows: list[tuple[tuple[int, int], ...]] = []
        for counts, publication in seen:
            for role in ROLES:
                for name, value in cells(publication, role):
                    column = self._column(counts, name)
                    if value is not None:
                        self.known[column] = value
            self._sums(counts)

    def _column(self, counts: World, name: Name) -> int:
        quantity, place, period = name
        truth = sum(counts[quantity, v, m] for v, m in self._parts(quantity, place, period))
        column = self.at.setdefault((name, truth), len(self.at))
        self.truth[column] = truth
        return column

    def _parts(self, quantity: str, place: str, period: str) -> list[tuple[str, str]]:
        months = [period] if period in MONTHS else MONTHS if quantity in FLOWS else MONTHS[-1:]
        return [(v, m) for v in within(place) for m in months]

    def _sums(self, counts: World) -> None:
        for quantity in (*PROFILE, "trained", "alone", RESIDENTS):
            for period in (*MONTHS, QUARTER):
                below = [(DISTRICT, TOWNSHIPS), *((town, within(town)) for town in TOWNSHIPS)]
                for place, parts in below:
                    self._sum(counts, (quantity, place, period), [(quantity, part, period) for part in parts])
            for place in (DISTRICT, *TOWNSHIPS, *VILLAGES):
                months = MONTHS if quantity in FLOWS else MONTHS[-1:]
                self._sum(counts, (quantity, place, QUARTER), [(quantity, place, month) for month in months])
        for place, period in itertools.product((DISTRICT, *TOWNSHIPS, *VILLAGES), (*MONTHS, QUARTER)):
            alone, elders = (self._column(counts, (name, place, period)) for name in ("alone", "elders"))
            rest = self.at.setdefault((("others", place, period), self.truth[elders] - self.truth[alone]), len(self.at))
            self.truth[rest] = self.truth[elders] - self.truth[alone]
            self.rows.append(((elders, 1), (alone, -1), (rest, -1)))

    def _sum(self, counts: World, whole: Name, parts: list[Name]) -> None:
        self.rows.append(((self._column(counts, whole), 1), *((self._column(counts, part), -1) for part in parts)))

    def widths(self) -> dict[Name, float]:
        """How wide the interval of each cell is that is small or hidden, in order of their names."""
        entries = [(row, *one) for row, found in enumerate(dict.fromkeys(self.rows)) for one in found]
        rows, columns, signs = zip(*entries, strict=True)
        matrix = coo_array((signs, (rows, columns)), shape=(max(rows) + 1, len(self.at))).tocsr()
        shown_somewhere = {column for (name, _), column in self.at.items() if self.is_published(name)}
        bounds = [
            (self.known[c], self.known[c]) if c in self.known else (1 if c in shown_somewhere else 0, None)
            for c in range(len(self.at))
        ]
        found = {}
        for (name, truth), column in self.at.items():
            is_hidden = column in shown_somewhere and column not in self.known
            if is_hidden or (0 < truth < K and name[0] != "visits"):
                found[name] = self._width(matrix, bounds, column)
        return found

    def is_published(self, name: Name) -> bool:
        quantity, place, period = name
        if place not in VILLAGES:
            return quantity != "others"
        if quantity == RESIDENTS:
            return period == MONTHS[-1]
        return period in MONTHS and quantity not in ("alone", "others")

    def _width(self, matrix: csr_array, bounds: list[Any], column: int) -> float:
        aim = np.zeros(len(self.at))
        aim[column] = 1
        ends = [linprog(sign * aim, A_eq=matrix, b_eq=np.zeros(matrix.shape[0]), bounds=bounds) for sign in (1, -1)]
        assert ends[0].status == 0 and ends[1].status in (0, 3), [end.message for end in ends]
        return float("inf") if ends[1].status == 3 else float(-ends[1].fun - ends[0].fun)


def published(root: Path, seed: int) -> list[tuple[World, Publication]]:
    lake, first = Lake(root), world(seed)
    return [(counts, lake.publish(counts)) for counts in (first, changed(first))]


@pytest.mark.parametrize("seed", range(1, 9) if os.environ.get("AGRILAKE_FULL") else [1])
def test_no_small_number_of_persons_can_be_worked_out_of_two_publications(tmp_path: Path, seed: int) -> None:
    seen = published(tmp_path, seed)
    widths = Attack(seen).widths()
    assert len(widths) > 20
    assert {name: width for name, width in widths.items() if width < K - 1e-6} == {}


def test_the_attack_succeeds_on_small_numbers_hidden_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    protect = hiding.protect
    monkeypatch.setattr(hiding, "protect", lambda problem, price, kept: protect(problem, price, False, kept))
    widths = Attack(published(tmp_path, 1)).widths()
    assert min(widths.values()) < 1e-6


def test_the_attack_succeeds_where_nothing_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hiding, "protect", lambda *_, **__: Protection())
    attack = Attack(published(tmp_path, 1))
    assert {width for name, width in attack.widths().items() if attack.is_published(name)} == {0.0}


def test_zeros_and_numbers_that_give_nothing_away_are_shown(tmp_path: Path) -> None:
    counts, publication = published(tmp_path, 1)[0]
    shown = dict(cells(publication, "leader"))
    assert sum(value is not None for value in shown.values()) > len(shown) / 2
    for (quantity, place, period), value in shown.items():
        if place in VILLAGES and quantity != RESIDENTS:
            assert value in (None, counts[quantity, place, period])
            assert value is not None or counts[quantity, place, period] > 0
        elif value is not None:
            assert value == total(counts, quantity, place, period) or quantity == RESIDENTS


def test_a_revision_tells_neither_number_where_only_the_older_was_small(tmp_path: Path) -> None:
    """Nor does it in any later publication, though the newer number is shown as a figure."""
    lake, counts = Lake(tmp_path), dict.fromkeys(world(1), 0)
    where = ("assisted", VILLAGES[0], MONTHS[2])
    revisions = "SELECT value_before, value_after, change, hidden FROM indicator_revision"
    figure = "SELECT value, numerator, hidden, missing_reason FROM indicator_value"
    district = f" WHERE indicator_id = 'assisted_persons' AND division_code = '{DISTRICT}' AND period = '{MONTHS[2]}'"
    shown = []
    for number in (3, 30, 40, 2):
        publication = lake.publish({**counts, where: number})
        with closing(read_only(publication.database("leader"))) as connection:
            found = connection.execute(figure + district).fetchall()
            shown.append((found, connection.execute(f"{revisions}{district} ORDER BY published_after").fetchall()))
    secret, told = (None, None, None, True), (Decimal(30), Decimal(40), Decimal(10), False)
    hidden = [(None, None, True, hiding.NOTE)]
    assert shown == [
        (hidden, []),
        ([(Decimal(30), Decimal(30), False, None)], [secret]),
        ([(Decimal(40), Decimal(40), False, None)], [secret, told]),
        (hidden, [secret, secret, secret]),
    ]


def test_who_reads_the_folder_does_not_learn_which_numbers_are_small(tmp_path: Path) -> None:
    publication = Lake(tmp_path).publish(world(1))
    assert stat.S_IMODE((publication.path / hiding.FILE).stat().st_mode) == 0o600
