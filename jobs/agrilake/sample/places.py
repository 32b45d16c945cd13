"""The real divisions with made-up sizes, positions and civil-affairs codes.

Codes and names are real (schemas/settings/divisions.csv); everything else about a place is drawn from the seed.
A position lies inside the district's box of the settings, so another district works with its own two files.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from agrilake.contract.settings import Box, load_settings
from agrilake.paths import project_root
from agrilake.sample.identifiers import stream

VILLAGE_COMMITTEE = 200
MERGED_NUMBER, MERGED_NAME, MERGED_YEAR = 299, "老院子村村民委员会", "2024"
_VILLAGE_SUFFIXES = (("村村民委员会", "村"), ("社区居民委员会", "社区"), ("村民委员会", ""), ("居民委员会", ""))


@dataclass(frozen=True)
class Place:
    """One division. `committee` marks a 建制村; lon, lat in degrees (EPSG:4490); `distance_km` by road to the hub."""

    code: str
    name: str
    level: str
    parent_code: str
    civil_code: str
    committee: bool = False
    households: int = 0
    registered: int = 0
    resident: int = 0
    labour: int = 0
    lon: float = 0.0
    lat: float = 0.0
    distance_km: float = 0.0

    @property
    def short(self) -> str:
        """The name as people write it: 南天门村, 永福社区, 兴隆镇."""
        for suffix, short in _VILLAGE_SUFFIXES:
            if self.name.endswith(suffix):
                return self.name.removesuffix(suffix) + short
        return self.name

    @property
    def urban_rural(self) -> str | None:
        """城乡分类代码 of a village or community (made up: village 220, town centre 121, street 111)."""
        if self.level != "village":
            return None
        if self.committee:
            return "220" if int(self.code[-1]) % 5 else "122"
        return "121" if self.code[6] == "1" else "111"


@dataclass(frozen=True)
class Merger:
    """A village (made up) that is part of its neighbour from the first day of a year on."""

    old: Place
    new: Place
    year: str

    @property
    def last_day(self) -> date:
        """The old village's last day."""
        return date(int(self.year) - 1, 12, 31)

    def is_over(self, period: str) -> bool:
        """Whether the period lies after the merger."""
        return period[:4] >= self.year


@dataclass(frozen=True)
class Places:
    """The divisions of a sample: the district, its townships and their villages, in code order; where it covers a
    merger, with the village that there was until then."""

    all: tuple[Place, ...]
    merger: Merger | None = None

    def standing(self, period: str) -> list[Place]:
        """The 建制村 of a period."""
        return [place for place in self.committees if not self.is_gone(place, period)]

    def is_gone(self, place: Place, period: str) -> bool:
        """Whether the village has been merged by then."""
        return self.merger is not None and place == self.merger.old and self.merger.is_over(period)

    @cached_property
    def watched(self) -> tuple[str, ...]:
        """Villages that the truth has values of: both sides of a merger."""
        return (self.merger.old.code, self.merger.new.code) if self.merger else ()

    @cached_property
    def by_code(self) -> dict[str, Place]:
        return {place.code: place for place in self.all}

    @cached_property
    def county(self) -> Place:
        return next(place for place in self.all if place.level == "county")

    @cached_property
    def townships(self) -> tuple[Place, ...]:
        return tuple(place for place in self.all if place.level == "township")

    @cached_property
    def villages(self) -> tuple[Place, ...]:
        """Villages and communities."""
        return tuple(place for place in self.all if place.level == "village")

    @cached_property
    def committees(self) -> tuple[Place, ...]:
        """建制村: third part of the code 200 or more."""
        return tuple(place for place in self.villages if place.committee)

    @cached_property
    def communities(self) -> tuple[Place, ...]:
        return tuple(place for place in self.villages if not place.committee)

    def township_of(self, place: Place) -> Place:
        """The township a village lies in (a township itself)."""
        return self.by_code[place.parent_code] if place.level == "village" else place

    @cached_property
    def frame(self) -> pl.DataFrame:
        """code, name, level, township_code, committee."""
        rows = [
            {
                "code": place.code,
                "name": place.name,
                "level": place.level,
                "township_code": place.code[:9] + "000" if place.level != "county" else None,
                "committee": place.committee,
            }
            for place in self.all
        ]
        return pl.DataFrame(rows, schema_overrides={"township_code": pl.String})


def divisions_file() -> Path:
    """The real divisions that the sample stands on."""
    return project_root() / "schemas" / "settings" / "divisions.csv"


