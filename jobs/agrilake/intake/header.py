"""Finding the header under preamble lines: one row or two, matched with the contract by its synonyms."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from agrilake.contract.model import Dataset
from agrilake.errors import RefusedFile
from agrilake.intake.raw import ORIGIN_LINE, ORIGIN_SHEET
from agrilake.intake.titles import RECEIPT_COLUMNS, Match, match, same_family, squeeze, title_of, unit_of

ORIGIN = (ORIGIN_LINE, ORIGIN_SHEET)
SEARCHED_ROWS = 20
"""Non-blank rows among which the header must be."""
TABLE_UNIT = re.compile(r"单位[:：]\s*([^\s:：][^:：]*)$")
BETWEEN_UNITS = re.compile(r"[、,，;；\s]+")


@dataclass(frozen=True)
class Row:
    """One record of text or one row of a sheet: its first physical line, its cells, its number of lines."""

    line: int
    cells: list[str]
    lines: int = 1

    @property
    def blank(self) -> bool:
        """Nothing but white space."""
        return not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True)
class Header:
    """Where the header stands and what its positions mean.

    `names` has for each position the contract column, `_origin_line`, `_origin_sheet`, "" for a column of our own
    receipts, or None for one that goes to `_extra` under `titles[position]`. `first` and `last` are indexes of rows:
    rows before `first` are preamble, those up to `last` belong to the header.
    """

    first: int
    last: int
    line: int
    titles: tuple[str, ...]
    names: tuple[str | None, ...]
    units: dict[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, int]:
        """Contract column -> position."""
        return {name: at for at, name in enumerate(self.names) if name and name not in ORIGIN}

    @property
    def width(self) -> int:
        """Positions, blank header cells at the end included."""
        return len(self.names)

    @property
    def needed(self) -> int:
        """Positions up to the last header cell with text: a record may be as short as this."""
        return max((at + 1 for at, title in enumerate(self.titles) if title), default=0)


@dataclass(frozen=True)
class Candidate:
    """A row (or two) read as a header."""

    first: int
    last: int
    titles: tuple[str, ...]
    matches: tuple[Match | None, ...]

    @property
    def score(self) -> int:
        """Distinct contract columns that it names."""
        return len({item.column for item in self.matches if item})


def find_header(rows: Sequence[Row], dataset: Dataset, others: Sequence[Dataset] = ()) -> Header:
    """The header among the first rows of a table.

    `others` are the datasets, and other layouts of this one, that the file may be meant for. Raises RefusedFile
    no_header, wrong_dataset, wrong_layout, duplicate_header or missing_columns, with the line.
    """
    best = best_candidate(rows, dataset)
    _refuse_wrong_layout(rows, dataset, others, best)
    recognised = best is not None and best.score >= min(2, len(dataset.columns))
    lacking = missing(best, dataset) if best else []
    if not recognised or lacking:
        _refuse_wrong_dataset(rows, dataset, others, best)
    if best is None or not recognised:
        raise _no_header(dataset)
    line = rows[best.first].line
    _refuse_duplicates(best, dataset, line)
    if lacking:
        raise _missing(lacking, dataset, line)
    return _header(rows, best, dataset)


def best_candidate(rows: Sequence[Row], dataset: Dataset) -> Candidate | None:
    """The reading that names most columns, the earliest of equals; two rows only if they name more than each."""
    filled = [index for index, row in enumerate(rows) if not row.blank][:SEARCHED_ROWS]
    singles = {index: Candidate(index, index, *_single(rows[index].cells, dataset)) for index in filled}
    best = max(singles.values(), key=lambda item: item.score, default=None)
    if best is None or best.score == 0:
        return None
    for index in filled:
        below = singles.get(index + 1)
        if below is None:
            continue
        double = Candidate(index, index + 1, *_double(rows[index], rows[index + 1], dataset))
        if double.score > max(best.score, singles[index].score, below.score):
            best = double
    return best


def _single(cells: Sequence[str], dataset: Dataset) -> tuple[tuple[str, ...], tuple[Match | None, ...]]:
    return tuple(_clean(cell) for cell in cells), tuple(match(cell, dataset) for cell in cells)


def _double(upper: Row, lower: Row, dataset: Dataset) -> tuple[tuple[str, ...], tuple[Match | None, ...]]:
    """Parent and child rows: 户主 over 姓名 reads 户主姓名, else 姓名; a merged parent goes to the right."""
    titles: list[str] = []
    matches: list[Match | None] = []
    parent = ""
    for at in range(max(len(upper.cells), len(lower.cells))):
        own = _clean(upper.cells[at]) if at < len(upper.cells) else ""
        child = _clean(lower.cells[at]) if at < len(lower.cells) else ""
        parent = own or (parent if child else "")
        readings = [parent + child, child] if child else [parent]
        found = next((item for reading in readings if (item := match(reading, dataset))), None)
        unit = title_of(parent).unit if found and not found.unit else None
        matches.append(Match(found.column, unit) if found and unit else found)
        titles.append(parent if child == parent else parent + child)
    return tuple(titles), tuple(matches)


def _clean(cell: str) -> str:
    return re.sub(r"\s+", "", cell.replace("\ufeff", ""))


def missing(found: Candidate, dataset: Dataset) -> list[str]:
    """Titles of required columns that the candidate lacks."""
    have = {item.column for item in found.matches if item}
    return [column.title for column in dataset.columns if column.required and column.name not in have]


def _refuse_wrong_layout(
    rows: Sequence[Row], dataset: Dataset, others: Sequence[Dataset], best: Candidate | None
) -> None:
    """A file that names more columns of another layout of the dataset than of the one that holds in its period, among
    them what this one knows under another name."""
    here, known = _meant(best, dataset), {feed.column for column in dataset.columns for feed in column.feeds}
    for other in others:
        if other.id != dataset.id or other.version == dataset.version:
            continue
        found = best_candidate(rows, other)
        more = found is not None and found.score > (best.score if best else 0) and not missing(found, other)
        if found and more and known & _meant(found, other) - here:
            raise RefusedFile(
                "wrong_layout",
                f"这一期的“{dataset.title}”应按数据规范 {dataset.edition} 填报，表头却是 {other.edition} 的。",
                f"请按数据规范 {dataset.edition} 的填报表整理后重新报送；如果是期别写错了，请改正文件名中的期别。",
                line=rows[found.first].line,
            )


def _meant(found: Candidate | None, dataset: Dataset) -> set[str]:
    """The columns of today that the header's columns fill."""
    named = {item.column for item in found.matches if item} if found else set()
    return {feed.column for column in dataset.columns if column.name in named for feed in column.feeds}


