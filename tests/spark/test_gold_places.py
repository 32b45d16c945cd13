"""Divisions, sites, the disclosure grid and the village profile."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame
from tests.spark.conftest import Frame, rows_of
from tests.spark.test_indicators import division_rows

from agrilake.contract.load import load_registry
from agrilake.gold.build import conform
from agrilake.gold.governance import village_disclosure
from agrilake.gold.places import division, service_site
from agrilake.gold.profile import village_profile

pytestmark = pytest.mark.spark
VILLAGE, OTHER, TOWN = "500112129206", "500112129207", "500112129000"


def test_a_village_committee_is_told_from_a_residents_committee_by_its_code(frame: Frame) -> None:
    base = {"parent_code": TOWN, "level": "village", "_period": "2024", "_delivery_id": "d", "_line": 2}
    rows = [
        {**base, "code": VILLAGE, "name": "龙门村"},
        {**base, "code": "500112129001", "name": "石坪社区"},
        {**base, "code": TOWN, "name": "玉峰山镇", "level": "township", "parent_code": "500112000000"},
        {**base, "code": "500112129299", "name": "旧村", "_period": "2023"},
    ]
    crosswalk = [
        {"civil_code": code, "statistics_code": VILLAGE, "_period": period}
        for code, period in (("500112130206", "2024"), ("500112130306", "2024"), ("500112130406", "2023"))
    ]
    found = division(
        {
            "stats_division": frame("stats_division", rows),
            "stats_division_crosswalk": frame("stats_division_crosswalk", crosswalk),
        }
    )
    assert rows_of(found, "division_code", "township_name", "is_administrative_village", "civil_code") == [
        (TOWN, "玉峰山镇", False, None),
        ("500112129001", "玉峰山镇", False, None),
        (VILLAGE, "玉峰山镇", True, "500112130206、500112130306"),
        ("500112129299", "玉峰山镇", True, None),
    ]
    new_year = date(2024, 1, 1)
    assert rows_of(found.filter("is_administrative_village"), "name", "valid_from", "valid_to") == [
        ("旧村", None, new_year),
        ("龙门村", new_year, None),
    ]


def test_sites_of_two_departments_keep_their_numbers_apart(frame: Frame) -> None:
    others = ("agri_info_service_site", "civil_convenience_site", "coop_service_site")
    inputs = {name: frame(name, []) for name in others} | {
        "commerce_service_site": frame(
            "commerce_service_site", [{"site_no": "1", "name": "甲", "division_code": VILLAGE, "_line": 3}]
        ),
        "postal_site": frame("postal_site", [{"site_no": "1", "name": "乙", "division_code": VILLAGE, "_line": 4}]),
        "division": frame("division", division_rows()),
    }
    departments = {owner: f"{owner}局" for owner in ("agri", "commerce", "civil", "postal", "coop")}
    found = rows_of(service_site(inputs, departments), "site_id", "department", "source_dataset", "line")
    assert found == [
        ("commerce_service_site:1", "commerce局", "commerce_service_site", 3),
        ("postal_site:1", "postal局", "postal_site", 4),
    ]


def test_what_a_village_did_not_report_is_not_disclosed(frame: Frame) -> None:
    reported = {"division_code": VILLAGE, "period": "2024-05", "item": "party", "disclosed": True, "electronic": False}
    inputs = {
        "division": frame("division", division_rows()),
        "civil_village_ledger": frame("civil_village_ledger", [reported]),
    }
    found = village_disclosure(inputs)
    mine = rows_of(found.filter(f"division_code = '{VILLAGE}'"), "item", "reported", "disclosed", "source_dataset")
    assert mine == [
        ("finance", False, False, None),
        ("party", True, True, "civil_village_ledger"),
        ("village", False, False, None),
    ]
    assert found.filter("division_code = '500112129001'").isEmpty(), "a residents' committee is no 建制村"


def test_a_village_is_expected_from_its_first_to_its_last_day(frame: Frame) -> None:
    village = next(row for row in division_rows() if row["division_code"] == VILLAGE)
    others = [
        {**village, "division_code": "500112129298", "valid_from": date(2024, 6, 1)},
        {**village, "division_code": "500112129299", "valid_to": date(2024, 6, 1)},
    ]
    reported = [
        {"division_code": VILLAGE, "period": period, "item": "party", "disclosed": True, "electronic": True}
        for period in ("2024-05", "2024-06")
    ]
    inputs = {
        "division": frame("division", [village, *others]),
        "civil_village_ledger": frame("civil_village_ledger", reported),
    }
    found = village_disclosure(inputs).filter("item = 'party'")
    assert rows_of(found, "division_code", "period") == [
        (VILLAGE, "2024-05"),
        (VILLAGE, "2024-06"),
        ("500112129298", "2024-06"),
        ("500112129299", "2024-05"),
    ]


def profile_inputs(frame: Frame, **rows: list[dict[str, Any]]) -> dict[str, DataFrame]:
    names = load_registry().gold["village_profile"].inputs
    return {name: frame(name, division_rows() if name == "division" else rows.get(name, [])) for name in names}


def profile_of(inputs: dict[str, DataFrame]) -> DataFrame:
    """As it is written, with five deliveries a week wanted."""
    return conform(village_profile(inputs, min_days_per_week=5), load_registry().gold["village_profile"])


def test_a_month_without_an_input_is_null_and_a_village_without_rows_in_it_is_zero(frame: Frame) -> None:
    trade = {"credit_code": "A", "division_code": VILLAGE, "period": "2024-05", "orders": 2, "amount_yuan": "10.50"}
    found = profile_of(
        profile_inputs(
            frame,
            online_trade=[trade],
            product_trace=[{"trace_code": "ZS1", "division_code": VILLAGE, "period": "2024-06", "quantity_kg": 3}],
            stats_population=[
                {"division_code": VILLAGE, "year": "2022", "resident_population": 900},
                {"division_code": VILLAGE, "year": "2023", "resident_population": 800},
                {"division_code": VILLAGE, "year": "2025", "resident_population": 1},
            ],
        )
    )
    some = found.filter(f"division_code IN ('{VILLAGE}', '{OTHER}')")
    assert rows_of(some, "division_code", "period", "online_amount_yuan", "trace_batches", "resident_population") == [
        (VILLAGE, "2024-05", Decimal("10.50"), None, 800),
        (VILLAGE, "2024-06", None, 1, 800),
        (OTHER, "2024-05", Decimal("0.00"), None, None),
        (OTHER, "2024-06", None, 0, None),
    ]


def test_a_site_counts_from_its_opening_to_its_closing_month(frame: Frame) -> None:
    site = {
        "site_id": "c:1", "division_code": VILLAGE, "source_dataset": "commerce_service_site",
        "opened_on": date(2024, 5, 31), "closed_on": date(2024, 7, 31),
    }  # fmt: skip
    batches = [
        {"trace_code": f"ZS{month}", "division_code": VILLAGE, "period": f"2024-0{month}", "quantity_kg": 1}
        for month in (4, 5, 6, 7)
    ]
    found = profile_of(profile_inputs(frame, service_site=[site], product_trace=batches))
    mine = rows_of(found.filter(f"division_code = '{VILLAGE}'"), "period", "ecommerce_sites", "has_ecommerce_site")
    assert mine == [("2024-04", 0, False), ("2024-05", 1, True), ("2024-06", 1, True), ("2024-07", 0, False)]


def test_quarters_stand_in_their_months_and_registers_as_on_the_last_day(frame: Frame) -> None:
    """The register begins in June; crops are reported of the second quarter alone; only one village states an area."""
    here = {"division_code": VILLAGE, "period": "2024Q2"}
    found = profile_of(
        profile_inputs(
            frame,
            online_trade=[
                {"credit_code": "A", "division_code": VILLAGE, "period": f"2024-0{month}", "orders": 1}
                for month in (5, 6, 7)
            ],
            crop_production=[
                {**here, "crop": "rice", "sown_area_mu": 90, "informatised_area_mu": 9},
                {**here, "division_code": OTHER, "crop": "rice", "sown_area_mu": 30},
            ],
            logistics_route=[
                {**here, "route_no": "1", "stop_no": 1, "weekly_frequency": 2},
                {**here, "route_no": "2", "stop_no": 4, "weekly_frequency": 3},
            ],
            parcel_history=[
                {"parcel_code": "P1", "valid_from": date(2024, 6, 1), "valid_to": date(2024, 7, 31),
                 "division_code": VILLAGE, "area_mu": 2},
                {"parcel_code": "P2", "valid_from": date(2024, 6, 1), "division_code": OTHER, "area_mu": 3},
            ],
        )
    )  # fmt: skip
    columns = ("period", "crop_area_mu", "informatised_area_mu", "plans_five", "parcels")
    mine, others = (rows_of(found.filter(f"division_code = '{code}'"), *columns) for code in (VILLAGE, OTHER))
    assert mine == [
        ("2024-05", Decimal("90.00"), Decimal("9.00"), True, None),
        ("2024-06", Decimal("90.00"), Decimal("9.00"), True, 1),
        ("2024-07", None, None, None, 0),
    ]
    assert others == [
        ("2024-05", Decimal("30.00"), None, False, None),
        ("2024-06", Decimal("30.00"), None, False, 1),
        ("2024-07", None, None, None, 1),
    ]


def test_a_department_that_reported_no_site_has_no_coverage_of_zero(frame: Frame) -> None:
    site = {"site_id": "c:1", "division_code": VILLAGE, "source_dataset": "coop_service_site"}
    batch = {"trace_code": "ZS1", "division_code": VILLAGE, "period": "2024-04", "quantity_kg": 1}
    found = profile_of(profile_inputs(frame, service_site=[site], product_trace=[batch]))
    some = found.filter(f"division_code IN ('{VILLAGE}', '{OTHER}')")
    assert rows_of(some, "division_code", "coop_sites", "has_coop_site", "info_sites", "has_info_site") == [
        (VILLAGE, 1, True, None, None),
        (OTHER, 0, False, None, None),
    ]
