"""Splitting physical lines of delimited text into records, with quotes, and without ever losing a line.

The grammar is that of RFC 4180: a field that begins with a quote goes to the closing one and may hold
delimiters, doubled quotes and line ends; a quote elsewhere in a field is a character like others. A quote that is
never closed (or swallows whole records) breaks the line where it was opened, and that line only.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence

from agrilake.intake.header import Row
from agrilake.intake.raw import BrokenRecord

QUOTE = '"'
MAX_SPAN = 200
"""Physical lines that one quoted field may span; real cells with line ends have a handful."""


def split_records(
    lines: Sequence[str], first_line: int, delimiter: str, width: int | None, final: bool
) -> tuple[list[Row | BrokenRecord], int]:
    """Records of `lines`, and how many lines were used up.

    Lines that are left begin with a quoted field that is still open: give them again with the lines that
    follow. With `final` none are left. `width` is the header's number of fields, None while it is sought.
    """
    found: list[Row | BrokenRecord] = []
    at = 0
    while at < len(lines):
        record = next_record(lines, at, first_line, delimiter, width, final)
        if record is None:
            break
        found.append(record)
        at += record.lines
    return found, at


def next_record(
    lines: Sequence[str], at: int, first_line: int, delimiter: str, width: int | None, final: bool
) -> Row | BrokenRecord | None:
    """The record that begins at index `at` of `lines`; None if lines that follow are needed to tell."""
    line = lines[at]
    if QUOTE not in line:
        return Row(first_line + at, line.split(delimiter))
    record = _one_line(line, first_line + at, delimiter) or _many_lines(lines, at, first_line, delimiter, width)
    if record is None and (final or len(lines) - at > MAX_SPAN):
        return _unbalanced(first_line + at)
    return record


def _one_line(line: str, number: int, delimiter: str) -> Row | BrokenRecord | None:
    """The record if it ends on its line (the csv module is fast where it agrees); None if a quote is open."""
    if line.count(QUOTE) % 2 == 0:
        try:
            return Row(number, next(csv.reader((line,), delimiter=delimiter, strict=True)))
        except (csv.Error, StopIteration):
            pass
    fields, state = fields_of(line, delimiter)
    if state == "bad":
        return _bad_quote(number)
    return Row(number, fields) if state == "whole" else None


def fields_of(text: str, delimiter: str) -> tuple[list[str], str]:
    """Fields of a text, and "whole", "open" (a quote is not closed) or "bad" (text after a closing quote)."""
    fields: list[str] = []
    at = 0
    while True:
        if not text.startswith(QUOTE, at):
            end = text.find(delimiter, at)
            fields.append(text[at:] if end < 0 else text[at:end])
        else:
            close = _closing(text, at + 1)
            if close < 0:
                return fields, "open"
            fields.append(text[at + 1 : close].replace('""', QUOTE))
            end = text.find(delimiter, close + 1)
            rest = text[close + 1 :] if end < 0 else text[close + 1 : end]
            if rest.strip(" "):
                return fields, "bad"
        if end < 0:
            return fields, "whole"
        at = end + len(delimiter)


def _closing(text: str, at: int) -> int:
    while True:
        at = text.find(QUOTE, at)
        if at < 0 or not text.startswith(QUOTE, at + 1):
            return at
        at += 2


def _many_lines(
    lines: Sequence[str], at: int, first_line: int, delimiter: str, width: int | None
) -> Row | BrokenRecord | None:
    """The record that begins on line `at` and ends on a later one; None if its quote is never closed."""
    number = first_line + at
    for end in range(at + 1, min(len(lines), at + MAX_SPAN)):
        if QUOTE not in lines[end]:
            continue
        fields, state = fields_of("\n".join(lines[at : end + 1]), delimiter)
        if state == "open":
            continue
        if state == "bad" or _swallowed(lines[at + 1 : end + 1], len(fields), delimiter, width):
            return _unbalanced(number)
        return Row(number, fields, end + 1 - at)
    return None


def _swallowed(later: Sequence[str], found: int, delimiter: str, width: int | None) -> bool:
    """Whether lines inside the quotes are records themselves, so that the quote was a mistake."""
    if width is None or width < 3:
        return False
    suspects = later if found != width else later[:-1]
    readings = (fields_of(line, delimiter) for line in suspects)
    return any(state == "whole" and len(fields) == width for fields, state in readings)


def _unbalanced(line: int) -> BrokenRecord:
    return BrokenRecord(
        line,
        None,
        "unbalanced_quote",
        f"第 {line} 行有一个双引号没有成对，无法分清各列。",
        '请补上或删去多余的双引号（内容中的双引号应写成两个 ""）。',
    )


def _bad_quote(line: int) -> BrokenRecord:
    return BrokenRecord(
        line,
        None,
        "bad_quote",
        f"第 {line} 行引号后面还有文字，无法分清各列。",
        '请检查双引号：内容中的双引号应写成两个 ""，整个内容再用双引号括起。',
    )


def field_count(row: Row, sheet: str | None, expected: int) -> BrokenRecord:
    """A record with more or fewer fields than the header."""
    return BrokenRecord(
        row.line,
        sheet,
        "field_count",
        f"第 {row.line} 行有 {len(row.cells)} 列，表头有 {expected} 列。",
        "请检查是否多了或少了分隔符；内容中有分隔符时请用双引号括起。",
        lines=row.lines,
    )


def long_cell(row: Row, sheet: str | None, limit: int) -> BrokenRecord:
    """A record with a cell that is longer than Excel's own limit."""
    return BrokenRecord(
        row.line,
        sheet,
        "long_cell",
        f"第 {row.line} 行有超过 {limit} 个字的内容。",
        "请检查引号和换行是否丢失，或缩短内容。",
        lines=row.lines,
    )