def _refuse_wrong_dataset(
    rows: Sequence[Row], dataset: Dataset, others: Sequence[Dataset], best: Candidate | None
) -> None:
    """A file whose columns are all there for another dataset, and more of them than for this one."""
    here = best.score if best else 0
    fitting: list[tuple[int, str, Dataset]] = []
    for other in others:
        found = best_candidate(rows, other) if other.id != dataset.id else None
        if found and found.score >= 2 and found.score > here and not missing(found, other):
            fitting.append((-found.score, other.id, other))
    if fitting:
        other = min(fitting, key=lambda item: item[:2])[2]
        raise RefusedFile(
            "wrong_dataset",
            f"文件名写的是“{dataset.title}”，但表头与“{other.title}”（{other.id}）一致。",
            f"请核对内容；如果确实是“{other.title}”，请把文件名改成 {other.id}__期别 后重新报送。",
        )


def _no_header(dataset: Dataset) -> RefusedFile:
    required = "、".join(column.title for column in dataset.columns if column.required)
    return RefusedFile(
        "no_header",
        f"前 {SEARCHED_ROWS} 个非空行里没有找到“{dataset.title}”的表头。",
        f"请在数据上方加一行表头，至少包括：{required}。可用“{dataset.title}”模板填报。",
    )


def _missing(lacking: Sequence[str], dataset: Dataset, line: int) -> RefusedFile:
    names = "、".join(lacking)
    return RefusedFile(
        "missing_columns",
        f"表头缺少必填列：{names}。",
        f"请补上这些列（列名可用“{dataset.title}”模板中的写法）后重新报送。",
        line=line,
        column=lacking[0],
    )


