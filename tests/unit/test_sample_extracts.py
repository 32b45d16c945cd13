"""What departments write, in whatever unit, spelling and form, arrives as the very facts it was made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple
from decimal import Decimal
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from tests.support.tables import PSEUDONYMISER

from agrilake.contract.load import load_registry
from agrilake.contract.settings import load_settings
from agrilake.intake.coordinates import to_cgcs2000
from agrilake.intake.divisions import DivisionIndex
from agrilake.intake.names import parse_name
from agrilake.intake.read import read_file
from agrilake.intake.rows import check_rows
from agrilake.sample import (
    agri,
    agri_growth,
    assistance,
    boundaries,
    civil,
    cold_chain,
    commerce,
    coop_supply,
    elder_care,
    growing,
    herds,
    info_sites,
    inspections,
    land,
    machinery,
    online_purchases,
    postal,
    readings,
    routes,
    smart_farms,
    subsidies,
    trainings,
    village_sites,
)
from agrilake.sample import identifiers as made
from agrilake.sample.drop import Drop
from agrilake.sample.places import Places, load_places
from agrilake.sample.records import Row
from agrilake.sample.shared_places import doors

SEED = 7
MONTHS = tuple(f"2024-{month:02d}" for month in range(1, 13))
CHANGED_LAYOUT = ("2022-03", "2022-06", "2022-09", "2022-12", "2023-03")
"""A month of each quarter around the change of agri_livestock's layout."""
PLACES = load_places(SEED, ("玉峰山镇", "兴隆镇"))
HOUSEHOLDS = agri.households(PLACES, MONTHS, SEED, 0.1)
ENTITIES = agri.entities(PLACES, MONTHS, SEED, 1.0)
DEGREES = 1e-5
"""Coordinates that were written to the hundredth of a second, or shifted and back: a metre."""

Facts = dict[str, list[Row]]
Deliver = Callable[[Drop, Facts, int], None]
PARCELS = land.parcels(PLACES, HOUSEHOLDS, MONTHS, SEED)
SMART = smart_farms.farms(ENTITIES, MONTHS, SEED)
SHOPS = commerce.sites(PLACES, MONTHS, SEED)
ELDERS = civil.elders(PLACES, MONTHS, SEED, 0.3)
NODES = postal.sites(PLACES, MONTHS, SEED)
DOORS = doors({"commerce_service_site": [row for rows in SHOPS.values() for row in rows]})
CONVENIENCE = village_sites.sites(village_sites.CONVENIENCE, PLACES, DOORS, MONTHS, SEED)
COOP = village_sites.sites(village_sites.COOP, PLACES, DOORS, MONTHS, SEED)
CASES: list[tuple[str, Facts, Deliver]] = [
    ("agri_land_contract", PARCELS, land.deliver),
    (
        "agri_subsidy_payment",
        subsidies.payments(HOUSEHOLDS, PARCELS["2024Q1"], MONTHS, SEED),
        subsidies.deliver,
    ),
    ("agri_crop_production", growing.crops(PLACES, MONTHS, SEED), growing.deliver),
    ("agri_livestock", herds.herds(PLACES, MONTHS, SEED), herds.deliver),
    ("agri_livestock", herds.herds(PLACES, CHANGED_LAYOUT, SEED), herds.deliver),
    ("agri_smart_farm", SMART.farms, lambda drop, _, seed: smart_farms.deliver(drop, SMART, seed)),
    ("agri_iot_device", SMART.devices, lambda drop, _, seed: smart_farms.deliver(drop, SMART, seed)),
    ("agri_quality_inspection", inspections.inspections(ENTITIES, MONTHS, SEED), inspections.deliver),
    ("agri_machinery", machinery.machines(PLACES, ENTITIES, MONTHS, SEED, 0.3), machinery.deliver),
    ("agri_info_service_site", info_sites.sites(PLACES, SHOPS, MONTHS, SEED), info_sites.deliver),
    ("commerce_online_purchase", online_purchases.purchases(PLACES, MONTHS, SEED), online_purchases.deliver),
    ("commerce_cold_chain", cold_chain.facilities(ENTITIES, MONTHS, SEED), cold_chain.deliver),
    ("commerce_training", trainings.trainings(PLACES, MONTHS, SEED), trainings.deliver),
    ("civil_elder_facility", elder_care.facilities(PLACES, MONTHS, SEED), elder_care.deliver_facilities),
    ("civil_elder_visit", elder_care.visits(ELDERS, MONTHS, SEED), elder_care.deliver_visits),
    ("civil_assistance", assistance.assisted(HOUSEHOLDS, MONTHS, SEED), assistance.deliver),
    ("civil_convenience_site", CONVENIENCE, partial(village_sites.deliver, network=village_sites.CONVENIENCE)),
    ("coop_service_site", COOP, partial(village_sites.deliver, network=village_sites.COOP)),
    ("coop_agri_supply", coop_supply.supplies(COOP, MONTHS, SEED), coop_supply.deliver),
    ("postal_route", routes.routes(NODES, MONTHS, SEED), routes.deliver),
    ("stats_agri_growth", agri_growth.accounts(PLACES, range(2019, 2025), SEED), agri_growth.deliver),
    ("planning_boundary", boundaries.boundaries(PLACES, ["2024"]), boundaries.deliver),
]


