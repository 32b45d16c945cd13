"""One Spark session for all table tests, and frames from a few rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame
from pyspark.sql.connect.session import SparkSession

from agrilake.contract.load import load_registry
from agrilake.services.spark import connect
from agrilake.tables.types import silver_fields, spark_type

Rows = Sequence[Mapping[str, Any]]
Frame = Callable[[str, Rows], DataFrame]


@pytest.fixture(scope="session")
def spark(spark_remote: str, tmp_path_factory: pytest.TempPathFactory) -> SparkSession:
    """A client of the session's server."""
    return connect(tmp_path_factory.mktemp("client"), start=False)


@pytest.fixture(scope="session")
def frame(spark: SparkSession) -> Frame:
    """A frame of a dataset's silver columns, or of a gold table's, from rows that name only what matters."""
    registry = load_registry()

    def make(table: str, rows: Rows) -> DataFrame:
        if table in registry.gold:
            fields = {column.name: spark_type(column) for column in registry.gold[table].columns}
        else:
            fields = silver_fields(registry.get(table))
        unknown = {name for row in rows for name in row} - fields.keys()
        assert not unknown, f"{table} has no column {unknown}"
        schema = ", ".join(f"{name} {kind}" for name, kind in fields.items())
        cells = [tuple(_cell(row.get(name), kind) for name, kind in fields.items()) for row in rows]
        return spark.createDataFrame(cells, schema)

    return make


def _cell(value: Any, kind: str) -> Any:
    return Decimal(str(value)) if value is not None and kind.startswith("decimal") else value


def rows_of(frame: DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """The columns' values, sorted, as plain tuples."""
    return sorted((tuple(row) for row in frame.select(*columns).collect()), key=str)
