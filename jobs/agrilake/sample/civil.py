"""Civil affairs: elders and the villages' ledgers, written with civil-affairs codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from agrilake.sample import identifiers as made
from agrilake.sample.drop import Drop
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import first_day, last_day, months_since_base
from agrilake.sample.places import Place, Places
from agrilake.sample.records import Defect, Record, Row, chosen, conflicting, mixed, spoilt, town_of
from agrilake.sample.spelling import Style

ELDER_SHARE = 0.052
"""Elders in the sample for each household of a village (about 5,000 in the whole district)."""

AGE = 60
"""From this age on the register holds a person."""

ITEMS = ("party", "village", "finance")
DISABILITY = (
    ("intact", 0.62),
    ("mild", 0.16),
    ("moderate", 0.08),
    ("severe", 0.05),
    ("complete", 0.03),
    ("unassessed", 0.06),
)
CARE = {"moderate": "partial", "severe": "full", "complete": "special"}

ELDER_STYLES = (
    Style(divisions="civil", headers=1, preamble=True, dates="compact", labels=1),
    Style(form="xlsx", titled=True, divisions="civil", numbered=True, by_township=True, dates="cell", hidden=True),
    Style(encoding="utf-8", divisions="mixed", dates="mixed", headers=2, nothing="无"),
    Style(form="xls", divisions="name", preamble=True, notes=True, dates="serial", labels=2),
    Style(encoding="utf-16", delimiter="\t", form="txt", divisions="civil", dates="dot", booleans=("√", "×")),
)
LEDGER_STYLES = (
    Style(form="xlsx", divisions="civil", preamble=True, two_lines=True, notes=True, dates="cell", periods="chinese"),
    Style(
        encoding="utf-16",
        delimiter=";",
        titled=True,
        divisions="name",
        headers=1,
        dates="chinese",
        periods="chinese",
        nothing="/",
    ),
    Style(encoding="utf-8-bom", divisions="civil", headers=2, dates="mixed", periods="dot", booleans=("√", "×")),
    Style(form="xls", divisions="mixed", preamble=True, numbered=True, dates="slash", periods="compact", labels=1),
)
ELDER_DEFECTS = (
    Defect("id_no", "excel_spoilt", "5.00112E+17"),
    Defect("id_no", "resident_id", lambda row: made.wrong_check(row["id_no"])),
    Defect("living_alone", "type_boolean", "待核实"),
    Defect("disability_level", "enum", "三级"),
    Defect("division_code", "division_known", "500112990250"),
    Defect("birth_date", "type_date", "1946年2月30日"),
    Defect("name", "required", ""),
    Defect("elder_id", "pattern", lambda row: row["elder_id"][1:]),
    Defect("phone", "mobile_phone", "8860"),
    Defect("birth_date", "date_precision", "1947年8月"),
)
LEDGER_DEFECTS = (
    Defect("item", "enum", "政务"),
    Defect("disclosed", "type_boolean", "部分公开"),
    Defect("electronic", "required", ""),
    Defect("division_code", "division_known", "青石沟村"),
    Defect("disclosed_on", "type_date", "月底"),
)


@dataclass(frozen=True)
class Elders:
    """`first` is the register of the first month, `changes` what each later month reports."""

    first: list[Row]
    changes: dict[str, list[Row]]

    def current(self, month: str) -> list[Row]:
        """The register as it stands after a month's delivery."""
        state = {row["elder_id"]: row for row in self.first}
        for changed, rows in self.changes.items():
            if changed <= month:
                state |= {row["elder_id"]: row for row in rows}
        return list(state.values())


