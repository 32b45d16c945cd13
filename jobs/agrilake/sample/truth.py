"""Expected indicator values, straight from the generated facts and without any code of the lake.

The definitions stand in sample_data/README.md. Every value comes for the district and for each township that has a
denominator; months and, where a year's value is not a mean of months, the year.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from agrilake.sample.agri import Entities, Households
from agrilake.sample.civil import Elders
from agrilake.sample.commerce import BRAND
from agrilake.sample.periods import last_day, week_month, weeks_in, year_before
from agrilake.sample.places import Places
from agrilake.sample.postal import Sites
from agrilake.sample.records import Row

MINIMUM_DAYS = 5
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


@dataclass
class ParcelFacts:
    """What the truth needs of the parcels coming into villages, gathered month by month: days with an arrival, and both
    ends of a way."""

    arrivals: list[pl.DataFrame] = field(default_factory=list)
    starts: list[pl.DataFrame] = field(default_factory=list)
    ends: list[pl.DataFrame] = field(default_factory=list)

    def add(self, events: pl.DataFrame) -> None:
        """Take a month's events."""
        day = pl.col("event_at").dt.date().alias("day")
        inbound = events.filter(direction="inbound")
        come = inbound.filter(pl.col("event").is_in(["arrived", "delivered"]))
        self.arrivals.append(come.select("site_no", day).unique())
        self.starts.append(inbound.filter(event="picked_up").select("waybill_no", start="event_at"))
        self.ends.append(inbound.filter(event="delivered").select("waybill_no", "site_no", end="event_at"))

    def ways(self) -> pl.DataFrame:
        """site_no, end, hours of every inbound parcel whose 收寄 and 妥投 are both there."""
        both = pl.concat(self.ends).join(pl.concat(self.starts), on="waybill_no", how="inner", validate="1:1")
        hours = (pl.col("end") - pl.col("start")).dt.total_seconds() / 3600
        return both.select("site_no", "end", hours.alias("hours"))


@dataclass(frozen=True)
class Facts:
    """Everything that is true in a sample."""

    places: Places
    months: Sequence[str]
    households: Households
    entities: Entities
    batches: dict[str, list[Row]]
    commerce_sites: dict[str, list[Row]]
    sales: dict[str, list[Row]]
    elders: Elders
    ledger: dict[str, list[Row]]
    postal: Sites
    parcels: ParcelFacts


Share = tuple[str, float, float]
"""A township, what it adds to the numerator and to the denominator."""


def indicators(facts: Facts) -> pl.DataFrame:
    """All expected values (COLUMNS), sorted."""
    rows: list[Row] = []
    for month in facts.months:
        end = last_day(month)
        rows += _ratio(facts, "village_five_a_week_rate", month, _five_a_week(facts, month))
        rows += _ratio(facts, "village_ecommerce_site_coverage", month, _covered(facts, end))
        rows += _ratio(facts, "three_affairs_disclosure_rate", month, _ledger(facts, [month], "disclosed"))
        rows += _ratio(facts, "electronic_ledger_rate", month, _ledger(facts, [month], "electronic"))
        rows += _ratio(facts, "poverty_alleviated_household_share", month, _households(facts, month))
        rows += _ratio(facts, "living_alone_elder_share", month, _elders(facts, month))
        rows += _sum(facts, "trace_batches", month, _batches(facts, [month]))
    rows += _of_years(facts) + _of_sales(facts) + _of_hours(facts)
    return pl.DataFrame(rows, schema=COLUMNS, orient="row").sort("indicator_id", "period", "division_code")


def write(facts: Facts, folder: Path) -> pl.DataFrame:
    """indicators.csv in the truth's folder."""
    table = indicators(facts)
    folder.mkdir(parents=True, exist_ok=True)
    table.write_csv(folder / "indicators.csv")
    return table


def _ratio(facts: Facts, name: str, period: str, shares: Iterable[Share], times: float = 100) -> list[Row]:
    """Numerator over denominator in percent, for the district and each township with a denominator."""
    totals: dict[str, list[float]] = {}
    for township, above, below in shares:
        for code in (facts.places.county.code, township):
            total = totals.setdefault(code, [0, 0])
            total[0] += above
            total[1] += below
    return [
        _row(facts, name, code, period, above / below * times, above, below)
        for code, (above, below) in totals.items()
        if below
    ]


def _sum(facts: Facts, name: str, period: str, shares: Iterable[Share]) -> list[Row]:
    """The numerator alone; a township without any share is left out."""
    return [{**row, "value": row["numerator"], "denominator": None} for row in _ratio(facts, name, period, shares)]


def _row(
    facts: Facts, name: str, code: str, period: str, value: float, above: float | None, below: float | None
) -> Row:
    place = facts.places.by_code[code]
    return {
        "indicator_id": name,
        "division_code": code,
        "division_name": place.name,
        "division_level": place.level,
        "period": period,
        "period_type": "month" if "-" in period else "year",
        "numerator": above,
        "denominator": below,
        "value": value,
    }


