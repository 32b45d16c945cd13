"""Care for elders: the facilities of towns and villages, and the visits that the elders of the register receive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from agrilake.sample.civil import Elders
from agrilake.sample.drop import Drop
from agrilake.sample.extracts import Extract, first_reported
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import days_of, ordinal, quarters_of, trend
from agrilake.sample.places import Place, Places
from agrilake.sample.records import Defect, Row
from agrilake.sample.spelling import Style

FACILITIES = {
    "home": (0.4, 40, 200, "敬老院"),
    "centre": (0.9, 20, 60, "养老服务中心"),
    "station": (0.35, 4, 20, "社区养老服务站"),
    "mutual": (0.22, 0, 10, "互助养老点"),
}
"""The share of towns (home, centre), communities (station) or committees (mutual) with one; beds from and to."""

VISITED = {"living_alone": 0.6, "care_level": 0.3, "others": 0.02}
"""The share of elders who are visited in a month: those living alone, those who need care, all others."""

RESULTS = ("well", "help", "ill", "away")
RESULT_SHARES = (0.86, 0.06, 0.04, 0.04)
FACILITY_STYLES = (
    Style(headers=1, preamble=True, divisions="civil", dates="compact", totals=True, labels=1, notes=True),
    Style(form="xlsx", titled=True, two_lines=True, divisions="name", dates="cell", booleans=("√", "×")),
    Style(form="xls", headers=2, preamble=True, divisions="mixed", dates="chinese", labels=2, numbered=True),
    Style(encoding="utf-8-bom", headers=3, divisions="full", dates="slash", degrees=True, nothing="无"),
)
VISIT_STYLES = (
    Style(encoding="utf-8-bom", divisions="civil", dates="dot", labels=1),
    Style(form="xlsx", titled=True, preamble=True, numbered=True, by_township=True, divisions="name", dates="cell"),
    Style(headers=1, divisions="mixed", dates="mixed", labels=2, extra=True),
    Style(form="txt", encoding="utf-16", delimiter="\t", headers=2, divisions="civil", dates="chinese"),
)
FACILITY_DEFECTS = (
    Defect("occupied", "not_above", lambda row: str(row["beds"] + 12)),
    Defect("occupied", "required", ""),
    Defect("beds", "type_integer", "约 40"),
    Defect("beds", "maximum", "4000 张"),
    Defect("kind", "enum", "农家乐"),
    Defect("supervised_online", "type_boolean", "调试中"),
    Defect("facility_no", "pattern", lambda row: row["facility_no"][2:]),
    Defect("lon", "longitude", lambda row: str(row["lat"])),
    Defect("closed_on", "not_before", lambda row: f"{row['opened_on'] - timedelta(days=90):%Y-%m-%d}"),
    Defect("division_code", "division_known", "青石沟村"),
)
VISIT_DEFECTS = (
    Defect("elder_id", "pattern", lambda row: row["elder_id"][1:]),
    Defect("elder_id", "required", ""),
    Defect("result", "enum", "送慰问金 200 元"),
    Defect("visited_on", "type_date", "月初"),
    Defect("visited_on", "date_precision", lambda row: f"{row['visited_on']:%Y年%m月}"),
    Defect("visit_id", "pattern", lambda row: row["visit_id"].replace("TF", "探访")),
    Defect("division_code", "division_known", "石笋沟村"),
)


def facilities(places: Places, months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Facilities by the quarter that reports them; a sixth of them reports anew each quarter: other numbers of
    residents, more supervision."""
    rng = stream(seed, "elder facility")
    quarters = quarters_of(months)
    found: dict[str, list[Row]] = {quarter: [] for quarter in quarters}
    hosts = [(place, "mutual" if place.committee else "station") for place in places.villages]
    for town in places.townships:
        own = next((place for place in places.villages if place.parent_code == town.code), None)
        hosts += [(own, kind) for kind in ("centre", "home") if own]
    for number, (place, kind) in enumerate(hosts, 1):
        if rng.random() < FACILITIES[kind][0]:
            quarter, opened = first_reported(quarters, rng, 0.08, (3, 80), (150, 4000))
            found[quarter].append(_facility(place, kind, number, opened, rng))
    state = {row["facility_no"]: row for row in found[quarters[0]]}
    for quarter in quarters[1:]:
        for row in list(state.values())[ordinal(quarter, quarters) :: 6]:
            online = row["supervised_online"] or bool(rng.random() < 0.2)
            found[quarter].append({**row, "occupied": int(rng.integers(row["beds"] + 1)), "supervised_online": online})
        state |= {row["facility_no"]: row for row in found[quarter]}
    return found


def _facility(place: Place, kind: str, number: int, opened: date, rng: np.random.Generator) -> Row:
    _, least, most, title = FACILITIES[kind]
    beds = int(rng.integers(least, most + 1))
    return {
        "facility_no": f"YL{number:08d}",
        "name": f"{place.short}{title}",
        "division_code": place.code,
        "kind": kind,
        "beds": beds,
        "occupied": int(beds * rng.beta(3, 2.5)),
        "supervised_online": bool(rng.random() < (0.85 if kind in ("home", "centre") else 0.4)),
        "lon": round(place.lon + float(rng.normal(0, 0.004)), 6),
        "lat": round(place.lat + float(rng.normal(0, 0.004)), 6),
        "opened_on": opened,
        "closed_on": None,
    }


def visits(elders: Elders, months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Visits by month to elders who are in the register by then; who lives alone is mostly visited."""
    rng = stream(seed, "elder visit")
    found: dict[str, list[Row]] = {}
    for month in months:
        days, rows = days_of(month), []
        for elder in elders.current(month):
            group = "living_alone" if elder["living_alone"] else "care_level" if elder["care_level"] else "others"
            if rng.random() < VISITED[group] * trend(month, 1.15):
                rows.append(
                    {
                        "elder_id": elder["elder_id"],
                        "division_code": elder["division_code"],
                        "visited_on": days[int(rng.integers(len(days)))],
                        "result": RESULTS[rng.choice(len(RESULTS), p=RESULT_SHARES)],
                    }
                )
        rows.sort(key=lambda row: (row["visited_on"], row["elder_id"]))
        for number, row in enumerate(rows, 1):
            row["visit_id"] = f"TF{month.replace('-', '')}{number:06d}"
        found[month] = rows
    return found


FACILITY_EXTRACT = Extract(
    "civil_elder_facility",
    "facility_no",
    FACILITY_STYLES,
    FACILITY_DEFECTS,
    lambda row, index, number: {**row, "facility_no": f"YL99{index:02d}{number:04d}"},
    lambda row: {"beds": row["beds"] + 2},
    day="opened_on",
    duplicates=1,
)
VISIT_EXTRACT = Extract(
    "civil_elder_visit",
    "visit_id",
    VISIT_STYLES,
    VISIT_DEFECTS,
    lambda row, index, number: {**row, "visit_id": f"{row['visit_id'][:8]}99{index:02d}{number:02d}"},
    lambda row: {"result": "help" if row["result"] != "help" else "well"},
    day="visited_on",
)


def deliver_facilities(drop: Drop, facilities: dict[str, list[Row]], seed: int) -> None:
    """One file a quarter."""
    FACILITY_EXTRACT.deliver(drop, facilities, seed, per_file=5)


def deliver_visits(drop: Drop, visits: dict[str, list[Row]], seed: int) -> None:
    """One file a month."""
    VISIT_EXTRACT.deliver(drop, visits, seed, per_file=4)
