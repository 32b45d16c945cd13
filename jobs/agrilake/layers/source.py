"""Rows of a layer's source, from the analysts' published file: no personal column in it, and one version of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import polars as pl

from agrilake.contract.codes import coded_columns, label_of
from agrilake.contract.counts import MARK
from agrilake.contract.load import Registry
from agrilake.contract.model import Column, Dataset, Load, LogicalType
from agrilake.layers.load import division_column
from agrilake.layers.model import Layer
from agrilake.sql import literal, quoted

DIVISION, KEY, PERIOD = "division_code", "_key", "_period"
PROVENANCE = ("delivery_id", "sheet", "line")


class Source:
    """Tables of the analysts' file as Polars frames, numbers as floats."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, registry: Registry) -> None:
        self._connection = connection
        self._registry = registry

    def contract(self, layer: Layer) -> Dataset:
        """The contract of the layer's source."""
        return self._registry.any(layer.source)

    def rows(self, layer: Layer, more: Sequence[str] = ()) -> pl.DataFrame:
        """The layer's rows in the order of the source's key.

        Columns: KEY (the key as one text), the layer's and `<column>_label` beside each coded one, `<column>_hidden`
        beside each that counts persons, `more`, `period` of a history, DIVISION and PROVENANCE (null where the
        source has none).
        """
        contract = self.contract(layer)
        division = division_column(contract)
        chosen = [f"concat_ws('/', {', '.join(quoted(name) for name in contract.key)}) AS {KEY}"]
        shown = [contract.column(name) for name in dict.fromkeys([*layer.columns, *more])]
        chosen += [_column(column) for column in shown]
        chosen += [quoted(column.name + MARK) for column in shown if column.counts and contract.is_gold]
        chosen += self._labels(contract, layer)
        chosen += [f"{quoted(division) if division else 'NULL::VARCHAR'} AS {DIVISION}", *_provenance(contract)]
        chosen += [f"{PERIOD} AS period"] if layer.history else []
        order = ", ".join([*(quoted(name) for name in contract.key), *([PERIOD] if layer.history else [])])
        where = " AND ".join(_conditions(layer, contract)) or "true"
        return self._frame(f"SELECT {', '.join(chosen)} FROM {quoted(contract.id)} WHERE {where} ORDER BY {order}")

    def table(self, name: str, columns: Sequence[str]) -> pl.DataFrame:
        """Columns of a table as it is."""
        return self._frame(f"SELECT {', '.join(quoted(column) for column in columns)} FROM {quoted(name)}")

    def _frame(self, query: str) -> pl.DataFrame:
        return self._connection.execute(query).pl()

    def _labels(self, contract: Dataset, layer: Layer) -> Iterator[str]:
        for name, coded in coded_columns(contract, self._registry).items():
            if name in layer.columns:
                yield f"{label_of(quoted(name), coded)} AS {quoted(name + '_label')}"


def _column(column: Column) -> str:
    name = quoted(column.name)
    return f"{name}::DOUBLE AS {name}" if column.type is LogicalType.NUMBER else name


def _provenance(contract: Dataset) -> list[str]:
    if not contract.is_gold:
        return [f"_{name} AS {name}" for name in PROVENANCE]
    known = {column.name for column in contract.columns}
    kinds = dict.fromkeys(PROVENANCE, "VARCHAR") | {"line": "BIGINT"}
    return [name if name in known else f"NULL::{kinds[name]} AS {name}" for name in PROVENANCE]


def _conditions(layer: Layer, contract: Dataset) -> list[str]:
    """A snapshot counts by its newest period."""
    newest = [layer.newest] if layer.newest else []
    if not contract.is_gold and contract.load is Load.SNAPSHOT and not layer.history:
        newest.append(PERIOD)
    table = quoted(contract.id)
    latest = [f"{quoted(name)} = (SELECT max({quoted(name)}) FROM {table})" for name in newest]
    return [*latest, *(f"{quoted(name)} = {literal(value)}" for name, value in layer.where.items())]
