"""Two publications seen by one reader: what the older one showed is known, what it hid stays hidden.

A cell whose number has not changed is one cell of both. One that has changed is two, and the sums of then still hold
between the numbers of then.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from agrilake.publish.attack import Problem, Relation

THEN = " @then"


def over_both(now: Problem, then: Problem, hidden_then: Collection[str]) -> tuple[Problem, set[str]]:
    """The problem of both publications together, and the cells in it that have to stay hidden.

    A small number that was shown (k was less) is hidden all the same.
    """
    same = {name for name, cell in then.cells.items() if name in now.cells and now.cells[name].value == cell.value}
    cells = dict(now.cells)
    for name, cell in then.cells.items():
        was_told = cell.is_shown and name not in hidden_then
        if name not in same:
            is_sensitive = cell.is_sensitive and not was_told
            cells[name + THEN] = replace(cell, is_known=was_told, is_sensitive=is_sensitive)
        elif was_told and not now.is_small(name):
            cells[name] = replace(cells[name], is_known=True)
    older = [_renamed(relation, same) for relation in then.relations]
    relations = list(dict.fromkeys([*now.relations, *older]))
    kept = {name if name in same else name + THEN for name in hidden_then if name in then.cells}
    return Problem(cells, relations, now.k), kept


def _renamed(relation: Relation, same: Collection[str]) -> Relation:
    def of(name: str) -> str:
        return name if name in same else name + THEN

    total = None if relation.total is None else of(relation.total)
    return replace(relation, total=total, parts=tuple(map(of, relation.parts)))
