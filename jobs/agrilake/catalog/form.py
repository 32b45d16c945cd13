"""The Excel form that a department fills in: made from the contract, taken by the intake as it is.

Row 1 is a title, row 2 the header, row 3 one line of guidance a column (exactly the contract's description, by
which the intake knows it for part of the header); data begin in row 4. What a person chooses from stands on a
hidden sheet, the longer explanation on the sheet 填写说明, neither of which is read as data. The same contract gives
the same bytes.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from agrilake.catalog import words
from agrilake.catalog.guide import write_guide
from agrilake.contract.model import Column, Dataset, LogicalType
from agrilake.contract.settings import Settings

LISTS_SHEET = "选项"
HEADER_ROW, GUIDANCE_ROW, FIRST_ROW = 1, 2, 3
VALIDATED_ROWS = 10_000
MADE_ON = datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None)
NUMBER_FORMAT = {
    LogicalType.STRING: "@",
    LogicalType.BOOLEAN: "@",
    LogicalType.INTEGER: "0",
    LogicalType.NUMBER: "General",
    LogicalType.DATE: "yyyy-mm-dd",
    LogicalType.TIMESTAMP: "yyyy-mm-dd hh:mm:ss",
}
FIXED_LENGTH = {"credit_code": 18, "resident_id": 18, "mobile_phone": 11}
LARGEST = 10**15
EXCEL_LIST_CHARACTERS = 255
EXCEL_MESSAGE_CHARACTERS = 255
EXCEL_TITLE_CHARACTERS = 32


@dataclass(frozen=True)
class Choices:
    """The cells of the hidden sheet that hold a column's choices."""

    reference: str


def form_name(dataset: Dataset, period: str | None = None) -> str:
    """The name to send the form under: `<title>__<period>.xlsx`, by default with a period that is read by it."""
    return f"{dataset.title}__{period or dataset.valid_until or words.PERIOD_EXAMPLE[dataset.frequency]}.xlsx"


def write_form(dataset: Dataset, path: Path, divisions: pl.DataFrame | None, settings: Settings) -> Path:
    """Write the form; returns `path`.

    `divisions` (code, name, level, parent_code) fills the drop-down of division columns; without it they take
    typed names and codes.
    """
    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"}) as book:
        book.set_properties({"title": dataset.title, "author": "", "created": MADE_ON})
        sheet = book.add_worksheet(_sheet_name(dataset.title))
        guide = book.add_worksheet("填写说明")
        lists = book.add_worksheet(LISTS_SHEET)
        lists.hide()
        choices = _write_choices(lists, dataset, divisions)
        _write_head(book, sheet, dataset, settings)
        for index, column in enumerate(dataset.columns):
            _write_column(book, sheet, index, column, choices)
        write_guide(book, guide, dataset, form_name(dataset))
    return path


def division_choices(divisions: pl.DataFrame, level: str) -> dict[str, str]:
    """Choice -> code for one level (or all of them for "any"), by code.

    A village is chosen by township and name (古路镇古路村), which the intake resolves; where two divisions
    would read alike, the code is the choice.
    """
    names = dict(zip(divisions["code"], divisions["name"], strict=True))
    chosen = divisions if level == "any" else divisions.filter(pl.col("level") == level)
    found: list[tuple[str, str]] = []
    for row in chosen.sort("code").iter_rows(named=True):
        above = names.get(row["parent_code"], "") if row["level"] == "village" else ""
        found.append((above + _short_name(row["name"]), row["code"]))
    counts = Counter(text for text, _ in found)
    return {text if counts[text] == 1 else code: code for text, code in found}


def _short_name(name: str) -> str:
    """A village without its committee: 古路村村民委员会 -> 古路村; others as they are."""
    short = name.removesuffix("村民委员会").removesuffix("居民委员会")
    return short if short.endswith(("村", "社区")) else name


def _sheet_name(title: str) -> str:
    return re.sub(r"[\[\]:*?/\\']", "", title)[:31]


def _write_choices(sheet: Worksheet, dataset: Dataset, divisions: pl.DataFrame | None) -> dict[str, Choices]:
    """One list a column on the hidden sheet, where it does not fit into the validation itself."""
    found: dict[str, Choices] = {}
    for column in dataset.columns:
        values: list[str] = []
        if column.enum:
            values = [item.label for item in column.enum]
        elif column.division_level and divisions is not None:
            values = list(division_choices(divisions, column.division_level))
        if not values:
            continue
        place = len(found)
        sheet.write_string(0, place, column.name)
        for row, value in enumerate(values, start=1):
            sheet.write_string(row, place, value)
        letter = xlsxwriter.utility.xl_col_to_name(place, col_abs=True)
        found[column.name] = Choices(f"='{LISTS_SHEET}'!{letter}$2:{letter}${len(values) + 1}")
    return found


