"""Cells of a workbook as the text that a person sees in them, without artefacts of floating point."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal

EXACT = 10**15
"""Excel keeps 15 digits: longer whole numbers have lost their end, and are given as 5.00112E+17 to say so."""
LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
PADDED = re.compile(r"0{2,}")
EAST_ASIAN_DATES = frozenset({*range(27, 37), *range(50, 59)})
"""numFmtId that are dates in East Asian Excel without being spelt out in the file (ECMA-376 18.8.30)."""
MONTH_FORMAT_IDS = frozenset({17, 27, 36, 50, 52, 54, 57})
MONTH_FORMAT = 'yyyy"年"m"月"'
DAY_FORMAT = 'yyyy"年"m"月"d"日"'


def month_only(number_format: str) -> bool:
    """A date format without a day: 2024年5月."""
    letters = LITERALS.sub("", number_format).lower()
    return "y" in letters and "m" in letters and not set("dhs") & set(letters)


def percent(number_format: str) -> bool:
    """A format that shows 0.85 as 85%."""
    return "%" in LITERALS.sub("", number_format)


def padded(number_format: str) -> bool:
    """A format that shows leading zeros which the number does not have."""
    return PADDED.fullmatch(number_format) is not None


def tells_more(number_format: str) -> bool:
    """Whether the format changes what a person reads, so that the bare value is not enough."""
    return month_only(number_format) or percent(number_format) or padded(number_format)


def cell_text(value: object, number_format: str = "General") -> str:
    """Text of a cell's value: 是/否, ISO dates and times, plain decimals."""
    match value:
        case None:
            text = ""
        case bool():
            text = "是" if value else "否"
        case int() | float():
            text = number_text(value, number_format)
        case datetime():
            text = _date_text(value, number_format)
        case date():
            text = value.strftime("%Y-%m") if month_only(number_format) else value.isoformat()
        case _:
            text = str(value).replace("\r\n", "\n").replace("_x000D_", "")
    return text


def number_text(value: float, number_format: str = "General") -> str:
    """A number with at most 15 significant digits, as Excel shows it."""
    if percent(number_format):
        return f"{_plain(value * 100)}%"
    if abs(value) >= EXACT:
        return f"{value:.5E}"
    if padded(number_format) and value >= 0 and float(value).is_integer():
        return str(int(value)).zfill(len(number_format))
    return _plain(value)


def _plain(value: float) -> str:
    if float(value).is_integer():
        return str(int(value))
    return format(Decimal(f"{value:.15g}"), "f")


def _date_text(value: datetime, number_format: str) -> str:
    if month_only(number_format):
        return value.strftime("%Y-%m")
    if value.time() == time():
        return value.date().isoformat()
    return value.isoformat(sep=" ", timespec="seconds")
