"""What villages keep: stock, slaughter and output of each species by quarter; up to 2022 in the layout of then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from agrilake.sample.drop import Drop
from agrilake.sample.extracts import Extract, village_slot
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import quarters_of, trend
from agrilake.sample.places import Place, Places
from agrilake.sample.records import Defect, Row
from agrilake.sample.spelling import Style


@dataclass(frozen=True)
class Species:
    """`chance` that a village keeps it, about `stock` heads; the share slaughtered a quarter; kilograms a head, or
    without heads (fish) tonnes a year."""

    chance: float
    stock: int
    turnover: float
    kg: float


SPECIES = {
    "pig": Species(0.8, 620, 0.35, 82),
    "cattle": Species(0.15, 45, 0.1, 190),
    "goat": Species(0.25, 90, 0.2, 18),
    "chicken": Species(0.9, 5200, 0.6, 1.7),
    "duck": Species(0.5, 1400, 0.5, 1.9),
    "rabbit": Species(0.12, 400, 0.6, 1.8),
    "fish": Species(0.65, 0, 0, 26),
    "shrimp": Species(0.08, 0, 0, 6),
}
SUMS = ("stock", "slaughtered", "output_t")
SPARE_SPECIES = ("other", "goose")
SEASON = (1.2, 0.9, 0.85, 1.05)
"""Slaughter by quarter: the pigs of the winter and the Spring Festival first."""

STYLES = (
    Style(form="xls", preamble=True, totals=True, percents=True, periods="chinese", divisions="name", headers=1),
    Style(headers=2, units=(("头只", "万头"), ("吨", "公斤")), percents=True, divisions="mixed", nothing="—"),
    Style(form="xlsx", titled=True, two_lines=True, preamble=True, notes=True, periods="chinese", labels=1),
    Style(encoding="utf-8-bom", units=(("头只", "万头"),), units_in="cell", headers=3, divisions="full", percents=True),
)
DEFECTS = (
    Defect("informatised_share", "maximum", "35"),
    Defect("informatised_share", "minimum", "-5%"),
    Defect("species", "enum", "竹鼠"),
    Defect("stock", "type_integer", "86.5 头"),
    Defect("stock", "minimum", "-20"),
    Defect("stock", "unit_unknown", "12 圈"),
    Defect("slaughtered", "maximum", "9000 万头"),
    Defect("output_t", "type_number", "未统计"),
    Defect("output_t", "required", ""),
    Defect("period", "period_mismatch", "2019年第1季度"),
    Defect("division_code", "division_known", "石笋沟村"),
)

LAST_OF_THEN = "2022Q4"
"""Up to it files have the first layout: codes for species, kilograms, neither shrimp nor informatised shares."""

CODES_OF_THEN = {
    "pig": "11",
    "cattle": "12",
    "goat": "13",
    "chicken": "21",
    "duck": "22",
    "goose": "23",
    "rabbit": "24",
    "fish": "31",
    "other": "90",
}
STYLES_OF_THEN = (
    Style(preamble=True, totals=True, periods="chinese", divisions="name"),
    Style(form="xls", titled=True, headers=1, periods="chinese", labels=1, notes=True, divisions="mixed"),
    Style(headers=2, units=(("公斤", "吨"),), units_in="cell", nothing="—", labels=1),
)
DEFECTS_OF_THEN = (
    Defect("species_code", "enum", "虾蟹"),
    Defect("stock", "type_integer", "86.5 头"),
    Defect("stock", "minimum", "-20"),
    Defect("slaughtered", "maximum", "9000 万头"),
    Defect("output_kg", "unit_unknown", "12 筐"),
    Defect("output_kg", "type_integer", "未统计"),
    Defect("output_kg", "required", ""),
    Defect("quarter", "period_mismatch", "2019年第1季度"),
    Defect("division_code", "division_known", "石笋沟村"),
)


def herds(places: Places, months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Rows by quarter; a village's stock drifts by a few percent from quarter to quarter."""
    rng = stream(seed, "herd")
    kept = [
        (place, name, species.stock * place.households / 520 * float(rng.lognormal(0, 0.6)), _informed(rng))
        for place in places.committees
        for name, species in SPECIES.items()
        if rng.random() < species.chance
    ]
    found: dict[str, list[Row]] = {}
    for quarter in quarters_of(months):
        rows = []
        for place, name, size, informed in kept:
            now = size * trend(quarter, 1.03) * float(rng.lognormal(0, 0.05))
            rows.append(_row(place, name, quarter, now, _then(informed, quarter), rng))
        found[quarter] = rows
    return {quarter: rows if quarter > LAST_OF_THEN else _known_then(rows) for quarter, rows in found.items()}


