"""Which counts a publication hides: the small ones, and as few others as keep these from being worked out.

Complementary suppression (Hundepool and others, Statistical Disclosure Control, 2012, chapter 4; Fischetti and Salazar,
Solving the cell suppression problem on tabular data, Management Science 47, 2001): every hidden count must stay
uncertain by at least k, wherever the interval lies (sliding protection). A cell that is not is given company: one
integer program finds the cheapest cells to hide beside it. What turns out to be needless is shown again at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from agrilake.publish.attack import Problem, exposed, unknown_parts

DEPTHS = (2, 3, 4, 6, 1_000_000)
"""How many relations away company is looked for, first near by."""
GAP = 0.3
"""What company may cost more than the cheapest there is: to prove the cheapest takes minutes where years hang together,
and what is needless is shown again anyway."""
OPTIMAL = 0

Costs = Callable[[str, Collection[str]], float]


@dataclass(frozen=True)
class Protection:
    """Hidden cells: small ones, those that keep them company, and the few that nothing could protect."""

    primary: frozenset[str] = frozenset()
    secondary: frozenset[str] = frozenset()
    unprotected: frozenset[str] = frozenset()

    @property
    def hidden(self) -> frozenset[str]:
        """All that is not shown."""
        return self.primary | self.secondary


@dataclass
class _State:
    hidden: set[str]
    unprotected: set[str] = field(default_factory=set)
    known: dict[frozenset[str], list[str]] = field(default_factory=dict)


def protect(
    problem: Problem, cost: Costs | None = None, complementary: bool = True, kept: Collection[str] = ()
) -> Protection:
    """What to hide. `cost` gives the loss of hiding a cell, given what is hidden already (default: the cell's own);
    cells that are `kept` hidden were so before.

    The same problem gives the same answer. Without `complementary`, only small cells are hidden.
    """
    price: Costs = cost or (lambda name, _: problem.cells[name].cost)
    small = {name for name, cell in problem.cells.items() if cell.is_shown and problem.is_small(name)}
    if not complementary:
        return Protection(frozenset(small))
    fixed = small | {name for name in kept if name in problem.cells}
    hidden, unprotected = set(fixed), set()
    for block in _blocks(problem):
        state = _State({name for name in hidden if name in block.cells})
        _accompany(block, state, price)
        _show_again(block, state, fixed, price)
        hidden |= state.hidden
        unprotected |= state.unprotected
    return Protection(frozenset(small), frozenset(hidden - small), frozenset(unprotected))


def _blocks(problem: Problem) -> Iterator[Problem]:
    """Parts of the problem that share no relation, in order of their first cell."""
    seen: set[str] = set()
    for start in sorted(problem.cells):
        if start in seen:
            continue
        names, relations = _reach(problem, start, DEPTHS[-1])
        seen |= names
        cells = {name: problem.cells[name] for name in sorted(names)}
        yield Problem(cells, [problem.relations[number] for number in relations], problem.k)


def _reach(problem: Problem, start: str, depth: int) -> tuple[set[str], list[int]]:
    """Cells and relations that lie within `depth` relations of a cell."""
    names, edge = {start}, {start}
    relations: set[int] = set()
    for _ in range(depth):
        fresh = {number for name in edge for number in problem.relations_of.get(name, ())} - relations
        if not fresh:
            break
        relations |= fresh
        edge = {name for number in fresh for name in problem.relations[number].names} - names
        names |= edge
    return names, sorted(relations)


def _accompany(problem: Problem, state: _State, cost: Costs) -> None:
    """Round by round, until nobody is exposed. Who shares a relation with company that was just given waits for the
    next round: it may be enough."""
    while True:
        open_ones = [name for name in exposed(problem, state.hidden, state.known) if name not in state.unprotected]
        if not open_ones:
            return
        waiting: set[str] = set()
        before = len(state.hidden)
        for name in open_ones:
            if name in waiting:
                continue
            found = (_company(problem, state.hidden, name, cost, depth) for depth in DEPTHS)
            company = next((one for one in found if one is not None), None)
            if company:
                state.hidden |= company
                near = {number for one in (name, *company) for number in problem.relations_of.get(one, ())}
                waiting |= {one for number in near for one in problem.relations[number].names}
            elif company is None or len(state.hidden) == before:
                state.unprotected.add(name)


def _show_again(problem: Problem, state: _State, fixed: Collection[str], cost: Costs) -> None:
    extra = [(cost(name, state.hidden), name) for name in state.hidden if name not in fixed]
    part_of = {name: part for part in unknown_parts(problem, state.hidden) for name in part.cells}
    for _, name in sorted(extra, reverse=True):
        part = part_of.get(name)  # None: it follows from others, hidden or not
        fewer = set() if part is None else {one for one in part.cells if one in state.hidden} - {name}
        if part is None or set(exposed(part, fewer, state.known)) <= state.unprotected:
            state.hidden.discard(name)


def _company(problem: Problem, hidden: Collection[str], target: str, cost: Costs, depth: int) -> set[str] | None:
    """The cheapest cells that, hidden too, make the target uncertain by k (empty where it is already); None where there
    are none so near.

    Two tables, both of which fit what a reader sees, differ by k in the target. For each cell i the program has how far
    either departs from the truth, and whether i is hidden: departures are zero where it is not, and never more than k.
    """
    reached, _ = _reach(problem, target, depth)
    names = sorted(reached)
    numbers = sorted({number for name in names for number in problem.relations_of.get(name, ())})
    at, count, k = {name: column for column, name in enumerate(names)}, len(names), problem.k
    free = [name in hidden or not problem.cells[name].is_shown for name in names]
    cells = [problem.cells[name] for name in names]
    movable = [is_free or (c.value > 0 and not c.is_known) for c, is_free in zip(cells, free, strict=True)]
    down = np.array([min(k, max(0, problem.cells[name].value - problem.least(name))) for name in names], dtype=float)
    down, up = np.where(movable, down, 0.0), np.where(movable, float(k), 0.0)
    prices = np.array([0.0 if is_free else cost(name, hidden) for name, is_free in zip(names, free, strict=True)])
    entries = _sums(problem, numbers, at)
    rows = 2 * len(numbers)
    matrix: list[tuple[int, int, float]] = [*entries, *((len(numbers) + r, count + c, s) for r, c, s in entries)]
    low, high = [0.0] * rows, [0.0] * rows
    for column in (c for c in range(count) if movable[c] and not free[c]):
        for shift in (0, count):
            matrix += [(rows, shift + column, 1.0), (rows, 2 * count + column, down[column])]
            matrix += [(rows + 1, shift + column, 1.0), (rows + 1, 2 * count + column, -up[column])]
            low, high, rows = [*low, 0.0, -np.inf], [*high, np.inf, 0.0], rows + 2
    matrix += [(rows, at[target], 1.0), (rows, count + at[target], -1.0)]
    low, high = [*low, float(k)], [*high, np.inf]
    at_rows, at_columns, signs = zip(*matrix, strict=True)
    found = milp(
        np.concatenate([np.zeros(2 * count), prices]),
        constraints=LinearConstraint(
            coo_array((signs, (at_rows, at_columns)), shape=(rows + 1, 3 * count)).tocsr(), low, high
        ),
        bounds=Bounds(np.concatenate([-down, -down, np.zeros(count)]), np.concatenate([up, up, np.ones(count)])),
        integrality=np.concatenate([np.zeros(2 * count), np.ones(count)]),
        options={"mip_rel_gap": GAP},
    )
    if found.status != OPTIMAL or found.x is None:
        return None
    chosen = found.x[2 * count :] > 0.5
    return {name for name, is_in, is_free in zip(names, chosen, free, strict=True) if is_in and not is_free}


def _sums(problem: Problem, numbers: Iterable[int], at: dict[str, int]) -> list[tuple[int, int, float]]:
    """The relations' coefficients: row, column, sign. Cells out of reach stay as they are."""
    found = []
    for row, number in enumerate(numbers):
        relation = problem.relations[number]
        signed = [(relation.total, 1.0), *((name, -1.0) for name in relation.parts)]
        found += [(row, at[name], sign) for name, sign in signed if name is not None and name in at]
    return found
