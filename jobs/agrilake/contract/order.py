"""What gold tables are made from: the order in which they are built, and the department datasets behind them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset
from agrilake.errors import ContractError

BUILT = ("transform", "linking")
"""Makers of gold tables that are built from other tables."""


def in_order(registry: Registry) -> list[Dataset]:
    """Gold tables that are built from others, each after its inputs; ContractError for a circle. The indicator values,
    which come after all of them, and what a publication makes are not among these."""
    done: list[Dataset] = []
    left = {name: table for name, table in registry.gold.items() if table.made_by in BUILT}
    while left:
        ready = [table for table in left.values() if not any(name in left for name in table.inputs)]
        if not ready:
            first = next(iter(left.values()))
            raise ContractError(str(first.path), "customProperties.inputs", "a circle: " + ", ".join(left))
        done += ready
        left = {name: table for name, table in left.items() if table not in ready}
    return done


@dataclass(frozen=True)
class TableGroup:
    """Gold tables of one subject that are built one after the other; `after` names the groups that come before."""

    subject: str
    tables: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def name(self) -> str:
        """The first table's id, which names the group."""
        return self.tables[0]


def in_groups(registry: Registry) -> list[TableGroup]:
    """The tables of `in_order`, those of a subject together as far as no table of another subject lies between them.

    A table's stage counts how often the subject changes on the longest way to it, so a group (a subject's tables of a
    stage) never waits for one that waits for it.
    """
    stage: dict[str, int] = {}
    members: dict[tuple[int, str], list[Dataset]] = {}
    for table in in_order(registry):
        before = [registry.gold[name] for name in table.inputs if name in stage]
        stage[table.id] = max((stage[one.id] + (one.subject != table.subject) for one in before), default=0)
        members.setdefault((stage[table.id], table.subject), []).append(table)
    group_of = {table.id: tables[0].id for tables in members.values() for table in tables}
    groups = []
    for (_, subject), tables in sorted(members.items(), key=lambda item: item[0][0]):
        before_it = {group_of[name] for table in tables for name in table.inputs if name in group_of}
        names = tuple(table.id for table in tables)
        groups.append(TableGroup(subject, names, tuple(sorted(before_it - {names[0]}))))
    return groups


def datasets_behind(names: Iterable[str], registry: Registry) -> list[Dataset]:
    """Department datasets behind tables (`layer/name` or name), through gold tables, without the reference data."""
    found: dict[str, Dataset] = {}
    waiting = [name.rpartition("/")[2] for name in names]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if name in registry.gold:
            waiting += registry.gold[name].inputs
        elif name in registry.datasets and not registry.datasets[name].reference:
            found[name] = registry.datasets[name]
    return [found[name] for name in sorted(found)]