def _known_then(rows: Sequence[Row]) -> list[Row]:
    """What the first layout could say of the rows."""
    return [{**row, "informatised_share": None} for row in rows if row["species"] in CODES_OF_THEN]


def _informed(rng: np.random.Generator) -> Decimal | None:
    return None if rng.random() < 0.15 else Decimal(int(rng.beta(1.3, 4) * 100)) / 100


def _then(informed: Decimal | None, quarter: str) -> Decimal | None:
    """The share as it was: a tenth less with every year before the base year."""
    return (
        informed
        and min(Decimal(1), informed * Decimal(str(round(trend(quarter, 1.1), 2))))
        .quantize(Decimal("0.01"))
        .normalize()
    )


def _row(place: Place, name: str, quarter: str, size: float, informed: Decimal | None, rng: np.random.Generator) -> Row:
    species, season = SPECIES[name], SEASON[int(quarter[-1]) - 1]
    stock = max(1, int(size)) if species.stock else None
    slaughtered = None if stock is None else int(stock * species.turnover * season)
    if slaughtered is None:
        kilograms = species.kg * 250 * season * place.households / 520 * float(rng.lognormal(0, 0.2))
    else:
        kilograms = slaughtered * species.kg * float(rng.lognormal(0, 0.04))
    return {
        "division_code": place.code,
        "period": quarter,
        "species": name,
        "stock": stock,
        "slaughtered": slaughtered,
        "output_t": Decimal(int(kilograms)) / 1000,
        "informatised_share": informed,
    }


def row_of_then(row: Row) -> Row:
    """The row as the first layout had it."""
    return {
        "division_code": row["division_code"],
        "quarter": row["period"],
        "species_code": CODES_OF_THEN[row["species"]],
        "stock": row["stock"],
        "slaughtered": row["slaughtered"],
        "output_kg": int(row["output_t"] * 1000),
    }


def deliver(drop: Drop, herds: dict[str, list[Row]], seed: int) -> None:
    """One file a quarter."""

    def spare(row: Row, _file: int, number: int) -> Row:
        village, species = village_slot(drop.places, SPARE_SPECIES, number)
        return {**row, "division_code": village, "species": species, "stock": 30, "slaughtered": 10}

    def spare_of_then(row: Row, _file: int, number: int) -> Row:
        village, species = village_slot(drop.places, SPARE_SPECIES, number)
        changed = {"species_code": CODES_OF_THEN[species], "stock": 30, "slaughtered": 10}
        return {**row, "division_code": village, **changed}

    key = "division_code,period,species"
    extract = Extract("agri_livestock", key, STYLES, DEFECTS, spare, lambda row: {"output_t": row["output_t"] + 1})
    extract_of_then = Extract(
        "agri_livestock",
        key,
        STYLES_OF_THEN,
        DEFECTS_OF_THEN,
        spare_of_then,
        lambda row: {"output_kg": row["output_kg"] + 1000},
    )
    then = {quarter: [row_of_then(row) for row in rows] for quarter, rows in herds.items() if quarter <= LAST_OF_THEN}
    extract_of_then.deliver(drop, then, seed)
    extract.deliver(drop, {quarter: rows for quarter, rows in herds.items() if quarter > LAST_OF_THEN}, seed)
