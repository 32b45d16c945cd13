"""The way back that gold contracts declare: each part of it must name what is there."""

from __future__ import annotations

from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset
from agrilake.errors import ContractError

PERIOD = "_period"


def check_lineage(registry: Registry) -> None:
    """ContractError for a lineage that names an unknown table, a column that the table itself has not, or an SQL
    expression over columns that the other has not."""
    for table in registry.gold.values():
        own = {column.name for column in table.columns}
        for name, columns in table.lineage.items():
            if name not in registry.gold and name not in registry.datasets:
                raise _wrong(table, name, f"no table {name!r}")
            source = registry.any(name)
            known = {column.name for column in source.columns} | (set() if source.is_gold else {PERIOD})
            for column, expression in columns.items():
                if column not in own:
                    raise _wrong(table, f"{name}.{column}", f"{table.id} has no column {column!r}")
                missing = sorted(_named(table, f"{name}.{column}", expression) - known)
                if missing:
                    raise _wrong(table, f"{name}.{column}", f"{name} has no column {missing[0]!r}")


def _named(table: Dataset, place: str, expression: str) -> set[str]:
    import sqlglot  # not needed by those who only read contracts
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(expression, read="duckdb")
    except sqlglot.errors.ParseError as error:
        raise _wrong(table, place, f"not SQL: {expression!r}") from error
    return {column.name for column in tree.find_all(exp.Column)}


def _wrong(table: Dataset, place: str, problem: str) -> ContractError:
    return ContractError(str(table.path), f"customProperties.lineage.{place}", problem)
