"""Whatever departments did, and in whatever order: gold, built in between or at the end alone, is the same."""

from __future__ import annotations

import os

import polars as pl
import pytest
from hypothesis.stateful import invariant
from pyspark.sql.connect.session import SparkSession
from tests.support.story import DATASETS
from tests.support.telling import Story, tell

from agrilake.contract.load import load_registry
from agrilake.contract.order import in_order
from agrilake.contract.settings import load_settings
from agrilake.gold.build import build_gold
from agrilake.lake.files import scan
from agrilake.pipeline.context import Lake

FULL = bool(os.environ.get("AGRILAKE_FULL"))
REGISTRY = load_registry()
OWN = {*DATASETS, "division"}
TABLES = [table for table in in_order(REGISTRY) if set(table.inputs) <= OWN]


def gold(spark: SparkSession, lake: Lake) -> dict[str, pl.DataFrame]:
    """Gold of the story's datasets as it is to be by now, its rows sorted: {table: rows}."""
    found = {}
    for table in TABLES:
        build_gold(spark, lake.home, table, REGISTRY, load_settings())
        rows = scan(lake.home.table("gold", table.id))
        assert rows is not None
        frame = rows.collect()
        found[table.id] = frame.sort(frame.columns)
    return found


@pytest.mark.spark
@pytest.mark.timeout(5400 if FULL else 300)
def test_gold_is_the_same_in_any_order_and_built_in_any_number_of_steps(spark: SparkSession) -> None:
    built = []

    class StoryToGold(Story):
        """Gold is built of the first file, and of what there is after every third."""

        due = 1

        @invariant()
        def build(self) -> None:
            if len(self.files) >= self.due:
                gold(spark, self.lake)
                self.due = len(self.files) + 3

        def again(self) -> Lake:
            other = super().again()
            mine, theirs = gold(spark, self.lake), gold(spark, other)
            for name, rows in mine.items():
                assert rows.equals(theirs[name]), name
            built.append(sum(rows.height for rows in mine.values()))
            return other

    tell(StoryToGold, *((40, 20) if FULL else (3, 9)), FULL)
    assert {table.id for table in TABLES} == {"household", "household_history", "online_purchase", "training"}
    assert sum(built) > 0