def elders(places: Places, months: Sequence[str], seed: int, scale: float) -> Elders:
    """Elders of 60 and more, one in six living alone; every month some are new or change."""
    rng = stream(seed, "elder")
    youngest = int(months[0][:4]) - AGE - 1
    first: list[Row] = []
    for place in places.committees:
        for _ in range(max(2, int(place.households * ELDER_SHARE * scale))):
            first.append(_elder(place, len(first) + 1, youngest, rng))
    state, changes = list(first), {}
    for month in months[1:]:
        rows = []
        for at in sorted(rng.choice(len(state), size=max(2, len(state) // 120), replace=False)):
            state[at] = {**state[at], "living_alone": bool(rng.random() < 0.25), **_condition(rng)}
            rows.append(state[at])
        for _ in range(max(1, len(state) // 400)):
            place = places.committees[int(rng.integers(len(places.committees)))]
            state.append(_elder(place, len(state) + 1, youngest, rng))
            rows.append(state[-1])
        changes[month] = rows
    return Elders(first, changes)


def _elder(place: Place, number: int, youngest: int, rng: np.random.Generator) -> Row:
    born = made.born_between(rng, 1930, youngest)
    return {
        "elder_id": f"E{number:010d}",
        "division_code": place.code,
        "name": made.person(rng),
        "id_no": made.resident_id(rng, born),
        "phone": made.phone(rng) if rng.random() < 0.6 else None,
        "address": f"{place.short}{rng.integers(1, 12)}组{rng.integers(1, 90)}号" if rng.random() < 0.8 else None,
        "birth_date": born,
        "living_alone": bool(rng.random() < 0.16),
        **_condition(rng),
    }


def _condition(rng: np.random.Generator) -> Row:
    level = DISABILITY[rng.choice(len(DISABILITY), p=[share for _, share in DISABILITY])][0]
    return {"disability_level": level, "care_level": CARE.get(level)}


def deliver_elders(drop: Drop, elders: Elders, months: Sequence[str], seed: int) -> None:
    """The whole register in the first month, then new and changed elders."""
    for index, month in enumerate(months):
        rng = stream(seed, "elder file", month)
        rows = elders.first if index == 0 else elders.changes[month]
        after = Defect("birth_date", "not_future", f"{int(month[:4]) + 4}-03-08")
        picked = [after, *chosen(ELDER_DEFECTS, index, len(ELDER_DEFECTS) if index == 0 else 4)]
        dirty = [
            spoilt(_new_elder(elders.first, index, number, rng), [defect], town_of(rows[0]))
            for number, defect in enumerate(picked)
        ]
        both = [Defect("phone", "mobile_phone", "88-60"), Defect("living_alone", "required", "")]
        dirty.append(spoilt(_new_elder(elders.first, index, 40, rng), both, town_of(rows[0])))
        base = _new_elder(elders.first, index, 41, rng)
        dirty += conflicting(base, "elder_id", {"living_alone": not base["living_alone"]}, town_of(rows[0]))
        records = [Record(row, group=town_of(row)) for row in rows]
        style = ELDER_STYLES[index % len(ELDER_STYLES)]
        drop.table("civil_elder", month, mixed(records, dirty, rng, duplicates=2), style)


def _new_elder(rows: Sequence[Row], index: int, number: int, rng: np.random.Generator) -> Row:
    """An elder who is no fact: numbers from 9,000,000,000 are free."""
    host = rows[(index * 17 + number) % len(rows)]
    identity = {"elder_id": f"E9{index:04d}{number:05d}", "name": made.person(rng)}
    return {**host, **identity, "id_no": made.resident_id(rng, host["birth_date"])}


def ledger(places: Places, months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Three items a village and month; some towns disclose better than others, all get better month by month."""
    rng = stream(seed, "ledger")
    habit = {town.code: float(rng.uniform(0.62, 0.95)) for town in places.townships}
    digital = {place.code: float(rng.uniform(0.2, 0.95)) for place in places.committees}
    found: dict[str, list[Row]] = {}
    for month in months:
        gained, rows = gain(month), []
        for place in places.committees:
            for item in ITEMS:
                chance = min(0.99, habit[place.parent_code] + 0.015 * gained - 0.06 * (item == "finance"))
                disclosed = bool(rng.random() < chance)
                day = first_day(month) + timedelta(days=int(rng.integers(4, 28)))
                rows.append(
                    {
                        "division_code": place.code,
                        "period": month,
                        "item": item,
                        "disclosed": disclosed,
                        "disclosed_on": day if disclosed else None,
                        "electronic": bool(digital[place.code] + 0.02 * gained > 0.55),
                    }
                )
        found[month] = rows
    return found


def gain(month: str) -> float:
    """Months of progress since the base year's January; before it a month brought a third of that."""
    since = months_since_base(month)
    return since if since >= 0 else since / 3


def deliver_ledger(drop: Drop, ledger: dict[str, list[Row]], seed: int) -> None:
    """Each month's ledger. Only village committees have one, so rows of communities are free for what is wrong."""
    for index, (month, rows) in enumerate(ledger.items()):
        rng = stream(seed, "ledger file", month)
        after = Defect("disclosed_on", "not_future", f"{last_day(month) + timedelta(days=12):%Y-%m-%d}")
        wrong_month = Defect("period", "period_mismatch", f"{int(month[:4]) - 1}{month[4:]}")
        dirty = []
        free = [(place, item) for place in drop.places.communities for item in ITEMS]
        picked = [after, wrong_month, *chosen(LEDGER_DEFECTS, index, 3)]
        for defect, (place, item) in zip(picked, free, strict=False):
            dirty.append(spoilt(_community(rows[0], place, item), [defect], town_of(rows[0])))
        if len(free) > len(picked):
            base = _community(rows[0], *free[len(picked)])
            dirty += conflicting(
                base, "division_code,period,item", {"electronic": not base["electronic"]}, town_of(rows[0])
            )
        records = [Record(row, group=town_of(row)) for row in rows]
        style = LEDGER_STYLES[index % len(LEDGER_STYLES)]
        drop.table("civil_village_ledger", month, mixed(records, dirty, rng, duplicates=2), style)


def _community(row: Row, place: Place, item: str) -> Row:
    day = first_day(row["period"]) + timedelta(days=9)
    return {**row, "division_code": place.code, "item": item, "disclosed": True, "disclosed_on": day}
