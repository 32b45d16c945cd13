"""Contracted parcels: a few for each household, in the units and coordinates that surveyors write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import numpy as np

from agrilake.sample.agri import Households
from agrilake.sample.drop import Drop
from agrilake.sample.extracts import Extract
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import quarters_of
from agrilake.sample.places import Place, Places
from agrilake.sample.records import Defect, Row
from agrilake.sample.spelling import Style

STEP_MU = Decimal("0.03")
"""Areas are multiples of 0.03 亩 = 20 平方米 = 0.002 公顷, so that every unit is exact."""

LAND_USES = ("paddy", "dry", "orchard", "irrigated", "tea", "pond", "other")
SHARES = (0.36, 0.42, 0.12, 0.05, 0.02, 0.015, 0.015)
STARTS = (date(1997, 10, 1), date(1998, 1, 1), date(1998, 7, 1))
MORE_PARCELS = 0.9
"""A household has one parcel and so many more on average."""

STYLES = (
    Style(preamble=True, headers=1, divisions="name", notes=True, nothing="/", dates="dot"),
    Style(form="xlsx", titled=True, two_lines=True, by_township=True, units=(("亩", "公顷"),), dates="cell"),
    Style(encoding="utf-8-bom", headers=2, units=(("亩", "平方米"),), units_in="cell", degrees=True, dates="chinese"),
    Style(form="xls", preamble=True, headers=3, labels=1, dates="mixed", divisions="full"),
)
DEFECTS = (
    Defect("parcel_code", "own_district", lambda row: f"500113{row['parcel_code'][6:]}"),
    Defect("parcel_code", "within_division", lambda row: f"{row['parcel_code'][:9]}099{row['parcel_code'][12:]}"),
    Defect("parcel_code", "excel_spoilt", "5.00112E+18"),
    Defect("parcel_code", "pattern", lambda row: f"{row['parcel_code'][:14]}-{row['parcel_code'][14:]}"),
    Defect("area_mu", "maximum", "6670 平方公里"),
    Defect("area_mu", "minimum", "0"),
    Defect("area_mu", "unit_unknown", "3 块"),
    Defect("land_use", "enum", "荒山"),
    Defect("grade", "enum", "优"),
    Defect("lon", "longitude", "122.456789"),
    Defect("lat", "latitude", "3305120.7"),
    Defect("lon", "longitude", lambda row: str(row["lat"])),
    Defect("contract_to", "not_before", "1995-12-31"),
    Defect("contract_from", "type_date", "二轮承包时"),
    Defect("household_id", "pattern", lambda row: row["household_id"][1:]),
    Defect("division_code", "division_known", "石笋沟村"),
)


def parcels(places: Places, households: Households, months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Parcels by the quarter that reports them: all of the first register, then a hundredth changed a quarter."""
    rng = stream(seed, "land")
    quarters = quarters_of(months)
    first: list[Row] = []
    numbers: dict[tuple[str, int], int] = {}
    for household in households.first:
        place = places.by_code[household["division_code"]]
        group = int(household["household_id"][-3:]) % 9 + 1
        for _ in range(1 + int(rng.poisson(MORE_PARCELS))):
            number = numbers[place.code, group] = numbers.get((place.code, group), 0) + 1
            first.append(_parcel(place, household["household_id"], group, number, rng))
    found = {quarters[0]: first}
    for quarter in quarters[1:]:
        picked = sorted(rng.choice(len(first), size=max(2, len(first) // 100), replace=False))
        changed = [_changed(first[at], rng) for at in picked]
        found[quarter] = [row for row in changed if not places.is_gone(places.by_code[row["division_code"]], quarter)]
    return found


def _parcel(place: Place, household_id: str, group: int, number: int, rng: np.random.Generator) -> Row:
    start = STARTS[rng.integers(len(STARTS))]
    years = 60 if rng.random() < 0.25 else 30
    typical = 3 + int(place.code[-1]) % 5
    # the survey numbered the parcels of half the villages by the codes of civil affairs
    village = place.civil_code if int(place.code[-1]) % 2 else place.code
    return {
        "parcel_code": f"{village}{group:02d}{number:05d}",
        "household_id": household_id,
        "division_code": place.code,
        "area_mu": STEP_MU * int(np.clip(rng.lognormal(3.3, 0.7), 3, 600)),
        "land_use": LAND_USES[rng.choice(len(LAND_USES), p=SHARES)],
        "grade": str(int(np.clip(typical + rng.integers(-1, 2), 1, 10))) if rng.random() < 0.9 else None,
        "lon": round(place.lon + float(rng.normal(0, 0.005)), 6),
        "lat": round(place.lat + float(rng.normal(0, 0.005)), 6),
        "contract_from": start,
        "contract_to": date.fromordinal(start.replace(year=start.year + years).toordinal() - 1),
    }


def _changed(row: Row, rng: np.random.Generator) -> Row:
    """Measured anew, or contracted for thirty more years."""
    if rng.random() < 0.5:
        return {**row, "area_mu": row["area_mu"] + STEP_MU * int(rng.integers(1, 8))}
    start: date = row["contract_from"]
    return {**row, "contract_to": date.fromordinal(start.replace(year=start.year + 60).toordinal() - 1)}


def _spare(row: Row, index: int, number: int) -> Row:
    """A parcel that is no fact: no village has a 99th group."""
    return {**row, "parcel_code": f"{row['parcel_code'][:12]}99{index:02d}{number:03d}"}


EXTRACT = Extract(
    "agri_land_contract",
    "parcel_code",
    STYLES,
    DEFECTS,
    _spare,
    lambda row: {"area_mu": row["area_mu"] + STEP_MU},
    day="contract_from",
    duplicates=3,
)


def deliver(drop: Drop, parcels: dict[str, list[Row]], seed: int) -> None:
    """The register in the first quarter, then new measurements and longer contracts."""
    EXTRACT.deliver(drop, parcels, seed, per_file=8)
