"""What a reader can work out about hidden counts: the least and the most that each can be.

A reader knows every shown cell, the sums that hold between cells, that a hidden cell is a whole number of at least one
(zeros are shown), and that what is left of a whole is not negative (Hundepool and others, Statistical Disclosure
Control, 2012, chapter 4: the feasibility interval of a cell, by two linear programs).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from agrilake.errors import ConsistencyError

TOLERANCE = 1e-6
UNBOUNDED = 3
"""HiGHS' status, as scipy numbers it."""


@dataclass(frozen=True)
class Cell:
    """One count. `cost` is the loss of hiding it; one that `is_shown` nowhere follows from others. A sensitive one may
    not be told where it is small. One that `is_known` was published before, so that hiding it hides nothing."""

    value: int
    cost: float = 1.0
    is_shown: bool = True
    is_sensitive: bool = True
    is_known: bool = False


@dataclass(frozen=True)
class Relation:
    """total = sum of the parts + rest; the rest is known. Without a total, the parts' sum is known."""

    total: str | None
    parts: tuple[str, ...]
    rest: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """All cells in it."""
        return self.parts if self.total is None else (self.total, *self.parts)


@dataclass(frozen=True)
class Problem:
    """Cells by name, the sums between them, and the least number `k` that may be told."""

    cells: Mapping[str, Cell]
    relations: Sequence[Relation]
    k: int

    @cached_property
    def relations_of(self) -> dict[str, list[int]]:
        """Numbers of the relations that each cell is in."""
        found: dict[str, list[int]] = defaultdict(list)
        for number, relation in enumerate(self.relations):
            for name in relation.names:
                found[name].append(number)
        return found

    def is_small(self, name: str) -> bool:
        """Whether the cell may not be told: above zero, below k."""
        cell = self.cells[name]
        return cell.is_sensitive and 0 < cell.value < self.k

    def least(self, name: str) -> int:
        """What every reader knows it to be at least."""
        return 1 if self.cells[name].is_shown else 0


def exposed(problem: Problem, hidden: Collection[str], known: dict[frozenset[str], list[str]]) -> list[str]:
    """Hidden cells, and small ones that follow from others, whose interval is narrower than k; in order of their names.

    `known` keeps what was found of each group of unknown cells between calls with the same problem.
    """
    unknown = {name for name, cell in problem.cells.items() if name in hidden or not cell.is_shown}
    left = _solved(problem, set(unknown))
    found = [name for name in unknown - left if _asks(problem, hidden, name)]
    for group in _groups(problem, left):
        asked = frozenset(group)
        if asked not in known:
            known[asked] = _narrow(problem, hidden, group, left)
        found += known[asked]
    return sorted(found)


def intervals(problem: Problem, hidden: Collection[str]) -> dict[str, tuple[float, float]]:
    """The least and the most that each hidden cell, and each that is shown nowhere, can be."""
    unknown = {name for name, cell in problem.cells.items() if name in hidden or not cell.is_shown}
    left = _solved(problem, set(unknown))
    found: dict[str, tuple[float, float]] = {name: (problem.cells[name].value,) * 2 for name in unknown - left}
    for group in _groups(problem, left):
        program = _Program(problem, group, left)
        found |= {name: program.interval(name) for name in group}
    return found


def unknown_parts(problem: Problem, hidden: Collection[str]) -> Iterator[Problem]:
    """What a reader has to work out: each group of unknown cells that hang together, as a problem without the
    known cells. Its intervals are those of the whole problem, also when fewer of its cells are hidden."""
    left = _solved(problem, {name for name, cell in problem.cells.items() if name in hidden or not cell.is_shown})
    for group in _groups(problem, left):
        names = set(group)
        numbers = sorted({number for name in group for number in problem.relations_of.get(name, ())})
        relations = [_within(problem, problem.relations[number], names) for number in numbers]
        yield Problem({name: problem.cells[name] for name in group}, relations, problem.k)


def _within(problem: Problem, relation: Relation, names: Collection[str]) -> Relation:
    """The relation between these cells; the others' numbers are in the rest."""
    parts = tuple(name for name in relation.parts if name in names)
    rest = relation.rest + sum(problem.cells[name].value for name in relation.parts if name not in names)
    if relation.total is None or relation.total in names:
        return Relation(relation.total, parts, rest)
    return Relation(None, parts, rest - problem.cells[relation.total].value)


