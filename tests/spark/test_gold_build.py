"""Building gold tables: pinned inputs, nothing to do where nothing changed, and nobody's name in any of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from pyspark.sql.connect.session import SparkSession
from sqlglot import parse_one
from sqlglot.expressions import Column
from tests.spark.conftest import Frame

from agrilake.contract.load import load_registry
from agrilake.contract.order import in_order
from agrilake.contract.settings import load_settings
from agrilake.errors import ConsistencyError
from agrilake.gold.build import build_gold
from agrilake.lake.files import scan
from agrilake.paths import Home

REGISTRY = load_registry()


@pytest.mark.spark
def test_a_table_is_built_once_for_each_version_of_its_inputs_and_misses_none_for_want_of_data(
    spark: SparkSession, frame: Frame, tmp_path: Path
) -> None:
    home, table, settings = Home.at(tmp_path).prepare(), REGISTRY.gold["logistics_node"], load_settings()
    empty = build_gold(spark, home, table, REGISTRY, settings)
    assert empty.changed
    node = {
        "site_no": "YZ1",
        "name": "站",
        "level": "village",
        "division_code": "500112129206",
        "co_distribution": True,
    }
    path = home.table("silver", "postal_site")
    frame("postal_site", [{**node, "_delivery_id": "d1", "_line": 5, "_period": "2024Q1"}]).write.format("delta").save(
        str(path)
    )
    built = build_gold(spark, home, table, REGISTRY, settings)
    assert built.changed
    assert not build_gold(spark, home, table, REGISTRY, settings).changed
    stored = scan(home.table("gold", table.id))
    assert stored is not None
    assert stored.collect().select("site_no", "source_dataset", "delivery_id", "line").rows() == [
        ("YZ1", "postal_site", "d1", 5)
    ]
    assert stored.collect_schema().names() == [column.name for column in table.columns]
    note = json.loads(DeltaTable(str(home.table("gold", table.id))).history(1)[0]["userMetadata"])
    assert note["inputs"] == {"postal_site": 0, "postal_site_history": None, "division": None}


@pytest.mark.spark
def test_the_table_refuses_a_row_that_its_contract_excludes_and_keeps_what_it_had(
    spark: SparkSession, frame: Frame, tmp_path: Path
) -> None:
    """NOT NULL and CHECK stand on the table; the message tells the table and no value; a new contract builds anew."""
    home, table, settings = Home.at(tmp_path).prepare(), REGISTRY.gold["training"], load_settings()
    session = {"session_no": "DP1", "division_code": "500112129206", "topic": "直播", "held_on": date(2024, 5, 2)}
    path, silver = home.table("gold", table.id), home.table("silver", "commerce_training")

    def deliver(attendees: int | None) -> None:
        rows = frame("commerce_training", [{**session, "attendees": attendees, "_line": 2}])
        rows.write.format("delta").mode("overwrite").save(str(silver))

    deliver(30)
    build_gold(spark, home, table, REGISTRY, settings)
    assert "attendees >= 1" in DeltaTable(str(path)).metadata().configuration["delta.constraints.contract"]
    for wrong in (0, None):
        deliver(wrong)
        with pytest.raises(
            ConsistencyError, match=r"gold/training: a row violates what training\.yaml requires"
        ) as error:
            build_gold(spark, home, table, REGISTRY, settings)
        assert "DP1" not in str(error.value)
        assert pl.read_delta(str(path))["attendees"].to_list() == [30]
    deliver(40)
    narrower = replace(table, columns=tuple(item for item in table.columns if item.name != "topic"))
    assert build_gold(spark, home, narrower, REGISTRY, settings).changed
    assert not build_gold(spark, home, narrower, REGISTRY, settings).changed
    held = pl.read_delta(str(path))
    assert "topic" not in held.columns
    assert held["attendees"].to_list() == [40]


def test_no_gold_table_has_a_column_with_a_direct_identifier_or_its_token() -> None:
    personal = {column.name for dataset in REGISTRY.datasets.values() for column in dataset.personal_columns} - {
        "name",
        "address",
    }
    assert personal
    for table in REGISTRY.gold.values():
        assert not personal & {column.name for column in table.columns}, table.id
    of_persons = (
        "household",
        "elder",
        "parcel",
        "subsidy",
        "assistance",
        "elder_visit",
        "elder_visit_month",
        "machinery",
    )
    for table in of_persons:
        assert "name" not in {column.name for column in REGISTRY.gold[table].columns}
        assert "leader" not in REGISTRY.gold[table].published, "rows of persons are not for the leader's copy"


def test_every_gold_table_leads_back_to_deliveries() -> None:
    """By its own columns, or by a lineage whose tables do and whose columns exist."""
    for table in in_order(REGISTRY):
        names = {column.name for column in table.columns}
        if {"source_dataset", "delivery_id", "line"} <= names:
            continue
        assert table.lineage, table.id
        for source, columns in table.lineage.items():
            assert source in table.inputs, (table.id, source)
            assert set(columns) <= names, (table.id, source)
            below = {column.name for column in REGISTRY.any(source).columns}
            assert {column.name for text in columns.values() for column in parse_one(text).find_all(Column)} <= below
