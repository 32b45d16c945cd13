"""Information sites (益农信息社): many stand in the very shop that is the village's e-commerce site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
from prcoords import wgs_gcj

from agrilake.sample import identifiers as made
from agrilake.sample.drop import Drop
from agrilake.sample.extracts import Extract, first_reported
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import end_of, ordinal, quarters_of
from agrilake.sample.places import Place, Places
from agrilake.sample.records import Defect, Row
from agrilake.sample.spelling import Style

SAME_PLACE = 0.45
SERVICES = ("公益服务、便民服务", "公益服务、便民服务、电商服务", "公益服务、便民服务、电商服务、培训体验")
STYLES = (
    Style(headers=1, preamble=True, divisions="name", dates="dot", nothing="无"),
    Style(form="xlsx", titled=True, two_lines=True, numbered=True, dates="cell", divisions="full"),
    Style(encoding="utf-8-bom", headers=2, dates="chinese", divisions="mixed"),
    Style(form="xls", headers=3, preamble=True, notes=True, dates="mixed", divisions="code"),
)
DEFECTS = (
    Defect("site_no", "pattern", lambda row: row["site_no"][2:]),
    Defect("name", "required", ""),
    Defect("phone", "mobile_phone", "023-6712"),
    Defect("lon", "longitude", lambda row: str(row["lat"])),
    Defect("lat", "latitude", "2.98"),
    Defect("closed_on", "not_before", lambda row: f"{row['opened_on'] - timedelta(days=400):%Y-%m-%d}"),
    Defect("opened_on", "date_precision", "2016年"),
    Defect("division_code", "division_known", "青石沟村"),
    Defect("address", "max_length", "往东走过桥再左转" * 18),
)


def sites(
    places: Places, commerce: Mapping[str, Sequence[Row]], months: Sequence[str], seed: int
) -> dict[str, list[Row]]:
    """Sites by the quarter that reports them: three villages in four at first, then openings and closures."""
    rng = stream(seed, "info site")
    quarters = quarters_of(months)
    shops = {row["division_code"]: row for rows in commerce.values() for row in rows}
    found: dict[str, list[Row]] = {quarter: [] for quarter in quarters}
    for number, place in enumerate(places.villages, 1):
        if rng.random() > (0.78 if place.committee else 0.3):
            continue
        quarter, opened = first_reported(quarters, rng, 0.05, (3, 80), (400, 3000))
        found[quarter].append(_site(place, number, opened, shops.get(place.code), rng))
    for quarter in quarters[1:]:
        day = end_of(quarter) - timedelta(days=int(rng.integers(1, 80)))
        found[quarter] += [{**row, "closed_on": day} for row in found[quarters[0]][ordinal(quarter, quarters) :: 61]]
    return found


def _site(place: Place, number: int, opened: date, shop: Row | None, rng: np.random.Generator) -> Row:
    same = shop is not None and rng.random() < SAME_PLACE
    lon, lat = place.lon + float(rng.normal(0, 0.004)), place.lat + float(rng.normal(0, 0.004))
    gcj_lat, gcj_lon = wgs_gcj((lat, lon), check_china=False)
    if same and shop is not None:
        # the same door, measured another day
        gcj_lon, gcj_lat = shop["lon"] + float(rng.normal(0, 0.0002)), shop["lat"] + float(rng.normal(0, 0.0002))
    return {
        "site_no": f"YN{place.code[6:9]}{number:05d}",
        "name": f"{place.short}益农信息社",
        "division_code": place.code,
        "address": shop["address"] if same and shop else f"{place.short}{rng.integers(1, 12)}组村办公室",
        "manager": shop["manager"] if same and shop else made.person(rng),
        "phone": shop["phone"] if same and shop else made.phone(rng),
        "lon": round(float(gcj_lon), 6),
        "lat": round(float(gcj_lat), 6),
        "opened_on": opened,
        "closed_on": None,
        "services": SERVICES[rng.integers(len(SERVICES))],
        "place_id": f"commerce_service_site:{shop['site_no']}" if same and shop else None,
    }


EXTRACT = Extract(
    "agri_info_service_site",
    "site_no",
    STYLES,
    DEFECTS,
    lambda row, index, number: {**row, "site_no": f"YN99{index:02d}{number:04d}", "closed_on": None},
    lambda row: {"name": f"{row['name']}（新）"},
    day="opened_on",
    duplicates=1,
)


def deliver(drop: Drop, sites: dict[str, list[Row]], seed: int) -> None:
    """One file a quarter."""
    EXTRACT.deliver(drop, sites, seed, per_file=6)
