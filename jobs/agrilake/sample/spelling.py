"""How a department writes a file: its form, and the spelling of every kind of value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from agrilake.contract.model import Column, Dataset, LogicalType
from agrilake.sample.places import Place, Places

Cell = str | int | float | date | None
FULL_WIDTH = str.maketrans("0123456789.,-", "０１２３４５６７８９．，－")
EXCEL_EPOCH = date(1899, 12, 30)
DATE_SPELLINGS: dict[str, Callable[[date], str]] = {
    "iso": date.isoformat,
    "chinese": lambda day: f"{day.year}年{day.month}月{day.day}日",
    "slash": lambda day: f"{day.year}/{day.month}/{day.day}",
    "compact": lambda day: f"{day:%Y%m%d}",
    "dot": lambda day: f"{day.year}.{day.month:02d}.{day.day:02d}",
    "serial": lambda day: str((day - EXCEL_EPOCH).days),
}
WAN = Decimal(10_000)
OTHER_UNITS = {
    ("亩", "公顷"): Decimal(15),
    ("亩", "平方米"): Decimal("0.0015"),
    ("吨", "公斤"): Decimal("0.001"),
    ("公斤", "吨"): Decimal(1000),
    ("吨", "万斤"): Decimal(5),
    ("万元", "元"): Decimal("0.0001"),
    ("千瓦", "马力"): Decimal("0.735"),
    ("头只", "万头"): WAN,
    ("公里", "米"): Decimal("0.001"),
    ("毫克/千克", "μg/kg"): Decimal("0.001"),
}
"""How many of the contract's unit one of the department's is."""


@dataclass(frozen=True)
class Style:
    """One department's habits for one file.

    `form` csv, txt, tsv, xlsx or xls; `encoding` a Python codec; `titled` names the file by the Chinese title;
    `headers` 0 uses the contract's titles, n the n-th synonyms. `preamble`, `notes`, `totals`, `blanks`, `hidden`,
    `by_township` (one sheet or block with 小计 a township), `two_lines` (grouped header), `numbered` (序号),
    `extra` (a column that nobody asked for) are the things around a table. `dates`, `periods`, `numbers` (plain,
    thousands, fullwidth, mixed), `money` (yuan, wan_header, wan_cell, wan_preamble), `divisions` (code, civil, name,
    full, mixed), `booleans` and `labels` (0 label, n-th other spelling) are the spellings; `nothing` stands for empty.
    `units` are pairs of the contract's unit and the department's own, which it states in its header, cell or preamble
    (`units_in`); `percents` writes shares as 35%, `degrees` coordinates as 106°48′45.00″.
    """

    form: str = "csv"
    encoding: str = "gb18030"
    delimiter: str = ","
    titled: bool = False
    headers: int = 0
    preamble: bool = False
    notes: bool = False
    totals: bool = False
    blanks: bool = False
    hidden: bool = False
    by_township: bool = False
    two_lines: bool = False
    numbered: bool = False
    extra: bool = False
    dates: str = "iso"
    periods: str = "iso"
    numbers: str = "plain"
    money: str = "yuan"
    divisions: str = "code"
    booleans: tuple[str, str] = ("是", "否")
    labels: int = 0
    nothing: str = ""
    units: tuple[tuple[str, str], ...] = ()
    units_in: str = "header"
    percents: bool = False
    degrees: bool = False

    @property
    def workbook(self) -> bool:
        """Whether cells are typed."""
        return self.form in ("xlsx", "xls")

    def unit_of(self, column: Column) -> str | None:
        """The unit that the department uses instead of the contract's, if it has one of its own."""
        return dict(self.units).get(column.unit or "")


def header_of(column: Column, dataset: Dataset, style: Style) -> str:
    """The column's header in this style, with the unit where amounts are in 万元."""
    titles = [column.title, *column.synonyms]
    taken = {other.title for other in dataset.columns if other is not column}
    title = titles[style.headers % len(titles)] if style.headers else column.title
    title = column.title if title in taken else title
    other = style.unit_of(column)
    if other and style.units_in != "cell":
        return title.partition("（")[0] + (f"（{other}）" if style.units_in == "header" else "")
    if column.unit == "元" and style.money == "wan_header":
        return title.removesuffix("（元）") + "（万元）"
    # A bare synonym: the unit of the line 单位：万元 above the table holds for it.
    return title.removesuffix("（元）") if column.unit == "元" and style.money == "wan_preamble" else title


