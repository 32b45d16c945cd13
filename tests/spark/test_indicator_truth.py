"""The small sample's indicators equal the truth, computed from the clean facts without the pipeline's code."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.support.samples import SAMPLE

from agrilake.indicators.load import load_indicators
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
    assert compared["indicator_id"].n_unique() >= 40
    assert wrong.is_empty(), wrong


def test_what_is_not_delivered_is_missing_and_not_zero(small_lake: Path) -> None:
    """The year before has sales alone, and accounts of growth begin too late for its first years."""
    table = scan(small_lake / "gold" / "indicator_value")
    assert table is not None
    visits = table.filter(indicator_id="elder_visits_per_1000", period="2023-01").collect()
    assert visits.height > 0
    assert visits["value"].null_count() == visits.height
    assert visits["flag"].unique().to_list() == ["missing"]
    assert visits["missing_reason"].unique().to_list() == ["本期没有收到所需数据"]
    growth = table.filter(indicator_id="agri_tech_contribution_rate", period="2022").collect()
    assert growth.select("value", "flag", "missing_reason").rows() == [
        (None, "missing", "农林牧渔业总产值年均增速：缺少 5 年前同期数")
    ]


def test_years_that_a_later_file_brings_are_official(small_lake: Path) -> None:
    """The file of 2023 holds 2018, so that five years' growth rests on nothing estimated."""
    table = scan(small_lake / "gold" / "indicator_value")
    assert table is not None
    found = table.filter(indicator_id="agri_tech_contribution_rate", period="2023").collect()
    assert found["flag"].to_list() == ["official"]
    assert found["value"].null_count() == 0


def test_every_indicator_has_true_values_or_those_of_its_parts(compared: pl.DataFrame) -> None:
    checked = set(compared["indicator_id"])
    others = {item.id for item in load_indicators()} - checked
    assert others == {
        "agri_labour", "agri_material_cost", "agri_sown_area", "co_distribution_rate", "inbound_parcels",
        "postal_village_site_coverage", "shared_place_rate", "trace_entity_coverage",
    }  # fmt: skip


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
