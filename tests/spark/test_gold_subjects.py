"""The subjects of the support database: units conformed, registers joined, what is unknown left empty."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame
from tests.spark.conftest import Frame, rows_of
from tests.spark.test_indicators import division_rows

from agrilake.contract.load import load_registry
from agrilake.gold.accounts import agri_growth
from agrilake.gold.build import conform
from agrilake.gold.care import elder_visit, elder_visit_month
from agrilake.gold.facilities import facility, facility_history, iot_reading_day
from agrilake.gold.land import parcel
from agrilake.gold.logistics import logistics_route
from agrilake.gold.production import crop_production, quality_inspection
from agrilake.gold.trade import agri_supply, online_purchase, training

pytestmark = pytest.mark.spark
VILLAGE, OTHER, TOWN, DISTRICT = "500112129206", "500112129207", "500112129000", "500112000000"
GOLD = load_registry().gold


def stored(found: DataFrame, table: str) -> DataFrame:
    """As it is written: the contract's columns and types."""
    return conform(found, GOLD[table])


def with_divisions(frame: Frame, **rows: list[dict[str, Any]]) -> dict[str, DataFrame]:
    """Frames of the named tables beside the division table."""
    return {"division": frame("division", division_rows())} | {name: frame(name, of) for name, of in rows.items()}


def test_a_parcel_away_from_its_household_is_marked_and_one_of_nobody_known_is_not(frame: Frame) -> None:
    base = {"division_code": VILLAGE, "area_mu": "7.5", "land_use": "dry"}
    inputs = with_divisions(
        frame,
        agri_land_contract=[
            {**base, "parcel_code": "P1", "household_id": "H1"},
            {**base, "parcel_code": "P2", "household_id": "H2"},
            {**base, "parcel_code": "P3", "household_id": "H9"},
        ],
        agri_farm_household=[
            {"household_id": "H1", "division_code": VILLAGE},
            {"household_id": "H2", "division_code": OTHER},
        ],
    )
    found = stored(parcel(inputs), "parcel")
    assert rows_of(found, "parcel_code", "household_village_differs", "area_ha", "township_code") == [
        ("P1", False, Decimal("0.500000"), TOWN),
        ("P2", True, Decimal("0.500000"), TOWN),
        ("P3", None, Decimal("0.500000"), TOWN),
    ]


def test_crops_are_in_mu_hectares_and_yuan_and_what_was_not_stated_stays_empty(frame: Frame) -> None:
    crop = {
        "division_code": VILLAGE, "period": "2024Q2", "crop": "rice", "sown_area_mu": "22.5", "output_t": "1.234",
        "value_wan_yuan": "0.4567",
    }  # fmt: skip
    found = stored(crop_production(with_divisions(frame, agri_crop_production=[crop])), "crop_production")
    assert rows_of(found, "sown_area_ha", "value_yuan", "informatised_area_mu") == [
        (Decimal("1.5000"), Decimal("4567.00"), None)
    ]


def test_three_departments_facilities_stand_in_one_table(frame: Frame) -> None:
    place = {"division_code": VILLAGE, "name": "甲", "_line": 3}
    rows: dict[str, list[dict[str, Any]]] = {
        "civil_elder_facility": [{**place, "facility_no": "YL1", "kind": "home", "beds": 30, "occupied": 12}],
        "commerce_cold_chain": [
            {**place, "facility_no": "LL1", "kind": "origin", "capacity_t": "12.5", "built_on": date(2020, 3, 1)}
        ],
        "agri_smart_farm": [{**place, "farm_id": "ZN1", "kind": "orchard", "area_mu": 60, "credit_code": "A"}],
    }
    found = stored(facility(with_divisions(frame, **rows)), "facility")
    columns = ("facility_id", "category", "facility_type", "beds", "capacity_t", "area_mu", "opened_on")
    assert rows_of(found, *columns) == [
        ("agri_smart_farm:ZN1", "smart_farm", "orchard", None, None, Decimal("60.00"), None),
        ("civil_elder_facility:YL1", "elder_care", "home", 30, None, None, None),
        ("commerce_cold_chain:LL1", "cold_chain", "origin", None, Decimal("12.500"), None, date(2020, 3, 1)),
    ]


