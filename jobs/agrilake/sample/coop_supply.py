"""What the co-op's sites sell to farms: fertiliser in spring, seeds before it, pesticides in summer."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from agrilake.sample.drop import Drop
from agrilake.sample.extracts import Extract
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import last_day
from agrilake.sample.records import Defect, Row
from agrilake.sample.spelling import Style

PRODUCTS = {
    "urea": (0.8, 6.0, 2500, (0.3, 1, 2, 1.6, 1.2, 1, 0.6, 0.5, 0.8, 0.5, 0.3, 0.2)),
    "compound": (0.8, 8.0, 3600, (0.3, 1, 2, 1.6, 1, 0.8, 0.5, 0.6, 1, 0.6, 0.3, 0.2)),
    "organic": (0.3, 10.0, 900, (0.5, 1, 1, 0.5, 0.3, 0.3, 0.2, 0.4, 1, 1.5, 1, 0.6)),
    "pesticide": (0.6, 0.3, 60_000, (0.1, 0.3, 0.8, 1.2, 1.6, 2, 1.8, 1.2, 0.8, 0.4, 0.2, 0.1)),
    "seed": (0.5, 0.4, 30_000, (0.5, 2, 2.5, 1.2, 0.4, 0.2, 0.3, 0.6, 1.4, 0.5, 0.2, 0.2)),
    "film": (0.3, 0.5, 12_000, (0.5, 1.5, 2, 0.8, 0.3, 0.2, 0.1, 0.2, 0.5, 0.8, 0.6, 0.4)),
}
"""The chance that a site sells it, tonnes a month, 元 a tonne, and the season from January on."""

STEP_T = Decimal("0.005")
STYLES = (
    Style(form="xlsx", titled=True, preamble=True, totals=True, periods="chinese", numbered=True, labels=1),
    Style(headers=1, money="wan_header", units=(("吨", "公斤"),), periods="chinese", notes=True),
    Style(encoding="utf-8-bom", headers=2, units=(("吨", "公斤"),), units_in="cell", periods="dot", labels=2),
    Style(form="xls", headers=3, money="wan_preamble", preamble=True, totals=True, periods="compact"),
)
DEFECTS = (
    Defect("quantity_t", "unit_unknown", "120 包"),
    Defect("quantity_t", "minimum", "-0.5"),
    Defect("quantity_t", "type_number", "若干"),
    Defect("amount_yuan", "required", ""),
    Defect("amount_yuan", "type_number", "赊销"),
    Defect("product", "enum", "猪饲料"),
    Defect("site_no", "pattern", lambda row: row["site_no"][2:]),
    Defect("month", "period_mismatch", "2019-04"),
)


def supplies(sites: dict[str, list[Row]], months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Rows by month of the sites open on its last day. One in a hundred was priced by the bag, not the tonne."""
    rng = stream(seed, "coop supply")
    latest = {row["site_no"]: row for rows in sites.values() for row in rows}
    ranges = [
        (row, product, float(rng.lognormal(0, 0.5)))
        for row in latest.values()
        for product, (chance, *_) in PRODUCTS.items()
        if rng.random() < chance
    ]
    found: dict[str, list[Row]] = {}
    for month in months:
        day = last_day(month)
        found[month] = [
            _row(row["site_no"], product, month, size, rng)
            for row, product, size in ranges
            if row["opened_on"] <= day and (row["closed_on"] is None or row["closed_on"] > day)
        ]
    return found


def _row(site_no: str, product: str, month: str, size: float, rng: np.random.Generator) -> Row:
    _, usual, price, season = PRODUCTS[product]
    steps = max(1, int(usual * size * season[int(month[5:]) - 1] * float(rng.lognormal(0, 0.2)) / float(STEP_T)))
    quantity = STEP_T * steps
    each = Decimal(int(price * float(np.clip(rng.normal(1, 0.08), 0.75, 1.3))))
    by_the_bag = Decimal("0.05") if rng.random() < 0.01 else Decimal(1)
    return {
        "month": month,
        "site_no": site_no,
        "product": product,
        "quantity_t": quantity,
        "amount_yuan": (quantity * each * by_the_bag).quantize(Decimal("0.01")),
    }


EXTRACT = Extract(
    "coop_agri_supply",
    "month,site_no,product",
    STYLES,
    DEFECTS,
    lambda row, index, number: {**row, "site_no": f"WW99{index:02d}{number:04d}"},
    lambda row: {"amount_yuan": row["amount_yuan"] + 100},
)


def deliver(drop: Drop, supplies: dict[str, list[Row]], seed: int) -> None:
    """One file a month."""
    EXTRACT.deliver(drop, supplies, seed, per_file=4)
