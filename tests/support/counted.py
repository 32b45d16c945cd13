"""A small district of made-up counts: its gold tables and indicator values, and publications of these."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from agrilake.catalog.catalogue import CATALOGUE_SCHEMAS
from agrilake.contract.load import Registry, load_registry
from agrilake.contract.settings import load_settings
from agrilake.indicators.load import load_indicators
from agrilake.intake.values import silver_type
from agrilake.lake.state import State
from agrilake.paths import Home
from agrilake.publish import Publication, publish

DISTRICT = "500112000000"
TOWNSHIPS = tuple(f"500112{100 + t}000" for t in range(3))
VILLAGES = tuple(f"500112{100 + t}{200 + v}" for t in range(3) for v in range(3))
MONTHS = ("2024-01", "2024-02", "2024-03")
QUARTER = "2024Q1"
STATES, FLOWS = ("elders", "alone", "assisted"), ("visits", "trained")
RESIDENTS = "residents"
Cell = tuple[str, str, str]
"""Quantity, village (or facility), month."""
World = dict[Cell, int]
RATIOS: dict[str, tuple[str, str | None, int]] = {
    "living_alone_elder_share": ("alone", "elders", 100),
    "elder_visits_per_1000": ("visits", "elders", 1000),
    "assisted_persons": ("assisted", None, 1),
    "training_attendances": ("trained", None, 1),
    "elder_bed_occupancy": (RESIDENTS, "beds", 100),
}
TABLES = ("facility", "training", "village_profile", "indicator_value", "indicator_revision")
REGISTRY = Registry({}, {name: table for name, table in load_registry().gold.items() if name in TABLES})
INDICATORS = tuple(item for item in load_indicators() if item.id in RATIOS)
CATALOGUE = {name: pa.Table.from_pylist([], schema) for name, schema in CATALOGUE_SCHEMAS.items()}
SETTINGS = dataclasses.replace(load_settings(), departments={"civil": "区民政局"})


def world(seed: int) -> World:
    """Counts of every village and month, many of them small."""
    chance = random.Random(seed)  # noqa: S311
    found: World = {}
    for village, month in itertools.product(VILLAGES, MONTHS):
        elders = chance.choice([0, 3, 8, 12, 20, 35])
        found["elders", village, month] = elders
        found["alone", village, month] = chance.randint(0, elders)
        found["assisted", village, month] = chance.choice([0, 1, 2, 6, 9, 14])
        found["visits", village, month] = chance.randint(0, 40)
        found["trained", village, month] = chance.choice([0, 0, 2, 4, 11, 30])
        found[RESIDENTS, village, month] = chance.choice([0, 2, 7, 15])
    for village, month in itertools.product(VILLAGES, MONTHS[:-1]):
        found[RESIDENTS, village, month] = found[RESIDENTS, village, MONTHS[-1]]  # a state that did not change
    return found


def level_of(place: str) -> str:
    """Of a division's code."""
    return "district" if place == DISTRICT else "township" if place in TOWNSHIPS else "village"


def within(place: str) -> list[str]:
    """The villages of a district or township; a village itself."""
    return [village for village in VILLAGES if place in (DISTRICT, village, f"{village[:9]}000")]


def total(counts: World, quantity: str, place: str, period: str) -> int:
    """The number of a district or township; a state's quarter is its last month's."""
    if quantity == "beds":
        return 40 * len(within(place))
    months = MONTHS if quantity in FLOWS else MONTHS[-1:]
    chosen = [period] if period in MONTHS else months
    return sum(counts[quantity, village, month] for village in within(place) for month in chosen)


def _value(counts: World, indicator: str, place: str, period: str) -> dict[str, Any]:
    above, below, scale = RATIOS[indicator]
    numerator = Decimal(total(counts, above, place, period))
    denominator = None if below is None else Decimal(total(counts, below, place, period))
    value = numerator if denominator is None else numerator * scale / denominator if denominator else None
    return {
        "indicator_id": indicator,
        "division_code": place,
        "division_level": level_of(place),
        "township_code": None if place == DISTRICT else place,
        "period": period,
        "period_type": "month" if period in MONTHS else "quarter",
        "value": value if value is None else value.quantize(Decimal("0.000001")),
        "numerator": numerator,
        "denominator": denominator,
        "target": Decimal(60),
        "to_target": None if value is None else (value - 60).quantize(Decimal("0.000001")),
        "target_met": None if value is None else value >= 60,
        "flag": "missing" if value is None else "official",
        "late": False,
        "input_versions": json.dumps({}),
    }


def tables(counts: World) -> dict[str, list[dict[str, Any]]]:
    """The gold tables of these counts."""
    back = {"source_dataset": "x", "delivery_id": "d", "line": 2}
    named = {"division_name": "某村", "township_name": "某镇"}
    facilities, trainings, profiles = [], [], []
    for number, village in enumerate(VILLAGES):
        place = {"division_code": village, "township_code": f"{village[:9]}000", **named}
        key = {"facility_id": f"elder_care:YL{number}", "facility_no": f"YL{number}", "name": f"{number}号敬老院"}
        kind = {"category": "elder_care", "facility_type": "home", "opened_on": date(2020, 1, 1)}
        now = counts[RESIDENTS, village, MONTHS[-1]]
        facilities.append({**key, **kind, **place, **back, "beds": 40, "occupied": now})
        for month in MONTHS:
            held = {"session_no": f"PX{number}{month}", "held_on": date.fromisoformat(f"{month}-15"), "period": month}
            trainings.append({**held, **place, **back, "topic": "电商", "attendees": counts["trained", village, month]})
            names = {"elders": "elders", "elder_visits": "visits", "assisted_persons": "assisted"}
            own = {column: counts[quantity, village, month] for column, quantity in names.items()}
            profiles.append({**place, **own, "period": month, "is_administrative_village": True})
    grid = itertools.product(RATIOS, (DISTRICT, *TOWNSHIPS), (*MONTHS, QUARTER))
    values = [_value(counts, *key) for key in grid]
    return {"facility": facilities, "training": trainings, "village_profile": profiles, "indicator_value": values}


class Lake:
    """A lake with these tables alone, that can be published."""

    def __init__(self, root: Path) -> None:
        self.home = Home.at(root).prepare()
        self.state = State(self.home.state_file)
        names = [(DISTRICT, "某区"), *((code, f"{code[6:]}") for code in (*TOWNSHIPS, *VILLAGES))]
        divisions = pl.DataFrame([{"code": code, "name": name, "_period": "2024"} for code, name in names])
        divisions.write_delta(str(self.home.table("silver", "stats_division")))
        self._commits = 0

    def publish(self, counts: World, held: Mapping[str, str] | None = None) -> Publication:
        """Store the counts and publish them."""
        for name, rows in tables(counts).items():
            kinds = {column.name: silver_type(column) for column in REGISTRY.gold[name].columns}
            pl.DataFrame(rows, schema=kinds).write_delta(str(self.home.table("gold", name)), mode="overwrite")
        found = {f"gold/{name}": self._commits for name in tables(counts)}
        self.state.record_lake_version(found | {"silver/stats_division": 0})
        self._commits += 1
        return publish(self.home, REGISTRY, SETTINGS, self.state, held or {}, INDICATORS, CATALOGUE)