def spell(value: Any, column: Column, dataset: Dataset, style: Style, places: Places, rng: np.random.Generator) -> Cell:
    """The value as this department writes it."""
    if value is None:
        return "" if column.required else style.nothing
    if column.division_level and value in places.by_code:
        return spell_division(places.by_code[value], places, style, rng)
    if column.enum:
        return _label(str(value), column, style)
    if column.name == dataset.period_column:
        return spell_period(str(value), style)
    return _by_type(value, column, style, rng)


def _by_type(value: Any, column: Column, style: Style, rng: np.random.Generator) -> Cell:
    match column.type:
        case LogicalType.BOOLEAN:
            return style.booleans[0] if value else style.booleans[1]
        case LogicalType.DATE:
            return spell_date(value, style, rng)
        case LogicalType.INTEGER | LogicalType.NUMBER:
            return _number(Decimal(str(value)), column, style, rng)
        case _:
            return str(value)


def spell_division(place: Place, places: Places, style: Style, rng: np.random.Generator) -> str:
    """A division by either code, by 镇+村, or by its full name where that is the only one of its name."""
    kind = style.divisions
    if kind == "mixed":
        kind = ("code", "name", "civil", "full")[rng.integers(4)]
    if kind == "code":
        return place.code
    if kind == "civil":
        return place.civil_code
    if place.level != "village":
        return place.name
    if kind == "full" and sum(other.name == place.name for other in places.villages) == 1:
        return place.name
    return places.township_of(place).name + place.short


def spell_period(period: str, style: Style) -> str:
    """A year or month in one of the usual ways."""
    if "Q" in period:
        year, _, quarter = period.partition("Q")
        return f"{year}年第{quarter}季度" if style.periods == "chinese" else period
    year, _, month = period.partition("-")
    match style.periods:
        case "chinese":
            return f"{year}年{int(month)}月" if month else f"{year}年"
        case "compact":
            return year + month
        case "dot" if month:
            return f"{year}.{month}"
        case _:
            return period


def spell_date(value: date, style: Style, rng: np.random.Generator) -> Cell:
    """A day in one of the usual ways; `cell` is a date cell of Excel, `serial` the number behind it."""
    kind = style.dates
    if kind == "mixed":
        kind = tuple(DATE_SPELLINGS)[rng.integers(len(DATE_SPELLINGS))]
    if kind == "cell" and style.workbook:
        return value
    if kind == "serial" and style.workbook:
        return (value - EXCEL_EPOCH).days
    return DATE_SPELLINGS.get(kind, date.isoformat)(value)


def _label(value: str, column: Column, style: Style) -> str:
    item = next(item for item in column.enum if item.value == value)
    spellings = (item.label, *item.synonyms)
    return spellings[style.labels % len(spellings)]


def in_unit(value: Decimal, column: Column, style: Style) -> Decimal:
    """The value in the department's unit; ValueError where that would need rounding."""
    other = style.unit_of(column)
    if other is None:
        return value
    factor = OTHER_UNITS[column.unit or "", other]
    converted = value / factor
    if converted * factor != value:
        raise ValueError(f"{column.name}: {value} {column.unit} is no finite number of {other}")
    return converted.normalize()


def _degrees(value: Decimal) -> str:
    seconds = round(value * 3600, 2)
    return f"{int(seconds // 3600)}°{int(seconds % 3600 // 60):02d}′{seconds % 60:05.2f}″"


def _special(value: Decimal, column: Column, style: Style) -> Cell:
    """Coordinates, shares in percent, and amounts with the department's unit in the cell; None for all others."""
    if column.unit == "度" and style.degrees:
        return _degrees(value)
    if column.scale is None and column.type is LogicalType.NUMBER:
        return float(value) if style.workbook else str(value)
    if column.unit is None and column.maximum == 1 and style.percents:
        return f"{(value * 100).normalize():f}%"
    if style.unit_of(column) and style.units_in == "cell":
        return f"{in_unit(value, column, style):f}{style.unit_of(column)}"
    return None


def _number(value: Decimal, column: Column, style: Style, rng: np.random.Generator) -> Cell:
    special = _special(value, column, style)
    if special is not None:
        return special
    value = in_unit(value, column, style)
    if column.unit == "元" and style.money in ("wan_header", "wan_preamble"):
        return float(value / WAN) if style.workbook else f"{(value / WAN).normalize():f}"
    if column.unit == "元" and style.money == "wan_cell" and value >= WAN:
        return f"{(value / WAN).normalize():,f} 万元"
    kind = style.numbers
    if kind == "mixed":
        kind = ("plain", "thousands", "fullwidth")[rng.integers(3)]
    if kind == "plain" and style.workbook:
        return int(value) if value == value.to_integral_value() else float(value)
    text = f"{value:,f}" if kind == "thousands" else f"{value:f}"
    return text.translate(FULL_WIDTH) if kind == "fullwidth" else text
