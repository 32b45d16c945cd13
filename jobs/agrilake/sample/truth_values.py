"""Rows of expected values: shares, sums and their places, without any code of the lake."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import polars as pl

from agrilake.sample.places import Places
from agrilake.sample.records import Row

PLACES = 6
"""Sums are exact in the facts, only as floats they are not."""

COLUMNS = {
    "indicator_id": pl.String,
    "division_code": pl.String,
    "division_name": pl.String,
    "division_level": pl.String,
    "period": pl.String,
    "period_type": pl.String,
    "numerator": pl.Float64,
    "denominator": pl.Float64,
    "value": pl.Float64,
}

Share = tuple[str, float, float]
"""A division, what it adds to the numerator and to the denominator."""


def town(code: str) -> str:
    """The code of the township that a village lies in."""
    return f"{code[:9]}000"


def covered(places: Places, sites: Mapping[str, Sequence[Row]], day: date) -> list[Share]:
    """Of each 建制村, whether it has a site open on the day; `sites` are rows by the period that reports them."""
    latest = {row["site_no"]: row for rows in sites.values() for row in rows}
    found = {
        row["division_code"]
        for row in latest.values()
        if row["opened_on"] <= day and (row["closed_on"] is None or row["closed_on"] > day)
    }
    return [(place.code, float(place.code in found), 1) for place in places.standing(f"{day:%Y-%m}")]


def ratio(places: Places, name: str, period: str, shares: Iterable[Share], times: float = 100) -> list[Row]:
    """Numerator over denominator, as percent or so many `times`, for the district, each township with a denominator and
    the villages that the truth watches.

    What happened at the seat of the district counts for the district alone.
    """
    totals: dict[str, list[float]] = {}
    for division, above, below in shares:
        for code in dict.fromkeys((places.county.code, town(division), *_watched(places, division, period))):
            amounts = totals.setdefault(code, [0, 0])
            amounts[0] += above
            amounts[1] += below
    return [
        row_of(places, name, code, period, above / below * times, round(above, PLACES), round(below, PLACES))
        for code, (above, below) in totals.items()
        if below
    ]


def _watched(places: Places, division: str, period: str) -> tuple[str, ...]:
    is_one = division in places.watched and not places.is_gone(places.by_code[division], period)
    return (division,) if is_one else ()


def total(places: Places, name: str, period: str, shares: Iterable[Share]) -> list[Row]:
    """The numerator alone; a township without any share is left out."""
    return [{**row, "value": row["numerator"], "denominator": None} for row in ratio(places, name, period, shares)]


def row_of(
    places: Places, name: str, code: str, period: str, value: float, above: float | None, below: float | None
) -> Row:
    """One expected value."""
    place = places.by_code[code]
    return {
        "indicator_id": name,
        "division_code": code,
        "division_name": place.name,
        "division_level": place.level,
        "period": period,
        "period_type": "month" if "-" in period else "quarter" if "Q" in period else "year",
        "numerator": above,
        "denominator": below,
        "value": value,
    }
