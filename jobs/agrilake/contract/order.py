"""What gold tables are made from: the order in which they are built, and the department datasets behind them."""

from __future__ import annotations

from collections.abc import Iterable

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
