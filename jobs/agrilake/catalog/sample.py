"""Headers and rows of a file that no contract describes yet: enough of the table to propose one."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agrilake.catalog.proposal import Sample
from agrilake.catalog.shape import PLAIN_NUMBER
from agrilake.contract.settings import Limits
from agrilake.errors import RefusedFile
from agrilake.intake.archive import check_archive
from agrilake.intake.decode import Text, decoded
from agrilake.intake.header import Row
from agrilake.intake.limits import check_size
from agrilake.intake.numbers import tidy
from agrilake.intake.records import split_records
from agrilake.intake.sheets import xls_sheets, xlsx_sheets
from agrilake.intake.sniff import kind_of

DELIMITERS = (",", "\t", ";", "，", "|")
SAMPLE_LINES = 5_000
HEADER_ROWS = 20
TOTALS = ("合计", "小计", "总计", "共计")


@dataclass(frozen=True)
class FileSample(Sample):
    """A sample with the encoding that the file was found to be in."""

    encoding: str = "utf-8"


def read_sample(path: Path, limits: Limits) -> FileSample:
    """The first rows of the file's table, in a workbook of the visible sheet with most cells.

    Raises RefusedFile for a file that cannot be decoded or has no header with at least two columns.
    """
    check_size(path, limits)
    kind = kind_of(path)
    if kind == "text":
        with decoded(path, "gb18030", limits) as text:
            return table_of(_text_rows(text), text.encoding)
    sheets = xlsx_sheets(path, check_archive(path, limits)) if kind == "xlsx" else xls_sheets(path)
    widest = max((sheet.rows for sheet in sheets if sheet.rows), key=_size, default=[])
    return table_of(widest[:SAMPLE_LINES], "gb18030")


def _size(rows: Sequence[Sequence[str]]) -> int:
    return sum(bool(cell) for row in rows[:SAMPLE_LINES] for cell in row)


def table_of(rows: Sequence[Sequence[str]], encoding: str) -> FileSample:
    """Header and data rows among rows of text: preamble, totals, notes and blank rows left out."""
    filled = [[tidy(cell) for cell in row] for row in rows]
    filled = [row for row in filled if any(row)]
    widths = [sum(bool(cell) for cell in row) for row in filled]
    if not widths or max(widths) < 2:
        raise RefusedFile("no_header", "没有找到至少两列的表头。", "请给出一份带表头的数据文件。")
    usual = statistics.median_high([width for width in widths if width > 1])
    at = next((place for place, row in enumerate(filled[:HEADER_ROWS]) if _is_header(row, usual)), None)
    if at is None:
        raise RefusedFile("no_header", f"前 {HEADER_ROWS} 个非空行里没有找到表头。", "请在数据上方加一行表头。")
    places = [place for place, cell in enumerate(filled[at]) if cell]
    headers = tuple(filled[at][place] for place in places)
    data = [tuple(row[place] if place < len(row) else "" for place in places) for row in filled[at + 1 :]]
    return FileSample(headers, tuple(row for row in data if _is_record(row)), encoding)


def _is_header(row: Sequence[str], usual: int) -> bool:
    """As wide as the table, every filled cell a different text that is no number."""
    cells = [cell for cell in row if cell]
    wide = len(cells) >= max(2, 0.8 * usual)
    return wide and len(set(cells)) == len(cells) and not any(PLAIN_NUMBER.fullmatch(cell) for cell in cells)


def _is_record(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell]
    return len(filled) > 1 and filled[0].replace(" ", "") not in TOTALS


def _text_rows(text: Text) -> list[list[str]]:
    lines: list[str] = []
    for block in text.blocks():
        lines.extend(block.lines)
        if len(lines) >= SAMPLE_LINES:
            break
    lines = lines[:SAMPLE_LINES]
    delimiter = max(DELIMITERS, key=lambda mark: _regularity(lines, mark))
    records, _ = split_records(lines, 1, delimiter, None, final=True)
    return [record.cells for record in records if isinstance(record, Row)]


def _regularity(lines: Sequence[str], delimiter: str) -> tuple[int, int]:
    """How many lines have the commonest number (above none) of the delimiter, and that number."""
    counts = [line.count(delimiter) for line in lines if line.count(delimiter)]
    if not counts:
        return 0, 0
    common = statistics.mode(counts)
    return counts.count(common), common
