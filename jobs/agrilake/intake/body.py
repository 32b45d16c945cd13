"""The rows below a header: kept as a frame of text, broken, or set aside. Text files and sheets both come here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from agrilake.contract.model import Dataset, LogicalType
from agrilake.contract.settings import Limits
from agrilake.intake.header import Header, Row
from agrilake.intake.limits import check_broken
from agrilake.intake.margins import SIEVE, lone_text, row_kind
from agrilake.intake.raw import EXTRA, LINE, ORIGIN_LINE, ORIGIN_SHEET, SHEET, BrokenRecord, SetAside
from agrilake.intake.records import field_count, long_cell
from agrilake.intake.text import ESCAPED

LINES = "_lines"


@dataclass
class Body:
    """Collects the rows of one table; `frames` hold c0, c1 … (String), _line and _lines (Int64)."""

    header: Header
    dataset: Dataset
    limits: Limits
    sheet: str | None = None
    frames: list[pl.DataFrame] = field(default_factory=list)
    broken: list[BrokenRecord] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)
    lone_lines: set[int] = field(default_factory=set)

    @property
    def cells(self) -> list[str]:
        """Names of the cell columns."""
        return [f"c{at}" for at in range(self.header.width)]

    def add_rows(self, rows: Iterable[Row | BrokenRecord]) -> None:
        """Rows of any length, one by one."""
        good: list[Row] = []
        for row in rows:
            if isinstance(row, BrokenRecord):
                self.broken.append(row)
            elif (cells := self._fitted(row.cells)) is None:
                self._misfit(row)
            elif len(max(cells, key=len)) > self.limits.max_cell_chars:
                self.broken.append(long_cell(row, self.sheet, self.limits.max_cell_chars))
            else:
                good.append(Row(row.line, cells, row.lines))
            check_broken(len(self.broken), self.limits)
        if good:
            columns = zip(*(row.cells for row in good), strict=True)
            data = {name: pl.Series(values, dtype=pl.String) for name, values in zip(self.cells, columns, strict=True)}
            data[LINE] = pl.Series([row.line for row in good], dtype=pl.Int64)
            data[LINES] = pl.Series([row.lines for row in good], dtype=pl.Int64)
            self.add_frame(pl.DataFrame(data))

    def _fitted(self, cells: list[str]) -> list[str] | None:
        """The cells in the header's width: blank ones at the end may be missing or too many."""
        width = self.header.width
        if len(cells) == width:
            return cells
        if len(cells) > width:
            return None if any(cell.strip() for cell in cells[width:]) else cells[:width]
        return cells + [""] * (width - len(cells)) if len(cells) >= self.header.needed else None

    def _misfit(self, row: Row) -> None:
        kind = row_kind(row.cells, self.header, self.dataset)
        if kind:
            self._set_aside(row, kind)
            return
        if lone_text(row.cells, self.header, self.dataset):
            self.lone_lines.add(row.line)
        self.broken.append(field_count(row, self.sheet, self.header.width))

    def add_blanks(self, lines: pl.Series) -> None:
        """Blank lines by their numbers, in order: as many runs, for a file may end in a million of them."""
        runs = lines.to_frame("line").group_by(pl.col("line") - pl.int_range(pl.len()), maintain_order=True)
        for start, count in runs.agg(pl.first("line").alias("start"), pl.len()).select("start", "len").rows():
            self.set_aside.append(SetAside(start, self.sheet, "blank", count))

    def add_frame(self, frame: pl.DataFrame) -> None:
        """Rows of the header's width; those that look like margins are looked at one by one."""
        bare = frame.select(pl.col(self.cells).str.strip_chars())  # once: it costs more than what is asked of it
        blank = bare.select(pl.all_horizontal(pl.all().fill_null("") == "")).to_series() & (frame[LINES] == 1)
        self.add_blanks(frame.filter(blank)[LINE])
        frame = frame.with_columns(bare.select(self._suspicious().alias("_suspect"))).filter(~blank)
        for values in frame.filter("_suspect").select(*self.cells, LINE, LINES).rows():
            cells, line, lines = [value or "" for value in values[:-2]], values[-2], values[-1]
            kind = row_kind(cells, self.header, self.dataset)
            if kind:
                self._set_aside(Row(line, cells, lines), kind)
        aside = {item.line for item in self.set_aside}
        if aside:
            frame = frame.filter(~(pl.col("_suspect") & pl.col(LINE).is_in(list(aside))))
        self.frames.append(frame.drop("_suspect"))

    def _set_aside(self, row: Row, kind: str) -> None:
        sums = self._sums(row.cells) if kind == "total" else {}
        self.set_aside.append(SetAside(row.line, self.sheet, kind, row.lines, sums))

    def _sums(self, cells: Sequence[str]) -> dict[str, str]:
        numbers = [item.name for item in self.dataset.columns if item.type in (LogicalType.INTEGER, LogicalType.NUMBER)]
        places = [(name, self.header.columns[name]) for name in numbers if name in self.header.columns]
        return {name: cells[at] for name, at in places if at < len(cells) and cells[at].strip()}

    def _suspicious(self) -> pl.Expr:
        """Over cells without spaces around them: whether a row looks like a margin."""
        matched = [name for name, column in zip(self.cells, self.header.names, strict=True) if column]
        first, first_matched = _first_filled(self.cells), _first_filled(matched)
        repeated = [
            pl.col(name) == title.strip() for name, title in zip(self.cells, self.header.titles, strict=True) if title
        ]
        numbered = pl.any_horizontal(pl.col(name) == "甲" for name in self.cells)
        words = first.str.contains(SIEVE) | first_matched.str.contains(SIEVE)
        return first.is_null() | words.fill_null(False) | pl.any_horizontal(*repeated, numbered).fill_null(False)

    def finish(self) -> pl.DataFrame:
        """All kept rows in order of lines; lone texts that follow a closing note are set aside as notes."""
        schema = dict.fromkeys(self.cells, pl.String) | {LINE: pl.Int64, LINES: pl.Int64}
        frame = pl.concat(self.frames) if self.frames else pl.DataFrame(schema=schema)
        frame = self._without_closing_notes(frame.sort(LINE))
        self.broken.sort(key=lambda item: item.line)
        self.set_aside = _joined(sorted(self.set_aside, key=lambda item: item.line or 0))
        return frame

    def _without_closing_notes(self, frame: pl.DataFrame) -> pl.DataFrame:
        notes = [item.line for item in self.set_aside if item.kind == "note" and item.line]
        if not notes:
            return frame
        tail = frame.filter(pl.col(LINE) > min(notes))
        lone = [
            row[-2] for row in tail.rows() if lone_text([cell or "" for cell in row[:-2]], self.header, self.dataset)
        ]
        records = frame.filter(~pl.col(LINE).is_in(lone))[LINE].max()
        others = [item.line for item in self.broken if item.line not in self.lone_lines]
        end = max([records if isinstance(records, int) else 0, *others])
        start = min((line for line in notes if line > end), default=None)
        if start is None:
            return frame
        closing = [line for line in lone if line > start]
        self._set_aside_notes(frame.filter(pl.col(LINE).is_in(closing)).select(LINE, LINES).rows())
        late = [item for item in self.broken if item.line > start and item.line in self.lone_lines]
        self._set_aside_notes([(item.line, item.lines) for item in late])
        self.broken = [item for item in self.broken if item not in late]
        return frame.filter(~pl.col(LINE).is_in(closing))

    def _set_aside_notes(self, places: Sequence[tuple[int, ...]]) -> None:
        self.set_aside.extend(SetAside(line, self.sheet, "note", lines) for line, lines in places)

    def table(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The finished frame under the contract's names, with `_extra` and the place of each row."""
        at = self.header.columns
        columns = [
            _text(f"c{at[item.name]}", item.name) if item.name in at else _nothing(item.name, pl.String)
            for item in self.dataset.columns
        ]
        line = self._origin(ORIGIN_LINE).cast(pl.Int64, strict=False)
        sheet = pl.lit(self.sheet, dtype=pl.String).alias(SHEET)
        return frame.select(*columns, self._extra(frame), line, self._origin(ORIGIN_SHEET), pl.col(LINE), sheet)

    def _origin(self, name: str) -> pl.Expr:
        """A column of our own receipts that says where a mended row came from."""
        if name not in self.header.names:
            return _nothing(name, pl.String)
        text = pl.col(f"c{self.header.names.index(name)}").str.strip_chars().str.replace(ESCAPED, "$1")
        return pl.when(text != "").then(text).alias(name)

    def _extra(self, frame: pl.DataFrame) -> pl.Expr:
        names = self.unmatched(frame)
        if not names:
            return _nothing(EXTRA, pl.String)
        if len("".join(names.values())) * frame.height > self.limits.max_zip_bytes:  # long headers again in each row
            names = {cell: f"第{int(cell[1:]) + 1}列" for cell in names}
        return pl.struct(_text(cell, title) for cell, title in names.items()).struct.json_encode().alias(EXTRA)

    def unmatched(self, frame: pl.DataFrame) -> dict[str, str]:
        """Cell column -> header of what goes to `_extra`; columns without a header only where they hold text."""
        names: dict[str, str] = {}
        for at, (column, title) in enumerate(zip(self.header.names, self.header.titles, strict=True)):
            if column is not None:
                continue
            if title:
                names[f"c{at}"] = title
            elif frame.select((pl.col(f"c{at}").str.strip_chars() != "").any()).item():
                names[f"c{at}"] = f"第{at + 1}列"
        return names


def _first_filled(names: Sequence[str]) -> pl.Expr:
    filled = [pl.when(pl.col(name) != "").then(pl.col(name)) for name in names]
    return pl.coalesce(filled) if filled else pl.lit(None, dtype=pl.String)


def _text(cell: str, name: str) -> pl.Expr:
    return pl.when(pl.col(cell) != "").then(pl.col(cell)).alias(name)


def _nothing(name: str, kind: type[pl.DataType]) -> pl.Expr:
    return pl.lit(None, dtype=kind).alias(name)


def _joined(items: Sequence[SetAside]) -> list[SetAside]:
    """Blank lines that follow each other as one item: a file may end in a million of them."""
    joined: list[SetAside] = []
    for item in items:
        last = joined[-1] if joined else None
        if last and item.kind == last.kind == "blank" and last.line and item.line == last.line + last.lines:
            joined[-1] = SetAside(last.line, last.sheet, "blank", last.lines + item.lines)
        else:
            joined.append(item)
    return joined
