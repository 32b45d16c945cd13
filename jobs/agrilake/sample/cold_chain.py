"""Cold stores: small ones at the growers', a few centres in the towns, and the district's base."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import numpy as np
from prcoords import wgs_gcj

from agrilake.sample import identifiers as made
from agrilake.sample.agri import Entities
from agrilake.sample.drop import Drop
from agrilake.sample.extracts import Extract, first_reported
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import ordinal, quarters_of
from agrilake.sample.records import Defect, Row
from agrilake.sample.spelling import Style

SHARE = 0.11
"""Share of the entities with a cold store of their own; every leading enterprise has a centre."""

CAPACITY_T = {"origin": (20, 300), "regional": (500, 5000), "backbone": (20_000, 60_000)}
TITLES = {"origin": "产地冷库", "regional": "冷链集配中心", "backbone": "骨干冷链物流基地"}
STYLES = (
    Style(headers=1, preamble=True, divisions="name", dates="chinese", units=(("吨", "公斤"),), labels=1),
    Style(form="xlsx", titled=True, two_lines=True, totals=True, divisions="mixed", dates="cell", numbered=True),
    Style(encoding="utf-8-bom", headers=2, divisions="full", dates="slash", nothing="无", labels=2),
    Style(form="xls", headers=3, units=(("吨", "公斤"),), units_in="cell", dates="dot", notes=True),
)
DEFECTS = (
    Defect("capacity_t", "unit_unknown", "600 立方米"),
    Defect("capacity_t", "minimum", "0"),
    Defect("capacity_t", "type_number", "在建"),
    Defect("kind", "enum", "移动冷库"),
    Defect("credit_code", "credit_code", lambda row: made.wrong_check(row["credit_code"])),
    Defect("facility_no", "pattern", lambda row: row["facility_no"].replace("LL", "冷链")),
    Defect("lon", "longitude", "16.8123"),
    Defect("lat", "latitude", lambda row: str(row["lon"])),
    Defect("name", "required", ""),
    Defect("built_on", "date_precision", "2021年"),
    Defect("division_code", "division_known", "青石沟村"),
)


def facilities(entities: Entities, months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Stores by the quarter that reports them: the register, then new ones and those that were enlarged."""
    rng = stream(seed, "cold chain")
    quarters = quarters_of(months)
    found: dict[str, list[Row]] = {quarter: [] for quarter in quarters}
    leading = 0
    for number, entity in enumerate(entities.by_quarter[quarters[0]], 1):
        kind = "origin"
        if entity["kind"] == "leading_enterprise":
            leading += 1
            kind = "backbone" if leading == 1 else "regional"
        elif rng.random() > SHARE:
            continue
        quarter, built = first_reported(quarters, rng, 0.1, (3, 80), (120, 3300))
        found[quarter].append(_facility(entity, kind, number, built, rng))
    for quarter in quarters[1:]:
        grown = found[quarters[0]][ordinal(quarter, quarters) :: 13]
        found[quarter] += [{**row, "capacity_t": row["capacity_t"] * 2} for row in grown]
    return found


def _facility(entity: Row, kind: str, number: int, built: date, rng: np.random.Generator) -> Row:
    lon, lat = entity["lon"] + float(rng.normal(0, 0.001)), entity["lat"] + float(rng.normal(0, 0.001))
    gcj_lat, gcj_lon = wgs_gcj((lat, lon), check_china=False)
    least, most = CAPACITY_T[kind]
    return {
        "facility_no": f"LL{built.year}{number:04d}",
        "name": f"{entity['name'][:4]}{TITLES[kind]}",
        "credit_code": entity["credit_code"],
        "division_code": entity["division_code"],
        "kind": kind,
        "capacity_t": Decimal(int(rng.integers(least, most + 1))),
        "lon": round(float(gcj_lon), 6),
        "lat": round(float(gcj_lat), 6),
        "built_on": built if rng.random() < 0.9 else None,
    }


EXTRACT = Extract(
    "commerce_cold_chain",
    "facility_no",
    STYLES,
    DEFECTS,
    lambda row, index, number: {**row, "facility_no": f"LL99{index:02d}{number:04d}"},
    lambda row: {"capacity_t": row["capacity_t"] + 10},
    day="built_on",
    duplicates=1,
)


def deliver(drop: Drop, facilities: dict[str, list[Row]], seed: int) -> None:
    """One file a quarter."""
    EXTRACT.deliver(drop, facilities, seed, per_file=5)
