"""What reading a file gives: the text of every record with its place, and everything that is not a record.

No value is interpreted here: all contract columns are text exactly as in the file (stripped of nothing but
what the file format itself adds). The row checks start from these objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from agrilake.errors import ConsistencyError

LINE = "_line"
SHEET = "_sheet"
EXTRA = "_extra"
ORIGIN_LINE = "_origin_line"
ORIGIN_SHEET = "_origin_sheet"
SYSTEM_COLUMNS = {
    LINE: pl.Int64,
    SHEET: pl.String,
    EXTRA: pl.String,
    ORIGIN_LINE: pl.Int64,
    ORIGIN_SHEET: pl.String,
}

SET_ASIDE_KINDS = ("preamble", "header", "blank", "total", "note", "hidden_sheet", "other_sheet")


@dataclass(frozen=True)
class SetAside:
    """A line (or, with `line` None, a whole sheet) that is no record of the table.

    `kind` is one of SET_ASIDE_KINDS; `lines` says how many physical lines or rows it stands for (1 but for
    quoted newlines and whole sheets). `sums` has what a total says: column -> text, for the contract's numbers.
    """

    line: int | None
    sheet: str | None
    kind: str
    lines: int = 1
    sums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BrokenRecord:
    """A record that cannot be split into the header's fields or whose cells have no readable value.

    `line` is its first physical line (or Excel row); `rule`, `reason`, `remedy` go to the quarantine as they
    are; `column` is the header as written where one cell is to blame. `rule` is one of field_count,
    unbalanced_quote, bad_quote, formula_uncached, long_cell; `lines` its number of physical lines.
    """

    line: int
    sheet: str | None
    rule: str
    reason: str
    remedy: str
    column: str | None = None
    lines: int = 1


@dataclass(frozen=True)
class RawTable:
    """All records of a file as text.

    `frame` has every contract column (String, null where the file lacks the column or the cell is empty),
    `_extra` (json object of the unmatched columns by header, null where there are none), `_line` (Int64,
    1-based physical line of the record's first line, or Excel row), `_sheet` (String or null),
    `_origin_line` and `_origin_sheet` (Int64 and String or null: 原行号 and 原工作表 of a mended receipt), in file
    order.
    `headers` and `header_units` map contract columns to the header as written and to the unit in its
    brackets; `missing` are contract columns the file lacks (never required ones: those refuse the file);
    `unmatched` the headers that went to `_extra`; `ignored` the columns of our own receipts. `erased` are the places
    (sheet, line) of records that the file had and that were erased since: they are in no count but `delivered`.
    """

    frame: pl.DataFrame
    headers: dict[str, str]
    header_units: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    broken: tuple[BrokenRecord, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    sheets: tuple[str, ...] = ()
    erased: tuple[tuple[str | None, int], ...] = ()

    @property
    def records(self) -> int:
        """Physical data records: those with fields and those that are broken."""
        return self.frame.height + len(self.broken)

    @property
    def delivered(self) -> int:
        """Physical data records that the file had when it came."""
        return self.records + len(self.erased)

    def assert_complete(self, physical: int, frame_lines: int) -> None:
        """Every one of the `physical` lines (or rows) seen belongs to a record or was set aside.

        `frame_lines` are the lines of the frame's records, more than its height where cells hold line ends.
        Raises ConsistencyError otherwise: a reader that loses lines must never look like a short file.
        """
        aside = sum(item.lines for item in self.set_aside)
        broken = sum(item.lines for item in self.broken)
        if frame_lines + aside + broken != physical:
            raise ConsistencyError(
                f"{physical} lines were read, but {frame_lines} lines of records, {broken} of broken records and "
                f"{aside} set aside are accounted for"
            )
