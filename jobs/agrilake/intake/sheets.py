"""Sheets of xlsx and xls as rows of text: calamine where stored values say all, openpyxl and xlrd elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import python_calamine
import xlrd

from agrilake.intake.archive import ArchiveFacts
from agrilake.intake.celltext import DAY_FORMAT, EAST_ASIAN_DATES, MONTH_FORMAT, MONTH_FORMAT_IDS, cell_text
from agrilake.intake.sniff import bad_workbook

Range = tuple[int, int, int, int]


@dataclass
class Sheet:
    """One sheet: `rows` from row 1 on without blank ones at the end (empty for hidden sheets, which are not read).

    `merges` are 0-based inclusive ranges (top, left, bottom, right); `uncached` maps a 0-based row to the
    columns whose formula was never calculated.
    """

    name: str
    hidden: bool
    rows: list[list[str]] = field(default_factory=list)
    merges: list[Range] = field(default_factory=list)
    uncached: dict[int, set[int]] = field(default_factory=dict)


def xlsx_sheets(path: Path, facts: ArchiveFacts) -> list[Sheet]:
    """All worksheets of an xlsx; raises RefusedFile bad_workbook."""
    return _read(_calamine(path) if facts.plain else _openpyxl(path, facts))


def xls_sheets(path: Path) -> list[Sheet]:
    """All worksheets of an xls; raises RefusedFile bad_workbook."""
    return _read(_xlrd(path))


def _read(sheets: Iterator[Sheet]) -> list[Sheet]:
    try:
        return [_trimmed(sheet) for sheet in sheets]
    except Exception as error:  # on damaged bytes the readers raise whatever their parsing runs into
        raise bad_workbook() from error


def _trimmed(sheet: Sheet) -> Sheet:
    while sheet.rows and not any(cell.strip() for cell in sheet.rows[-1]):
        sheet.rows.pop()
    return sheet


def _calamine(path: Path) -> Iterator[Sheet]:
    with path.open("rb") as source, python_calamine.CalamineWorkbook.from_filelike(source) as book:
        for index, meta in enumerate(book.sheets_metadata):
            if meta.typ != python_calamine.SheetTypeEnum.WorkSheet:
                continue
            hidden = meta.visible != python_calamine.SheetVisibleEnum.Visible
            sheet = Sheet(meta.name, hidden)
            if not hidden:
                found = book.get_sheet_by_index(index)
                top, left = found.start or (0, 0)
                sheet.rows = [[] for _ in range(top)]
                sheet.rows += [[""] * left + [cell_text(value) for value in row] for row in found.to_python()]
                sheet.merges = [(*start, *end) for start, end in found.merged_cell_ranges or ()]
            yield sheet


def _openpyxl(path: Path, facts: ArchiveFacts) -> Iterator[Sheet]:
    import openpyxl

    with path.open("rb") as source, path.open("rb") as again:
        book: Any = openpyxl.load_workbook(source, read_only=True, data_only=True)
        formats: dict[int, tuple[str, bool]] = {}
        formulas = None
        if any(sheet.rich for sheet in facts.sheets.values()):
            formulas = openpyxl.load_workbook(again, read_only=True, data_only=False)
        for page in book.worksheets:
            sheet = Sheet(page.title, page.sheet_state != "visible")
            if not sheet.hidden:
                page.reset_dimensions()
                member = page._worksheet_path.lstrip("/")
                known = facts.sheets.get(member)
                sheet.merges = known.merges if known else []
                for row in page.iter_rows():
                    sheet.rows.append(_openpyxl_row(row, book, formats))
                if formulas is not None and (known is None or known.rich):
                    _mark_uncached(sheet, formulas[page.title])
            yield sheet


def _openpyxl_row(row: tuple[Any, ...], book: Any, formats: dict[int, tuple[str, bool]]) -> list[str]:
    texts: list[str] = []
    for cell in row:
        value = cell.value
        if value is None or isinstance(value, str):
            texts.append(cell_text(value))
            continue
        style = cell._style_id
        if style not in formats:
            formats[style] = _format_of(book._cell_styles[style].numFmtId, cell.number_format)
        number_format, unspelt_date = formats[style]
        if unspelt_date and isinstance(value, int | float):
            from openpyxl.utils.datetime import from_excel

            value = from_excel(value, book.epoch)
        texts.append(cell_text(value, number_format))
    while texts and not texts[-1]:  # a stray format in column XFD must not cost 16,384 cells in each row
        texts.pop()
    return texts


def _format_of(identity: int, number_format: str) -> tuple[str, bool]:
    """Number format of a style, and whether it is an East Asian date that openpyxl takes for a number."""
    if number_format != "General" or identity not in EAST_ASIAN_DATES:
        return number_format, False
    return MONTH_FORMAT if identity in MONTH_FORMAT_IDS else DAY_FORMAT, True


def _mark_uncached(sheet: Sheet, page: Any) -> None:
    """Formulas without a stored result: their text is kept, and their place is remembered."""
    page.reset_dimensions()
    for at, row in enumerate(page.iter_rows()):
        for column, cell in enumerate(row):
            if cell.data_type != "f":
                continue
            cells = sheet.rows[at]
            cells.extend([""] * (column + 1 - len(cells)))
            if not cells[column]:
                cells[column] = str(getattr(cell.value, "text", cell.value))
                sheet.uncached.setdefault(at, set()).add(column)


def _xlrd(path: Path) -> Iterator[Sheet]:
    with (
        path.open("rb") as source,
        xlrd.open_workbook(file_contents=source.read(), formatting_info=True, logfile=_Silent()) as book,
    ):
        for page in book.sheets():
            sheet = Sheet(page.name, page.visibility != 0)
            if not sheet.hidden:
                sheet.rows = [[_xlrd_text(cell, book) for cell in page.row(at)] for at in range(page.nrows)]
                sheet.merges = [(top, left, bottom - 1, right - 1) for top, bottom, left, right in page.merged_cells]
            yield sheet


class _Silent:
    """xlrd prints warnings with cell contents to its log; nothing of a department's file may get there."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        """Nothing is kept."""


def _xlrd_text(cell: Any, book: Any) -> str:
    if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
        return ""
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return cell_text(bool(cell.value))
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#N/A"))
    if cell.ctype == xlrd.XL_CELL_TEXT:
        return cell_text(cell.value)
    format_key = book.xf_list[cell.xf_index].format_key
    number_format = book.format_map[format_key].format_str
    if cell.ctype == xlrd.XL_CELL_DATE:
        if format_key in MONTH_FORMAT_IDS:
            number_format = MONTH_FORMAT
        return cell_text(xlrd.xldate_as_datetime(cell.value, book.datemode), number_format)
    return cell_text(cell.value, number_format)
