"""What villages buy online: goods and farm supplies by month, seeds and fertiliser before the spring's work."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from agrilake.sample.drop import Drop
from agrilake.sample.extracts import Extract, village_slot
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import trend
from agrilake.sample.places import Place, Places
from agrilake.sample.records import Defect, Row
from agrilake.sample.spelling import Style

CATEGORIES = {
    "fertiliser": (0.3, 8, 160),
    "pesticide": (0.25, 9, 45),
    "seed": (0.2, 6, 40),
    "appliance": (0.35, 14, 900),
    "clothing": (0.5, 120, 75),
    "daily": (0.6, 260, 32),
}
"""The chance that a village buys it at all, orders a month of a village of usual size, 元 an order."""

FARM_SUPPLIES = ("fertiliser", "pesticide", "seed")
SEASON = (0.5, 1.3, 1.8, 1.5, 1.2, 0.9, 0.8, 0.9, 1.2, 0.9, 0.6, 0.4)
"""Farm supplies by month, January first."""

SPARE_CATEGORIES = ("tool", "other")
STYLES = (
    Style(headers=1, preamble=True, divisions="name", periods="chinese", money="wan_header", totals=True),
    Style(form="xlsx", titled=True, divisions="mixed", periods="dot", numbers="thousands", numbered=True, labels=1),
    Style(encoding="utf-8-bom", headers=2, divisions="full", periods="compact", money="wan_cell", labels=2),
    Style(form="xls", headers=3, preamble=True, notes=True, money="wan_preamble", totals=True, periods="chinese"),
)
DEFECTS = (
    Defect("orders", "minimum", "-3"),
    Defect("orders", "type_integer", "三十来单"),
    Defect("amount_yuan", "type_number", "平台未提供"),
    Defect("amount_yuan", "required", ""),
    Defect("amount_yuan", "maximum", "2 亿元"),
    Defect("category", "enum", "烟花爆竹"),
    Defect("month", "period_mismatch", "2019-05"),
    Defect("division_code", "division_known", "石笋沟村"),
    Defect("division_code", "division_level", lambda row: row["division_code"][:9] + "000"),
)


def purchases(places: Places, months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Rows by month; in each, somebody buys a lorry of fertiliser in a single order: unusual but true."""
    rng = stream(seed, "online purchase")
    habits = [
        (place, category, float(rng.lognormal(0, 0.4)))
        for place in places.committees
        for category, (chance, _, _) in CATEGORIES.items()
        if rng.random() < chance
    ]
    found: dict[str, list[Row]] = {}
    for month in months:
        rows = [_row(place, category, month, habit, rng) for place, category, habit in habits if rng.random() < 0.85]
        large = next((row for row in rows if row["category"] == "fertiliser"), None)
        if large is not None:
            large |= {"orders": 1, "amount_yuan": Decimal(26_000)}
        found[month] = rows
    return found


def _row(place: Place, category: str, month: str, habit: float, rng: np.random.Generator) -> Row:
    _, usual, price = CATEGORIES[category]
    season = SEASON[int(month[5:]) - 1] if category in FARM_SUPPLIES else (1.4 if month[5:] == "11" else 1.0)
    orders = 1 + int(rng.poisson(usual * habit * season * trend(month, 1.15) * place.households / 520))
    return {
        "month": month,
        "division_code": place.code,
        "category": category,
        "orders": orders,
        "amount_yuan": Decimal(int(orders * price * float(np.clip(rng.lognormal(0, 0.2), 0.6, 1.8)) * 100)) / 100,
    }


def deliver(drop: Drop, purchases: dict[str, list[Row]], seed: int) -> None:
    """One file a month."""

    def spare(row: Row, _file: int, number: int) -> Row:
        village, category = village_slot(drop.places, SPARE_CATEGORIES, number)
        return {**row, "division_code": village, "category": category}

    extract = Extract(
        "commerce_online_purchase",
        "month,division_code,category",
        STYLES,
        DEFECTS,
        spare,
        lambda row: {"orders": row["orders"] + 1},
    )
    extract.deliver(drop, purchases, seed, per_file=5)
