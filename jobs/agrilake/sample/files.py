"""Writing a table: text in any encoding, xlsx and old xls. Each returns the place of every record.

The bytes depend on the content alone: workbooks carry a fixed date and author.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import xlsxwriter
import xlwt

from agrilake.sample.layout import Line, Table
from agrilake.sample.spelling import Cell, Style

Place = tuple[int, str | None]
MADE = datetime(2024, 1, 1)  # noqa: DTZ001 (a workbook's property has no zone)
CODECS = {"utf-8-bom": "utf-8-sig", "utf-16": "utf-16"}


def write(path: Path, tables: Sequence[Table], style: Style) -> list[Place]:
    """Write the file; for each record in order its 1-based line (or row) and its sheet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if style.form == "xlsx":
        return _xlsx(path, tables, style)
    if style.form == "xls":
        return _xls(path, tables, style)
    return _text(path, tables[0], style)


def encode(text: str, encoding: str) -> bytes:
    """Bytes of a text file; `utf-8-bom` and `utf-16` begin with their mark."""
    if encoding == "utf-16":
        return b"\xff\xfe" + text.encode("utf-16-le")
    return text.encode(CODECS.get(encoding, encoding))


def _text(path: Path, table: Table, style: Style) -> list[Place]:
    parts: list[str] = []
    places: list[Place] = []
    number = 1
    for line in table.lines:
        text = _delimited(line, style.delimiter)
        if line.kind == "record":
            places.append((number, None))
        parts.append(text)
        number += text.count("\n") + 1
    path.write_bytes(encode("\r\n".join(parts) + "\r\n", style.encoding))
    return places


def _delimited(line: Line, delimiter: str) -> str:
    cells = [_quoted(_as_text(cell), delimiter) for cell in line.cells]
    if line.record and line.record.extra_cells:
        cells += ["另附说明"] * line.record.extra_cells
    if line.record and line.record.open_quote:
        cells[-1] = '"' + cells[-1]
    return delimiter.join(cells)


def _as_text(cell: Cell) -> str:
    if isinstance(cell, float):
        return repr(cell)
    return "" if cell is None else str(cell)


def _quoted(text: str, delimiter: str) -> str:
    if delimiter in text or '"' in text or "\n" in text:
        return '"' + text.replace('"', '""') + '"'
    return text


def _xlsx(path: Path, tables: Sequence[Table], style: Style) -> list[Place]:
    places: list[Place] = []
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"author": "agrilake sample", "created": MADE})
        day, title = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"bold": True, "align": "center"})
        as_text = book.add_format({"num_format": "@"})
        for table in tables:
            sheet = book.add_worksheet(table.name)
            for first, left, last, right in table.merges:
                if (first, left) != (last, right):
                    sheet.merge_range(first, left, last, right, "", title)
            for row, line in enumerate(table.lines):
                if line.kind == "record":
                    places.append((row + 1, table.name))
                for at, cell in enumerate(line.cells):
                    if isinstance(cell, date):
                        sheet.write_datetime(row, at, cell, day)
                    elif isinstance(cell, int | float):
                        sheet.write_number(row, at, cell)
                    elif cell:
                        sheet.write_string(row, at, cell, as_text if line.kind == "record" else title)
        if style.hidden:
            sheet = book.add_worksheet("下拉选项")
            sheet.write_column(0, 0, ["是", "否", "合计"])
            sheet.hide()
    return places


def _xls(path: Path, tables: Sequence[Table], style: Style) -> list[Place]:
    places: list[Place] = []
    book = xlwt.Workbook(encoding="utf-8")
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    for table in tables:
        sheet = book.add_sheet(table.name)
        covered = {(row, at) for a, b, c, d in table.merges for row in range(a, c + 1) for at in range(b, d + 1)}
        for first, left, last, right in table.merges:
            sheet.write_merge(first, last, left, right, table.lines[first].cells[left])
        for row, line in enumerate(table.lines):
            if line.kind == "record":
                places.append((row + 1, table.name))
            for at, cell in enumerate(line.cells):
                if cell in ("", None) or (row, at) in covered:
                    continue
                if isinstance(cell, date):
                    sheet.write(row, at, cell, day)
                else:
                    sheet.write(row, at, cell)
    if style.hidden:
        sheet = book.add_sheet("下拉选项")
        for row, text in enumerate(("是", "否", "合计")):
            sheet.write(row, 0, text)
        sheet.visibility = 1
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(buffer.getvalue())
    return places
