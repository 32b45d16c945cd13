"""What the catalogue says beside the resources: coverage by township, quality by period, what is overdue by whom."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from tests.support.catalogue import COUNTY, DIVISIONS, delivery

from agrilake.catalog.catalogue import catalogue_tables
from agrilake.catalog.coverage import NO_DIVISION, WHOLE_DISTRICT, coverage_table, coverage_text
from agrilake.catalog.overdue import missing_periods
from agrilake.catalog.trend import change, trend_word
from agrilake.contract.load import Registry, load_dataset, load_registry
from agrilake.errors import ContractError
from agrilake.lake.state import State
from agrilake.paths import project_root

REGISTRY = load_registry((project_root() / "schemas",))


def frame(**columns: list[Any]) -> pl.LazyFrame:
    return pl.LazyFrame(columns)


def covered(name: str, **silver: pl.LazyFrame) -> dict[str, tuple[int, int, int]]:
    """(rows, villages covered, villages) of a dataset by township."""
    table = coverage_table(Registry({name: REGISTRY.datasets[name]}, {}), {"stats_division": DIVISIONS, **silver})
    return {row["township_name"]: (row["rows"], row["villages_covered"], row["villages"]) for row in table.to_pylist()}


def test_a_register_counts_as_it_stands_and_a_snapshot_by_its_newest_period() -> None:
    codes = ["500112101201", "500112101201", "500112102201"]
    rows = frame(division_code=codes, _period=["2024Q1", "2024Q2", "2024Q1"])
    assert covered("commerce_cold_chain", commerce_cold_chain=rows) == {"甲镇": (2, 1, 2), "乙镇": (1, 1, 1)}
    assert covered("agri_crop_production", agri_crop_production=rows) == {"甲镇": (1, 1, 2), "乙镇": (0, 0, 1)}


def test_an_event_is_where_its_site_is() -> None:
    """A parcel names a node alone; nodes of a township are no village's."""
    found = coverage_table(
        REGISTRY,
        {
            "stats_division": DIVISIONS,
            "postal_site": frame(
                site_no=["A", "B"], division_code=["500112101202", "500112102000"], _period=["2024Q1"] * 2
            ),
            "postal_parcel": frame(site_no=["A", "A", "B", "?"], _period=["2024-01"] * 4),
        },
    ).to_pylist()
    parcels = [row for row in found if row["dataset"] == "postal_parcel"]
    assert [(row["township_name"], row["rows"], row["villages_covered"]) for row in parcels] == [
        ("甲镇", 2, 1),
        ("乙镇", 1, 0),
    ]
    assert {row["period"] for row in parcels} == {"2024-01"}


def test_coverage_in_words() -> None:
    silver = {
        "stats_division": DIVISIONS,
        "commerce_cold_chain": frame(division_code=["500112101201"], _period=["2024Q1"]),
        "stats_agri_growth": frame(division_code=[COUNTY], _period=["2024"]),
        "planning_boundary": frame(division_code=[COUNTY, "500112102000"], _period=["2024"] * 2),
    }
    table = coverage_table(REGISTRY, silver)
    words = {name: coverage_text(REGISTRY.datasets[name], REGISTRY, table) for name in silver}
    assert words["commerce_cold_chain"] == "1/2 个镇街，1/3 个村（社区）"
    assert words["planning_boundary"] == "1/2 个镇街"
    assert words["stats_agri_growth"] == WHOLE_DISTRICT
    lone = Registry({"postal_parcel": REGISTRY.datasets["postal_parcel"]}, {})
    assert coverage_text(lone.datasets["postal_parcel"], lone, table) == NO_DIVISION


