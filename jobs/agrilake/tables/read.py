"""A Delta table at a pinned version as a Spark frame.

A scan of a Delta table costs Spark a job of its own to find the files, whatever the table's size, and a gold statement
has dozens. So the rows of a small table are read here and handed over with the statement; a large one is scanned.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from deltalake import DeltaTable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.connect.session import SparkSession

HANDED_OVER_BYTES = 8_000_000
"""Up to this size of its files a table's rows go with the statement."""

_handing_over = threading.Lock()
"""Two threads that hand the same rows to one session at once may miss each other's: the server drops what it has of
them before it takes them again."""


def table_at(spark: SparkSession, path: Path, version: int | None, fields: Mapping[str, str]) -> DataFrame:
    """The rows of the table at `path` at a version, with the columns `fields` (name: Spark type) as far as the table
    has them; no rows, but all columns, with version None, where the table is not there yet."""
    if version is None:
        return spark.createDataFrame([], _schema(fields))
    table = DeltaTable(str(path), version=version)
    if sum(_sizes(table)) > HANDED_OVER_BYTES:
        return spark.read.format("delta").option("versionAsOf", version).load(str(path))
    rows = pl.read_delta(table)
    known = {name: kind for name, kind in fields.items() if name in rows.columns}
    with _handing_over:
        return spark.createDataFrame(rows.select(list(known)).to_arrow(), _schema(known))


def _sizes(table: DeltaTable) -> list[int]:
    sizes: list[int] = pl.DataFrame(table.get_add_actions(flatten=True))["size_bytes"].to_list()
    return sizes


def _schema(fields: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in fields.items())
