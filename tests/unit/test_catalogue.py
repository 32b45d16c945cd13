"""The catalogue: what is due, what is late and how good it is, from deliveries and a given day alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.support.catalogue import delivery

from agrilake.catalog.catalogue import CATALOGUE_SCHEMAS, catalogue_tables
from agrilake.catalog.quality import groups_in_force, quality
from agrilake.contract.load import Registry, load_registry
from agrilake.contract.model import Dataset, Frequency, Load
from agrilake.intake.schedule import last_period_due, next_period
from agrilake.lake.state import State

MONTHLY = "commerce_ecommerce_sales"  # snapshot, due 15 days after the month
UPSERT = "agri_farm_household"  # upsert, due 10 days after the month


@pytest.fixture
def registry() -> Registry:
    found = load_registry()
    return Registry({name: found.datasets[name] for name in (UPSERT, MONTHLY)}, {})


@pytest.fixture
def monthly(registry: Registry) -> Dataset:
    return registry.datasets[MONTHLY]


def rows(registry: Registry, state: State, day: str) -> dict[str, dict[str, Any]]:
    silver = {MONTHLY: pl.LazyFrame({"credit_code": ["x"] * 7, "_period": ["2024-05"] * 7})}
    tables = catalogue_tables(registry, state, silver, date.fromisoformat(day))
    assert {name: table.schema for name, table in tables.items()} == CATALOGUE_SCHEMAS
    return {row["dataset"]: row for row in tables["catalogue"].to_pylist()}


@pytest.mark.parametrize(
    ("period", "frequency", "following"),
    [
        ("2024", Frequency.YEAR, "2025"),
        ("2024Q4", Frequency.QUARTER, "2025Q1"),
        ("2024-12", Frequency.MONTH, "2025-01"),
        ("2024-02-28", Frequency.DAY, "2024-02-29"),
    ],
)
def test_periods_follow_one_another(period: str, frequency: Frequency, following: str) -> None:
    assert next_period(period, frequency) == following


def test_the_next_period_is_due_and_then_overdue(registry: Registry, tmp_path: Path) -> None:
    state = State(tmp_path / "lake.sqlite")
    state.record_delivery(delivery("a", MONTHLY, "2024-04"))
    state.record_delivery(delivery("b", MONTHLY, "2024-05"))
    in_time = rows(registry, state, "2024-07-15")[MONTHLY]
    assert in_time["period_latest"] == "2024-05"
    assert in_time["periods_delivered"] == 2
    assert in_time["due_on"] == date(2024, 7, 15)
    assert (in_time["overdue"], in_time["status"]) == (False, "正常")
    assert in_time["freshness_days"] == 45
    late = rows(registry, state, "2024-07-16")[MONTHLY]
    assert (late["overdue"], late["status"]) == (True, "逾期")


def test_counts_rows_and_local_time(registry: Registry, tmp_path: Path) -> None:
    state = State(tmp_path / "lake.sqlite")
    counts = {"records": 12, "accepted": 9, "quarantined": 2, "duplicate": 1, "status": "partial"}
    first = state.record_delivery(delivery("a", MONTHLY, "2024-05", **counts))
    state.record_delivery(delivery("b", MONTHLY, "2024-06", status="refused", accepted=0))
    row = rows(registry, state, "2024-06-01")[MONTHLY]
    assert (row["deliveries"], row["accepted"], row["quarantined"], row["duplicate"]) == (1, 9, 2, 1)
    assert row["rows"] == 7
    assert row["period_latest"] == "2024-05"  # a refused file delivers no period
    assert row["last_delivery_at"].hour == (int(first.received_at[11:13]) + 8) % 24
    assert (row["title"], row["department_title"], row["frequency"]) == ("农产品网络零售", "区商务委", "月")


def test_what_never_came_is_measured_at_the_newest_period_that_is_due(registry: Registry, tmp_path: Path) -> None:
    row = rows(registry, State(tmp_path / "lake.sqlite"), "2024-07-16")[MONTHLY]
    assert (row["period_latest"], row["freshness_days"], row["quality_score"]) == (None, None, None)
    assert row["due_on"] == date(2024, 7, 15)
    assert (row["overdue"], row["status"]) == (True, "未报送")


def test_a_stopped_suite_shows(registry: Registry, tmp_path: Path) -> None:
    state = State(tmp_path / "lake.sqlite")
    state.record_delivery(delivery("a", MONTHLY, "2024-05"))
    state.record_suite(MONTHLY, 0, "stop", [])
    row = rows(registry, state, "2024-06-01")[MONTHLY]
    assert row["status"] == "暂停"
    assert row["quality_score"] == Decimal("76.47")  # (50 + 15 + 0) of the 85 that are known: no period is due yet


@pytest.mark.parametrize("day", ["2024-06-15", "2024-06-16", "2024-07-01"])
def test_the_last_due_period_has_passed_its_day(monthly: Dataset, day: str) -> None:
    expected = "2024-04" if day == "2024-06-15" else "2024-05"
    assert last_period_due(monthly, date.fromisoformat(day)) == expected


def test_a_perfect_dataset_scores_a_hundred(monthly: Dataset) -> None:
    deliveries = [delivery("a", MONTHLY, "2024-04"), delivery("b", MONTHLY, "2024-05")]
    assert quality(monthly, deliveries, {"decision": "pass"}, date(2024, 6, 20)).score == Decimal("100.00")


def test_each_part_of_the_score_counts_with_its_weight(monthly: Dataset) -> None:
    deliveries = [
        delivery("a", MONTHLY, "2024-03"),
        delivery("b", MONTHLY, "2024-05", accepted=5, quarantined=5, details={"rules": {"required": 3}}),
    ]
    found = quality(monthly, deliveries, {"decision": "warn"}, date(2024, 6, 20))
    required = sum(column.required for column in monthly.columns)
    assert found.accepted_share == Decimal("0.75")
    assert found.completeness is not None
    assert float(found.completeness) == pytest.approx(1 - 3 / (20 * required))
    assert found.suite == Decimal("0.5")
    assert found.timeliness is not None
    assert float(found.timeliness) == pytest.approx(2 / 3)  # April is missing
    expected = 50 * 0.75 + 15 * (1 - 3 / (20 * required)) + 20 * 0.5 + 15 * 2 / 3
    assert float(found.score or 0) == pytest.approx(expected, abs=0.005)


def test_mended_rows_count_as_accepted(monthly: Dataset) -> None:
    base = delivery("base0000", MONTHLY, "2024-05", accepted=8, quarantined=2, status="partial")
    mend = delivery("m", MONTHLY, "2024-05", kind="mend", mends="base0000", records=2, accepted=2)
    assert quality(monthly, [base], None, date(2024, 6, 1)).accepted_share == Decimal("0.8")
    assert quality(monthly, [base, mend], None, date(2024, 6, 1)).accepted_share == 1


def test_what_only_a_second_mend_brought_in_counts_as_well(monthly: Dataset) -> None:
    base = delivery("base0000", MONTHLY, "2024-05", accepted=8, quarantined=2, status="partial")
    first = delivery("mend0000", MONTHLY, "2024-05", kind="mend", mends="base0000", accepted=1, quarantined=1)
    second = delivery("again000", MONTHLY, "2024-05", kind="mend", mends="mend0000", accepted=1)
    assert quality(monthly, [base, first], None, date(2024, 6, 1)).accepted_share == Decimal("0.9")
    assert quality(monthly, [base, first, second], None, date(2024, 6, 1)).accepted_share == 1


def test_mended_rows_lack_nothing_any_more(monthly: Dataset) -> None:
    missing = {"rules": {"required": 2}}
    base = delivery("base0000", MONTHLY, "2024-05", accepted=8, quarantined=2, status="partial", details=missing)
    mend = delivery("m", MONTHLY, "2024-05", kind="mend", mends="base0000", records=2, accepted=2)
    before = quality(monthly, [base], None, date(2024, 6, 1)).completeness
    assert before is not None
    assert before < 1
    assert quality(monthly, [base, mend], None, date(2024, 6, 1)).completeness == 1


def test_a_correction_of_events_replaces_the_files_before_it(registry: Registry) -> None:
    events = replace(registry.datasets[MONTHLY], load=Load.APPEND)
    first = delivery("a", MONTHLY, "2024-05", accepted=5, quarantined=5, sequence=1)
    corrected = delivery("b", MONTHLY, "2024-05", revision=1, sequence=2)
    assert groups_in_force(events, [first]) == [[first]]
    assert groups_in_force(events, [first, corrected]) == [[corrected]]


def test_only_the_winning_snapshot_of_a_period_counts(registry: Registry) -> None:
    replaced = delivery("a", MONTHLY, "2024-05", revision=1, accepted=10, sequence=1)
    original = delivery("b", MONTHLY, "2024-05", accepted=1, quarantined=9, sequence=2)
    assert groups_in_force(registry.datasets[MONTHLY], [replaced, original]) == [[replaced]]
    assert len(groups_in_force(registry.datasets[UPSERT], [replaced, original])) == 2
