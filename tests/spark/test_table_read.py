"""Rows that go with a statement are the rows that a scan finds, with the same types, at the pinned version."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from pyspark.sql.connect.session import SparkSession

from agrilake.tables import read
from agrilake.tables.read import table_at

pytestmark = pytest.mark.spark
FIELDS = {
    "code": "string",
    "n": "bigint",
    "amount": "decimal(20,2)",
    "share": "double",
    "open": "boolean",
    "day": "date",
    "at": "timestamp_ntz",
}
ROWS = pl.DataFrame(
    {
        "code": ["甲", None],
        "n": [1, None],
        "amount": [Decimal("10.50"), None],
        "share": [0.5, None],
        "open": [True, None],
        "day": [date(2024, 5, 31), None],
        "at": [datetime.fromisoformat("2024-05-31T23:59:59"), None],
    },
    schema_overrides={"amount": pl.Decimal(20, 2)},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A table whose version 0 has two rows, and version 1 one."""
    ROWS.write_delta(str(tmp_path / "table"))
    ROWS.head(1).write_delta(str(tmp_path / "table"), mode="overwrite")
    return tmp_path / "table"


@pytest.mark.parametrize("version", [0, 1])
def test_both_ways_give_the_same_rows_and_types(
    spark: SparkSession, path: Path, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_over = table_at(spark, path, version, FIELDS)
    monkeypatch.setattr(read, "HANDED_OVER_BYTES", 0)
    scanned = table_at(spark, path, version, FIELDS)
    assert handed_over.dtypes == scanned.dtypes == list(FIELDS.items())
    assert handed_over.count() == 2 - version
    assert sorted(handed_over.collect(), key=str) == sorted(scanned.collect(), key=str)


def test_a_table_that_is_not_there_yet_has_all_columns_and_no_rows(spark: SparkSession, tmp_path: Path) -> None:
    found = table_at(spark, tmp_path / "none", None, FIELDS)
    assert found.dtypes == list(FIELDS.items())
    assert found.isEmpty()


def test_a_column_that_the_contract_has_and_the_stored_version_not_yet_is_left_out(
    spark: SparkSession, path: Path
) -> None:
    assert table_at(spark, path, 0, {**FIELDS, "later": "string"}).columns == list(FIELDS)