def load_places(seed: int, townships: Sequence[str] | None = None, merging: bool = False) -> Places:
    """The divisions, or those of the given townships (9 or 12 digits, or names), with drawn attributes; `merging` adds
    the village that MERGED_YEAR no longer has.

    Raises ValueError for a township that the divisions file does not have.
    """
    table = pl.read_csv(divisions_file(), infer_schema=False)
    county, towns = table.filter(level="county").row(0, named=True), table.filter(level="township")
    known = {row["code"]: row for row in towns.iter_rows(named=True)}
    wanted = _wanted(known, townships)
    civil = _civil_townships(list(known))
    box = load_settings().box
    places = [Place(county["code"], county["name"], "county", county["parent_code"], county["code"])]
    for index, (code, row) in enumerate(known.items()):
        if code not in wanted:
            continue
        rng = stream(seed, "place", code)
        centre = _spread(box, index)
        places.append(
            Place(code, row["name"], "township", row["parent_code"], civil[code] + "000", lon=centre[0], lat=centre[1])
        )
        for village in table.filter(parent_code=code).iter_rows(named=True):
            places.append(_village(village, civil[code], centre, box, rng))
    found = Places(_in_order(places))
    return _with_merger(found, seed, box) if merging and found.committees else found


def _in_order(places: Iterable[Place]) -> tuple[Place, ...]:
    return tuple(sorted(places, key=lambda place: (place.code[6:9], place.code)))


def _with_merger(places: Places, seed: int, box: Box) -> Places:
    """The places with a village beside the last of them, of which it becomes a part."""
    new = places.committees[-1]
    code = f"{new.code[:9]}{MERGED_NUMBER}"
    row = {"code": code, "name": MERGED_NAME, "parent_code": new.parent_code}
    old = _village(row, new.civil_code[:9], (new.lon, new.lat), box, stream(seed, "place", code))
    return Places(_in_order([*places.all, old]), Merger(old, new, MERGED_YEAR))


def _wanted(known: dict[str, dict[str, str]], townships: Sequence[str] | None) -> set[str]:
    if townships is None:
        return set(known)
    names = {row["name"]: code for code, row in known.items()}
    wanted = {names.get(item) or item.ljust(12, "0") for item in townships}
    if unknown := wanted - set(known):
        raise ValueError(f"no such township: {', '.join(sorted(unknown))}; known: {', '.join(names)}")
    return wanted


def _civil_townships(codes: list[str]) -> dict[str, str]:
    """9-digit civil-affairs codes: half of the towns have another number there, as is really the case."""
    taken = {code[:9] for code in codes}
    civil = {}
    for index, code in enumerate(codes):
        own = code[:9]
        if code[6] == "1" and index % 2:
            number = int(own)
            while str(number) in taken:
                number += 1
            own = str(number)
            taken.add(own)
        civil[code] = own
    return civil


def _spread(box: Box, index: int) -> tuple[float, float]:
    """A township's centre: the golden angle spreads any number of them evenly around the box's middle."""
    radius, angle = 0.28 * math.sqrt((index + 0.5) / 30), index * 2.399963
    lon = (box.min_lon + box.max_lon) / 2 + radius * (box.max_lon - box.min_lon) * math.cos(angle)
    lat = (box.min_lat + box.max_lat) / 2 + radius * (box.max_lat - box.min_lat) * math.sin(angle)
    return round(lon, 6), round(lat, 6)


def _village(
    row: dict[str, str], civil_town: str, centre: tuple[float, float], box: Box, rng: np.random.Generator
) -> Place:
    code = row["code"]
    committee = int(code[9:]) >= VILLAGE_COMMITTEE
    typical = 520 if committee else (900 if code[6] == "1" else 2600)
    households = int(np.clip(rng.lognormal(math.log(typical), 0.35), 90, 9000))
    registered = int(households * rng.uniform(2.6, 3.3))
    resident = int(registered * (rng.uniform(0.5, 0.8) if committee else rng.uniform(0.9, 1.4)))
    lon, lat = (round(value + float(rng.normal(0, 0.018)), 6) for value in centre)
    east = (lon - (box.min_lon + box.max_lon) / 2) * 111.3 * math.cos(math.radians(lat))
    north = (lat - (box.min_lat + box.max_lat) / 2) * 110.9
    # A quarter of the village numbers differ between the two systems; +50 is free in both.
    number = int(code[9:]) + (50 if committee and rng.random() < 0.25 else 0)
    return Place(
        code,
        row["name"],
        "village",
        row["parent_code"],
        f"{civil_town}{number:03d}",
        committee,
        households,
        registered,
        resident,
        int(registered * rng.uniform(0.42, 0.55)) if committee else 0,
        lon,
        lat,
        round(1.35 * math.hypot(east, north) + 2, 1),
    )
