"""Months, quarters and ISO weeks, as delivery periods are written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

BASE_YEAR = 2024
"""The year that all sizes are meant for; trends lead up to it and on."""


def year_of_months(year: int) -> tuple[str, ...]:
    """The twelve months of a year: 2024-01 … 2024-12."""
    return tuple(f"{year}-{month:02d}" for month in range(1, 13))


def months_of_years(first: int, last: int) -> tuple[str, ...]:
    """All months of the years: 2022-01 … 2024-12."""
    return tuple(month for year in range(first, last + 1) for month in year_of_months(year))


def trend(period: str, yearly: float) -> float:
    """What a size of the base year is in the period's year, where it becomes `yearly` times as large each year."""
    return float(yearly ** (int(period[:4]) - BASE_YEAR))


def months_since_base(month: str) -> int:
    """Months since January of the base year; negative before it."""
    return 12 * (int(month[:4]) - BASE_YEAR) + int(month[5:]) - 1


def years_in(periods: Sequence[str]) -> int:
    """How many years the periods touch."""
    return len({period[:4] for period in periods})


def ordinal(quarter: str, quarters: Sequence[str]) -> int:
    """The place of a quarter among all, the first being 1: what happens each quarter happens to others than before."""
    return list(quarters).index(quarter) + 1


def first_day(month: str) -> date:
    """First day of a month 2024-05."""
    return date.fromisoformat(f"{month}-01")


def last_day(month: str) -> date:
    """Last day of a month 2024-05."""
    return first_day(next_month(month)) - timedelta(days=1)


def end_of(period: str) -> date:
    """Last day of a month 2024-05 or a quarter 2024Q2."""
    return last_day(f"{period[:4]}-{3 * int(period[-1]):02d}" if "Q" in period else period)


def next_month(month: str) -> str:
    """The month after."""
    return f"{first_day(month).replace(day=28) + timedelta(days=4):%Y-%m}"


def days_of(month: str) -> list[date]:
    """Every day of a month."""
    start = first_day(month)
    return [start + timedelta(days=i) for i in range((last_day(month) - start).days + 1)]


def workdays_of(month: str) -> list[date]:
    """Mondays to Fridays of a month."""
    return [day for day in days_of(month) if day.weekday() < 5]


def year_before(month: str) -> str:
    """The same month of the year before."""
    return f"{int(month[:4]) - 1}{month[4:]}"


def quarter_of(month: str) -> str:
    """The quarter a month lies in: 2024Q2."""
    return f"{month[:4]}Q{(int(month[5:]) + 2) // 3}"


def quarters_of(months: Sequence[str]) -> list[str]:
    """The quarters that the months touch, in order."""
    return list(dict.fromkeys(quarter_of(month) for month in months))


def week_month(day: date) -> str:
    """The month that the day's ISO week belongs to: that of its Thursday."""
    return f"{day + timedelta(days=3 - day.weekday()):%Y-%m}"


def weeks_in(month: str) -> int:
    """How many ISO weeks belong to a month: its Thursdays."""
    return sum(day.weekday() == 3 for day in days_of(month))


def months_of(quarter: str, months: Sequence[str]) -> list[str]:
    """Those of the months that lie in the quarter."""
    return [month for month in months if quarter_of(month) == quarter]
