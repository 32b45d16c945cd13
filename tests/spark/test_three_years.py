"""Three years of one township: a village that was merged, a correction months later, a department that stopped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
import pytest
import shapely
from tests.conftest import open_lake
from tests.support.intake import take
from tests.support.samples import drop

from agrilake.catalog.overdue import missing_periods
from agrilake.geojson import area_from
from agrilake.indicators.engine import compute_indicators
from agrilake.indicators.load import load_indicators
from agrilake.lake.files import scan
from agrilake.pipeline import intake, steps
from agrilake.pipeline.context import Lake
from agrilake.pipeline.samples import DAY_FILE
from agrilake.sample import SampleManifest, generate
from agrilake.sample.generate import THREE_YEARS
from agrilake.sample.places import Merger, load_places

pytestmark = pytest.mark.spark

TOWN, SEED = "玉峰山镇", 500112
REFERENCE = ("stats_division", "stats_division_crosswalk")
DATASETS = {
    "planning_boundary": "2022",
    "agri_crop_production": "2022Q3",
    "civil_village_ledger": "2023-11",
    "civil_elder": "2022-01",
    "civil_elder_visit": "2023-11",
    "coop_service_site": "2022Q1",
    "coop_agri_supply": "2024-06",
}
"""What is taken, from which period on."""

INDICATORS = (
    "three_affairs_disclosure_rate",
    "informatised_crop_area_share",
    "agri_supply_amount",
    "living_alone_elder_share",
    "elder_visits_per_1000",
)
GOLD = ("division", "village_disclosure", "crop_production", "elder", "elder_history", "elder_visit", "agri_supply")
KEY = ["indicator_id", "division_code", "period"]


@dataclass(frozen=True)
class History:
    """The lake, the sample that it took, its merger, and the values of INDICATORS beside the truth."""

    lake: Lake
    sample: SampleManifest
    merger: Merger
    values: pl.DataFrame

    def of(self, indicator: str, division: str) -> dict[str, tuple[float | None, str, str | None]]:
        """Value, flag and note by period."""
        found = self.values.filter(indicator_id=indicator, division_code=division)
        return {row["period"]: (row["value"], row["flag"], row["note"]) for row in found.iter_rows(named=True)}

    def silver(self, dataset: str) -> pl.DataFrame:
        table = scan(self.lake.home.table("silver", dataset))
        assert table is not None
        return table.collect()


def _take(lake: Lake, sample: SampleManifest, datasets: tuple[str, ...]) -> None:
    """The datasets' files become what the truth says."""
    for item in sample.files:
        if item.dataset in datasets and item.status != "refused" and item.period >= DATASETS.get(item.dataset, ""):
            drop(sample.inbox / item.path, lake.home.root)
    for path, outcome in take(lake).items():
        expected = next(item for item in sample.files if item.path == path)
        counts = (outcome.delivery.accepted, outcome.delivery.quarantined, outcome.delivery.duplicate)
        assert counts == (expected.accepted, expected.quarantined, expected.duplicate), path


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, spark_remote: str) -> Iterator[History]:
    root = tmp_path_factory.mktemp("history")
    sample = generate(root / "sample", SEED, THREE_YEARS, [TOWN], 4000, 0.1, iot_rows=300)
    lake = open_lake(root / "home")
    (lake.home.root / "sample").mkdir()
    (lake.home.root / "sample" / DAY_FILE).write_text("2025-01-06", encoding="ascii")
    for group in (REFERENCE, tuple(DATASETS)):
        _take(lake, sample, group)
    for name in (*REFERENCE, *DATASETS):
        steps.update_silver(lake, name)
        steps.check_suite(lake, name)
    for name in GOLD:
        steps.update_gold(lake, name)
    arrivals = steps.dataset_arrivals(lake)
    chosen = [item for item in load_indicators() if item.id in INDICATORS]
    compute_indicators(lake.spark(), lake.home, chosen, lake.registry, lake.settings, arrivals)
    values = pl.read_delta(str(lake.home.table("gold", "indicator_value")))
    merger = load_places(SEED, [TOWN], merging=True).merger
    assert merger is not None
    yield History(lake, sample, merger, values.with_columns(pl.col("value").cast(pl.Float64)))
    shutil.rmtree(root)


