"""The order in which gold tables are built."""

from __future__ import annotations

from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset
from agrilake.errors import ContractError


def in_order(registry: Registry) -> list[Dataset]:
    """Gold tables, each after its inputs; ContractError for a circle."""
    done: list[Dataset] = []
    left = dict(registry.gold)
    while left:
        ready = [table for table in left.values() if not any(name in left for name in table.inputs)]
        if not ready:
            first = next(iter(left.values()))
            raise ContractError(str(first.path), "customProperties.inputs", "a circle: " + ", ".join(left))
        done += ready
        left = {name: table for name, table in left.items() if table not in ready}
    return done