def _write_head(book: xlsxwriter.Workbook, sheet: Worksheet, dataset: Dataset, settings: Settings) -> None:
    title = book.add_format({"bold": True, "font_size": 14, "valign": "vcenter"})
    owner = dataset.owner or dataset.department_title
    heading = f"{settings.district_name}{dataset.title}填报表 · {owner} · {words.due_words(dataset)}"
    if dataset.valid_until is not None:
        heading += f" · 数据规范 {dataset.edition}"
    sheet.write_string(0, 0, heading, title)
    sheet.set_row(0, 28)
    sheet.set_row(GUIDANCE_ROW, 48)
    sheet.set_row(HEADER_ROW, 24)
    sheet.freeze_panes(FIRST_ROW, len(dataset.key) if len(dataset.key) <= 2 else 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.repeat_rows(HEADER_ROW, GUIDANCE_ROW)
    sheet.fit_to_pages(1, 0)


def _write_column(
    book: xlsxwriter.Workbook, sheet: Worksheet, index: int, column: Column, choices: dict[str, Choices]
) -> None:
    style = {"italic": True, "font_color": "#5B6875", "font_size": 9, "text_wrap": True, "valign": "top"}
    sheet.set_column(index, index, _width(column), book.add_format({"num_format": _number_format(column)}))
    sheet.write_string(GUIDANCE_ROW, index, guidance_line(column), book.add_format(style))
    sheet.write_string(HEADER_ROW, index, header(column), _header_format(book, column))
    sheet.data_validation(
        FIRST_ROW, index, FIRST_ROW + VALIDATED_ROWS - 1, index, _validation(column, choices.get(column.name))
    )


def header(column: Column) -> str:
    """The header cell: the title, its unit in brackets, and * where the column must be filled in."""
    unit = f"（{column.unit}）" if column.unit else ""
    return column.title.removesuffix(unit) + unit + ("*" if column.required else "")


def guidance_line(column: Column) -> str:
    """One line that says what to write."""
    return column.description or f"填{words.type_words(column)}"


def _header_format(book: xlsxwriter.Workbook, column: Column) -> Format:
    color = "#1B4F8A" if column.required else "#5B6875"
    style = {"bold": True, "font_color": "#FFFFFF", "bg_color": color, "border": 1, "border_color": "#D9E0E7"}
    return book.add_format({**style, "valign": "vcenter", "align": "center", "num_format": "@"})


def _number_format(column: Column) -> str:
    if column.type is LogicalType.NUMBER and column.scale is not None and column.scale <= 2:
        return "0" + ("." + "0" * column.scale if column.scale else "")
    return NUMBER_FORMAT[column.type]


def _width(column: Column) -> float:
    """Enough for the header (a Chinese character is two wide) and for what is usually written."""
    usual = 28 if column.division_level else max([len(item.label) * 2 for item in column.enum], default=0)
    usual = max(usual, column.min_length or 0, 20 if _fixed_length(column) else 0, len(column.example) + 2)
    return float(min(42, max(12, len(header(column)) * 2 + 2, usual)))


def _fixed_length(column: Column) -> int | None:
    return next((FIXED_LENGTH[check.name] for check in column.checks if check.name in FIXED_LENGTH), None)


def _validation(column: Column, choices: Choices | None) -> dict[str, Any]:
    rule = _rule(column, choices)
    prompt = "；".join([guidance_line(column), *words.limit_words(column)])
    rule |= {
        "input_title": ("必填：" if column.required else "") + column.title,
        "input_message": prompt[:EXCEL_MESSAGE_CHARACTERS],
        "error_title": "填写有误",
    }
    rule["input_title"] = rule["input_title"][:EXCEL_TITLE_CHARACTERS]
    return rule


def _rule(column: Column, choices: Choices | None) -> dict[str, Any]:
    title = column.title[:40]
    if column.type is LogicalType.BOOLEAN:
        return {"validate": "list", "source": ["是", "否"], "error_message": f"“{title}”请填 是 或 否。"}
    if choices is not None and column.enum:
        message = f"“{title}”请从下拉项中选择。"
        return {"validate": "list", "source": choices.reference, "error_message": message}
    if choices is not None:
        message = f"“{title}”不在下拉的区划里。如填的是区划代码或“镇（街道）+村（社区）”名称，可继续。"
        return {"validate": "list", "source": choices.reference, "error_message": message, "error_type": "warning"}
    if column.type in (LogicalType.INTEGER, LogicalType.NUMBER):
        return _number_rule(column, title)
    if column.type in (LogicalType.DATE, LogicalType.TIMESTAMP):
        message = f"“{title}”请填日期，如 2024-05-01。"
        bounds = {"criteria": "between", "minimum": date(1900, 1, 1), "maximum": date(2199, 12, 31)}
        return {"validate": "date", **bounds, "error_message": message}
    return _length_rule(column, title)


def _number_rule(column: Column, title: str) -> dict[str, Any]:
    whole = column.type is LogicalType.INTEGER
    low = column.minimum if column.minimum is not None else -LARGEST
    high = column.maximum if column.maximum is not None else LARGEST
    limits = "，".join(words.limit_words(column))
    wanted = ("整数" if whole else "数字") + (f"（{limits}）" if limits else "")
    message = f"“{title}”请填{wanted}，不要带单位和其他文字。"
    kind = "integer" if whole else "decimal"
    return {"validate": kind, "criteria": "between", "minimum": low, "maximum": high, "error_message": message}


def _length_rule(column: Column, title: str) -> dict[str, Any]:
    exact = _fixed_length(column)
    low, high = (exact, exact) if exact else (column.min_length, column.max_length)
    if low is None and high is None:
        return {"validate": "any"}
    limits = f"{exact} 位" if exact else "，".join(words.limit_words(column))
    message = f"“{title}”的长度不对：应为{limits}。"
    high = high if high is not None else 32_767
    return {"validate": "length", "criteria": "between", "minimum": low or 0, "maximum": high, "error_message": message}
