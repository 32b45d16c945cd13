"""Households that receive assistance (低保, 特困): about one in thirty, month by month."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from agrilake.sample.agri import Households
from agrilake.sample.drop import Drop
from agrilake.sample.extracts import Extract
from agrilake.sample.identifiers import stream
from agrilake.sample.records import Defect, Row
from agrilake.sample.spelling import Style

SHARE = 0.034
KINDS = {"minimum_living": (0.7, 30, 75), "destitute": (0.2, 100, 160), "marginal": (0.1, 0, 20)}
"""Share of the assisted households; 元 a person and month, from and to, in tens."""

STYLES = (
    Style(preamble=True, headers=1, divisions="civil", periods="chinese", labels=1, notes=True),
    Style(form="xlsx", titled=True, numbered=True, totals=True, by_township=True, divisions="name", periods="chinese"),
    Style(encoding="utf-8-bom", headers=2, divisions="mixed", periods="compact", numbers="thousands", labels=2),
    Style(form="xls", headers=3, preamble=True, totals=True, divisions="civil", periods="dot", labels=1),
)
DEFECTS = (
    Defect("persons", "minimum", "0"),
    Defect("persons", "type_integer", "全家"),
    Defect("kind", "enum", "残疾补贴"),
    Defect("amount_yuan", "type_number", "按季发"),
    Defect("amount_yuan", "minimum", "-560"),
    Defect("amount_yuan", "unit_unknown", "60 斤大米"),
    Defect("household_id", "pattern", lambda row: row["household_id"].replace("H", "户")),
    Defect("period", "period_mismatch", "2019年6月"),
    Defect("division_code", "division_known", "青石沟村"),
)


def assisted(households: Households, months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Rows by month: most households stay, one in forty pauses for a month. One has been paid two years at once."""
    rng = stream(seed, "assistance")
    chosen = [row for row in households.first if rng.random() < SHARE] or list(households.first[:1])
    plans = [(row, *_plan(row, rng)) for row in chosen]
    found: dict[str, list[Row]] = {}
    for month in months:
        rows = [_row(row, kind, persons, each, month) for row, kind, persons, each in plans if rng.random() > 1 / 40]
        if rows:
            rows[0]["amount_yuan"] = rows[0]["persons"] * Decimal(14_400)
        found[month] = rows
    return found


def _plan(household: Row, rng: np.random.Generator) -> tuple[str, int, int]:
    """Kind, persons, 元 each."""
    kind = list(KINDS)[rng.choice(len(KINDS), p=[share for share, _, _ in KINDS.values()])]
    _, least, most = KINDS[kind]
    persons = 1 if kind == "destitute" else int(rng.integers(1, household["members"] + 1))
    return kind, persons, 10 * int(rng.integers(least, most + 1))


def _row(household: Row, kind: str, persons: int, each: int, month: str) -> Row:
    return {
        "household_id": household["household_id"],
        "period": month,
        "division_code": household["division_code"],
        "kind": kind,
        "persons": persons,
        "amount_yuan": Decimal(persons * each),
    }


EXTRACT = Extract(
    "civil_assistance",
    "household_id,period",
    STYLES,
    DEFECTS,
    lambda row, _, number: {**row, "household_id": f"{row['household_id'][:9]}{900 + number}"},
    lambda row: {"persons": row["persons"] + 1},
)


def deliver(drop: Drop, assisted: dict[str, list[Row]], seed: int) -> None:
    """One file a month."""
    EXTRACT.deliver(drop, assisted, seed, per_file=4)