def _five_a_week(facts: Facts, month: str) -> list[Share]:
    days: dict[str, set[date]] = {}
    village = {site.site_no: site.place.code for site in facts.postal.all if site.level == "village"}
    for frame in facts.parcels.arrivals:
        for site_no, day in frame.iter_rows():
            if site_no in village and week_month(day) == month:
                days.setdefault(village[site_no], set()).add(day)
    weeks = weeks_in(month)
    return [
        (place.parent_code, float(len(days.get(place.code, ())) / weeks >= MINIMUM_DAYS), 1)
        for place in facts.places.committees
    ]


def _covered(facts: Facts, day: date) -> list[Share]:
    latest = {row["site_no"]: row for rows in facts.commerce_sites.values() for row in rows}
    covered = {
        row["division_code"]
        for row in latest.values()
        if row["opened_on"] <= day and (row["closed_on"] is None or row["closed_on"] > day)
    }
    return [(place.parent_code, float(place.code in covered), 1) for place in facts.places.committees]


def _ledger(facts: Facts, months: Sequence[str], column: str) -> list[Share]:
    return [(_town(row["division_code"]), float(row[column]), 1) for month in months for row in facts.ledger[month]]


def _households(facts: Facts, month: str) -> list[Share]:
    rows = facts.households.current(month, facts.months[0])
    return [(_town(row["division_code"]), float(row["poverty_alleviated"]), 1) for row in rows]


def _elders(facts: Facts, month: str) -> list[Share]:
    rows = facts.elders.current(month)
    return [(_town(row["division_code"]), float(row["living_alone"]), 1) for row in rows]


def _batches(facts: Facts, months: Sequence[str]) -> list[Share]:
    return [(_town(row["division_code"]), 1, 1) for month in months for row in facts.batches[month]]


def _town(code: str) -> str:
    return f"{code[:9]}000"


def _of_years(facts: Facts) -> list[Row]:
    rows: list[Row] = []
    for year in dict.fromkeys(month[:4] for month in facts.months):
        months = [month for month in facts.months if month.startswith(year)]
        rows += _sum(facts, "trace_batches", year, _batches(facts, months))
        rows += _ratio(facts, "three_affairs_disclosure_rate", year, _ledger(facts, months, "disclosed"))
        rows += _ratio(facts, "electronic_ledger_rate", year, _ledger(facts, months, "electronic"))
    return rows


def _of_sales(facts: Facts) -> list[Row]:
    """Sales by month and year, their growth on the same months a year before, and the brand's share."""
    home = {row["credit_code"]: _town(row["division_code"]) for row in facts.entities.rows}

    def shares(months: Iterable[str], brand_only: bool = False) -> list[Share]:
        return [
            (
                home[row["credit_code"]],
                float(row["amount_yuan"]) * (not brand_only or row["brand"] == BRAND),
                float(row["amount_yuan"]),
            )
            for month in months
            for row in facts.sales[month]
        ]

    spans = {month: [month] for month in facts.sales}
    for year in dict.fromkeys(month[:4] for month in facts.sales):
        spans[year] = [month for month in facts.sales if month.startswith(year)]
    rows: list[Row] = []
    for period, months in spans.items():
        rows += _rounded(_sum(facts, "online_retail_amount", period, shares(months)))
        rows += _rounded(_ratio(facts, "brand_sales_share", period, shares(months, brand_only=True)))
        if all(year_before(month) in facts.sales for month in months):
            before = _totals(facts, shares(map(year_before, months)))
            for code, now in _totals(facts, shares(months)).items():
                if before.get(code):
                    growth = (now / before[code] - 1) * 100
                    rows.append(_row(facts, "online_retail_growth", code, period, growth, now, before[code]))
    return rows


def _totals(facts: Facts, shares: Iterable[Share]) -> dict[str, float]:
    rows = _rounded(_sum(facts, "", "2000", shares))
    return {row["division_code"]: row["numerator"] for row in rows}


def _rounded(rows: list[Row]) -> list[Row]:
    """Sums of money to the cent: the facts are exact, only their sum as floats is not."""
    for row in rows:
        row |= {name: row[name] and round(row[name], 2) for name in ("numerator", "denominator")}
        row["value"] = row["numerator"] if row["denominator"] is None else row["numerator"] / row["denominator"] * 100
    return rows


def _of_hours(facts: Facts) -> list[Row]:
    ways = facts.parcels.ways().with_columns(month=pl.col("end").dt.strftime("%Y-%m"))
    town = {site.site_no: _town(site.place.code) for site in facts.postal.all}
    ways = ways.with_columns(town=pl.col("site_no").replace_strict(town))
    rows: list[Row] = []
    for (month,), group in ways.sort("month", "town").group_by("month", maintain_order=True):
        parts = {facts.places.county.code: group["hours"].to_numpy()}
        parts |= {str(code): part["hours"].to_numpy() for (code,), part in group.group_by("town", maintain_order=True)}
        for code, hours in parts.items():
            for name, share in (("delivery_hours_median", 50), ("delivery_hours_p95", 95)):
                value = float(np.percentile(hours, share))
                rows.append(_row(facts, name, code, str(month), value, None, len(hours)))
    return rows
