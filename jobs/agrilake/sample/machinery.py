"""Farm machines of households and entities, village by village."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import numpy as np

from agrilake.sample.agri import Entities
from agrilake.sample.drop import Drop
from agrilake.sample.extracts import Extract, first_reported
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import ordinal, quarters_of
from agrilake.sample.places import Places
from agrilake.sample.records import Defect, Row
from agrilake.sample.spelling import Style

HORSEPOWER = Decimal("0.735")
KINDS: dict[str, tuple[float, int, int, float, float]] = {
    "tiller": (0.52, 6, 12, 0.95, 0.0),
    "tractor": (0.09, 25, 90, 0.35, 0.25),
    "harvester": (0.05, 35, 100, 0.5, 0.45),
    "transplanter": (0.03, 7, 22, 0.6, 0.2),
    "seeder": (0.03, 5, 20, 0.5, 0.1),
    "drone": (0.06, 3, 9, 1.0, 0.95),
    "dryer": (0.03, 10, 40, 0.0, 0.15),
    "monorail": (0.05, 5, 9, 1.0, 0.05),
    "mower": (0.06, 2, 6, 0.9, 0.0),
    "pump": (0.08, 4, 20, 0.8, 0.02),
}
"""Share of all machines, horsepower from and to, share that suits hills, share with a smart terminal."""

MACHINES = 9
"""Machines a village on average, at full scale."""

STYLES = (
    Style(form="xls", preamble=True, numbered=True, totals=True, divisions="name", dates="chinese", headers=1),
    Style(headers=2, units=(("千瓦", "马力"),), booleans=("√", "×"), divisions="mixed", dates="compact", nothing="无"),
    Style(form="xlsx", titled=True, by_township=True, preamble=True, dates="cell", booleans=("有", "无"), labels=1),
    Style(encoding="utf-16", delimiter=",", headers=3, units=(("千瓦", "马力"),), units_in="cell", dates="mixed"),
)
DEFECTS = (
    Defect("kind", "enum", "挖掘机"),
    Defect("power_kw", "maximum", "7350 千瓦"),
    Defect("power_kw", "type_number", "大功率"),
    Defect("power_kw", "unit_unknown", "1.2 升"),
    Defect("hill_suited", "type_boolean", "看地块"),
    Defect("smart_terminal", "required", ""),
    Defect("owner_credit_code", "credit_code", lambda row: "9150" + row["machine_no"][2:] + "MA5U0"),
    Defect("owner_credit_code", "excel_spoilt", "9.35002E+17"),
    Defect("machine_no", "pattern", lambda row: row["machine_no"].replace("NJ", "渝农")),
    Defect("division_code", "division_known", "石笋沟村"),
)


def machines(
    places: Places, entities: Entities, months: Sequence[str], seed: int, scale: float
) -> dict[str, list[Row]]:
    """Machines by the quarter that reports them: the register, then new ones and terminals fitted later."""
    rng = stream(seed, "machinery")
    quarters = quarters_of(months)
    owners: dict[str, list[str]] = {}
    for row in entities.by_quarter[quarters[0]]:
        owners.setdefault(row["division_code"], []).append(row["credit_code"])
    found: dict[str, list[Row]] = {quarter: [] for quarter in quarters}
    number = 0
    for place in places.committees:
        for _ in range(2 + int(rng.poisson(MACHINES * scale))):
            number += 1
            quarter, bought = first_reported(quarters, rng, 0.06, (1, 85), (92, 3600))
            owner = owners.get(place.code, [])
            own = owner[int(rng.integers(len(owner)))] if owner and rng.random() < 0.3 else None
            found[quarter].append(_machine(place.code, number, own, bought, rng))
    for quarter in quarters[1:]:
        plain = [row for row in found[quarters[0]] if not row["smart_terminal"] and row["kind"] != "tiller"]
        found[quarter] += [{**row, "smart_terminal": True} for row in plain[ordinal(quarter, quarters) :: 41]]
    return found


def _machine(village: str, number: int, owner: str | None, bought: date, rng: np.random.Generator) -> Row:
    shares = [item[0] for item in KINDS.values()]
    kind = list(KINDS)[rng.choice(len(KINDS), p=shares)]
    _, least, most, hills, smart = KINDS[kind]
    return {
        "machine_no": f"NJ{number:08d}",
        "division_code": village,
        "kind": kind,
        "power_kw": HORSEPOWER * int(rng.integers(least, most + 1)),
        "hill_suited": bool(rng.random() < hills),
        "smart_terminal": bool(rng.random() < smart),
        "owner_credit_code": owner,
        "acquired_on": bought if rng.random() < 0.9 else None,
    }


EXTRACT = Extract(
    "agri_machinery",
    "machine_no",
    STYLES,
    DEFECTS,
    lambda row, index, number: {**row, "machine_no": f"NJ99{index:02d}{number:04d}"},
    lambda row: {"power_kw": row["power_kw"] + HORSEPOWER},
    day="acquired_on",
)


def deliver(drop: Drop, machines: dict[str, list[Row]], seed: int) -> None:
    """One file a quarter."""
    EXTRACT.deliver(drop, machines, seed, per_file=6)
