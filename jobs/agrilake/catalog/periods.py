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


def next_period(period: str, frequency: Frequency) -> str:
    """The period after this one."""
    return period_of(period_bounds(period)[1] + timedelta(days=1), frequency)


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
    return period_of(period_bounds(running)[0] - timedelta(days=1), dataset.frequency)
