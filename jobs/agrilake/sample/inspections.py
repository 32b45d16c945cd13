"""Samples of farm products and what the laboratory found in them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from agrilake.sample import identifiers as made
from agrilake.sample.agri import Entities
from agrilake.sample.drop import Drop
from agrilake.sample.extracts import Extract
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import trend, workdays_of
from agrilake.sample.records import Defect, Record, Row, town_of
from agrilake.sample.spelling import Style

PLANT = (("毒死蜱", "0.02"), ("克百威", "0.02"), ("氧乐果", "0.02"), ("三唑磷", "0.05"), ("多菌灵", "5"), ("铅", "0.1"))
ANIMAL = (("恩诺沙星", "0.1"), ("氟苯尼考", "0.2"), ("克伦特罗", "0"), ("氯霉素", "0"))
FISH = (("恩诺沙星", "0.1"), ("孔雀石绿", "0"), ("氯霉素", "0"), ("镉", "0.1"))
ITEMS = {"土鸡蛋": ANIMAL, "腊肉": ANIMAL, "生态鱼": FISH}
"""What each product is tested for, with limits in mg/kg of the size that the standards give."""

SHARE = 0.1
DETECTED, EXCEEDED = 0.28, 0.022

STYLES = (
    Style(form="xlsx", titled=True, preamble=True, numbered=True, dates="cell", booleans=("合格", "不合格")),
    Style(headers=1, divisions="name", dates="slash", booleans=("符合", "不符合"), notes=True),
    Style(
        encoding="utf-8-bom", headers=2, units=(("毫克/千克", "μg/kg"),), divisions="mixed", booleans=("合格", "超标")
    ),
    Style(form="xls", headers=3, units=(("毫克/千克", "μg/kg"),), units_in="cell", dates="chinese", preamble=True),
)
DEFECTS = (
    Defect("passed", "agrees_with_limit", lambda row: "不合格" if row["passed"] else "合格"),
    Defect("passed", "type_boolean", "复检中"),
    Defect("value_mg_kg", "type_number", "痕量"),
    Defect("value_mg_kg", "minimum", "-0.02"),
    Defect("value_mg_kg", "unit_unknown", "12%"),
    Defect("limit_mg_kg", "required", ""),
    Defect("credit_code", "credit_code", lambda row: made.wrong_check(row["credit_code"])),
    Defect("sample_no", "pattern", lambda row: row["sample_no"][:-2]),
    Defect("division_code", "division_known", "石笋沟村"),
    Defect("product", "required", ""),
    Defect("item", "max_length", "有机磷类农药" * 8),
)


def inspections(entities: Entities, months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Samples by month: a tenth of the entities known by then is visited, more samples exceed in summer."""
    rng = stream(seed, "inspection")
    first = next(iter(entities.by_quarter.values()))
    found: dict[str, list[Row]] = {}
    for month in months:
        days = workdays_of(month)
        chosen = sorted(rng.choice(len(first), size=min(len(first), max(8, int(len(first) * SHARE))), replace=False))
        rows = []
        for number, at in enumerate(chosen, 1):
            entity, day = first[at], days[int(rng.integers(len(days)))]
            product = entity["main_products"].split("、")[0]
            tests = ITEMS.get(product, PLANT)
            for place, picked in enumerate(rng.choice(len(tests), size=2, replace=False), 1):
                item, limit = tests[picked]
                value = _value(
                    Decimal(limit), (1.6 if month[5:] in ("06", "07", "08") else 1.0) * trend(month, 0.8), rng
                )
                rows.append(
                    {
                        "sample_no": f"CY{month.replace('-', '')}{number:04d}{place:02d}",
                        "credit_code": entity["credit_code"],
                        "division_code": entity["division_code"],
                        "product": product,
                        "sampled_on": day,
                        "item": item,
                        "value_mg_kg": value,
                        "limit_mg_kg": Decimal(limit),
                        "passed": value <= Decimal(limit),
                    }
                )
        found[month] = rows
    return found


def _value(limit: Decimal, season: float, rng: np.random.Generator) -> Decimal:
    """mg/kg, to a ten-thousandth; mostly nothing, rarely above the limit."""
    draw = rng.random()
    if draw < EXCEEDED * season:
        return ((limit or Decimal("0.005")) * Decimal(str(round(float(rng.uniform(1.1, 4)), 2)))).quantize(
            Decimal("0.0001")
        )
    if draw < DETECTED and limit:
        return (limit * Decimal(str(round(float(rng.beta(1.5, 5)), 2)))).quantize(Decimal("0.0001"))
    return Decimal(0)


def _record(row: Row, _style: Style) -> Record:
    """Nothing found and nothing allowed are written in words, as laboratories do."""
    raw = {}
    if row["value_mg_kg"] == 0:
        raw["value_mg_kg"] = "未检出" if int(row["sample_no"][-3]) % 2 else "ND"
    if row["limit_mg_kg"] == 0:
        raw["limit_mg_kg"] = "不得检出"
    return Record(row, raw, group=town_of(row))


EXTRACT = Extract(
    "agri_quality_inspection",
    "sample_no",
    STYLES,
    DEFECTS,
    lambda row, index, number: {**row, "sample_no": f"{row['sample_no'][:8]}99{index:02d}{number:02d}"},
    lambda row: {"product": f"{row['product']}（复检）"},
    day="sampled_on",
    record=_record,
)


def deliver(drop: Drop, inspections: dict[str, list[Row]], seed: int) -> None:
    """One file a month."""
    EXTRACT.deliver(drop, inspections, seed, per_file=6)
