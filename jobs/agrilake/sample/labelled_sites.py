"""Labelled stations for the record linkage: what five departments' registers say of known places.

Unlike the year's extracts, which have the truth about places by the way, this sample is made to measure linking: every
usual difference between two departments' records of one door is in it, at the rates of `Rates`, and so are different
doors that look alike. The divisions are the real ones, the rest is drawn from the seed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from prcoords import wgs_gcj

from agrilake.sample.identifiers import stream
from agrilake.sample.labelled_places import COMMUNITY_OFFICES, OFFICES, TruePlace, moved, places_of
from agrilake.sample.places import Place, Places, load_places

SEED = 500112
COLUMNS = {
    "dataset": pl.String,
    "site_no": pl.String,
    "name": pl.String,
    "address": pl.String,
    "division_code": pl.String,
    "lon": pl.Float64,
    "lat": pl.Float64,
    "place_id": pl.String,
    "difficulty": pl.String,
}


@dataclass(frozen=True)
class Rates:
    """How often a record differs from the truth (shares of records; metres)."""

    no_address: float = 0.05
    no_point: float = 0.02
    moved_point: float = 0.04
    moved_metres: tuple[float, float] = (80, 350)
    village_point: float = 0.01
    unconverted_point: float = 0.005
    gps_metres: float = 12
    other_village: float = 0.015
    other_group: float = 0.02
    typo: float = 0.03
    sign_in_name: float = 0.3


@dataclass(frozen=True)
class Department:
    """How a department calls its stations and numbers them, and its share of the places of each kind."""

    dataset: str
    prefix: str
    names: tuple[str, ...]
    offices: float
    shops: float
    coverage: float = 0.85
    """Share of the villages in which it has any station."""


DEPARTMENTS = (
    Department(
        "agri_info_service_site",
        "YN",
        ("{v}益农信息社", "{t}{v}益农信息社", "益农信息社（{v}）", "{s}益农社", "益农信息社{s}站", "{v}益农信息服务社"),
        0.5,
        0.45,
    ),
    Department(
        "commerce_service_site",
        "",
        ("{v}电商服务站", "{s}电商服务点", "{v}农村电商服务站", "电商服务站·{s}", "{t}{v}电子商务服务站", "{s}电商站"),
        0.3,
        0.55,
    ),
    Department(
        "civil_convenience_site",
        "BM",
        ("{v}便民服务站", "{s}便民服务中心", "{t}{v}便民服务站", "便民服务站（{v}）", "{v}便民站"),
        0.85,
        0.08,
    ),
    Department(
        "postal_site",
        "YZ",
        ("{v}村级寄递服务点", "{s}邮政服务点", "{v}邮快合作点", "{s}村邮站", "邮政综合便民服务站（{s}）"),
        0.4,
        0.5,
    ),
    Department(
        "coop_service_site",
        "WW",
        ("村村旺{s}网点", "{v}村村旺服务站", "{t}供销社{s}综合服务社", "村村旺{v}店", "{s}供销综合服务社"),
        0.15,
        0.55,
        0.6,
    ),
)
HOMOPHONES = {
    "惠": "慧",
    "利": "力",
    "益": "宜",
    "佳": "家",
    "旺": "望",
    "兴": "新",
    "丰": "风",
    "福": "富",
    "隆": "龙",
}
DIGITS = "零一二三四五六七八九十"


def labelled_sites(seed: int = SEED, rates: Rates | None = None) -> pl.DataFrame:
    """Some two thousand stations over all villages of the district, with the place that each stands at.

    Columns as COLUMNS: the station as silver has it (coordinates EPSG:4490), `place_id`, and `difficulty`, the
    differences that were drawn for it (comma-separated).
    """
    places, rates = load_places(seed), rates or Rates()
    rows: list[dict[str, object]] = []
    for village in places.villages:
        rng = stream(seed, "labelled", village.code)
        known = places_of(village, rng)
        for department in DEPARTMENTS:
            for place in _stations(department, known, rng):
                site_no = f"{department.prefix}{village.code[6:9]}{len(rows) + 1:05d}"
                rows.append(
                    {
                        "dataset": department.dataset,
                        "site_no": site_no,
                        **_record(department, place, places, rates, rng),
                    }
                )
    return pl.DataFrame(rows, schema=COLUMNS)


def _stations(department: Department, known: list[TruePlace], rng: np.random.Generator) -> list[TruePlace]:
    """The places of a village at which the department has a station: each at most once, often none."""
    if rng.random() > department.coverage:
        return []
    share = {"office": department.offices, "shop": department.shops, "building": department.shops * 0.7}
    return [place for place in known if rng.random() < share[place.kind]]


def _record(
    department: Department, place: TruePlace, places: Places, rates: Rates, rng: np.random.Generator
) -> dict[str, object]:
    notes: list[str] = []

    def happens(what: str, rate: float) -> bool:
        hit = bool(rng.random() < rate)
        if hit:
            notes.append(what)
        return hit

    village, town = place.village, places.township_of(place.village)
    name = _name(department, place, town, rates, rng)
    address = None if happens("no_address", rates.no_address) else _address(place, town, rates, rng, happens)
    if happens("typo", rates.typo):
        name, address = _misspelt(name), _misspelt(address) if address else None
    lon, lat = _point(place, rates, rng, happens)
    code = village.code
    if happens("other_village", rates.other_village):
        beside = [other for other in places.villages if other.parent_code == village.parent_code]
        code = beside[(beside.index(village) + 1) % len(beside)].code
    return {
        "name": name,
        "address": address,
        "division_code": code,
        "lon": lon,
        "lat": lat,
        "place_id": place.place_id,
        "difficulty": ",".join(notes),
    }


def _name(department: Department, place: TruePlace, town: Place, rates: Rates, rng: np.random.Generator) -> str:
    """The name over the door: the village in full, as its stem, 村 written 社区 or the other way round, at its start,
    its end or in brackets; one in three with the shop's own name."""
    stem = place.village.short.removesuffix("村").removesuffix("社区")
    draw = rng.random()
    village = place.village.short
    if draw < 0.08:
        village = stem + ("社区" if place.village.committee else "村")
    elif draw < 0.2:
        village = place.village.name
    name = str(rng.choice(department.names)).format(v=village, s=stem, t=town.short)
    if place.sign and rng.random() < rates.sign_in_name:
        short = re.sub("(超市|商店|便利店|副食店|店)$", "", place.sign)
        sign = place.sign if rng.random() < 0.7 or len(short) < 2 else short
        name = f"{name}（{sign}）" if rng.random() < 0.6 else f"{name}{sign}店".replace("店店", "店")
    return _widened(name) if rng.random() < 0.05 else name


