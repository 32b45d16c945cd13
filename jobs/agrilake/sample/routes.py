"""Postal routes: from a town's site from village to village, each the nearest that is left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from agrilake.sample.drop import Drop
from agrilake.sample.extracts import Extract
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import quarters_of
from agrilake.sample.places import Place
from agrilake.sample.postal import Site, Sites
from agrilake.sample.records import Defect, Row
from agrilake.sample.spelling import Style

STOPS = 7
DETOUR = 1.35
"""A way by road for each kilometre of the straight line."""

FREQUENCIES = (3, 4, 5, 5, 5, 6, 7, 14)
STYLES = (
    Style(encoding="utf-8", headers=1, divisions="name", units=(("公里", "米"),), units_in="cell"),
    Style(form="xlsx", titled=True, preamble=True, numbered=True, divisions="mixed", periods="chinese"),
    Style(encoding="gb18030", headers=2, divisions="full", units=(("公里", "米"),)),
    Style(form="xls", headers=3, preamble=True, notes=True, divisions="code"),
)
DEFECTS = (
    Defect("weekly_frequency", "maximum", "35"),
    Defect("weekly_frequency", "minimum", "-1"),
    Defect("weekly_frequency", "type_integer", "隔天一班"),
    Defect("stop_no", "minimum", "0"),
    Defect("stop_no", "type_integer", "终点"),
    Defect("distance_km", "unit_unknown", "20 分钟"),
    Defect("distance_km", "maximum", "4600"),
    Defect("from_site", "pattern", "玉峰山支局"),
    Defect("from_site", "required", ""),
    Defect("route_no", "pattern", lambda row: row["route_no"][:-2]),
    Defect("division_code", "division_level", lambda row: row["division_code"][:9] + "000"),
    Defect("division_code", "division_known", "石笋沟村"),
)


def routes(nodes: Sites, months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Stops by quarter: the villages that have a site by then, in routes of at most STOPS villages."""
    rng = stream(seed, "postal route")
    usual = {site.site_no: int(FREQUENCIES[rng.integers(len(FREQUENCIES))]) for site in nodes.all}
    found: dict[str, list[Row]] = {}
    for quarter in quarters_of(months):
        working = [site for site in nodes.all if site.quarter <= quarter]
        rows: list[Row] = []
        for number, town in enumerate((site for site in working if site.level == "township"), 1):
            villages = [site for site in working if site.level == "village" and _lies_in(site, town)]
            for part, start in enumerate(range(0, len(villages), STOPS), 1):
                rows += _route(f"LX12{number:02d}{part:02d}", town, villages[start : start + STOPS], usual)
        found[quarter] = rows
    return found


def _lies_in(site: Site, town: Site) -> bool:
    return site.place.parent_code == town.place.code


def _route(number: str, town: Site, villages: Sequence[Site], usual: dict[str, int]) -> list[Row]:
    rows: list[Row] = []
    left, here = list(villages), town.place
    while left:
        site = min(left, key=lambda item: (_km(here, item.place), item.site_no))
        left.remove(site)
        rows.append(
            {
                "route_no": number,
                "stop_no": len(rows) + 1,
                "from_site": town.site_no,
                "division_code": site.place.code,
                "weekly_frequency": usual[site.site_no],
                "distance_km": _km(here, site.place),
            }
        )
        here = site.place
    return rows


def _km(one: Place, two: Place) -> Decimal:
    """By road, to a hundred metres."""
    east = (one.lon - two.lon) * 111.3 * math.cos(math.radians(one.lat))
    north = (one.lat - two.lat) * 110.9
    return Decimal(str(round(DETOUR * math.hypot(east, north) + 0.2, 1)))


EXTRACT = Extract(
    "postal_route",
    "route_no,stop_no",
    STYLES,
    DEFECTS,
    lambda row, _, number: {**row, "route_no": f"LX99{number:04d}"},
    lambda row: {"weekly_frequency": (row["weekly_frequency"] + 1) % 15},
)


def deliver(drop: Drop, routes: dict[str, list[Row]], seed: int) -> None:
    """One file a quarter."""
    EXTRACT.deliver(drop, routes, seed, per_file=6)
