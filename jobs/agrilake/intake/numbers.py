"""One number as a department wrote it -> an exact Decimal in the column's unit, or the rule that it breaks."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

from agrilake.contract.conversion import conversion, parse_unit

# digits with correct thousands groups or none; an exponent; then anything that could be a unit
NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?P<digits>\d{1,3}(?:,\d{3})+|\d*)(?P<fraction>\.\d*)?(?:e(?P<exponent>[+-]?\d{1,3}))?"
    r"(?P<unit>[^\d.,+\-].*)?",
    re.IGNORECASE | re.DOTALL,
)
DEGREES = re.compile(
    r"(?P<degrees>\d{1,3})[°度](?P<minutes>\d{1,2})['′’分](?:(?P<seconds>\d{1,2}(?:\.\d{1,6})?)(?:\"|″|′′|''|”|秒)?)?"
)
FORMULA_ERRORS = re.compile(r"#(?:REF!|N/A|DIV/0!|VALUE!|NAME\?|NUM!|NULL!|#+)", re.IGNORECASE)
MINUS = str.maketrans({"−": "-", "–": "-", "﹣": "-"})
EXCEL_DIGITS = 15
EXCEL_EXPONENT = 11
LONGEST = 60
INTEGER_DIGITS = 18
EXACT = Context(prec=2 * LONGEST)


@dataclass(frozen=True)
class Broken:
    """A value that cannot be taken: the rule it breaks and a detail for the sentence."""

    rule: str
    detail: str = ""


@dataclass(frozen=True)
class NumberColumn:
    """What a number must fit: `scale` None is a double; precision counts all digits; units as in the contract."""

    rule: str
    precision: int | None
    scale: int | None
    unit: str | None
    header_unit: str | None


def tidy(text: str) -> str:
    """NFKC (full-width digits and signs), one kind of minus, no spaces around."""
    return unicodedata.normalize("NFKC", text).translate(MINUS).strip()


def parse_number(text: str, column: NumberColumn) -> Decimal | int | float | Broken:
    """The value in the column's unit, exact; Broken with type_*, unit_unknown, excel_spoilt, scale, overflow."""
    normal = tidy(text)
    if FORMULA_ERRORS.fullmatch(normal):
        return Broken("excel_spoilt", "公式出错或列宽不够")
    in_brackets = normal.startswith("(") and normal.endswith(")")
    match = NUMBER.fullmatch(_without_spaces(normal[1:-1] if in_brackets else normal).replace("¥", "", 1))
    if match is None or not _digits(match) or (in_brackets and match["sign"]):
        return Broken(column.rule)
    angle = _angle(normal) if column.unit and parse_unit(column.unit).base == "degree" else None
    if angle is not None:
        return fit(angle, column)
    unit = (match["unit"] or "").strip() or ("元" if "¥" in normal[:2] else "")
    factor = factor_of(unit, column)
    if factor is None:
        rule = column.rule if re.search(r"\d", unit) else "unit_unknown"
        return Broken(rule, unit or column.header_unit or "")
    value = _written(match)
    if isinstance(value, Broken):
        return value
    return fit((-value if in_brackets else value) * factor, column)


def _digits(match: re.Match[str]) -> bool:
    return bool(re.search(r"\d", match["digits"] + (match["fraction"] or "")))


def _angle(text: str) -> Fraction | None:
    """106°48′12.3″ or 106度48分12.3秒 as decimal degrees; None for what is none."""
    match = DEGREES.fullmatch(re.sub(r"\s", "", text))
    if match is None:
        return None
    minutes, seconds = int(match["minutes"]), Fraction(match["seconds"] or 0)
    return int(match["degrees"]) + Fraction(minutes, 60) + seconds / 3600 if minutes < 60 and seconds < 60 else None


def _written(match: re.Match[str]) -> Fraction | Broken:
    """The number as it is written, before its unit counts."""
    exponent = int(match["exponent"] or 0)
    if exponent >= EXCEL_EXPONENT:
        # Excel shows whole numbers from 12 digits on as 1.23457E+11 and saves them so: digits are lost
        return Broken("excel_spoilt", "成了科学计数法")
    digits = (match["digits"] or "0").replace(",", "") + (match["fraction"] or "")
    if len(digits) > LONGEST:
        return Broken("overflow", str(INTEGER_DIGITS))
    value = Fraction(_excel_precision(digits)) * Fraction(10) ** exponent
    return -value if match["sign"] == "-" else value


def _without_spaces(text: str) -> str:
    """Spaces between digits are thousands separators (and must then stand as such); after a comma they are noise."""
    return re.sub(r"(?<=\d)\s+(?=\d)", ",", re.sub(r"(?<=[,¥+-])\s+", "", text.strip()))


def factor_of(unit: str, column: NumberColumn) -> Fraction | None:
    """The unit in the cell wins over the header's; only `1.2 万` under a header in 万元 is not guessed."""
    if unit and column.header_unit and parse_unit(unit).base == "":
        return None
    return conversion(unit or column.header_unit, column.unit)


def _excel_precision(digits: str) -> Decimal:
    """Excel calculates with 15 significant digits; what a saved 1234.5600000000002 has beyond is noise."""
    value = Decimal(digits)
    if "." in digits and len(value.as_tuple().digits) > EXCEL_DIGITS and value.adjusted() < EXCEL_EXPONENT:
        return value.quantize(Decimal(1).scaleb(value.adjusted() - EXCEL_DIGITS + 1), context=EXACT)
    return value


def fit(value: Fraction, column: NumberColumn) -> Decimal | int | float | Broken:
    """The value in the column's precision and scale (int for integers, float for doubles), never rounded silently."""
    if column.scale is None:
        return float(value)
    scaled = value * 10**column.scale
    if scaled.denominator != 1:
        return Broken(column.rule if column.rule == "type_integer" else "scale", str(column.scale))
    if abs(scaled.numerator) >= 10 ** (column.precision or INTEGER_DIGITS):
        return Broken("overflow", str((column.precision or INTEGER_DIGITS) - column.scale))
    if column.rule == "type_integer":
        return scaled.numerator
    return Decimal(scaled.numerator).scaleb(-column.scale, context=EXACT)
