"""Reading workbooks: every visible sheet that has the dataset's header, the others reported as set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from agrilake.contract.model import Dataset
from agrilake.contract.settings import Limits
from agrilake.errors import RefusedFile
from agrilake.intake.archive import check_archive
from agrilake.intake.body import Body
from agrilake.intake.delimited import HEAD_LINES, margins_above
from agrilake.intake.header import Header, Row, best_candidate, find_header
from agrilake.intake.limits import check_columns, empty_table, too_many_cells, too_much_text
from agrilake.intake.margins import row_kind
from agrilake.intake.privacy import mask_text
from agrilake.intake.raw import BrokenRecord, RawTable, SetAside
from agrilake.intake.sheets import Sheet, xls_sheets, xlsx_sheets
from agrilake.intake.tables import combined
from agrilake.intake.veil import distinct

BATCH = 20_000
BYTES_A_CELL = 10
"""An old workbook keeps a number in 6 to 14 bytes."""
WEIGHT = ("wrong_dataset", "wrong_layout", "missing_columns", "duplicate_header", "no_header")
"""Which refusal is told where no sheet can be read: the one that says most."""


def read_workbook(path: Path, kind: str, dataset: Dataset, limits: Limits, others: Sequence[Dataset] = ()) -> RawTable:
    """The table of a workbook of that kind (xlsx or xls); raises RefusedFile."""
    if kind == "xls" and (cells := path.stat().st_size // BYTES_A_CELL) > limits.max_cells:
        raise too_many_cells(cells, limits)
    sheets = xlsx_sheets(path, check_archive(path, limits)) if kind == "xlsx" else xls_sheets(path)
    names = distinct([sheet.name for sheet in sheets], mask_text)
    for sheet in sheets:  # a name goes into every table and receipt
        sheet.name = names[sheet.name]
    aside = [SetAside(None, sheet.name, "hidden_sheet", 0) for sheet in sheets if sheet.hidden]
    visible = [sheet for sheet in sheets if sheet.rows]
    if not visible:
        raise _all_hidden() if aside else empty_table()
    if sum(len(cell) for sheet in visible for cells in sheet.rows for cell in cells) > limits.max_zip_bytes:
        raise too_much_text(limits)
    bodies: list[Body] = []
    refusals: list[RefusedFile] = []
    for sheet in visible:
        rows = _head(sheet, limits)
        try:
            header = find_header(rows, dataset, others)
        except RefusedFile as refusal:
            refusals.append(_named(refusal, sheet, len(visible)))
            if _meant(rows, dataset):
                raise refusals[-1] from None
            aside.append(SetAside(None, sheet.name, "other_sheet", len(sheet.rows)))
            continue
        bodies.append(_body(sheet, rows, header, dataset, limits))
    if not bodies:
        raise min(refusals, key=lambda item: WEIGHT.index(item.code))
    return combined(bodies, dataset, sum(len(sheet.rows) for sheet in visible), set_aside=aside)


def _all_hidden() -> RefusedFile:
    return RefusedFile("no_header", "所有工作表都是隐藏的或空的。", "请取消隐藏要报送的工作表后重新报送。")


def _head(sheet: Sheet, limits: Limits) -> list[Row]:
    """The first rows; the width of all of them is checked first."""
    for at, cells in enumerate(sheet.rows):
        while len(cells) > limits.max_columns and not cells[-1].strip():
            cells.pop()
        check_columns(len(cells), limits, at + 1)
    filled = next(at for at, cells in enumerate(sheet.rows) if any(cell.strip() for cell in cells))
    return [Row(at + 1, cells) for at, cells in enumerate(sheet.rows[: filled + HEAD_LINES])]


def _meant(rows: Sequence[Row], dataset: Dataset) -> bool:
    """Whether a sheet that cannot be read was plainly meant to be: then setting it aside would lose data."""
    found = best_candidate(rows, dataset)
    required = sum(1 for column in dataset.columns if column.required)
    return found is not None and found.score >= max(2, (required + 1) // 2)


def _named(refusal: RefusedFile, sheet: Sheet, sheets: int) -> RefusedFile:
    if sheets == 1:
        return refusal
    reason = f"工作表“{sheet.name}”：{refusal.reason}"
    return RefusedFile(refusal.code, reason, refusal.remedy, refusal.line, refusal.column)


def _body(sheet: Sheet, rows: Sequence[Row], header: Header, dataset: Dataset, limits: Limits) -> Body:
    body = Body(header, dataset, limits, sheet.name)
    body.set_aside.extend(margins_above(rows, header, sheet.name))
    start = header.last + 1
    _fill_merged(sheet, start)
    for first in range(start, len(sheet.rows), BATCH):
        batch: list[Row | BrokenRecord] = []
        for at in range(first, min(first + BATCH, len(sheet.rows))):
            row = Row(at + 1, _padded(sheet.rows[at], header.width))
            if at in sheet.uncached:
                _uncached(row, sheet.uncached[at], body, batch)
            else:
                batch.append(row)
        body.add_rows(batch)
    body.broken = [replace(item, sheet=sheet.name) for item in body.broken]
    return body


def _padded(cells: list[str], width: int) -> list[str]:
    """A row of a sheet is as long as its last filled cell; that says nothing about fields."""
    return cells if len(cells) >= width else cells + [""] * (width - len(cells))


def _fill_merged(sheet: Sheet, start: int) -> None:
    """A cell merged downwards over records (a village over its households) holds for each of them."""
    for top, left, bottom, _ in sheet.merges:
        if top < start or top >= len(sheet.rows) or left >= len(sheet.rows[top]):
            continue
        value = sheet.rows[top][left]
        for cells in sheet.rows[top + 1 : bottom + 1]:
            if any(cell.strip() for cell in cells):
                cells.extend([""] * (left + 1 - len(cells)))
                cells[left] = cells[left] or value


def _uncached(row: Row, columns: set[int], body: Body, batch: list[Row | BrokenRecord]) -> None:
    """A formula that was never calculated breaks its record, unless the row or the column is not wanted."""
    kind = row_kind(row.cells, body.header, body.dataset)
    if kind:
        body.set_aside.append(SetAside(row.line, body.sheet, kind))
        return
    names = body.header.names
    wanted = sorted(at for at in columns if at < len(names) and names[at])
    if not wanted:
        batch.append(row)
        return
    title = body.header.titles[wanted[0]]
    batch.append(
        BrokenRecord(
            row.line,
            body.sheet,
            "formula_uncached",
            f"第 {row.line} 行“{title}”是公式，文件里没有计算结果。",
            "请在 Excel 中打开并保存一次，或把公式粘贴为数值后重新报送。",
            column=title,
        )
    )
