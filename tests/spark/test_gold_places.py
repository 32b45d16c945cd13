"""Divisions, sites, the disclosure grid and the village profile."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.spark.conftest import Frame, rows_of
from tests.spark.test_indicators import division_rows

from agrilake.contract.load import load_registry
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
    found = division({"stats_division": frame("stats_division", rows)})
    assert rows_of(found, "division_code", "township_name", "is_administrative_village") == [
        (TOWN, "玉峰山镇", False),
        ("500112129001", "玉峰山镇", False),
        (VILLAGE, "玉峰山镇", True),
    ]


def test_sites_of_two_departments_keep_their_numbers_apart(frame: Frame) -> None:
    inputs = {
        "commerce_service_site": frame(
            "commerce_service_site", [{"site_no": "1", "name": "甲", "division_code": VILLAGE, "_line": 3}]
        ),
        "postal_site": frame("postal_site", [{"site_no": "1", "name": "乙", "division_code": VILLAGE, "_line": 4}]),
        "division": frame("division", division_rows()),
    }
    found = rows_of(service_site(inputs), "site_id", "township_code", "source_dataset", "line")
    assert found == [
        ("commerce_service_site:1", TOWN, "commerce_service_site", 3),
        ("postal_site:1", TOWN, "postal_site", 4),
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


def profile_inputs(frame: Frame, **rows: list[dict[str, Any]]) -> dict[str, Any]:
    names = load_registry().gold["village_profile"].inputs
    return {name: frame(name, division_rows() if name == "division" else rows.get(name, [])) for name in names}


def test_a_month_without_an_input_is_null_and_a_village_without_rows_in_it_is_zero(frame: Frame) -> None:
    trade = {"credit_code": "A", "division_code": VILLAGE, "period": "2024-05", "orders": 2, "amount_yuan": "10.50"}
    found = village_profile(
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
    found = village_profile(profile_inputs(frame, service_site=[site], product_trace=batches))
    mine = rows_of(found.filter(f"division_code = '{VILLAGE}'"), "period", "ecommerce_sites", "has_ecommerce_site")
    assert mine == [("2024-04", 0, False), ("2024-05", 1, True), ("2024-06", 1, True), ("2024-07", 0, False)]
