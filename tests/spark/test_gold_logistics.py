"""Parcels: how often a village is served, and hours on the way."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.spark.conftest import Frame, rows_of
from tests.spark.test_indicators import division_rows

from agrilake.gold.logistics import delivery_event, logistics_week, parcel_transit, village_delivery_frequency

pytestmark = pytest.mark.spark
SERVED, UNSERVED, COMMUNITY = "500112129206", "500112129207", "500112129001"


def event(day: date, event: str = "delivered", direction: str = "inbound", place: str = SERVED) -> dict[str, Any]:
    return {
        "waybill_no": f"A{day:%d}{event}", "event": event, "direction": direction, "division_code": place,
        "event_on": day, "period": f"{day:%Y-%m}",
    }  # fmt: skip


def weeks(frame: Frame, *events: dict[str, Any]) -> list[tuple[Any, ...]]:
    inputs = {"division": frame("division", division_rows()), "delivery_event": frame("delivery_event", events)}
    found = logistics_week(inputs)
    return rows_of(found, "division_code", "week_start", "period", "delivery_days")


def test_a_day_counts_once_and_only_inbound_arrivals_and_deliveries_at_village_committees(frame: Frame) -> None:
    monday, tuesday = date(2024, 5, 6), date(2024, 5, 7)
    found = weeks(
        frame,
        event(monday),
        event(monday, "arrived"),
        event(tuesday, "departed"),
        event(tuesday, direction="outbound"),
        event(tuesday, place=COMMUNITY),
    )
    assert (SERVED, monday, "2024-05", 1) in found
    assert (UNSERVED, monday, "2024-05", 0) in found
    assert COMMUNITY not in {row[0] for row in found}


def test_a_week_belongs_to_the_month_of_its_thursday_and_to_no_month_without_data(frame: Frame) -> None:
    """Monday 27 May to Sunday 2 June 2024 is May's; Monday 29 April to Sunday 5 May is May's too."""
    found = {row[1:] for row in weeks(frame, event(date(2024, 4, 30)), event(date(2024, 6, 2))) if row[0] == SERVED}
    assert found == set(), "May has no events, so its weeks are not counted"
    found = {row[1:] for row in weeks(frame, event(date(2024, 4, 30)), event(date(2024, 5, 31))) if row[0] == SERVED}
    assert found == {(date(2024, 4, 29), "2024-05", 1), (date(2024, 5, 27), "2024-05", 1)}


def test_five_a_week_is_an_average_over_the_weeks_of_month_quarter_and_year(frame: Frame) -> None:
    week = {"division_code": SERVED, "division_name": "龙门村", "township_code": "500112129000", "period": "2024-05"}
    rows = [
        {**week, "week_start": date(2024, 5, 6), "delivery_days": 4},
        {**week, "week_start": date(2024, 5, 13), "delivery_days": 6},
        {**week, "week_start": date(2024, 6, 3), "delivery_days": 4, "period": "2024-06"},
    ]
    found = village_delivery_frequency({"logistics_week": frame("logistics_week", rows)}, min_days_per_week=5)
    assert rows_of(found, "period", "weeks", "days_per_week", "meets_five") == [
        ("2024", 3, Decimal("4.6667"), False),
        ("2024-05", 2, Decimal("5.0000"), True),
        ("2024-06", 1, Decimal("4.0000"), False),
        ("2024Q2", 3, Decimal("4.6667"), False),
    ]


def test_hours_run_from_pick_up_to_delivery_of_inbound_parcels_that_have_both(frame: Frame) -> None:
    def at(waybill: str, event: str, when: datetime, direction: str = "inbound") -> dict[str, Any]:
        return {"waybill_no": waybill, "event": event, "event_at": when, "direction": direction, "line": 7}

    evening, noon = datetime(2024, 5, 6, 18), datetime(2024, 5, 8, 12, 30)  # noqa: DTZ001 (Beijing time, as delivered)
    rows = [
        at("A", "picked_up", evening),
        at("A", "delivered", noon),
        at("B", "picked_up", evening, "outbound"),
        at("B", "delivered", noon, "outbound"),
        at("C", "delivered", noon),
    ]
    found = parcel_transit({"delivery_event": frame("delivery_event", rows)})
    assert rows_of(found, "waybill_no", "hours", "line") == [("A", Decimal("42.5000"), 7)]


def test_an_event_has_the_division_of_its_node_and_keeps_its_line(frame: Frame) -> None:
    late = datetime(2024, 5, 31, 23, 59)  # noqa: DTZ001
    parcel = {
        "waybill_no": "A",
        "event": "arrived",
        "site_no": "YZ1",
        "event_at": late,
        "_line": 9,
        "_delivery_id": "d",
    }
    inputs = {
        "postal_parcel": frame("postal_parcel", [parcel, {**parcel, "site_no": "YZ9"}]),
        "postal_site": frame("postal_site", [{"site_no": "YZ1", "division_code": SERVED}]),
        "division": frame("division", division_rows()),
    }
    found = rows_of(
        delivery_event(inputs), "site_no", "division_code", "township_code", "period", "delivery_id", "line"
    )
    assert found == [
        ("YZ1", SERVED, "500112129000", "2024-05", "d", 9),
        ("YZ9", None, None, "2024-05", "d", 9),
    ]
