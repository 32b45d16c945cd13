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

from agrilake.sample import truth_wave
from agrilake.sample.agri import Entities, Households
from agrilake.sample.agri_wave import AgriFacts
from agrilake.sample.civil import Elders
from agrilake.sample.commerce import BRAND
from agrilake.sample.periods import last_day, week_month, weeks_in, year_before
from agrilake.sample.places import Places
from agrilake.sample.postal import Sites
from agrilake.sample.records import Row
from agrilake.sample.truth_values import COLUMNS, Share, covered, ratio, row_of, total, town
from agrilake.sample.village_wave import SiteFacts, VillageFacts

MINIMUM_DAYS = 5


@dataclass
class ParcelFacts:
    """What the truth needs of the parcels coming into villages, gathered month by month: days with an arrival by month
    (that of the week) and site, and both ends of a way."""

    arrivals: dict[str, dict[str, set[date]]] = field(default_factory=dict)
    starts: list[pl.DataFrame] = field(default_factory=list)
    ends: list[pl.DataFrame] = field(default_factory=list)

    def add(self, events: pl.DataFrame) -> None:
        """Take a month's events."""
        day = pl.col("event_at").dt.date().alias("day")
        inbound = events.filter(direction="inbound")
        come = inbound.filter(pl.col("event").is_in(["arrived", "delivered"]))
        for site_no, when in come.select("site_no", day).unique().iter_rows():
            self.arrivals.setdefault(week_month(when), {}).setdefault(site_no, set()).add(when)
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
    agriculture: AgriFacts
    villages: VillageFacts
    sites: SiteFacts


def indicators(facts: Facts) -> pl.DataFrame:
    """All expected values (COLUMNS), sorted."""
    rows: list[Row] = []
    for month in facts.months:
        rows += ratio(facts.places, "village_five_a_week_rate", month, _five_a_week(facts, month))
        shops = covered(facts.places, facts.commerce_sites, last_day(month))
        rows += ratio(facts.places, "village_ecommerce_site_coverage", month, shops)
        rows += ratio(facts.places, "three_affairs_disclosure_rate", month, _ledger(facts, [month], "disclosed"))
        rows += ratio(facts.places, "electronic_ledger_rate", month, _ledger(facts, [month], "electronic"))
        rows += ratio(facts.places, "poverty_alleviated_household_share", month, _households(facts, month))
        rows += ratio(facts.places, "living_alone_elder_share", month, _elders(facts, month))
        rows += total(facts.places, "trace_batches", month, _batches(facts, [month]))
    rows += _of_years(facts) + _of_sales(facts) + _of_hours(facts)
    rows += truth_wave.rows(facts.places, facts.months, facts.elders, facts.agriculture, facts.villages, facts.sites)
    return pl.DataFrame(rows, schema=COLUMNS, orient="row").sort("indicator_id", "period", "division_code")


def write(facts: Facts, folder: Path) -> pl.DataFrame:
    """indicators.csv in the truth's folder."""
    table = indicators(facts)
    folder.mkdir(parents=True, exist_ok=True)
    table.write_csv(folder / "indicators.csv")
    return table


def _five_a_week(facts: Facts, month: str) -> list[Share]:
    days: dict[str, set[date]] = {}
    village = {site.site_no: site.place.code for site in facts.postal.all if site.level == "village"}
    for site_no, found in facts.parcels.arrivals.get(month, {}).items():
        if site_no in village:
            days.setdefault(village[site_no], set()).update(found)
    weeks = weeks_in(month)
    return [
        (place.code, float(len(days.get(place.code, ())) / weeks >= MINIMUM_DAYS), 1)
        for place in facts.places.standing(month)
    ]


def _ledger(facts: Facts, months: Sequence[str], column: str) -> list[Share]:
    return [(row["division_code"], float(row[column]), 1) for month in months for row in facts.ledger[month]]


def _households(facts: Facts, month: str) -> list[Share]:
    rows = facts.households.current(month, facts.months[0])
    return [(row["division_code"], float(row["poverty_alleviated"]), 1) for row in rows]


def _elders(facts: Facts, month: str) -> list[Share]:
    rows = facts.elders.current(month)
    return [(row["division_code"], float(row["living_alone"]), 1) for row in rows]


def _batches(facts: Facts, months: Sequence[str]) -> list[Share]:
    return [(row["division_code"], 1, 1) for month in months for row in facts.batches[month]]


def _of_years(facts: Facts) -> list[Row]:
    rows: list[Row] = []
    for year in dict.fromkeys(month[:4] for month in facts.months):
        months = [month for month in facts.months if month.startswith(year)]
        rows += total(facts.places, "trace_batches", year, _batches(facts, months))
        rows += ratio(facts.places, "three_affairs_disclosure_rate", year, _ledger(facts, months, "disclosed"))
        rows += ratio(facts.places, "electronic_ledger_rate", year, _ledger(facts, months, "electronic"))
    return rows


def _of_sales(facts: Facts) -> list[Row]:
    """Sales by month and year, their growth on the same months a year before, and the brand's share."""
    home = {row["credit_code"]: town(row["division_code"]) for row in facts.entities.rows}

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
        rows += _rounded(total(facts.places, "online_retail_amount", period, shares(months)))
        rows += _rounded(ratio(facts.places, "brand_sales_share", period, shares(months, brand_only=True)))
        if all(year_before(month) in facts.sales for month in months):
            before = _totals(facts, shares(map(year_before, months)))
            for code, now in _totals(facts, shares(months)).items():
                if before.get(code):
                    growth = (now / before[code] - 1) * 100
                    rows.append(row_of(facts.places, "online_retail_growth", code, period, growth, now, before[code]))
    return rows


def _totals(facts: Facts, shares: Iterable[Share]) -> dict[str, float]:
    rows = _rounded(total(facts.places, "", "2000", shares))
    return {row["division_code"]: row["numerator"] for row in rows}


def _rounded(rows: list[Row]) -> list[Row]:
    """Sums of money to the cent: the facts are exact, only their sum as floats is not."""
    for row in rows:
        row |= {name: row[name] and round(row[name], 2) for name in ("numerator", "denominator")}
        row["value"] = row["numerator"] if row["denominator"] is None else row["numerator"] / row["denominator"] * 100
    return rows


def _of_hours(facts: Facts) -> list[Row]:
    ways = facts.parcels.ways().with_columns(month=pl.col("end").dt.strftime("%Y-%m"))
    lies_in = {site.site_no: town(site.place.code) for site in facts.postal.all}
    ways = ways.with_columns(town=pl.col("site_no").replace_strict(lies_in))
    rows: list[Row] = []
    for (month,), group in ways.sort("month", "town").group_by("month", maintain_order=True):
        parts = {facts.places.county.code: group["hours"].to_numpy()}
        parts |= {str(code): part["hours"].to_numpy() for (code,), part in group.group_by("town", maintain_order=True)}
        for code, hours in parts.items():
            for name, share in (("delivery_hours_median", 50), ("delivery_hours_p95", 95)):
                value = float(np.percentile(hours, share))
                rows.append(row_of(facts.places, name, code, str(month), value, None, len(hours)))
    return rows
