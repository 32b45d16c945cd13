"""What villages grow: areas, output and value of each crop by quarter, with the seasons of this climate."""

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

STEP_MU = Decimal("1.5")
"""Areas are multiples of 1.5 亩 = 0.1 公顷."""


@dataclass(frozen=True)
class Crop:
    """`chance` that a village grows it, on about `mu` 亩; 吨 a 亩 and 万元 a 吨; the share of a year's output that
    each quarter brings (None: nothing in the field, so nothing reported); `covered`: the share under cover."""

    chance: float
    mu: float
    yield_t: float
    price: float
    quarters: tuple[float | None, float | None, float | None, float | None]
    covered: float = 0.0


CROPS = {
    "rice": Crop(0.9, 420, 0.52, 0.28, (None, 0, 1, None)),
    "maize": Crop(0.9, 260, 0.38, 0.26, (None, 0, 1, None)),
    "sweet_potato": Crop(0.75, 120, 1.3, 0.12, (None, None, 0, 1)),
    "potato": Crop(0.6, 90, 1.1, 0.16, (0, 1, None, None)),
    "rapeseed": Crop(0.7, 180, 0.13, 0.62, (0, 1, None, 0)),
    "soybean": Crop(0.4, 60, 0.12, 0.6, (None, 0, 1, None)),
    "vegetable": Crop(0.9, 150, 1.4, 0.24, (0.22, 0.27, 0.26, 0.25), 0.25),
    "citrus": Crop(0.4, 320, 1.2, 0.42, (0.4, 0, 0, 0.6)),
    "plum": Crop(0.2, 180, 0.8, 0.5, (0, 0.35, 0.65, 0)),
    "pear": Crop(0.15, 160, 1.0, 0.4, (0, 0, 1, 0)),
    "grape": Crop(0.12, 80, 0.9, 0.9, (0, 0.1, 0.9, 0), 0.6),
    "strawberry": Crop(0.1, 30, 1.3, 2.2, (0.6, 0.1, None, 0.3), 0.9),
    "tea": Crop(0.06, 240, 0.06, 8.0, (0.45, 0.4, 0.1, 0.05)),
    "pepper": Crop(0.15, 150, 0.35, 1.1, (0, 0.6, 0.4, 0)),
}
SUMS = ("sown_area_mu", "output_t", "value_wan_yuan", "facility_area_mu", "informatised_area_mu")
SPARE_CROPS = ("other", "herb", "wheat")
STYLES = (
    Style(form="xlsx", titled=True, preamble=True, two_lines=True, totals=True, divisions="name", periods="chinese"),
    Style(
        headers=1,
        preamble=True,
        units=(("亩", "公顷"), ("吨", "公斤"), ("万元", "元")),
        units_in="preamble",
        divisions="mixed",
        notes=True,
    ),
    Style(form="xls", headers=2, units=(("亩", "公顷"), ("吨", "万斤")), totals=True, divisions="full", labels=1),
    Style(
        encoding="utf-16",
        delimiter="\t",
        form="txt",
        numbers="mixed",
        periods="chinese",
        divisions="civil",
        units=(("吨", "公斤"),),
        units_in="cell",
    ),
)
DEFECTS = (
    Defect("informatised_area_mu", "not_above", lambda row: str(row["sown_area_mu"] + 300) + "亩"),
    Defect("facility_area_mu", "not_above", "29000 亩"),
    Defect("crop", "enum", "构树"),
    Defect("sown_area_mu", "minimum", "-15"),
    Defect("sown_area_mu", "maximum", "66 平方公里"),
    Defect("output_t", "type_number", "减产三成"),
    Defect("output_t", "unit_unknown", "1200 箱"),
    Defect("value_wan_yuan", "required", ""),
    Defect("period", "period_mismatch", "2019年第1季度"),
    Defect("division_code", "division_level", lambda row: row["division_code"][:9] + "000"),
    Defect("division_code", "division_known", "石笋沟村"),
)


def crops(places: Places, months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Rows by quarter: what stands in a village's fields then, and what it brought."""
    rng = stream(seed, "crop")
    fields = [
        (place, name, _area(crop, place, rng), float(rng.uniform(0, 0.4)))
        for place in places.committees
        for name, crop in CROPS.items()
        if rng.random() < crop.chance
    ]
    counted = {place.code for place in places.committees if rng.random() < 0.88}
    found: dict[str, list[Row]] = {}
    for quarter in quarters_of(months):
        rows = []
        for place, name, area, informed in fields:
            share = CROPS[name].quarters[int(quarter[-1]) - 1]
            if share is not None:
                rows.append(
                    _row(
                        place,
                        name,
                        quarter,
                        area,
                        share,
                        informed * trend(quarter, 1.12) if place.code in counted else None,
                        rng,
                    )
                )
        found[quarter] = rows
    return found


def _area(crop: Crop, place: Place, rng: np.random.Generator) -> Decimal:
    size = crop.mu * place.households / 520 * float(rng.lognormal(0, 0.4))
    return STEP_MU * max(2, int(size / float(STEP_MU)))


def _part(area: Decimal, share: float) -> Decimal:
    return STEP_MU * int(float(area) * share / float(STEP_MU))


def _row(
    place: Place, name: str, quarter: str, area: Decimal, share: float, informed: float | None, rng: np.random.Generator
) -> Row:
    crop = CROPS[name]
    output = round(float(area) * crop.yield_t * trend(quarter, 1.015) * share * float(rng.lognormal(0, 0.12)), 2)
    return {
        "division_code": place.code,
        "period": quarter,
        "crop": name,
        "sown_area_mu": area,
        "output_t": Decimal(str(output)),
        "value_wan_yuan": Decimal(str(round(output * crop.price * float(rng.lognormal(0, 0.08)), 4))),
        "facility_area_mu": _part(area, crop.covered * float(rng.uniform(0.3, 1))),
        "informatised_area_mu": None if informed is None else _part(area, informed),
    }


def deliver(drop: Drop, crops: dict[str, list[Row]], seed: int) -> None:
    """One file a quarter."""

    def spare(row: Row, _file: int, number: int) -> Row:
        village, crop = village_slot(drop.places, SPARE_CROPS, number)
        return {**row, "division_code": village, "crop": crop}

    extract = Extract(
        "agri_crop_production",
        "division_code,period,crop",
        STYLES,
        DEFECTS,
        spare,
        lambda row: {"output_t": row["output_t"] + 1},
    )
    extract.deliver(drop, crops, seed)