def _refuse_duplicates(found: Candidate, dataset: Dataset, line: int) -> None:
    columns = Counter(item.column for item in found.matches if item)
    for column, count in columns.items():
        if count > 1:
            pairs = zip(found.titles, found.matches, strict=True)
            titles = [title for title, item in pairs if item and item.column == column]
            title = dataset.column(column).title
            raise _duplicate(f"表头中有 {count} 列都是“{title}”（写作：{'、'.join(titles)}）。", line, title)
    texts = Counter(squeeze(title) for title, item in zip(found.titles, found.matches, strict=True) if not item)
    for title in found.titles:
        if title and texts[squeeze(title)] > 1:
            raise _duplicate(f"表头中有 {texts[squeeze(title)]} 列都叫“{title}”。", line, title)


def _duplicate(reason: str, line: int, title: str) -> RefusedFile:
    return RefusedFile("duplicate_header", reason, "请只保留一列，或改成不同的列名后重新报送。", line, title)


def _header(rows: Sequence[Row], found: Candidate, dataset: Dataset) -> Header:
    names: list[str | None] = []
    for title, item in zip(found.titles, found.matches, strict=True):
        names.append(item.column if item else RECEIPT_COLUMNS.get(squeeze(title)))
    units = {item.column: item.unit for item in found.matches if item and item.unit}
    units |= _table_unit(rows[: found.first], dataset, {name for name in names if name} - units.keys())
    last = found.last
    header = Header(found.first, last, rows[found.first].line, found.titles, tuple(names), units)
    while last + 1 < len(rows) and repeats_header(rows[last + 1].cells, header, dataset):
        last += 1
    return Header(found.first, last, header.line, header.titles, header.names, units)


def _table_unit(preamble: Sequence[Row], dataset: Dataset, columns: set[str]) -> dict[str, str]:
    """A line 单位：公顷、万元 above the table holds for every column of those kinds that states no unit itself.

    Two units of one kind (亩、公顷) leave it open which column has which, so they say nothing.
    """
    stated = {unit for row in preamble for cell in row.cells for unit in _stated_units(cell)}
    units = {}
    for column in dataset.columns:
        fitting = [unit for unit in stated if same_family(unit, column.unit)]
        if column.name in columns and len(fitting) == 1 and fitting[0] != column.unit:
            units[column.name] = fitting[0]
    return units


def _stated_units(cell: str) -> set[str]:
    """The units that a line names; none if it names anything else (填报单位：某镇)."""
    found = TABLE_UNIT.search(cell.strip().rstrip(")）"))
    units = [unit_of(part) for part in BETWEEN_UNITS.split(found[1].strip())] if found else []
    return {unit for unit in units if unit} if all(units) else set()


def repeats_header(cells: Sequence[str], header: Header, dataset: Dataset) -> bool:
    """A row that is the header again: its titles, the English names, the form's guidance, or 1 2 3 4 …"""
    filled = [(at, squeeze(cell)) for at, cell in enumerate(cells[: header.width]) if cell.strip()]
    if len(filled) < 2:
        return False
    hits = sum(_names_position(text, at, header, dataset) for at, text in filled)
    return hits * 2 > len(filled) or _numbers_columns([text for _, text in filled])


def _names_position(text: str, at: int, header: Header, dataset: Dataset) -> bool:
    name = header.names[at]
    if not name or name in ORIGIN:
        return text == squeeze(header.titles[at])
    column = dataset.column(name)
    found = match(text, dataset)
    return (found is not None and found.column == name) or text == squeeze(column.description)


def _numbers_columns(texts: Sequence[str]) -> bool:
    """The row 甲 乙 1 2 3 of statistical tables."""
    digits = [text for text in texts if text not in "甲乙丙丁"]
    return (
        len(texts) >= 4
        and len(digits) >= 2
        and digits
        in (
            [str(number) for number in range(1, len(digits) + 1)],
            [str(number) for number in range(len(texts) - len(digits) + 1, len(texts) + 1)],
        )
    )