def _asks(problem: Problem, hidden: Collection[str], name: str) -> bool:
    return name in hidden or problem.is_small(name)


def _solved(problem: Problem, unknown: set[str]) -> set[str]:
    """The unknown cells without those that are the only unknown of some relation, one after the other."""
    open_in = [sum(name in unknown for name in relation.names) for relation in problem.relations]
    queue = [number for number, count in enumerate(open_in) if count == 1]
    while queue:
        number = queue.pop()
        name = next((item for item in problem.relations[number].names if item in unknown), None)
        if name is None:
            continue
        unknown.discard(name)
        for other in problem.relations_of[name]:
            open_in[other] -= 1
            if open_in[other] == 1:
                queue.append(other)
    return unknown


def _groups(problem: Problem, unknown: set[str]) -> Iterator[list[str]]:
    """Unknown cells that hang together by relations."""
    seen: set[str] = set()
    for start in sorted(unknown):
        if start in seen:
            continue
        group, queue = [], [start]
        seen.add(start)
        while queue:
            name = queue.pop()
            group.append(name)
            for number in problem.relations_of.get(name, ()):
                fresh = [item for item in problem.relations[number].names if item in unknown and item not in seen]
                seen.update(fresh)
                queue += fresh
        yield sorted(group)


def _narrow(problem: Problem, hidden: Collection[str], group: list[str], unknown: set[str]) -> list[str]:
    asked = [name for name in group if _asks(problem, hidden, name)]
    if not asked:
        return []
    program = _Program(problem, group, unknown)
    return [name for name in asked if not program.is_wide(name, problem.k)]


class _Program:
    """The linear program of a group of unknown cells. What a solution shows of one cell is kept for the others."""

    def __init__(self, problem: Problem, group: list[str], unknown: set[str]) -> None:
        self._at = {name: column for column, name in enumerate(group)}
        self._least = np.array([problem.least(name) for name in group], dtype=float)
        values = np.array([problem.cells[name].value for name in group], dtype=float)
        self._low, self._high = values.copy(), values.copy()
        numbers = sorted({number for name in group for number in problem.relations_of.get(name, ())})
        rows = [_row(problem.relations[number], self._at) for number in numbers]
        entries = [(row, column, sign) for row, found in enumerate(rows) for column, sign in found]
        self._sums = np.zeros(len(rows))
        for row, column, sign in entries:
            self._sums[row] += sign * values[column]
        shape = (len(rows), len(group))
        columns = tuple(zip(*entries, strict=True)) or ((), (), ())
        self._matrix = coo_array((columns[2], (columns[0], columns[1])), shape=shape).tocsr()

    def is_wide(self, name: str, k: int) -> bool:
        """Whether the cell's interval is k or more."""
        column = self._at[name]
        for sign in (-1, 1):
            if self._high[column] - self._low[column] >= k - TOLERANCE:
                return True
            self._solve(column, sign)
        return bool(self._high[column] - self._low[column] >= k - TOLERANCE)

    def interval(self, name: str) -> tuple[float, float]:
        """The cell's interval."""
        column = self._at[name]
        self._solve(column, 1)
        self._solve(column, -1)
        return self._low[column], self._high[column]

    def _solve(self, column: int, sign: int) -> None:
        """Find the cell's least (sign 1) or most (sign -1)."""
        aim = np.zeros(len(self._at))
        aim[column] = sign
        bounds = np.column_stack([self._least, np.full(len(self._at), inf)])
        if not self._matrix.shape[0]:
            self._low[column], self._high[column] = self._least[column], inf
            return
        found = linprog(aim, A_eq=self._matrix, b_eq=self._sums, bounds=bounds, method="highs")
        if found.status == UNBOUNDED:
            self._high[column] = inf
            return
        if found.status:
            raise ConsistencyError(f"the bounds of hidden counts could not be computed: {found.message}")
        self._low = np.minimum(self._low, found.x)
        self._high = np.maximum(self._high, found.x)


def _row(relation: Relation, at: Mapping[str, int]) -> list[tuple[int, float]]:
    signed = [(relation.total, 1.0), *((name, -1.0) for name in relation.parts)]
    return [(at[name], sign) for name, sign in signed if name is not None and name in at]
