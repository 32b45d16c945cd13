"""The postal administration: the county hub, township and village sites, and how the sites' files look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from prcoords import wgs_bd

from agrilake.sample.drop import Drop
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import ordinal, quarters_of, years_in
from agrilake.sample.places import Place, Places
from agrilake.sample.records import Defect, Record, Row, conflicting, mixed, spoilt
from agrilake.sample.spelling import Style

OPERATORS = ("邮政", "邮政、中通", "邮政、中通、圆通", "邮政、韵达、极兔", "邮政、供销、申通")
STYLES = (
    Style(form="xlsx", titled=True, preamble=True, two_lines=True, divisions="name", periods="chinese", numbered=True),
    Style(encoding="utf-8", headers=1, divisions="code", labels=1),
    Style(encoding="gb18030", headers=2, divisions="mixed", booleans=("1", "0"), labels=2, nothing="无"),
    Style(form="xls", headers=3, divisions="name", preamble=True, notes=True),
)
DEFECTS = (
    Defect("level", "enum", "组"),
    Defect("co_distribution", "type_boolean", "洽谈中"),
    Defect("lat", "latitude", "106.8"),
    Defect("division_code", "division_known", "石笋沟村"),
    Defect("site_no", "pattern", lambda row: row["site_no"][:-1]),
    Defect("name", "required", ""),
)


@dataclass(frozen=True)
class Site:
    """A node: its place, the quarter from which it works, and its share of parcels (any positive number)."""

    site_no: str
    place: Place
    quarter: str
    weight: float
    co_distribution: bool

    @property
    def level(self) -> str:
        return self.place.level


@dataclass(frozen=True)
class Sites:
    """All nodes: hub, one a township, and those of villages and communities."""

    all: tuple[Site, ...]
    rows: dict[str, list[Row]]

    @property
    def hub(self) -> Site:
        return self.all[0]


def sites(places: Places, months: Sequence[str], seed: int) -> Sites:
    """Four villages in five have a site from the start; some more get one in later quarters."""
    rng = stream(seed, "postal site")
    quarters = quarters_of(months)
    found = [Site("YZ40112001", places.county, quarters[0], 0.0, True)]
    for number, place in enumerate(places.townships, 1):
        found.append(Site(f"YZ401121{number:02d}", place, quarters[0], 3.0, bool(rng.random() < 0.8)))
    number = 0
    for place in places.villages:
        draw = rng.random()
        if draw < (0.88 if place.committee else 0.4):
            number += 1
            later = draw > 0.8 and len(quarters) > 1
            quarter = quarters[int(rng.integers(1, len(quarters)))] if later else quarters[0]
            quarter = quarters[0] if places.is_gone(place, quarter) else quarter
            weight = place.resident / 1000 * (1.0 if place.committee else 0.5)
            found.append(Site(f"YZ4013{number:04d}", place, quarter, weight, bool(rng.random() < 0.55)))
    rows: dict[str, list[Row]] = {quarter: [] for quarter in quarters}
    for site in found:
        rows[site.quarter].append(_row(site, rng))
    for quarter in quarters[1:]:
        alone = [site for site in found if not site.co_distribution and site.quarter == quarters[0]]
        alone = [site for site in alone if not places.is_gone(site.place, quarter)]
        for site in alone[ordinal(quarter, quarters) :: 9 * years_in(quarters)]:
            rows[quarter].append({**_row(site, rng), "co_distribution": True})
    return Sites(tuple(found), rows)


def _row(site: Site, rng: np.random.Generator) -> Row:
    place = site.place
    titles = {"county": "共配中心", "township": "寄递物流综合服务站", "village": "村级寄递服务点"}
    lon, lat = place.lon + float(rng.normal(0, 0.003)), place.lat + float(rng.normal(0, 0.003))
    located = place.level != "county"
    bd_lat, bd_lon = wgs_bd((lat, lon), check_china=False) if located else (None, None)
    return {
        "site_no": site.site_no,
        "name": f"{place.short}{titles[place.level]}",
        "level": place.level,
        "division_code": place.code,
        "address": f"{place.short}{rng.integers(1, 9)}号" if rng.random() < 0.9 else None,
        "co_distribution": site.co_distribution,
        "operators": OPERATORS[rng.integers(len(OPERATORS))],
        "lon": None if bd_lon is None else round(float(bd_lon), 6),
        "lat": None if bd_lat is None else round(float(bd_lat), 6),
    }


def deliver_sites(drop: Drop, sites: Sites, seed: int) -> None:
    """All nodes in the first quarter, then new ones and those that joined the common distribution."""
    known = [row for rows in sites.rows.values() for row in rows if row["level"] == "village"]
    for index, (quarter, rows) in enumerate(sites.rows.items()):
        rng = stream(seed, "postal site file", quarter)
        dirty = [
            spoilt({**known[at % len(known)], "site_no": f"YZ99{index:02d}{at:04d}"}, [defect])
            for at, defect in enumerate(DEFECTS)
        ]
        base = {**known[0], "site_no": f"YZ99{index:02d}0090"}
        dirty += conflicting(base, "site_no", {"name": base["name"] + "二部"})
        records = mixed([Record(row) for row in rows], dirty, rng, duplicates=1 if len(rows) > 2 else 0)
        drop.table("postal_site", quarter, records, STYLES[index % len(STYLES)])
