"""Rules across tables: each runs on the lake's own columns, counts what breaks it and names its lines, no values."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from agrilake.contract.load import load_registry
from agrilake.errors import ContractError
from agrilake.intake.values import silver_type
from agrilake.paths import Home
from agrilake.suites import check_rules, load_rules, quality_folder
from agrilake.suites.cross import LINES
from agrilake.suites.model import SuiteResult
from agrilake.tables.newest import PLACES
from agrilake.tables.write import create_table

REGISTRY = load_registry()
RULES = load_rules()
Rows = Sequence[Mapping[str, Any]]
HOUSEHOLD, STRANGER = "H21292060001", "H21292069999"


def lake_of(home: Home, tables: Mapping[str, Rows]) -> dict[str, int]:
    """Tables of their contracts' columns with rows that name what matters; the versions that they have."""
    for name, rows in tables.items():
        layer, _, table = name.partition("/")
        contract = REGISTRY.any(table)
        path = home.table(layer, table)
        create_table(path, contract)
        DeltaTable(str(path)).alter.drop_constraint("contract")
        kinds = {column.name: silver_type(column) for column in contract.silver_columns}
        kinds |= {} if contract.is_gold else PLACES
        frame = pl.DataFrame([{name: row.get(name) for name in kinds} for row in rows], schema=kinds)
        write_deltalake(str(path), frame.to_arrow(), mode="overwrite", schema_mode="overwrite")
    return {name: DeltaTable(str(home.table(*name.split("/")))).version() for name in tables}


def run(tmp_path: Path, tables: Mapping[str, Rows]) -> tuple[Home, SuiteResult]:
    home = Home.at(tmp_path).prepare()
    return home, check_rules(home, RULES, lake_of(home, tables), version=3)


def test_every_rule_runs_on_tables_of_the_contracts(tmp_path: Path) -> None:
    names = {name for rule in RULES for name in rule.tables}
    _, result = run(tmp_path, {name: [] for name in names})
    assert len(RULES) >= 8
    assert result.decision == "pass"
    assert [(item.unexpected_count, item.broken) for item in result.results] == [(0, False)] * len(RULES)
    assert not result.skipped


def test_a_payment_to_nobody_known_and_a_parcel_elsewhere_are_named_by_their_lines(tmp_path: Path) -> None:
    paid = {"payment_id": "BT1", "household_id": HOUSEHOLD, "_delivery_id": "d1", "_line": 5}
    parcel = {"parcel_code": "P1", "source_dataset": "agri_land_contract", "delivery_id": "d2", "line": 9}
    home, result = run(
        tmp_path,
        {
            "silver/agri_subsidy_payment": [paid, {**paid, "household_id": STRANGER, "_line": 6}],
            "silver/agri_farm_household": [{"household_id": HOUSEHOLD}],
            "gold/parcel": [
                {**parcel, "household_village_differs": False},
                {**parcel, "household_village_differs": True, "line": 10},
            ],
        },
    )
    assert result.decision == "warn"
    failed = {item.description.partition("；")[0]: item.unexpected_count for item in result.failed}
    assert failed == {"补贴发放的农户在农户名录里": 1, "承包地块与农户在同一个村": 1}
    assert "投递路线停靠的是现有的村（社区）" in result.skipped
    with (quality_folder(home) / LINES).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert [row[1:5] for row in rows[1:]] == [
        ["agri_land_contract", "d2", "", "10"],
        ["agri_subsidy_payment", "d1", "", "6"],
    ]
    assert STRANGER not in (quality_folder(home) / LINES).read_text(encoding="utf-8-sig")


def test_a_batch_before_its_entity_was_known_and_a_stop_at_no_village(tmp_path: Path) -> None:
    batch = {"credit_code": "A", "entity_name": "甲", "source_dataset": "agri_trace_batch", "delivery_id": "d"}
    stop = {"from_name": "站", "source_dataset": "postal_route", "delivery_id": "d"}
    _, result = run(
        tmp_path,
        {
            "gold/product_trace": [
                {**batch, "produced_on": date(2024, 3, 31), "line": 2},
                {**batch, "produced_on": date(2024, 4, 1), "line": 3},
            ],
            "gold/business_entity_history": [
                {"credit_code": "A", "valid_from": date(2024, 4, 1)},
                {"credit_code": "A", "valid_from": date(2024, 7, 1)},
            ],
            "gold/logistics_route": [
                {**stop, "division_code": "500112129206", "line": 2},
                {**stop, "division_code": "500112129299", "line": 3},
                {**stop, "division_code": "500112129000", "line": 4},
            ],
            "gold/division": [
                {"division_code": "500112129206", "level": "village"},
                {"division_code": "500112129000", "level": "township"},
            ],
        },
    )
    found = {item.description.partition("；")[0]: (item.unexpected_count, item.element_count) for item in result.failed}
    assert found == {"追溯批次不早于主体进入名录": (1, 2), "投递路线停靠的是现有的村（社区）": (2, 3)}


