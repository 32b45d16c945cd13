"""What the deliveries say of a value: which periods are there, which came late, which are due."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from agrilake.contract.load import load_registry
from agrilake.contract.model import Frequency
from agrilake.indicators.arrivals import Arrivals, Mark, weakest
from agrilake.intake.schedule import periods_around, periods_within
from agrilake.lake.state import Delivery
from agrilake.pipeline.arrivals import arrivals

REGISTRY = load_registry()
HOUSEHOLD = REGISTRY.get("agri_farm_household")  # monthly, due on the tenth day after
ZONE = "Asia/Shanghai"


def delivery(period: str, received_at: str, **more: Any) -> Delivery:
    said = {"status": "accepted", "id": period + received_at, **more}
    names = {"dataset": HOUSEHOLD.id, "department": "agri", "file_name": "x.csv", "sha256": "0", "bytes": 1}
    return Delivery(period=period, received_at=received_at, **names, **said)


def found(*deliveries: Delivery, as_of: date = date(2024, 4, 1), **more: Any) -> Arrivals:
    return arrivals([HOUSEHOLD], deliveries, as_of, ZONE, **more)[HOUSEHOLD.id]


def test_the_due_day_itself_is_in_time_by_the_district_s_clock() -> None:
    in_time = delivery("2024-01", "2024-02-10T15:59:00+00:00")
    late = delivery("2024-02", "2024-03-10T16:01:00+00:00")  # past midnight in the district
    said = found(in_time, late)
    assert (said.delivered, said.late) == (("2024-01", "2024-02"), ("2024-02",))


def test_a_correction_or_a_refused_file_decides_nothing() -> None:
    first = delivery("2024-01", "2024-02-05T00:00:00+00:00")
    corrected = delivery("2024-01", "2024-06-05T00:00:00+00:00", revision=1)
    refused = delivery("2024-02", "2024-03-01T00:00:00+00:00", status="refused")
    for order in ((first, corrected, refused), (refused, corrected, first)):
        said = found(*order)
        assert (said.delivered, said.late) == (("2024-01",), ())


def test_a_file_that_reaches_back_has_delivered_the_years_before_its_own() -> None:
    accounts = REGISTRY.get("stats_agri_growth")
    named = {"dataset": accounts.id, "department": "stats"}
    first, second = (
        replace(delivery(year, f"{int(year) + 1}-04-01T00:00:00+00:00"), **named) for year in ("2023", "2024")
    )
    said = arrivals([accounts], [first, second], date(2025, 6, 1), ZONE)[accounts.id]
    assert said.delivered == ("2018", "2019", "2020", "2021", "2022", "2023", "2024")
    assert said.late == ()


def test_samples_are_not_judged_late() -> None:
    late = delivery("2024-01", "2026-01-01T00:00:00+00:00")
    assert found(late).late == ("2024-01",)
    assert found(late, judge_lateness=False).late == ()


@pytest.mark.parametrize(
    ("as_of", "period", "is_due"),
    [
        (date(2024, 3, 10), "2024-02", False),
        (date(2024, 3, 11), "2024-02", True),
        (date(2024, 3, 11), "2023-02", True),
        (date(2024, 3, 11), "2024-03", False),
    ],
)
def test_a_period_is_due_after_its_last_day_of_grace(as_of: date, period: str, is_due: bool) -> None:
    assert found(as_of=as_of).is_due(period) is is_due


def test_a_value_has_the_weakest_mark_of_its_inputs() -> None:
    marks = [Mark(notes=("甲",)), Mark("estimated", notes=("乙",)), Mark(late=True, notes=("甲",))]
    assert weakest(marks) == Mark("estimated", True, ("甲", "乙"))
    assert weakest([Mark("imputed"), Mark("estimated")]).flag == "imputed"
    assert weakest([]) == Mark()


@pytest.mark.parametrize(
    ("period", "frequency", "within"),
    [
        ("2024Q2", Frequency.MONTH, ["2024-04", "2024-05", "2024-06"]),
        ("2024-05", Frequency.QUARTER, ["2024Q2"]),
        ("2024-05", Frequency.YEAR, ["2024"]),
        ("2024", Frequency.QUARTER, ["2024Q1", "2024Q2", "2024Q3", "2024Q4"]),
        ("2024", Frequency.YEAR, ["2024"]),
    ],
)
def test_periods_that_overlap_a_period(period: str, frequency: Frequency, within: list[str]) -> None:
    assert periods_within(period, frequency) == within


def test_periods_around_a_period() -> None:
    assert periods_around("2024-05") == ("2024-05", "2024Q2", "2024")
    assert periods_around("2024Q2") == ("2024Q2", "2024")
    assert periods_around("2024") == ("2024",)
