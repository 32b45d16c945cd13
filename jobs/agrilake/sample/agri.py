"""Agriculture: households, business entities and the batches that they put a trace code on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl

from agrilake.sample import identifiers as made
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import days_of, ordinal, quarter_of, quarters_of, trend, years_in
from agrilake.sample.places import Place, Places
from agrilake.sample.records import Row

HOUSEHOLD_SHARE = 0.2
"""Share of a village's households that the sample holds (about 20,000 in the whole district)."""

PRODUCTS: dict[str, tuple[int, ...]] = {
    "柑橘": (9, 8, 7, 6, 4, 1, 0, 0, 1, 4, 8, 10),
    "李子": (0, 0, 0, 0, 1, 6, 10, 3, 0, 0, 0, 0),
    "梨": (0, 0, 0, 0, 0, 1, 7, 10, 4, 0, 0, 0),
    "草莓": (9, 10, 8, 3, 0, 0, 0, 0, 0, 0, 1, 6),
    "葡萄": (0, 0, 0, 0, 0, 2, 9, 10, 3, 0, 0, 0),
    "时令蔬菜": (5, 5, 6, 7, 8, 8, 7, 6, 6, 7, 6, 5),
    "土鸡蛋": (7, 6, 5, 5, 5, 5, 4, 4, 5, 6, 6, 7),
    "腊肉": (10, 6, 2, 1, 0, 0, 0, 0, 0, 1, 5, 10),
    "大米": (2, 2, 1, 1, 1, 1, 1, 2, 8, 10, 6, 4),
    "茶叶": (0, 1, 9, 10, 6, 3, 2, 1, 1, 1, 0, 0),
    "花椒": (1, 1, 1, 1, 3, 8, 10, 7, 3, 1, 1, 1),
    "蜂蜜": (2, 2, 2, 4, 8, 9, 7, 5, 4, 3, 3, 2),
    "菜籽油": (2, 2, 1, 2, 8, 10, 6, 3, 2, 2, 2, 2),
    "生态鱼": (8, 7, 4, 4, 4, 5, 5, 5, 6, 7, 7, 9),
}
"""How much of a product comes to market in each month, January first (10 = the most)."""

DESTINATIONS = ("双福国际农贸城", "盘溪批发市场", "本地商超", "社区团购", "电商平台", "学校食堂配送", "外省批发")
KINDS = (("family_farm", "92", 0.52), ("cooperative", "93", 0.26), ("large_household", "92", 0.15))
LEVELS = ("none", "none", "none", "district", "district", "municipal", "national")


@dataclass(frozen=True)
class Households:
    """`first` is the register of the first month, `changes` what each later month reports."""

    first: list[Row]
    changes: dict[str, list[Row]]

    def current(self, month: str, first_month: str) -> list[Row]:
        """The register as it stands after a month's delivery."""
        state = {row["household_id"]: row for row in self.first}
        for changed, rows in self.changes.items():
            if first_month <= changed <= month:
                state |= {row["household_id"]: row for row in rows}
        return list(state.values())