def test_departments_that_disagree_on_the_village_are_named_by_their_lines(tmp_path: Path) -> None:
    station = {"source_dataset": "agri_info_service_site", "delivery_id": "d1", "division_code": "500112129206"}
    other = {**station, "source_dataset": "commerce_service_site", "delivery_id": "d2"}
    link = {"household_id": HOUSEHOLD, "source_dataset": "civil_elder", "delivery_id": "d3"}
    home, result = run(
        tmp_path,
        {
            "gold/service_place_member": [
                {**station, "site_id": "a:1", "place_id": "P1", "line": 2},
                {**other, "site_id": "c:1", "place_id": "P1", "line": 3, "division_code": "500112129207"},
                {**station, "site_id": "a:2", "place_id": "P2", "line": 4},
                {**other, "site_id": "c:2", "place_id": "P2", "line": 5},
            ],
            "gold/household_link": [
                {**link, "record_no": "L1", "same_division": True, "line": 6},
                {**link, "record_no": "L2", "same_division": False, "line": 7},
            ],
        },
    )
    found = {item.description.partition("；")[0]: (item.unexpected_count, item.element_count) for item in result.failed}
    assert found == {"同一处所的站点报的是同一个村": (2, 4), "民政和农业农村两个部门给同一户填的村相同": (1, 2)}
    with (quality_folder(home) / LINES).open(encoding="utf-8-sig", newline="") as file:
        rows = [row[1:5] for row in csv.reader(file)]
    assert rows[1:] == [
        ["civil_elder", "d3", "", "7"],
        ["agri_info_service_site", "d1", "", "2"],
        ["commerce_service_site", "d2", "", "3"],
    ]


def test_a_site_beyond_the_boundary_of_its_township_or_village_is_named(tmp_path: Path) -> None:
    """By the newest boundaries; a site without coordinates, or in a township without a boundary, is not judged."""
    site = {"source_dataset": "postal_site", "delivery_id": "d1", "lon": 106.25, "lat": 29.25}
    square = '{"type":"Polygon","coordinates":[[[%s,29],[106.5,29],[106.5,29.5],[%s,29.5],[%s,29]]]}'
    areas = [("2024", "500112129000", "106.3"), ("2025", "500112129000", "106"), ("2025", "500112129206", "106.4")]
    _, result = run(
        tmp_path,
        {
            "gold/service_site": [
                {**site, "division_code": "500112129207", "line": 2},
                {**site, "division_code": "500112129207", "line": 3, "lon": 106.75},
                {**site, "division_code": "500112129206", "line": 4},
                {**site, "division_code": "500112129207", "line": 5, "lon": None, "lat": None},
                {**site, "division_code": "500112138001", "line": 6},
            ],
            "silver/planning_boundary": [
                {"_period": period, "division_code": code, "geometry": square % (west, west, west)}
                for period, code, west in areas
            ],
        },
    )
    (failed,) = result.failed
    assert (failed.unexpected_count, failed.element_count) == (2, 5)
    with (quality_folder(Home.at(tmp_path)) / LINES).open(encoding="utf-8-sig", newline="") as file:
        assert [row[4] for row in csv.reader(file)] == ["行号", "3", "4"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("severity: warn", "severity: stop", "severity: 'stop' is unknown"),
        ("title:", "titel:", "did you mean 'title'"),
        ("id: payment_household", "id: payment", "differs from the file's name"),
        ("why: ", "why: ''\n# ", "why is missing"),
    ],
)
def test_a_wrong_rule_is_an_error_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    source = Path(__file__).parents[2] / "expectations" / "cross_table" / "payment_household.yaml"
    text = source.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / source.name).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ContractError, match=message):
        load_rules(tmp_path)
