"""Sites of civil affairs and of the co-op: one in two stands behind a door that another department knows already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from prcoords import wgs_bd, wgs_gcj

from agrilake.sample import identifiers as made
from agrilake.sample.drop import Drop
from agrilake.sample.extracts import Extract, first_reported
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import end_of, ordinal, quarters_of
from agrilake.sample.places import Place, Places
from agrilake.sample.records import Defect, Row
from agrilake.sample.shared_places import Door, retold
from agrilake.sample.spelling import Style

SAME_PLACE = 0.5
NEAR, FAR = 0.0002, 0.0012
"""Degrees by which two departments' points of one door differ: another day's measure, or the house next to it."""


@dataclass(frozen=True)
class Network:
    """A department's sites. `shares` of village committees and of communities have one; `names` are ways to call it."""

    extract: Extract
    prefix: str
    shares: tuple[float, float]
    shift: Callable[..., tuple[float, float]]
    names: tuple[str, ...]
    services: tuple[str, ...]


DEFECTS = (
    Defect("name", "required", ""),
    Defect("phone", "mobile_phone", "67181234"),
    Defect("lon", "longitude", "0"),
    Defect("lat", "type_number", "村委会"),
    Defect("closed_on", "not_before", lambda row: f"{row['opened_on'] - timedelta(days=200):%Y-%m-%d}"),
    Defect("opened_on", "type_date", "换届后"),
    Defect("division_code", "division_known", "石笋沟村"),
    Defect("site_no", "pattern", lambda row: row["site_no"][:-1]),
    Defect("address", "max_length", "村委会一楼大厅进门右手边" * 12),
)


def _extract(dataset: str, prefix: str, styles: Sequence[Style]) -> Extract:
    def spare(row: Row, index: int, number: int) -> Row:
        return {**row, "site_no": f"{prefix}99{index:02d}{number:04d}", "closed_on": None}

    return Extract(
        dataset,
        "site_no",
        styles,
        DEFECTS,
        spare,
        lambda row: {"name": f"{row['name']}（新址）"},
        day="opened_on",
        duplicates=1,
    )


CONVENIENCE = Network(
    _extract(
        "civil_convenience_site",
        "BM",
        (
            Style(form="xlsx", titled=True, preamble=True, two_lines=True, divisions="civil", dates="cell"),
            Style(headers=1, divisions="name", dates="dot", nothing="无", notes=True),
            Style(encoding="utf-8-bom", headers=2, divisions="mixed", dates="chinese", nothing="-"),
            Style(form="xls", headers=3, preamble=True, numbered=True, divisions="civil", dates="mixed"),
        ),
    ),
    "BM",
    (0.6, 0.8),
    wgs_bd,
    ("{village}便民服务站", "{stem}便民服务中心", "{town}{village}便民服务站", "便民服务站（{village}）"),
    ("社保医保代办、水电缴费", "社保医保代办、证明开具、水电缴费", "社保医保代办"),
)
COOP = Network(
    _extract(
        "coop_service_site",
        "WW",
        (
            Style(headers=1, preamble=True, divisions="name", dates="slash", nothing="/"),
            Style(form="xlsx", titled=True, two_lines=True, numbered=True, divisions="full", dates="cell"),
            Style(encoding="utf-8-bom", headers=2, divisions="mixed", dates="compact"),
            Style(form="xls", headers=3, notes=True, divisions="code", dates="chinese"),
        ),
    ),
    "WW",
    (0.5, 0.15),
    wgs_gcj,
    ("村村旺{stem}网点", "{village}村村旺服务站", "{town}供销社{stem}综合服务社", "村村旺{village}店"),
    ("农资供应、日用品零售", "农资供应、农产品收购、快递代收", "农资供应、农产品收购"),
)


def sites(
    network: Network, places: Places, known: dict[str, list[Door]], months: Sequence[str], seed: int
) -> dict[str, list[Row]]:
    """Sites by the quarter that reports them; `known` are the doors of other departments by village."""
    rng = stream(seed, network.extract.dataset)
    quarters = quarters_of(months)
    found: dict[str, list[Row]] = {quarter: [] for quarter in quarters}
    for number, place in enumerate(places.villages, 1):
        if rng.random() > network.shares[not place.committee]:
            continue
        quarter, opened = first_reported(quarters, rng, 0.06, (3, 80), (200, 2600))
        others = known.get(place.code, [])
        door = others[int(rng.integers(len(others)))] if others and rng.random() < SAME_PLACE else None
        found[quarter].append(_site(network, place, places.township_of(place), number, opened, door, rng))
    for quarter in quarters[1:]:
        day = end_of(quarter) - timedelta(days=int(rng.integers(1, 80)))
        found[quarter] += [{**row, "closed_on": day} for row in found[quarters[0]][ordinal(quarter, quarters) :: 53]]
    return found


def _site(
    network: Network,
    place: Place,
    town: Place,
    number: int,
    opened: date,
    shared: Door | None,
    rng: np.random.Generator,
) -> Row:
    door = shared or _own_door(place, rng)
    lon, lat = _measured(door, network, rng)
    same_people = door.manager is not None and rng.random() < 0.7
    stem = place.short.removesuffix("村").removesuffix("社区")
    name = network.names[rng.integers(len(network.names))]
    return {
        "site_no": f"{network.prefix}{place.code[6:9]}{number:05d}",
        "name": name.format(village=place.short, stem=stem, town=town.short),
        "division_code": place.code,
        "address": retold(door.address, place, town.short, rng) if shared else door.address,
        "manager": door.manager if same_people else made.person(rng),
        "phone": door.phone if same_people else made.phone(rng),
        "lon": lon,
        "lat": lat,
        "opened_on": opened,
        "closed_on": None,
        "services": network.services[rng.integers(len(network.services))],
        "place_id": shared.place_id if shared else None,
    }


def _own_door(place: Place, rng: np.random.Generator) -> Door:
    lon, lat = place.lon + float(rng.normal(0, 0.004)), place.lat + float(rng.normal(0, 0.004))
    return Door("", place.code, lon, lat, f"{place.short}{rng.integers(1, 12)}组党群服务中心", None, None)


def _measured(door: Door, network: Network, rng: np.random.Generator) -> tuple[float | None, float | None]:
    """The door's point in the department's coordinates; one in sixteen has none."""
    off = FAR if rng.random() < 0.06 else NEAR
    point = door.lat + float(rng.normal(0, off)), door.lon + float(rng.normal(0, off))
    lat, lon = network.shift(point, check_china=False)
    return (None, None) if rng.random() < 1 / 16 else (round(float(lon), 6), round(float(lat), 6))


def deliver(drop: Drop, sites: dict[str, list[Row]], seed: int, network: Network) -> None:
    """One file a quarter."""
    network.extract.deliver(drop, sites, seed, per_file=5)
