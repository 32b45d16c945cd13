"""Rows inside or below a table that are no records: totals, notes, signatures.

A row is set aside only if it cannot be a record: the word stands in its first filled cell and the key is not
filled otherwise. In doubt it is a record, and the row checks say what is wrong with it: nothing is swallowed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agrilake.contract.model import Column, Dataset, LogicalType
from agrilake.intake.header import Header, repeats_header
from agrilake.intake.titles import squeeze

TOTAL = re.compile(r".{0,12}(?:合计|小计|总计|共计|累计)(?:数)?[:：]?")
NOTE = re.compile(
    r"(?:备注|注\d?|附注|说明|填表说明|数据来源|资料来源|填报单位|填报人|填表人|制表人|制表|经办人|复核人|审核人|审核|"
    r"负责人|单位负责人|统计负责人|联系人|联系电话|制表日期|填表日期|填报日期|报出日期|报送日期|打印日期|打印时间|导出时间|"
    r"盖章|单位\(盖章\)|单位)[:：].*|(?:填表人|填报人|制表人|审核人|制表日期|填表日期|填报日期|备注|注)$|本表.*"
)
SIEVE = r"[合小总共累]\s*计\s*数?\s*[:：]?\s*$|^[\s\ufeff\u200b]*[备注附说填数资制经复审负单统联报打导盖本]"
"""Cheap regular expression for whole frames: every first filled cell that TOTAL or NOTE accept matches it."""
PLACEHOLDER = frozenset({"", "-", "--", "—", "——", "/", "\\", "无", "x", "×", "*"})
PERIOD_NAMES = frozenset({"year", "quarter", "month", "period", "day", "date"})
NUMERIC = re.compile(r"[+-]?[\d,.]+%?")
DATE = re.compile(r"\d{4}[-/.年]?\d{1,2}.*|\d{5}")


def row_kind(cells: Sequence[str], header: Header, dataset: Dataset) -> str | None:
    """blank, header, total or note where the row is no record; else None."""
    filled = [at for at, cell in enumerate(cells) if cell.strip()]
    if not filled:
        return "blank"
    word_at = _word_at(cells, filled, header, TOTAL)
    if word_at is not None and not _identified(cells, header, dataset, word_at):
        return "total"
    word_at = _word_at(cells, filled, header, NOTE)
    if word_at is not None and not _keyed(cells, header, dataset, word_at):
        return "note"
    if repeats_header(cells, header, dataset):
        return "header"
    return None


def lone_text(cells: Sequence[str], header: Header, dataset: Dataset) -> bool:
    """A row with one filled cell, no number: the continuation of a note if it follows one."""
    filled = [at for at, cell in enumerate(cells) if cell.strip()]
    return len(filled) == 1 and not NUMERIC.fullmatch(squeeze(cells[filled[0]])) and header.needed > 1


def _word_at(cells: Sequence[str], filled: Sequence[int], header: Header, pattern: re.Pattern[str]) -> int | None:
    """Position of the word: in the first filled cell, or after cells of unmatched columns (序号)."""
    first_matched = next((at for at in filled if at < header.width and header.names[at]), filled[0])
    for at in dict.fromkeys((filled[0], first_matched)):
        if pattern.fullmatch(squeeze(cells[at])):
            return at
    return None


def _identified(cells: Sequence[str], header: Header, dataset: Dataset, word_at: int) -> bool:
    """Whether anything but the word and the period says which record this would be."""
    word_column = header.names[word_at] if word_at < header.width else None
    keys = [column for column in _keys(dataset) if column.name in header.columns]
    rest = [column for column in keys if column.name != word_column]
    if any(_plausible(_cell(cells, header, column), column) for column in dataset.personal_columns):
        return True
    if rest:
        return all(_plausible(_cell(cells, header, column), column) for column in rest)
    return bool(keys) and _free_text(keys[0]) and _others_filled(cells, header, dataset, keys[0])


def _keyed(cells: Sequence[str], header: Header, dataset: Dataset, word_at: int) -> bool:
    """Whether every key column but the period holds a value that it could have."""
    word_column = header.names[word_at] if word_at < header.width else None
    keys = [column for column in _keys(dataset) if column.name in header.columns]
    if word_column in {column.name for column in keys}:
        return False
    return bool(keys) and all(_plausible(_cell(cells, header, column), column) for column in keys)


def _keys(dataset: Dataset) -> tuple[Column, ...]:
    keys = tuple(dataset.column(name) for name in dataset.key)
    named = tuple(column for column in keys if column.name not in PERIOD_NAMES | {dataset.period_column})
    return named or keys


def _free_text(column: Column) -> bool:
    return column.type is LogicalType.STRING and not (column.pattern or column.enum or column.division_level)


def _others_filled(cells: Sequence[str], header: Header, dataset: Dataset, key: Column) -> bool:
    texts = [column for column in dataset.columns if column.required and column.type is LogicalType.STRING]
    return any(_plausible(_cell(cells, header, column), column) for column in texts if column is not key)


def _cell(cells: Sequence[str], header: Header, column: Column) -> str:
    at = header.columns.get(column.name)
    return cells[at] if at is not None and at < len(cells) else ""


def _plausible(cell: str, column: Column) -> bool:
    """Whether the cell could be a value of the column; loose, for it decides only what is *not* swallowed."""
    text = squeeze(cell)
    if text in PLACEHOLDER or TOTAL.fullmatch(text) or NOTE.fullmatch(text):
        return False
    if column.pattern:
        return any(character.isdigit() for character in text)
    if column.type in (LogicalType.INTEGER, LogicalType.NUMBER):
        return NUMERIC.match(text) is not None
    if column.type in (LogicalType.DATE, LogicalType.TIMESTAMP):
        return DATE.match(text) is not None
    return True
