"""The small sample's indicators equal the truth, computed from the clean facts without the pipeline's code."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.support.samples import SAMPLE

from agrilake.lake.files import scan

KEY = ["indicator_id", "division_code", "period"]
CLOSE = 1e-4

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def compared(small_lake: Path) -> pl.DataFrame:
    """Truth beside the lake: KEY, truth, value."""
    truth = pl.read_csv(
        SAMPLE / "truth" / "indicators.csv", schema_overrides={"division_code": pl.String, "period": pl.String}
    ).select(*KEY, pl.col("value").alias("truth"))
    table = scan(small_lake / "gold" / "indicator_value")
    assert table is not None
    values = table.select(*KEY, pl.col("value").cast(pl.Float64)).collect()
    return truth.join(values, on=KEY, how="left")


def test_every_true_value_is_there_and_equal(compared: pl.DataFrame) -> None:
    wrong = compared.filter(
        (pl.col("truth").is_null() != pl.col("value").is_null()) | ((pl.col("truth") - pl.col("value")).abs() > CLOSE)
    )
    assert compared.height > 100
    assert compared["indicator_id"].n_unique() >= 12
    assert wrong.is_empty(), wrong


def test_what_is_not_delivered_is_missing_and_not_zero(small_lake: Path) -> None:
    table = scan(small_lake / "gold" / "indicator_value")
    assert table is not None
    visits = table.filter(pl.col("indicator_id") == "elder_visits_per_1000").collect()
    assert visits.height > 0
    assert visits["value"].null_count() == visits.height
    assert visits["flag"].unique().to_list() == ["missing"]
    assert visits["missing_reason"].str.contains("尚未接入").all()


def test_files_that_came_years_later_are_late_and_a_year_that_was_never_finished_is_estimated(small_lake: Path) -> None:
    """Two months of 2024, delivered long after: each month is official and late, the year lacks ten months."""
    table = scan(small_lake / "gold" / "indicator_value")
    assert table is not None
    found = table.filter(division_level="district").collect()
    month, year = (found.filter(indicator_id="trace_batches", period=period) for period in ("2024-02", "2024"))
    assert month.select("flag", "late", "note").row(0) == ("official", True, "《农产品追溯批次》2024-02 迟报")
    assert year["flag"].to_list() == ["estimated"]
    assert "缺 2024-03 等 10 期，按已报各期计算" in year["note"][0]
    assert found.filter(pl.col("value").is_null())["late"].any() is False
