"""Periods as a sequence: which ones follow, and which delivery is due when."""

from __future__ import annotations

from datetime import date, timedelta

from agrilake.contract.model import Dataset, Frequency
from agrilake.intake.dates import period_bounds


def period_of(day: date, frequency: Frequency) -> str:
    """The canonical period that a day belongs to."""
    if frequency is Frequency.YEAR:
        return f"{day.year}"
    if frequency is Frequency.QUARTER:
        return f"{day.year}Q{(day.month + 2) // 3}"
    return f"{day:%Y-%m}" if frequency is Frequency.MONTH else day.isoformat()


def periods_around(period: str) -> tuple[str, ...]:
    """The period and the quarter and year that it lies in, each once: 2024-05, 2024Q2, 2024."""
    day = period_bounds(period)[0]
    longer = [period_of(day, Frequency.QUARTER)] if len(period) > len("2024Q2") else []
    return tuple(dict.fromkeys((period, *longer, period_of(day, Frequency.YEAR))))


def periods_within(period: str, frequency: Frequency) -> list[str]:
    """Periods of a frequency that overlap a period, in order: 2024Q2 has three months, and lies in one year."""
    first, last = period_bounds(period)
    found = [period_of(first, frequency)]
    while period_bounds(found[-1])[1] < last:
        found.append(next_period(found[-1], frequency))
    return found


def next_period(period: str, frequency: Frequency) -> str:
    """The period after this one."""
    return period_of(period_bounds(period)[1] + timedelta(days=1), frequency)


def previous_period(period: str, frequency: Frequency) -> str:
    """The period before this one."""
    return period_of(period_bounds(period)[0] - timedelta(days=1), frequency)


def year_before(period: str, years: int = 1) -> str:
    """The same month, quarter or year of the year before, or so many years before."""
    return f"{int(period[:4]) - years}{period[4:]}"


def due_date(period: str, dataset: Dataset) -> date:
    """The last day on which the period's delivery is in time."""
    return period_bounds(period)[1] + timedelta(days=dataset.due_day)


def periods_due(dataset: Dataset, first: str, as_of: date) -> list[str]:
    """Periods from `first` on whose delivery is due before `as_of`."""
    found, period = [], first
    while due_date(period, dataset) < as_of:
        found.append(period)
        period = next_period(period, dataset.frequency)
    return found


def last_period_due(dataset: Dataset, as_of: date) -> str:
    """The newest period whose delivery is due before `as_of`: what a dataset without deliveries is behind with."""
    latest_end = as_of - timedelta(days=dataset.due_day + 1)
    running = period_of(latest_end + timedelta(days=1), dataset.frequency)
    return previous_period(running, dataset.frequency)