def test_gaps_are_missing_and_what_never_came_is_missing_once() -> None:
    monthly = REGISTRY.datasets["commerce_ecommerce_sales"]  # due 15 days after the month
    came = [delivery("a", monthly.id, "2024-01"), delivery("b", monthly.id, "2024-03")]
    assert missing_periods(monthly, came, date(2024, 4, 20)) == ["2024-02"]
    assert missing_periods(monthly, came, date(2024, 5, 16)) == ["2024-02", "2024-04"]
    refused = [delivery("c", monthly.id, "2024-01", status="refused")]
    assert missing_periods(monthly, refused, date(2024, 5, 16)) == ["2024-04"]


def test_the_overdue_stand_by_department_with_the_longest_first(tmp_path: Path) -> None:
    state = State(tmp_path / "lake.sqlite")
    names = ("commerce_ecommerce_sales", "commerce_training", "civil_assistance")
    registry = Registry({name: REGISTRY.datasets[name] for name in names}, {})
    state.record_delivery(delivery("a", names[0], "2024-01"))
    state.record_delivery(delivery("b", names[0], "2024-03", accepted=8, quarantined=2, status="partial"))
    for name in names[1:]:
        for month in ("2024-01", "2024-02", "2024-03"):
            state.record_delivery(delivery(f"{name}{month}", name, month))
    tables = catalogue_tables(registry, state, {}, date(2024, 4, 20))
    late = [(row["dataset"], row["period"], row["days_overdue"]) for row in tables["catalogue_overdue"].to_pylist()]
    assert late == [("commerce_ecommerce_sales", "2024-02", 36)]  # due on 15 March
    commerce, civil = tables["catalogue_department"].to_pylist()
    assert (commerce["department_title"], commerce["datasets"], commerce["datasets_overdue"]) == ("区商务委", 2, 1)
    assert (commerce["deliveries_overdue"], commerce["oldest_due_on"]) == (1, date(2024, 3, 15))
    assert (civil["deliveries_overdue"], civil["quality_score"]) == (0, Decimal("100.00"))
    resource = {row["dataset"]: row for row in tables["catalogue"].to_pylist()}[names[0]]
    assert (resource["periods_missing"], resource["overdue"], resource["status"]) == (1, False, "正常")
    assert (resource["quality_trend"], resource["quality_change"]) == ("下降", Decimal("-15.38"))
    scores = [row["quality_score"] for row in tables["catalogue_quality"].to_pylist() if row["dataset"] == names[0]]
    assert scores == [Decimal("100.00"), Decimal("84.62")]  # 50 of 65 points hang on the accepted share


@pytest.mark.parametrize(
    ("scores", "points", "word"),
    [
        ([], None, None),
        ([90], None, None),
        ([90, 90.9], "0.90", "持平"),
        ([80, 90, 100, 91], "1.00", "上升"),
        ([10, 90, 90, 90, 80], "-10.00", "下降"),  # only three periods are looked back upon
    ],
)
def test_the_newest_period_is_compared_with_those_before(
    scores: list[float], points: str | None, word: str | None
) -> None:
    found = change([Decimal(str(score)) for score in scores])
    assert found == (None if points is None else Decimal(points))
    assert trend_word(found) == word


def test_what_is_not_shared_freely_says_on_what_terms() -> None:
    """国发〔2016〕51号: conditional sharing states its conditions, no sharing its ground."""
    for dataset in REGISTRY.datasets.values():
        assert bool(dataset.sharing_terms) is (dataset.sharing != "无条件共享"), dataset.id
        if dataset.sharing == "不予共享":
            assert "依据《" in dataset.sharing_terms, dataset.id


def test_an_unknown_way_of_sharing_is_refused(tmp_path: Path) -> None:
    contract = yaml.safe_load((project_root() / "schemas" / "commerce" / "cold_chain.yaml").read_text("utf-8"))
    for item in contract["customProperties"]:
        if item["property"] == "sharing":
            item["value"] = "完全共享"
    path = tmp_path / "cold_chain.yaml"
    path.write_text(yaml.safe_dump(contract, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ContractError, match="不予共享"):
        load_dataset(path)