def test_a_facilitys_states_keep_their_validity(frame: Frame) -> None:
    empty = with_divisions(frame, civil_elder_facility=[], commerce_cold_chain=[], agri_smart_farm=[])
    states = {f"{name}_history": _valid(part) for name, part in empty.items() if name != "division"}
    home = frame(
        "civil_elder_facility", [{"facility_no": "YL1", "name": "甲", "kind": "home", "division_code": VILLAGE}]
    )
    inputs = empty | states | {"civil_elder_facility_history": _valid(home)}
    found = stored(facility_history(inputs), "facility_history")
    assert rows_of(found, "facility_id", "valid_from", "valid_to", "is_current") == [
        ("civil_elder_facility:YL1", date(2024, 1, 1), None, True)
    ]


def _valid(frame: DataFrame) -> DataFrame:
    return frame.selectExpr(
        "*", "DATE'2024-01-01' AS valid_from", "CAST(NULL AS DATE) AS valid_to", "true AS is_current"
    )


def test_readings_of_a_day_are_one_row_and_an_unknown_device_has_no_village(frame: Frame) -> None:
    moment = datetime.fromisoformat
    reading = {"device_id": "D1", "metric": "ph", "unit": "pH", "value": "7.0"}
    inputs = with_divisions(
        frame,
        agri_iot_reading=[
            {**reading, "read_at": moment("2024-05-01T00:10")},
            {**reading, "read_at": moment("2024-05-01T23:50"), "value": "7.5"},
            {**reading, "read_at": moment("2024-05-02T00:00")},
            {**reading, "device_id": "D9", "read_at": moment("2024-05-01T12:00")},
        ],
        agri_iot_device=[{"device_id": "D1", "farm_id": "ZN1", "division_code": VILLAGE}],
    )
    found = stored(iot_reading_day(inputs), "iot_reading_day")
    assert rows_of(found, "device_id", "read_on", "readings", "mean_value", "farm_id", "township_code") == [
        ("D1", date(2024, 5, 1), 2, Decimal("7.250"), "ZN1", TOWN),
        ("D1", date(2024, 5, 2), 1, Decimal("7.000"), "ZN1", TOWN),
        ("D9", date(2024, 5, 1), 1, Decimal("7.000"), None, None),
    ]


def test_an_elder_who_was_out_or_never_called_on_was_not_visited(frame: Frame) -> None:
    visit = {"division_code": VILLAGE, "visited_on": date(2024, 5, 6)}
    visits = elder_visit(
        with_divisions(
            frame,
            civil_elder_visit=[
                {**visit, "visit_id": "1", "elder_id": "E1", "result": "well"},
                {**visit, "visit_id": "2", "elder_id": "E2", "result": "away"},
                {**visit, "visit_id": "3", "elder_id": "E4", "result": "well"},
            ],
        )
    )
    state = {"division_code": VILLAGE, "township_code": TOWN, "valid_from": date(2024, 1, 1), "living_alone": True}
    elders = [
        {**state, "elder_id": "E1"},
        {**state, "elder_id": "E2"},
        {**state, "elder_id": "E3", "living_alone": False, "care_level": "full"},
        {**state, "elder_id": "E4", "living_alone": False},
        {**state, "elder_id": "E5", "valid_to": date(2024, 5, 1)},
    ]
    found = elder_visit_month({"elder_visit": visits, "elder_history": frame("elder_history", elders)})
    assert rows_of(stored(found, "elder_visit_month"), "elder_id", "period", "visits", "visited") == [
        ("E1", "2024-05", 1, True),
        ("E2", "2024-05", 0, False),
        ("E3", "2024-05", 0, False),
    ]


