"""The statistics bureau: divisions with their history, the crosswalk to civil-affairs codes, population."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from agrilake.sample.drop import Drop
from agrilake.sample.identifiers import stream
from agrilake.sample.merger import joined
from agrilake.sample.places import MERGED_NAME, MERGED_NUMBER, Place, Places
from agrilake.sample.records import Defect, Record, Row, mixed, spoilt, town_of
from agrilake.sample.spelling import Style

FIRST_VALID = date(2020, 1, 1)
PEOPLE = ("registered_population", "resident_population")
HELD_BACK = 3
"""Communities without a population row: their keys are free for the rows that are wrong on purpose."""


def deliver(drop: Drop, seed: int, years: Sequence[int]) -> None:
    """Divisions and population of each year; the crosswalk of the last, or of each where there is a merger.

    The years before the last have other classifications.
    """
    rng = stream(seed, "stats")
    for index, year in enumerate(years):
        last = index == len(years) - 1
        style = (
            Style(form="xlsx", titled=True, preamble=True, notes=True, hidden=True, numbered=True, dates="cell")
            if last
            else Style(encoding="utf-8-bom", headers=1, dates="slash", labels=1)
        )
        records = divisions(drop.places, year, last)
        drop.table("stats_division", str(year), mixed(records, _wrong_divisions(drop.places, last), rng), style)
        drop.table("stats_population", str(year), population(drop.places, year, last, rng), _population_style(last))
    style = Style(form="txt", encoding="utf-8-bom", delimiter="\t", titled=True, headers=1)
    for year in years if drop.places.merger else years[-1:]:
        crosswalk = [Record(row) for row in crosswalk_rows(drop.places, str(year))]
        drop.table("stats_division_crosswalk", str(year), crosswalk, style, _unchanged(drop.places, years, year))


def _unchanged(places: Places, years: Sequence[int], year: int) -> str:
    """The file's note where a crosswalk is that of the year before: such a file must say that it means it."""
    changed = places.merger is not None and str(year) == places.merger.year
    return "" if year == years[0] or changed or places.merger is None else "确认"


def divisions(places: Places, year: int, last: bool) -> list[Record]:
    """One row a place. Before the last year some villages were classed 220 that are 122 now, and one more
    village (made up) stood that has since been merged into its neighbour."""
    rows = [_division(place, year, last) for place in places.all if not places.is_gone(place, str(year))]
    if not last and places.merger is None:
        neighbour = places.committees[-1]
        rows.append(
            {
                **_division(neighbour, year, last),
                "code": f"{neighbour.code[:9]}{MERGED_NUMBER}",
                "name": MERGED_NAME,
            }
        )
    return [Record(row) for row in rows]


def _division(place: Place, year: int, last: bool) -> Row:
    changed = place.urban_rural == "122"
    return {
        "code": place.code,
        "name": place.name,
        "level": place.level,
        "parent_code": place.parent_code,
        "urban_rural_code": "220" if changed and not last else place.urban_rural,
        "valid_from": date(year, 1, 1) if changed and last else FIRST_VALID,
    }


def _wrong_divisions(places: Places, last: bool) -> list[Record]:
    """Rows whose codes no division has."""
    base = _division(places.villages[0], 2024, last)
    defects = [
        Defect("code", "pattern", base["code"][:11]),
        Defect("level", "enum", "开发区"),
        Defect("valid_from", "type_date", "2019年13月1日"),
        Defect("parent_code", "excel_spoilt", "5.00112E+11"),
    ]
    return [
        spoilt(
            {**base, "code": f"{base['code'][:9]}{990 + index}", "name": f"待核第{index + 1}社区居民委员会"}, [defect]
        )
        for index, defect in enumerate(defects[:3] if last else defects[1:])
    ]


def crosswalk_rows(places: Places, year: str) -> list[Row]:
    """Places with another code at civil affairs, and every township and village with the names people use; after a
    merger the old village's codes and name lead to the new one."""
    rows: list[Row] = []
    for place in places.all:
        if place.level == "county" or places.is_gone(place, year):
            continue
        variants = [place.short.removesuffix("村")] if place.committee else []
        if place.level == "township" and place.name.endswith("镇"):
            variants = [place.name.removesuffix("镇"), place.name + "人民政府"]
        if place.civil_code != place.code or place.level == "township":
            names = "、".join(name for name in variants if len(name) > 1)
            rows.append({"civil_code": place.civil_code, "statistics_code": place.code, "name_variants": names or None})
    merger = places.merger
    if merger and merger.is_over(year):
        names = f"{merger.old.short}、{merger.old.name}"
        for code in dict.fromkeys((merger.old.code, merger.old.civil_code)):
            rows.append({"civil_code": code, "statistics_code": merger.new.code, "name_variants": names})
    return rows


def population(places: Places, year: int, last: bool, rng: np.random.Generator) -> list[Record]:
    """Households and people of every village and most communities; a little fewer people each year."""
    growth = 1.0 if last else 1.008
    free = places.communities[:HELD_BACK]
    rows = {str(year): [_population(place, year, growth) for place in places.villages if place not in free]}
    records = [
        Record(row, group=town_of(row))
        for row in joined(rows, "year", ("households", *PEOPLE, "rural_labour"), places)[str(year)]
    ]
    return mixed(records, _wrong_population(places, free, year), rng)


def _population(place: Place, year: int, growth: float) -> Row:
    return {
        "division_code": place.code,
        "year": str(year),
        "households": place.households,
        "registered_population": int(place.registered * growth),
        "resident_population": int(place.resident * growth),
        "rural_labour": place.labour or None,
    }


def _wrong_population(places: Places, free: Sequence[Place], year: int) -> list[Record]:
    defects = [
        Defect("households", "minimum", "-12"),
        Defect("year", "period_mismatch", str(year - 3)),
        Defect("registered_population", "type_integer", "约三千"),
        Defect("resident_population", "required", ""),
        Defect("division_code", "division_known", "青石沟村"),
        Defect("rural_labour", "maximum", "900000"),
    ]
    chosen = [*defects[: len(free)], defects[4]]
    hosts = [*free, places.committees[0]]
    return [
        spoilt(_population(host, year, 1.0), [defect], places.township_of(host).code)
        for host, defect in zip(hosts, chosen, strict=True)
    ]


def _population_style(last: bool) -> Style:
    if last:
        return Style(
            form="xlsx", titled=True, preamble=True, totals=True, by_township=True, two_lines=True, periods="chinese"
        )
    return Style(
        form="xls", preamble=True, notes=True, totals=True, two_lines=True, numbers="thousands", periods="chinese"
    )
