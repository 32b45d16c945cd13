"""Parcels: the way of each waybill as events, vectorised so that millions of rows take seconds.

A village's timetable says on which weekdays a van comes; on every such day at least one parcel arrives there (as
long as there are enough parcels), so whether a village has its five days a week does not depend on the number of rows.
In one village that is seldom served, parcels of its neighbours are gathered every day: outbound, so no delivery.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from agrilake.sample.identifiers import PHONE_PREFIX, stream
from agrilake.sample.periods import days_of, first_day, next_month, quarter_of, trend, years_in
from agrilake.sample.postal import Site, Sites

INBOUND_SHARE = 0.8
EVENTS_INBOUND, EVENTS_OUTBOUND = 3.3, 2.0
SEASON = (1.1, 0.8, 0.9, 0.9, 0.95, 1.15, 0.95, 0.9, 1.0, 1.05, 1.45, 1.2)
"""Parcels by month, January first: the June and November sales, the Spring Festival's pause."""

TIMETABLES = {7: range(7), 6: range(6), 5: range(5), 4: (0, 2, 4, 5), 3: (0, 2, 4), 2: (1, 4)}
SHARES = {7: 0.24, 6: 0.24, 5: 0.17, 4: 0.13, 3: 0.13, 2: 0.09}
HOLIDAY = frozenset(date(2024, 2, day) for day in range(10, 14)) | frozenset(
    {date(2022, 2, 1), date(2023, 1, 22), date(2025, 1, 29)}
)
SECOND = 1_000_000
GROWTH = 0.78
"""Parcels of a year as a share of the next year's."""

WHOLE_WAY = "2024-01"
"""From this month on every event of a parcel is reported; before it the last leg, and of some parcels the pick-up."""

TRACED, EVENTS_LAST_LEG, INBOUND_BEFORE = 0.1, 2.1, 0.92
EVENTS = ("picked_up", "departed", "arrived", "delivered", "returned")
SCHEMA: dict[str, pl.DataType] = {
    "waybill_no": pl.String(),
    "event": pl.String(),
    "site_no": pl.String(),
    "event_at": pl.Datetime("us"),
    "direction": pl.String(),
    "weight_kg": pl.Decimal(18, 3),
    "sender_phone": pl.String(),
    "receiver_phone": pl.String(),
}


@dataclass(frozen=True)
class Timetable:
    """The weekdays on which a van reaches each site, before and after an improvement in some month."""

    days: dict[str, int]
    improved: dict[str, str]

    def weekdays(self, site: Site, month: str) -> Sequence[int]:
        """Weekdays (0 = Monday) served in the month."""
        number = self.days[site.site_no]
        if month >= self.improved.get(site.site_no, "9999"):
            number = min(7, number + 2)
        return tuple(TIMETABLES[number])

    def gathering(self, sites: Sites) -> Site:
        """The village node to which the parcels of its neighbours are brought: the one that is served least; the hub
        where no village committee has a node."""
        there = sites.all[1].quarter
        seldom = [
            site
            for site in sites.all
            if site.place.committee and site.quarter == there and site.site_no not in self.improved
        ]
        return min(seldom, key=lambda site: (self.days[site.site_no], site.site_no), default=sites.hub)


def timetable(sites: Sites, months: Sequence[str], seed: int) -> Timetable:
    """Towns and near villages are served daily, the far ones less; a fifth of them get better over a year."""
    rng = stream(seed, "timetable")
    days: dict[str, int] = {}
    improved: dict[str, str] = {}
    for site in sites.all:
        draw = float(np.clip(rng.random() + (site.place.distance_km - 20) / 120, 0, 0.999))
        number, total = 2, 0.0
        for option, share in SHARES.items():
            total += share
            if draw < total:
                number = option
                break
        days[site.site_no] = number if site.level == "village" else 7
        if rng.random() < 0.2 * years_in(months):
            improved[site.site_no] = months[int(rng.integers(len(months)))]
    return Timetable(days, improved)