def _address(
    place: TruePlace, town: Place, rates: Rates, rng: np.random.Generator, happens: Callable[[str, float], bool]
) -> str:
    """The address as one clerk writes it: some of town, village, group, road and landmark, in one order or another."""
    village = place.village
    group = place.group if not happens("other_group", rates.other_group) else int(rng.integers(1, 13))
    area = (town.name if rng.random() < 0.3 else "") + (village.short if rng.random() < 0.65 else "")
    parts = [area, _group(group, rng)] if rng.random() < 0.82 else [area]
    if place.road and rng.random() < 0.7:
        parts.append(f"{place.road}{place.door}号" if place.door and rng.random() < 0.85 else place.road)
    mark = _mark(place, rng)
    if rng.random() < 0.9 or not "".join(parts[1:]):
        parts = (
            [area, mark + "（" + "".join(parts[1:]) + "）"] if len(parts) > 1 and rng.random() < 0.1 else [*parts, mark]
        )
    text = "".join(parts)
    return _widened(text) if rng.random() < 0.08 else text


def _group(group: int, rng: np.random.Generator) -> str:
    number = str(group) if rng.random() < 0.75 else _spoken(group)
    ending = str(rng.choice(["组", "社", "村民小组", "队"], p=[0.55, 0.3, 0.1, 0.05]))
    return f"第{number}{ending}" if rng.random() < 0.1 else number + ending


def _mark(place: TruePlace, rng: np.random.Generator) -> str:
    """What the address says of the building: the office by one of its names, a shop by its sign or what is near."""
    if place.kind == "office":
        office = str(rng.choice(OFFICES if place.village.committee else COMMUNITY_OFFICES))
        return office + str(rng.choice(["", "一楼", "内", "院内", "1楼大厅"], p=[0.5, 0.2, 0.15, 0.1, 0.05]))
    if rng.random() < 0.65:
        return place.sign + str(rng.choice(["", "内", "一楼"], p=[0.6, 0.3, 0.1]))
    return place.landmark if rng.random() < 0.7 else f"{place.landmark}{place.sign}"


def _point(
    place: TruePlace, rates: Rates, rng: np.random.Generator, happens: Callable[[str, float], bool]
) -> tuple[float | None, float | None]:
    """The place as the department measured it, in degrees of EPSG:4490: well, roughly, at the middle of the village, in
    another coordinate system than the contract says, or not at all."""
    lon, lat = moved(place.lon, place.lat, abs(float(rng.normal(0, rates.gps_metres))), rng)
    if happens("no_point", rates.no_point):
        return None, None
    if happens("moved_point", rates.moved_point):
        lon, lat = moved(place.lon, place.lat, float(rng.uniform(*rates.moved_metres)), rng)
    elif happens("village_point", rates.village_point):
        lon, lat = place.village.lon, place.village.lat
    elif happens("unconverted_point", rates.unconverted_point):
        lat, lon = wgs_gcj((lat, lon), check_china=False)
    return round(float(lon), 6), round(float(lat), 6)


def _spoken(number: int) -> str:
    return DIGITS[number] if number <= 10 else f"十{DIGITS[number - 10]}"


def _misspelt(text: str) -> str:
    """The first character that has a homophone, written so."""
    at = next((place for place, char in enumerate(text) if char in HOMOPHONES), None)
    return text if at is None else text[:at] + HOMOPHONES[text[at]] + text[at + 1 :]


def _widened(text: str) -> str:
    """Digits and brackets full-width, a space where somebody pressed the bar."""
    wide = {ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)} | {ord("（"): "(", ord("）"): ")"}
    middle = len(text) // 2
    return text[:middle].translate(wide) + "　" + text[middle:].translate(wide)


def parts(labelled: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The stations for tuning and those held out: every other town, so that no place, no village and no name of either
    stands in both."""
    town = pl.col("place_id").str.head(9)
    towns = labelled.select(town.unique().sort()).to_series()
    return labelled.filter(town.is_in(towns.gather_every(2).implode())), labelled.filter(
        town.is_in(towns.gather_every(2, offset=1).implode())
    )


def divisions(seed: int = SEED) -> pl.DataFrame:
    """Code and name of the divisions that the stations stand in."""
    return pl.DataFrame(
        [(place.code, place.name) for place in load_places(seed).all], schema=["code", "name"], orient="row"
    )
