"""What stands around the rows: titles above, one or two header lines, totals, notes and empty lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from agrilake.contract.model import Column, Dataset, LogicalType
from agrilake.sample.places import Places
from agrilake.sample.records import Record
from agrilake.sample.spelling import Cell, Style, header_of, in_unit, spell

GROUPS = {
    "位置": ("lon", "lat"),
    "人口情况": ("registered_population", "resident_population"),
    "公开情况": ("disclosed", "disclosed_on"),
    "销售情况": ("orders", "amount_yuan"),
    "产量产值": ("output_t", "value_wan_yuan"),
    "存栏出栏": ("stock", "slaughtered"),
    "承包期限": ("contract_from", "contract_to"),
}


@dataclass(frozen=True)
class Line:
    """One line of a file: kind preamble, header, record, total, note or blank."""

    kind: str
    cells: tuple[Cell, ...]
    record: Record | None = None


@dataclass(frozen=True)
class Table:
    """A text file or one sheet; `merges` are (line index, first cell, last line index, last cell)."""

    name: str
    lines: tuple[Line, ...]
    merges: tuple[tuple[int, int, int, int], ...] = ()
    width: int = 1
    text_columns: frozenset[int] = field(default_factory=frozenset)


def tables(
    dataset: Dataset,
    records: Sequence[Record],
    style: Style,
    places: Places,
    period: str,
    rng: np.random.Generator,
    left_out: Sequence[str] = (),
) -> list[Table]:
    """The file's one table, or one a township where the style says so (workbooks)."""
    columns = [column for column in dataset.columns if column.name not in left_out]
    writer = _Writer(dataset, columns, style, places, period, rng)
    if not (style.by_township and style.workbook):
        return [writer.table("Sheet1" if style.headers else "数据", records)]
    groups = {place.code: place.name for place in places.townships}
    found = []
    for code, name in groups.items():
        own = [record for record in records if record.group == code]
        if own:
            found.append(writer.table(name, own))
    if rest := [record for record in records if record.group not in groups]:
        found.append(writer.table("其他", rest))
    return found


@dataclass(frozen=True)
class _Writer:
    dataset: Dataset
    columns: Sequence[Column]
    style: Style
    places: Places
    period: str
    rng: np.random.Generator

    @property
    def width(self) -> int:
        return len(self.columns) + self.style.numbered + self.style.extra

    def table(self, name: str, records: Sequence[Record]) -> Table:
        lines = [*self.above(), *self.header()]
        merges = [(at, 0, at, self.width - 1) for at, line in enumerate(lines[:1]) if line.kind == "preamble"]
        if self.style.two_lines:
            merges += self.header_merges(len(lines) - 2)
        for number, record in enumerate(records, 1):
            lines.append(Line("record", self.cells(record, number), record))
            if self.style.blanks and number % 200 == 0:
                lines.append(Line("blank", ("",) * self.width))
        if self.style.totals:
            lines.append(self.total(records))
        if self.style.notes:
            lines += self.below()
        texts = {at + self.style.numbered for at, column in enumerate(self.columns) if _is_code(column)}
        return Table(name, tuple(lines), tuple(merges), self.width, frozenset(texts))

    def wide(self, *cells: Cell) -> tuple[Cell, ...]:
        return (*cells, *("",) * (self.width - len(cells)))

    def above(self) -> list[Line]:
        lines = []
        if self.style.preamble:
            title = f"{self.places.county.name}{self.dataset.title}统计表（{self.period}）"
            lines = [Line("preamble", self.wide(title)), Line("preamble", self.wide(f"填报单位：{self.dataset.owner}"))]
        if self.style.money == "wan_preamble":
            lines.append(Line("preamble", self.wide("单位：万元")))
        if self.style.units and self.style.units_in == "preamble":
            units = "、".join(other for _, other in self.style.units)
            lines.append(Line("preamble", self.wide(f"计量单位：{units}")))
        return lines

    def titles(self) -> list[str]:
        titles = [header_of(column, self.dataset, self.style) for column in self.columns]
        return [*["序号"][: self.style.numbered], *titles, *["较上期增减"][: self.style.extra]]

    def header(self) -> list[Line]:
        titles = self.titles()
        if not self.style.two_lines:
            return [Line("header", tuple(titles))]
        upper, lower = list(titles), [""] * len(titles)
        for at, group in self.grouped():
            upper[at], lower[at] = group, titles[at]
        previous = ""
        for at, title in enumerate(upper):
            upper[at] = "" if title == previous and lower[at] else title
            previous = title
        return [Line("header", tuple(upper)), Line("header", tuple(lower))]

    def grouped(self) -> list[tuple[int, str]]:
        names = {name: group for group, members in GROUPS.items() for name in members}
        return [
            (at + self.style.numbered, names[column.name])
            for at, column in enumerate(self.columns)
            if column.name in names
        ]

    def header_merges(self, first: int) -> list[tuple[int, int, int, int]]:
        grouped = dict(self.grouped())
        merges = [(first, at, first + 1, at) for at in range(self.width) if at not in grouped]
        for group in dict.fromkeys(grouped.values()):
            places = [at for at, name in grouped.items() if name == group]
            if len(places) > 1:
                merges.append((first, min(places), first, max(places)))
        return merges

    def cells(self, record: Record, number: int) -> tuple[Cell, ...]:
        cells: list[Cell] = [number] if self.style.numbered else []
        for column in self.columns:
            if column.name in record.raw:
                cells.append(record.raw[column.name])
            else:
                value = record.values.get(column.name)
                cells.append(spell(value, column, self.dataset, self.style, self.places, self.rng))
        if self.style.extra:
            cells.append(f"{self.rng.uniform(-20, 40):.1f}%")
        return tuple(cells)

    def total(self, records: Sequence[Record]) -> Line:
        """合计 in the first cell, sums under the counts and amounts; the sums cover clean rows alone."""
        cells: list[Cell] = []
        for column in self.columns:
            additive = column.unit in ("户", "人", "元", "单", "公斤", "亩", "吨", "万元", "头只", "千瓦")
            if additive and column.type in (LogicalType.INTEGER, LogicalType.NUMBER):
                values = [record.values.get(column.name) for record in records if record.clean]
                whole = sum((Decimal(str(value)) for value in values if value is not None), Decimal(0))
                total = in_unit(whole, column, self.style)
                cells.append(float(total) if self.style.workbook else f"{total:f}")
            else:
                cells.append("")
        cells = [*[""][: self.style.numbered], *cells, *[""][: self.style.extra]]
        cells[0] = "小计" if self.style.by_township else "合  计"
        return Line("total", tuple(cells))

    def below(self) -> list[Line]:
        texts = ("注：本表数据由各镇街报送汇总，如有出入以镇街台账为准。", "填表人：        审核人：        ")
        return [Line("blank", self.wide()), *(Line("note", self.wide(text)) for text in texts)]


def _is_code(column: Column) -> bool:
    return column.type is LogicalType.STRING and column.enum == ()