def events_by_month(sites: Sites, months: Sequence[str], seed: int, rows: int) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each month with its events in order of time (columns of SCHEMA), about `rows` in all.

    A waybill picked up late in a month arrives in the next one; what was picked up before the first month or
    is still on its way after the last has only the events that lie within.
    """
    table = timetable(sites, months, seed)
    shares = [SEASON[int(month[5:]) - 1] * volume(month) for month in months]
    early = pl.DataFrame(schema=SCHEMA)
    late = pl.DataFrame(schema=SCHEMA)
    waiting: tuple[str, pl.DataFrame] | None = None
    for month, share in zip(months, shares, strict=True):
        rng = stream(seed, "parcel", month)
        found = _month(sites, table, month, int(rows * share / sum(shares)), rng)
        start, end = first_day(month), first_day(next_month(month))
        early, within = (
            found.filter(pl.col("event_at") < start),
            found.filter(pl.col("event_at").is_between(start, end, "left")),
        )
        if waiting:
            yield waiting[0], _sorted(pl.concat([waiting[1], _in_month(early, waiting[0])]))
        waiting = month, pl.concat([within, _in_month(late, month)])
        late = found.filter(pl.col("event_at") >= end)
    if waiting:
        yield waiting[0], _sorted(waiting[1])


def volume(month: str) -> float:
    """Rows of a month against those of the same month in the base year: fewer parcels, and fewer events of each."""
    return trend(month, 1 / GROWTH) * (1.0 if month >= WHOLE_WAY else EVENTS_LAST_LEG / EVENTS_INBOUND)


def _in_month(events: pl.DataFrame, month: str) -> pl.DataFrame:
    return events.filter(pl.col("event_at").is_between(first_day(month), first_day(next_month(month)), "left"))


def _sorted(events: pl.DataFrame) -> pl.DataFrame:
    return events.sort("event_at", "waybill_no", "event")


def _month(sites: Sites, table: Timetable, month: str, rows: int, rng: np.random.Generator) -> pl.DataFrame:
    working = [site for site in sites.all[1:] if site.quarter <= quarter_of(month)]
    share, events = (INBOUND_SHARE, EVENTS_INBOUND) if month >= WHOLE_WAY else (INBOUND_BEFORE, EVENTS_LAST_LEG)
    inbound = max(1, int(rows * share / events))
    outbound = max(1, int(rows * (1 - share) / EVENTS_OUTBOUND))
    return pl.concat(
        [
            _inbound(sites, working, _visits(working, table, month, rng), month, inbound, rng),
            _outbound(sites, working, table.gathering(sites), month, outbound, rng),
        ]
    )


def _visits(
    working: Sequence[Site], table: Timetable, month: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every (site index, day index) at which a van comes, and its weight. Six in a thousand fall out."""
    days = days_of(month)
    place, day, weight = [], [], []
    for index, site in enumerate(working):
        served = table.weekdays(site, month)
        for number, when in enumerate(days):
            if when.weekday() in served and when not in HOLIDAY and rng.random() > 0.006:
                place.append(index)
                day.append(number)
                weight.append(site.weight)
    return np.array(place), np.array(day), np.array(weight)