def test_a_year_is_as_the_newest_file_has_it_and_what_was_revised_is_marked(frame: Frame) -> None:
    base = {
        "division_code": DISTRICT, "material_cost_wan_yuan": 40, "labour": 9, "sown_area_mu": 15, "price_index": 110,
    }  # fmt: skip
    rows = [
        {**base, "year": "2022", "gross_output_wan_yuan": 100, "_period": "2023", "_line": 4},
        {**base, "year": "2023", "gross_output_wan_yuan": 110, "_period": "2023", "_line": 5},
        {**base, "year": "2022", "gross_output_wan_yuan": 100, "_period": "2024", "_line": 4},
        {**base, "year": "2023", "gross_output_wan_yuan": 121, "_period": "2024", "_line": 5},
        {**base, "year": "2024", "gross_output_wan_yuan": 121, "_period": "2024", "_line": 6},
    ]
    found = stored(agri_growth({"stats_agri_growth": frame("stats_agri_growth", rows)}), "agri_growth")
    columns = ("period", "gross_output_yuan", "price_level", "gross_output_constant_yuan", "revised")
    assert rows_of(found, *columns) == [
        ("2022", Decimal("1000000.00"), Decimal("100.000000"), Decimal("1000000.00"), False),
        ("2023", Decimal("1210000.00"), Decimal("110.000000"), Decimal("1100000.00"), True),
        ("2024", Decimal("1210000.00"), Decimal("121.000000"), Decimal("1000000.00"), False),
    ]
    assert rows_of(found.filter("revised"), "first_gross_output_yuan", "line") == [(Decimal("1100000.00"), 5)]


def test_supplies_of_a_site_that_nobody_registered_count_for_the_district_alone(frame: Frame) -> None:
    sold = {"month": "2024-03", "product": "urea", "quantity_t": 1, "amount_yuan": 2500}
    inputs = with_divisions(
        frame,
        coop_agri_supply=[{**sold, "site_no": "WW1"}, {**sold, "site_no": "WW9"}],
        coop_service_site=[{"site_no": "WW1", "name": "网点", "division_code": VILLAGE}],
    )
    found = stored(agri_supply(inputs), "agri_supply")
    assert rows_of(found, "site_id", "site_name", "township_code") == [
        ("coop_service_site:WW1", "网点", TOWN),
        ("coop_service_site:WW9", None, None),
    ]


def test_stops_know_the_name_of_their_node_and_fertiliser_is_a_farm_supply(frame: Frame) -> None:
    stop = {"route_no": "LX1", "stop_no": 1, "division_code": VILLAGE, "weekly_frequency": 5, "distance_km": 2}
    inputs = with_divisions(
        frame,
        postal_route=[{**stop, "from_site": "YZ1", "_period": "2024Q1"}, {**stop, "stop_no": 2, "from_site": "YZ9"}],
        postal_site=[{"site_no": "YZ1", "name": "镇站"}],
        commerce_online_purchase=[
            {"month": "2024-03", "division_code": VILLAGE, "category": category, "orders": 1, "amount_yuan": 1}
            for category in ("fertiliser", "clothing")
        ],
    )
    assert rows_of(logistics_route(inputs), "stop_no", "from_name") == [(1, "镇站"), (2, None)]
    assert rows_of(online_purchase(inputs), "category", "is_farm_supply") == [("clothing", False), ("fertiliser", True)]


def test_a_training_at_the_districts_seat_lies_in_no_township(frame: Frame) -> None:
    session = {"topic": "直播", "attendees": 30, "held_on": date(2024, 5, 31)}
    inputs = with_divisions(
        frame,
        commerce_training=[
            {**session, "session_no": "1", "division_code": DISTRICT},
            {**session, "session_no": "2", "division_code": TOWN},
        ],
    )
    found = rows_of(stored(training(inputs), "training"), "session_no", "period", "division_name", "township_code")
    assert found == [("1", "2024-05", "渝北区", None), ("2", "2024-05", "玉峰山镇", TOWN)]


def test_an_inspected_entity_has_its_name(frame: Frame) -> None:
    sample = {"division_code": VILLAGE, "sampled_on": date(2024, 5, 2), "passed": False}
    inputs = with_divisions(
        frame,
        agri_quality_inspection=[{**sample, "sample_no": "1", "credit_code": "A"}],
        agri_business_entity=[{"credit_code": "A", "name": "合作社"}],
    )
    found = rows_of(quality_inspection(inputs), "entity_name", "period", "passed", "township_name")
    assert found == [("合作社", "2024-05", False, None)]