def index_of(places: Places) -> DivisionIndex:
    """The places with both of their codes."""
    rows = [{"code": p.code, "name": p.name, "level": p.level, "parent_code": p.parent_code} for p in places.all]
    civil = [{"civil_code": p.civil_code, "statistics_code": p.code, "name_variants": None} for p in places.all]
    return DivisionIndex.from_frames(
        pl.DataFrame(rows), pl.DataFrame(civil, schema_overrides={"name_variants": pl.String})
    )


def taken(drop: Drop, dataset_id: str) -> dict[str, pl.DataFrame]:
    """What the intake accepts of each of the dataset's files, by period."""
    registry, settings, index = load_registry(), load_settings(), index_of(drop.places)
    found = {}
    for item in drop.expected:
        if item.dataset == dataset_id:
            path, dataset = drop.inbox / item.path, registry.get(dataset_id)
            name = parse_name(path, registry)
            raw = read_file(path, dataset.layout(name.period), settings.limits, registry)
            checked = check_rows(raw, dataset, name, index, PSEUDONYMISER, settings)
            assert checked.accepted_count == item.accepted, (item.path, checked.counts_by_rule())
            errors = checked.findings.filter(severity="error").select("line", "sheet", "column", "rule")
            assert set(errors.rows()) == {astuple(finding) for finding in item.findings}, item.path
            found[item.period] = checked.accepted
    return found


def rows_of(facts: Sequence[Row], dataset_id: str) -> pl.DataFrame:
    """The facts in silver's columns and types, coordinates in EPSG:4490."""
    dataset = load_registry().get(dataset_id)
    columns = [column for column in dataset.silver_columns if column.privacy == "open"]
    frame = pl.DataFrame({column.name: [row.get(column.name) for row in facts] for column in columns}, strict=False)
    return to_cgcs2000(frame, dataset)


@pytest.mark.parametrize(("dataset_id", "facts", "deliver"), CASES, ids=[case[0] for case in CASES])
def test_facts_arrive_as_they_are(dataset_id: str, facts: Facts, deliver: Deliver, tmp_path: Path) -> None:
    drop = Drop(tmp_path, PLACES, SEED)
    deliver(drop, facts, SEED)
    accepted = taken(drop, dataset_id)
    assert set(accepted) == {period for period, rows in facts.items() if rows}
    key = list(load_registry().get(dataset_id).key)
    for period, frame in accepted.items():
        wanted = rows_of(facts[period], dataset_id).sort(key)
        got = frame.select(wanted.columns).sort(key)
        assert got.height == wanted.height, period
        for name in wanted.columns:
            if name in ("lon", "lat"):
                assert (got[name] - wanted[name]).abs().max() < DEGREES, (period, name)  # type: ignore[operator]
            else:
                same = got[name].eq_missing(wanted[name].cast(got[name].dtype))
                assert same.all(), (period, name, got.filter(~same).head(2), wanted.filter(~same).head(2))


def test_readings_arrive_as_they_are(tmp_path: Path) -> None:
    drop = Drop(tmp_path, PLACES, SEED)
    facts = dict(readings.by_month(SMART, MONTHS[:4], SEED, 3000))
    for index, (month, rows) in enumerate(facts.items()):
        readings.deliver(drop, month, rows, index, SEED)
    for month, frame in taken(drop, "agri_iot_reading").items():
        got = frame.select(facts[month].columns).sort("device_id", "read_at")
        assert got.equals(facts[month].sort("device_id", "read_at")), month
    assert 2000 < sum(rows.height for rows in facts.values()) < 4000


def test_plots_of_villages_with_two_numbers_use_either() -> None:
    """Both code systems occur in the parcels' codes, and each is that of the parcel's village."""
    starts = {row["parcel_code"][:12]: PLACES.by_code[row["division_code"]] for row in PARCELS["2024Q1"]}
    assert all(start in (place.code, place.civil_code) for start, place in starts.items())
    assert {start == place.code for start, place in starts.items()} == {True, False}


def test_what_is_paid_follows_the_contracted_area() -> None:
    areas: dict[str, Decimal] = {}
    for row in PARCELS["2024Q1"]:
        areas[row["household_id"]] = areas.get(row["household_id"], Decimal(0)) + row["area_mu"]
    june = subsidies.payments(HOUSEHOLDS, PARCELS["2024Q1"], MONTHS, SEED)["2024-06"]
    paid = [row for row in june if row["kind"] == "land_fertility"]
    assert len(paid) > len(HOUSEHOLDS.first) * 0.8
    assert all(
        row["amount_yuan"] == row["area_mu"] * 95 and row["area_mu"] == areas[row["household_id"]] for row in paid
    )


def test_cards_are_well_formed_and_nobodys() -> None:
    card = made.bank_card(made.stream(SEED, "card"))
    assert len(card) == 19 and card.startswith("9999")
    digits = [int(digit) for digit in reversed(card)]
    assert sum(digits[0::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0
    assert made.luhn_digit("7992739871") == "3"
