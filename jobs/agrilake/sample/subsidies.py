"""Subsidies paid to households by card: the land subsidy in June, the others in their seasons."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from agrilake.sample import identifiers as made
from agrilake.sample.agri import Households
from agrilake.sample.drop import Drop
from agrilake.sample.extracts import Extract
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import workdays_of
from agrilake.sample.records import Defect, Row
from agrilake.sample.spelling import Style

YUAN_PER_MU = {"land_fertility": 95, "grain_grower": 14, "rice": 45, "soybean": 150, "large_grower": 230, "seed": 15}
MACHINES = (480, 600, 900, 1400, 2100, 5200, 9800)
CALENDAR: dict[str, tuple[tuple[str, float], ...]] = {
    "01": (("land_fertility", 0.02),),
    "02": (("seed", 0.012),),
    "04": (("grain_grower", 0.1),),
    "06": (("land_fertility", 0.93),),
    "09": (("soybean", 0.02),),
    "10": (("rice", 0.2),),
    "11": (("large_grower", 0.01),),
}
"""What is paid in a month, and to which share of the households; in January come those left over from the summer."""

ANY_MONTH = 0.004
STYLES = (
    Style(form="xlsx", titled=True, preamble=True, numbered=True, totals=True, periods="chinese", dates="cell"),
    Style(headers=1, labels=1, dates="compact", divisions="name", notes=True, extra=True),
    Style(encoding="utf-8-bom", delimiter="\t", form="txt", headers=2, divisions="mixed", dates="mixed", labels=2),
    Style(form="xls", headers=3, money="wan_header", preamble=True, totals=True, dates="chinese", divisions="full"),
)
DEFECTS = (
    Defect("bank_card", "bank_card", lambda row: made.wrong_check(row["bank_card"])),
    Defect("bank_card", "excel_spoilt", "9.99912E+18"),
    Defect("bank_card", "bank_card", "存折"),
    Defect("bank_card", "required", ""),
    Defect("kind", "enum", "退耕还林"),
    Defect("amount_yuan", "minimum", "0"),
    Defect("amount_yuan", "type_number", "已停发"),
    Defect("area_mu", "unit_unknown", "3.5 挑"),
    Defect("area_mu", "minimum", "-2.4"),
    Defect("household_id", "pattern", lambda row: row["household_id"].replace("H", "D")),
    Defect("payment_id", "pattern", lambda row: row["payment_id"][:-2]),
    Defect("division_code", "division_known", "青石沟村"),
    Defect("paid_on", "date_precision", lambda row: f"{row['paid_on']:%Y年%m月}"),
)


def payments(households: Households, parcels: Sequence[Row], months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Payments by month; an area that is paid for is that of the household's contracted parcels."""
    rng = stream(seed, "subsidy")
    areas: dict[str, Decimal] = {}
    for parcel in parcels:
        areas[parcel["household_id"]] = areas.get(parcel["household_id"], Decimal(0)) + parcel["area_mu"]
    cards = {row["household_id"]: made.bank_card(rng) for row in households.first}
    found: dict[str, list[Row]] = {}
    for month in months:
        plans = [*CALENDAR.get(month[5:], ()), ("machinery", ANY_MONTH), ("other", ANY_MONTH)]
        rows = []
        for kind, share in plans:
            for at in np.flatnonzero(rng.random(len(households.first)) < max(share, 6 / len(households.first))):
                household = households.first[at]
                rows.append(_payment(kind, household, areas[household["household_id"]], cards, rng))
        days = workdays_of(month)
        for row in rows:
            row["paid_on"] = days[int(rng.integers(len(days)))]
        rows.sort(key=lambda row: (row["paid_on"], row["household_id"], row["kind"]))
        for number, row in enumerate(rows, 1):
            row["payment_id"] = f"BT{month.replace('-', '')}{number:08d}"
        found[month] = rows
    return found


def _payment(kind: str, household: Row, area: Decimal, cards: dict[str, str], rng: np.random.Generator) -> Row:
    by_area = kind in YUAN_PER_MU
    if by_area:
        amount = (area * YUAN_PER_MU[kind]).quantize(Decimal("0.01"))
    else:
        amount = Decimal(
            MACHINES[rng.integers(len(MACHINES))] if kind == "machinery" else int(rng.integers(2, 20)) * 50
        )
    return {
        "household_id": household["household_id"],
        "division_code": household["division_code"],
        "kind": kind,
        "area_mu": area if by_area else None,
        "amount_yuan": amount,
        "bank_card": cards[household["household_id"]],
    }


def _spare(row: Row, index: int, number: int) -> Row:
    return {**row, "payment_id": f"{row['payment_id'][:8]}99{index:03d}{number:03d}"}


EXTRACT = Extract(
    "agri_subsidy_payment",
    "payment_id",
    STYLES,
    DEFECTS,
    _spare,
    lambda row: {"amount_yuan": row["amount_yuan"] + 1},
    day="paid_on",
)


def deliver(drop: Drop, payments: dict[str, list[Row]], seed: int) -> None:
    """One file a month."""
    EXTRACT.deliver(drop, payments, seed, per_file=7)