def households(places: Places, months: Sequence[str], seed: int, scale: float) -> Households:
    """A fifth of each village's households, and from month to month a few new or changed ones."""
    rng = stream(seed, "household")
    first: list[Row] = []
    numbers: dict[str, int] = {}
    for place in places.committees:
        numbers[place.code] = max(3, min(850, int(place.households * HOUSEHOLD_SHARE * scale)))
        poor = float(np.clip(rng.normal(0.09, 0.04), 0.01, 0.3))
        first += [_household(place, number, poor, rng) for number in range(1, numbers[place.code] + 1)]
    state = list(first)
    changes: dict[str, list[Row]] = {}
    for month in months[1:]:
        rows, new = [], []
        for at in sorted(rng.choice(len(state), size=max(2, len(state) // 100), replace=False)):
            members = int(np.clip(state[at]["members"] + rng.choice((-1, 1)), 1, 9))
            moved = bool(state[at]["poverty_alleviated"]) != (rng.random() < 0.05)
            state[at] = {**state[at], "members": members, "poverty_alleviated": moved}
            rows.append(state[at])
        for at in rng.choice(len(places.committees), size=max(1, len(places.committees) // 20), replace=False):
            place = places.committees[at]
            numbers[place.code] += 1
            new.append(_household(place, numbers[place.code], 0.05, rng))
        changes[month] = rows + new
        state += new
    return Households(first, changes)


def _household(place: Place, number: int, poor: float, rng: np.random.Generator) -> Row:
    return {
        "household_id": f"H{place.code[4:12]}{number:03d}",
        "division_code": place.code,
        "head_name": made.person(rng),
        "head_id_no": made.resident_id(rng, made.born_between(rng, 1945, 1995)),
        "phone": made.phone(rng) if rng.random() < 0.85 else None,
        "members": int(np.clip(rng.normal(3.1, 1.2), 1, 9)),
        "poverty_alleviated": bool(rng.random() < poor),
    }


@dataclass(frozen=True)
class Entities:
    """All business entities, and which of them each quarter reports (new, or with another level)."""

    rows: list[Row]
    by_quarter: dict[str, list[Row]]

    @property
    def frame(self) -> pl.DataFrame:
        """credit_code, division_code of every entity."""
        return pl.DataFrame([{name: row[name] for name in ("credit_code", "division_code")} for row in self.rows])


def entities(places: Places, months: Sequence[str], seed: int, scale: float) -> Entities:
    """About three entities a village, one leading enterprise a town; then a twentieth more a year."""
    rng = stream(seed, "entity")
    rows: list[Row] = []
    for place in places.committees:
        for _ in range(1 + int(rng.poisson(2.2 * scale))):
            kind, prefix = _kind(rng)
            rows.append(_entity(place, kind, prefix, len(rows) + 1, rng))
    hosts = [
        [village for village in places.committees if village.parent_code == town.code] for town in places.townships
    ]
    for villages in hosts:
        if villages:
            rows.append(_entity(villages[-1], "leading_enterprise", "91", len(rows) + 1, rng))
    quarters = quarters_of(months)
    later = rng.random(len(rows)) < 0.05 * years_in(quarters)
    arrival = [
        quarters[1 + at % (len(quarters) - 1)] if late and len(quarters) > 1 else quarters[0]
        for at, late in enumerate(later)
    ]
    by_quarter = {
        quarter: [row for row, own in zip(rows, arrival, strict=True) if own == quarter] for quarter in quarters
    }
    for quarter in quarters[1:]:
        promoted = [{**row, "level": "municipal"} for row in rows[:: 97 + ordinal(quarter, quarters)]]
        known = {row["credit_code"] for row in by_quarter[quarter]}
        by_quarter[quarter] += [row for row in promoted if row["credit_code"] not in known]
    return Entities(rows, by_quarter)


def _kind(rng: np.random.Generator) -> tuple[str, str]:
    draw = rng.random()
    for kind, prefix, share in KINDS:
        if draw < share:
            return kind, prefix
        draw -= share
    return "cooperative", "N2"


def _entity(place: Place, kind: str, prefix: str, number: int, rng: np.random.Generator) -> Row:
    names = list(PRODUCTS)
    first = int(rng.integers(len(names)))
    products = [names[first], names[(first + 3) % len(names)]][: 1 + int(rng.random() < 0.4)]
    ending = {
        "family_farm": "家庭农场",
        "cooperative": "种植专业合作社" if prefix == "93" else "股份经济合作联合社",
        "large_household": "种养大户",
        "leading_enterprise": "农业开发有限公司",
    }[kind]
    stem = place.short.removesuffix("村") if len(place.short) > 2 else place.short
    return {
        "credit_code": made.credit_code(prefix, number),
        "name": f"{stem}{'禾穗丰泰瑞田园源绿'[number % 9]}{'农润康达兴盛和'[number % 7]}{ending}",
        "division_code": place.code,
        "kind": kind,
        "level": LEVELS[rng.integers(len(LEVELS))] if kind != "leading_enterprise" else "municipal",
        "main_products": "、".join(products),
        "legal_person": made.person(rng),
        "phone": made.phone(rng),
        "lon": round(place.lon + float(rng.normal(0, 0.006)), 6),
        "lat": round(place.lat + float(rng.normal(0, 0.006)), 6),
    }


def batches(entities: Entities, months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Trace batches by month: three entities in five take part, more in the season of their products."""
    rng = stream(seed, "batch")
    taking_part = [row for row in entities.rows if rng.random() < 0.6]
    start = {row["credit_code"]: quarter for quarter, rows in reversed(entities.by_quarter.items()) for row in rows}
    found: dict[str, list[Row]] = {}
    for month in months:
        days, rows = days_of(month), []
        for row in taking_part:
            if quarter_of(month) < start[row["credit_code"]]:
                continue
            for product in row["main_products"].split("、"):
                season = PRODUCTS[product][int(month[5:]) - 1]
                for _ in range(int(rng.poisson(season / 4 * trend(month, 1.12)))):
                    rows.append(_batch(row, product, days[int(rng.integers(len(days)))], rng))
        rows.sort(key=lambda item: item["produced_on"])
        for number, item in enumerate(rows, 1):
            item["trace_code"] = f"ZS{item['division_code'][:6]}{month.replace('-', '')}{number:04d}"
        found[month] = rows
    return found


def _batch(entity: Row, product: str, day: date, rng: np.random.Generator) -> Row:
    return {
        "credit_code": entity["credit_code"],
        "division_code": entity["division_code"],
        "product": product,
        "produced_on": day,
        "quantity_kg": Decimal(int(rng.lognormal(6.5, 0.8) * 10)) / 10,
        "destination": DESTINATIONS[rng.integers(len(DESTINATIONS))] if rng.random() < 0.9 else None,
    }