def test_values_before_and_after_the_merger_equal_the_truth(history: History) -> None:
    truth = pl.read_csv(
        history.sample.truth / "indicators.csv", schema_overrides={"division_code": pl.String, "period": pl.String}
    ).filter(pl.col("indicator_id").is_in(INDICATORS))
    begun = {
        "three_affairs_disclosure_rate": "2023-11",
        "informatised_crop_area_share": "2022Q3",
        "agri_supply_amount": "2024-06",
        "living_alone_elder_share": "2022-01",
        "elder_visits_per_1000": "2023-11",
    }
    since = pl.col("indicator_id").replace_strict(begun)
    villages = (history.merger.old.code, history.merger.new.code)
    by_village = pl.col("indicator_id").is_in([item.id for item in load_indicators() if "village" in item.grain])
    whole = truth.filter(
        pl.col("period") >= since,
        pl.col("period").str.len_chars() > len("2024"),  # years begin before the files that are taken
        by_village | ~pl.col("division_code").is_in(villages),
    )
    compared = whole.select(*KEY, pl.col("value").alias("truth")).join(history.values, on=KEY, how="left")
    wrong = compared.filter((pl.col("truth") - pl.col("value")).abs().fill_null(1) > 1e-4)
    assert wrong.is_empty(), wrong
    assert compared.filter(pl.col("division_code").is_in(villages))["indicator_id"].n_unique() == 2
    assert compared.height > 150


def test_the_merged_village_has_figures_until_its_last_day_and_none_after(history: History) -> None:
    old, new = history.merger.old.code, history.merger.new.code
    disclosed = history.of("three_affairs_disclosure_rate", old)
    assert max(disclosed) == "2023Q4"
    assert disclosed["2023-12"][0] is not None
    assert {period for period in history.of("three_affairs_disclosure_rate", new) if "-" in period} >= {
        "2023-12",
        "2024-01",
    }
    elders = history.silver("civil_elder_history").filter(pl.col("elder_id").is_not_null(), division_code=old)
    assert elders.height > 0
    assert elders["valid_to"].null_count() == 0


def test_what_a_department_still_writes_under_the_old_village_counts_for_the_new(history: History) -> None:
    visits = history.silver("civil_elder_visit")
    known = set(history.silver("civil_elder_history").filter(division_code=history.merger.old.code)["elder_id"])
    of_old = visits.filter(pl.col("elder_id").is_in(list(known)))
    before, after = of_old.filter(pl.col("_period") < "2024"), of_old.filter(pl.col("_period") >= "2024")
    assert set(before["division_code"]) <= {history.merger.old.code}
    assert set(after["division_code"]) == {history.merger.new.code}


def test_both_boundaries_stand_and_the_later_is_their_union(history: History) -> None:
    rows = history.silver("planning_boundary").select("_period", "division_code", "geometry")
    areas = {(period, code): area_from(text) for period, code, text in rows.iter_rows()}
    old, new = history.merger.old.code, history.merger.new.code
    whole = shapely.union(areas["2023", old], areas["2023", new])
    assert ("2024", old) not in areas
    assert shapely.symmetric_difference(whole, areas["2024", new]).area < 1e-6


def test_a_correction_months_later_replaces_what_it_corrects(history: History) -> None:
    crops = history.silver("agri_crop_production").filter(_period="2022Q3")
    corrected = [item for item in history.lake.state.deliveries("agri_crop_production") if item.period == "2022Q3"]
    assert sorted(item.revision for item in corrected) == [0, 1]
    assert crops["_delivery_id"].unique().to_list() == [item.id for item in corrected if item.revision == 1]
    first, last = sorted(corrected, key=lambda item: item.revision)
    assert first.accepted < last.accepted == crops.height


def test_a_department_that_stopped_is_overdue_and_its_sums_say_so(history: History) -> None:
    supply = history.lake.registry.get("coop_agri_supply")
    deliveries = history.lake.state.deliveries("coop_agri_supply")
    assert missing_periods(supply, deliveries, steps.today(history.lake)) == ["2024-09", "2024-10", "2024-11"]
    amounts = history.of("agri_supply_amount", history.lake.settings.district_code)
    assert amounts["2024-08"][:2] != (None, "missing")
    assert amounts["2024Q3"][1:] == ("estimated", "《农资供应》缺 2024-09，按已报各期计算")
    assert "2024-09" not in amounts or amounts["2024-09"][:2] == (None, "missing")


def test_a_new_division_table_asks_for_the_files_of_its_years_alone(history: History) -> None:
    """A file of 2023 keeps the divisions of 2023, whatever later tables say."""
    assert intake.stale_deliveries(history.lake) == []
    editions = history.lake.editions()
    assert editions is not None
    old = history.merger.old.code
    assert old in editions.of("2023-12").codes and old not in editions.of("2024-01").codes
    assert editions.of("2019-05").version == editions.of("2022Q4").version
    assert editions.of("2030").version == editions.of("2024").version
