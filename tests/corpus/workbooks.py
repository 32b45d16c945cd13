"""Workbooks from descriptions: typed cells, number formats, merges, hidden sheets, formulas, notes."""

from __future__ import annotations

import io
from datetime import date, datetime, time
from typing import Any

import xlsxwriter
import xlwt


def book(sheets: list[dict[str, Any]], form: str = "xlsx", options: dict[str, Any] | None = None) -> bytes:
    """An xlsx or xls. A sheet has `name`, `rows` and where wanted `hidden` (true or very), `merges` (A2:A4), `notes`
    ({B2: text}) and `start` (the row of its first line, 0-based).

    A cell is a plain value, or {value, format}, {formula, value} (without value: never calculated), {rich: [pieces]}.
    """
    return _xls(sheets) if form == "xls" else _xlsx(sheets, options or {})


def _xlsx(sheets: list[dict[str, Any]], options: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    settings = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, **options}
    with xlsxwriter.Workbook(buffer, settings) as made:
        shown = False
        for sheet in sheets:
            page = made.add_worksheet(sheet["name"])
            for at, row in enumerate(sheet.get("rows", ()), sheet.get("start", 0)):
                for column, cell in enumerate(row):
                    _write(made, page, at, column, cell)
            for place in sheet.get("merges", ()):
                _merge(page, place)
            for place, text in sheet.get("notes", {}).items():
                page.write_comment(place, text)
            if sheet.get("hidden"):
                page.very_hidden() if sheet["hidden"] == "very" else page.hide()
            elif not shown:
                page.set_first_sheet()
                page.activate()
                shown = True
    return buffer.getvalue()


def _merge(page: Any, place: str) -> None:
    """The range alone: cells under it keep what the rows say, as Excel leaves them where it merges."""
    first, last = (xlsxwriter.utility.xl_cell_to_rowcol(corner) for corner in place.split(":"))
    page.merge.append([*first, *last])


def _write(made: Any, page: Any, at: int, column: int, cell: Any) -> None:
    match cell:
        case None | "":
            return
        case {"formula": formula, **more}:
            page.write_formula(at, column, formula, None, more.get("value", ""))
        case {"rich": pieces}:
            bold = made.add_format({"bold": True})
            page.write_rich_string(at, column, *[part for piece in pieces for part in (bold, piece)][:-1], pieces[-1])
        case {"value": value, "format": number_format}:
            style = made.add_format({"num_format": number_format})
            if isinstance(value, date | datetime | time):
                page.write_datetime(at, column, value, style)
            else:
                page.write(at, column, value, style)
        case bool():
            page.write_boolean(at, column, cell)
        case datetime():
            page.write_datetime(at, column, cell, made.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}))
        case date():
            page.write_datetime(at, column, cell, made.add_format({"num_format": "yyyy-mm-dd"}))
        case str():
            page.write_string(at, column, cell)
        case _:
            page.write_number(at, column, cell)


def _xls(sheets: list[dict[str, Any]]) -> bytes:
    made = xlwt.Workbook()
    for sheet in sheets:
        page = made.add_sheet(sheet["name"])
        page.visibility = {True: 1, "very": 2}.get(sheet.get("hidden", False), 0)
        for at, row in enumerate(sheet.get("rows", ()), sheet.get("start", 0)):
            for column, cell in enumerate(row):
                _write_xls(page, at, column, cell)
        for place in sheet.get("merges", ()):
            (top, left), (bottom, right) = (xlsxwriter.utility.xl_cell_to_rowcol(one) for one in place.split(":"))
            page.merged_ranges.append((top, bottom, left, right))
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def _write_xls(page: Any, at: int, column: int, cell: Any) -> None:
    match cell:
        case None | "":
            return
        case {"value": value, "format": number_format}:
            page.write(at, column, value, xlwt.easyxf(num_format_str=number_format))
        case datetime():
            page.write(at, column, cell, xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm:ss"))
        case date():
            page.write(at, column, cell, xlwt.easyxf(num_format_str="yyyy-mm-dd"))
        case _:
            page.write(at, column, cell)
