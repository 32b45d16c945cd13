"""Periods as departments spell them in file names, brought to one form: 2024, 2024Q3, 2024-05, 2024-05-01."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from agrilake.contract.model import Frequency

EARLIEST, LATEST = 1990, 2100
DAY = re.compile(r"(\d{4})(?:([-./])(\d{1,2})\2(\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d{2})(\d{2}))")
MONTH = re.compile(r"(\d{4})(?:[-./](\d{1,2})|年(\d{1,2})月份?|(\d{2}))")
QUARTER = re.compile(r"(\d{4})(?:[-_]?q|年?第?)([1-4一二三四])(?:季度?)?", re.IGNORECASE)
YEAR = re.compile(r"(\d{4})(?:年度?)?")
CHINESE_DIGITS = {"一": 1, "二": 2, "三": 3, "四": 4}
EXAMPLES = {
    Frequency.YEAR: "2024",
    Frequency.QUARTER: "2024Q3",
    Frequency.MONTH: "2024-05",
    Frequency.DAY: "2024-05-01",
}
FREQUENCY_TITLES = {
    Frequency.YEAR: "年",
    Frequency.QUARTER: "季",
    Frequency.MONTH: "月",
    Frequency.DAY: "日",
}


def parse_period(text: str) -> tuple[str, Frequency] | None:
    """Canonical period and its length; None if the text is no period or no such day exists."""
    word = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
    if found := YEAR.fullmatch(word):
        return _checked(int(found[1]), 1, 1, f"{int(found[1]):04d}", Frequency.YEAR)
    if (found := QUARTER.fullmatch(word)) and ("季" in word or "q" in word.lower()):
        quarter = CHINESE_DIGITS.get(found[2]) or int(found[2])
        return _checked(int(found[1]), 1, 1, f"{int(found[1]):04d}Q{quarter}", Frequency.QUARTER)
    for pattern, frequency in ((MONTH, Frequency.MONTH), (DAY, Frequency.DAY)):
        if found := pattern.fullmatch(word):
            numbers = [int(group) for group in found.groups() if group and group.isdigit()]
            year, month, day = (*numbers, 1)[:3]
            canonical = f"{year:04d}-{month:02d}"
            canonical += f"-{day:02d}" if frequency is Frequency.DAY else ""
            return _checked(year, month, day, canonical, frequency)
    return None


def _checked(year: int, month: int, day: int, canonical: str, frequency: Frequency) -> tuple[str, Frequency] | None:
    try:
        date(year, month, day)
    except ValueError:
        return None
    return (canonical, frequency) if EARLIEST <= year <= LATEST else None
