"""One date, time, month or period as a department wrote it -> a canonical value, or the rule that it breaks.

Nothing is guessed: two-digit years and 5/1/2023 are refused, a month is no day, a day is no moment.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from agrilake.intake.numbers import LONGEST, Broken, tidy
from agrilake.intake.periods import parse_period

SEPARATOR = r"[-/.年]"
DAY = re.compile(rf"(\d{{4}}){SEPARATOR}(\d{{1,2}})[-/.月](\d{{1,2}})日?号?")
COMPACT_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
MONTH = re.compile(rf"(\d{{4}}){SEPARATOR}(\d{{1,2}})月?(?:份)?")
COMPACT_MONTH = re.compile(r"(\d{4})(\d{2})")
YEAR = re.compile(r"(\d{4})(?:年度?)?")
TIME = re.compile(
    r"(?P<half>上午|下午|晚上|凌晨|AM|PM)?\s*(?P<h>\d{1,2})[:时点](?P<m>\d{1,2})(?:分)?(?:[:]?(?P<s>\d{1,2})(?:[.,]\d+)?秒?)?"
    r"\s*(?P<after>AM|PM)?\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
COMPACT_MOMENT = re.compile(r"(\d{8})(\d{2})(\d{2})(\d{2})?")
SERIAL = re.compile(r"(\d{5})(\.\d+)?")
EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 (Excel's days have no zone; the lake keeps local time)
SERIALS = range(10_000, 73_051)  # 1927-05-18 to 2099-12-31: five digits, so never mistaken for 202305
YEARS = range(1900, 2101)
LOCAL = ZoneInfo("Asia/Shanghai")


def _day(year: str, month: str, day: str) -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if found.year in YEARS else None


def _serial(text: str) -> datetime | None:
    match = SERIAL.fullmatch(text)
    if match is None or int(match[1]) not in SERIALS:
        return None
    seconds = round(float(match[2] or 0) * 86_400)
    return EXCEL_EPOCH + timedelta(days=int(match[1]), seconds=seconds)


def _whole_day(text: str) -> date | None:
    match = DAY.fullmatch(text) or COMPACT_DAY.fullmatch(text)
    return _day(*match.groups()) if match else None


def parse_date(text: str) -> date | Broken:
    """A day; Broken date_precision for a month or year only, type_date for everything else."""
    if len(text) > LONGEST:
        return Broken("type_date")
    normal = re.sub(r"\s*([-/.年月日])\s*", r"\1", tidy(text))
    serial = _serial(normal)
    if serial is not None:
        return serial.date() if serial.time() == datetime.min.time() else Broken("type_date", "还带有时刻")
    day, _, clock = re.sub(r"(?<=[\d日])[T\s]+(?=\d)", "|", normal, count=1).partition("|")
    found = _whole_day(day)
    if found is None:
        coarse = (MONTH.fullmatch(day) or COMPACT_MONTH.fullmatch(day) or YEAR.fullmatch(day)) and not clock
        return Broken("date_precision", "只写到年或月") if coarse else Broken("type_date")
    if clock and not re.fullmatch(r"0{1,2}:00(:00(\.0+)?)?", clock):
        return Broken("type_date", "还带有时刻")
    return found


def parse_timestamp(text: str) -> datetime | Broken:
    """A moment in local time (Asia/Shanghai) to the second, without zone; a given offset is converted."""
    if len(text) > LONGEST:
        return Broken("type_timestamp")
    normal = re.sub(r"\s*([-/.年月])\s*", r"\1", tidy(text))
    serial = _serial(normal)
    if serial is not None:
        return serial if "." in normal else Broken("date_precision", "缺时刻")
    compact = COMPACT_MOMENT.fullmatch(normal)
    if compact:
        day_text, clock = compact[1], f"{compact[2]}:{compact[3]}:{compact[4] or '00'}"
    else:
        parts = re.match(rf"(\d{{4}}{SEPARATOR}\d{{1,2}}[-/.月]\d{{1,2}}[日号]?|\d{{8}})[T\s]*(.*)", normal)
        if parts is None:
            return Broken("type_timestamp")
        day_text, clock = parts[1], parts[2].strip()
    day = _whole_day(day_text)
    if day is None:
        return Broken("type_timestamp")
    return _moment(day, clock) if clock else Broken("date_precision", "缺时刻")


def _moment(day: date, clock: str) -> datetime | Broken:
    match = TIME.fullmatch(clock)
    if match is None:
        return Broken("type_timestamp")
    hour, half = int(match["h"]), (match["half"] or match["after"] or "").upper()
    if half in ("下午", "晚上", "PM") and hour < 12:
        hour += 12
    elif half in ("上午", "凌晨", "AM") and hour == 12:
        hour = 0
    try:
        found = datetime(day.year, day.month, day.day, hour, int(match["m"]), int(match["s"] or 0))  # noqa: DTZ001
        if match["zone"]:
            zone = datetime.strptime(match["zone"].upper().replace("Z", "+0000"), "%z").tzinfo or UTC
            found = found.replace(tzinfo=zone).astimezone(LOCAL).replace(tzinfo=None)
    except ValueError:
        return Broken("type_timestamp")
    return found


def canonical_period(text: str) -> str | None:
    """2024, 2024Q3, 2024-05 or 2024-05-01 from any usual spelling, Excel's dates among them; None for no period.

    The first day of a month is left as a day: whether it means the month (Excel makes 2024-05-01 of 2024-05)
    is for the column to say.
    """
    period = parse_period(text)
    if period is not None:
        return period[0]
    found = parse_date(text)
    return None if isinstance(found, Broken) else found.isoformat()


def period_bounds(period: str) -> tuple[date, date]:
    """First and last day of a canonical period; ValueError for anything else."""
    if re.fullmatch(r"\d{4}", period):
        return date(int(period), 1, 1), date(int(period), 12, 31)
    if re.fullmatch(r"\d{4}Q[1-4]", period):
        year, last = int(period[:4]), 3 * int(period[-1])
        return date(year, last - 2, 1), date(year, last, monthrange(year, last)[1])
    if re.fullmatch(r"\d{4}-\d{2}", period):
        year, month = int(period[:4]), int(period[5:])
        return date(year, month, 1), date(year, month, monthrange(year, month)[1])
    return date.fromisoformat(period), date.fromisoformat(period)
