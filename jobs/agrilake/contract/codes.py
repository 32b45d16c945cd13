"""Which columns of a table hold codes, and what the codes mean."""

from __future__ import annotations

from agrilake.contract.load import Registry
from agrilake.contract.model import Column, Dataset
from agrilake.sql import literal


def coded_columns(contract: Dataset, registry: Registry) -> dict[str, Column]:
    """The table's columns that hold codes, each with the column that lists them: its own, or that of the same name in a
    dataset that the table is made from."""
    sources = [registry.datasets[name] for name in contract.inputs if name in registry.datasets]
    coded = {column.name: column for source in (contract, *sources) for column in source.columns if column.enum}
    return {column.name: coded[column.name] for column in contract.columns if column.name in coded}


def label_of(expression: str, coded: Column) -> str:
    """SQL for the Chinese label of a code that the expression gives; other values stand as they are."""
    cases = " ".join(f"WHEN {literal(item.value)} THEN {literal(item.label)}" for item in coded.enum)
    return f"CASE {expression} {cases} ELSE {expression} END"