def _inbound(
    sites: Sites,
    working: Sequence[Site],
    visits: tuple[np.ndarray, np.ndarray, np.ndarray],
    month: str,
    count: int,
    rng: np.random.Generator,
) -> pl.DataFrame:
    place, day, weight = visits
    once = rng.permutation(len(place))[:count]
    more = rng.choice(len(place), size=max(0, count - len(once)), p=weight / weight.sum())
    chosen = np.concatenate([once, more])
    start = np.datetime64(first_day(month), "us").astype(np.int64)
    arrived = start + (day[chosen] * 86_400 + rng.integers(8 * 3600, 15 * 3600, len(chosen))) * SECOND
    distance = np.array([site.place.distance_km for site in working])[place[chosen]]
    slow = 1.35 if month[5:] in ("11", "02") else 1.0
    hours = np.clip(rng.lognormal(3.45, 0.42, len(chosen)) * slow + distance * 0.25, 5, 230)
    picked = arrived - (hours * 3600).astype(np.int64) * SECOND
    departed = picked + ((arrived - picked) // SECOND * rng.uniform(0.4, 0.7, len(chosen))).astype(np.int64) * SECOND
    wait = np.minimum(rng.exponential(2.5, len(chosen)) * 3600, 5.5 * 3600).astype(np.int64) + 300
    done = arrived + wait * SECOND
    numbers = _waybills("YL", month, len(chosen))
    site = np.array([item.site_no for item in working])[place[chosen]]
    hub = np.full(len(chosen), sites.hub.site_no)
    returned = rng.random(len(chosen)) < 0.015
    through_hub = rng.random(len(chosen)) < 0.3
    traced = np.ones(len(chosen), bool) if month >= WHOLE_WAY else rng.random(len(chosen)) < TRACED
    last = np.where(returned, "returned", "delivered")
    common = _common(numbers, "inbound", rng)
    return pl.concat(
        [
            _events(common, "picked_up", hub, picked).filter(pl.Series(traced)),
            _events(common, "departed", hub, departed).filter(pl.Series(traced & through_hub)),
            _events(common, "arrived", site, arrived),
            _events(common, last, site, done),
        ]
    )


def _outbound(
    sites: Sites, working: Sequence[Site], gathering: Site, month: str, count: int, rng: np.random.Generator
) -> pl.DataFrame:
    weight = np.array([site.weight for site in working])
    place = rng.choice(len(working), size=count, p=weight / weight.sum())
    start = np.datetime64(first_day(month), "us").astype(np.int64)
    day = rng.integers(0, len(days_of(month)), count)
    picked = start + (day * 86_400 + rng.integers(9 * 3600, 18 * 3600, count)) * SECOND
    arrived = picked + rng.integers(6 * 3600, 40 * 3600, count) * SECOND
    site = np.array([item.site_no for item in working])[place]
    common = _common(_waybills("YC", month, count), "outbound", rng)
    end = np.full(count, sites.hub.site_no)
    end[np.unique(arrived // (86_400 * SECOND), return_index=True)[1]] = gathering.site_no
    return pl.concat([_events(common, "picked_up", site, picked), _events(common, "arrived", end, arrived)])


def _waybills(prefix: str, month: str, count: int) -> pl.Series:
    numbers = pl.Series(np.arange(1, count + 1)).cast(pl.String).str.zfill(8)
    return (pl.lit(f"{prefix}{month[2:4]}{month[5:]}") + pl.lit(numbers)).pipe(lambda text: pl.select(text).to_series())


def _common(numbers: pl.Series, direction: str, rng: np.random.Generator) -> pl.DataFrame:
    count = len(numbers)
    grams = np.clip(rng.lognormal(0.2, 0.9, count) * 1000, 50, 60_000).astype(np.int64)
    return pl.DataFrame({"waybill_no": numbers}).with_columns(
        pl.lit(direction).alias("direction"),
        (pl.Series(grams).cast(pl.Decimal(18, 3)) / 1000).cast(pl.Decimal(18, 3)).alias("weight_kg"),
        _phones(count, 0.6, rng).alias("sender_phone"),
        _phones(count, 0.9, rng).alias("receiver_phone"),
    )


def _phones(count: int, filled: float, rng: np.random.Generator) -> pl.Series:
    numbers = pl.Series(rng.integers(0, 10**8, count)).cast(pl.String).str.zfill(8)
    text = pl.select(pl.lit(PHONE_PREFIX) + pl.lit(numbers)).to_series()
    return text.set(pl.Series(rng.random(count) >= filled), None)


def _events(common: pl.DataFrame, event: str | np.ndarray, site: np.ndarray, at: np.ndarray) -> pl.DataFrame:
    names = pl.Series(np.full(common.height, event) if isinstance(event, str) else event)
    moments = pl.Series(at).cast(pl.Datetime("us"))
    return common.with_columns(
        names.alias("event"), pl.Series(site).alias("site_no"), moments.alias("event_at")
    ).select(list(SCHEMA))
