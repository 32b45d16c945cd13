"""Reading delimited text: the delimiter by what makes a header of it, then blocks of lines to rows.

Lines that are a whole record by themselves are split by Polars at once, the others one by one. Both ways give the
same table, whatever the size of the blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from agrilake.contract.model import Dataset
from agrilake.contract.settings import Limits
from agrilake.intake.body import LINES, Body
from agrilake.intake.decode import CHUNK, Block, Text
from agrilake.intake.header import Header, Row, best_candidate, find_header
from agrilake.intake.limits import check_columns, empty_table
from agrilake.intake.raw import LINE, BrokenRecord, RawTable, SetAside
from agrilake.intake.records import next_record, split_records
from agrilake.intake.regular import BLANK, IRREGULAR, PLAIN, QUOTED, regular_kind, split_plain, split_quoted
from agrilake.intake.tables import combined

DELIMITERS = (",", "\t", ";", "，", "|")
HEAD_LINES = 200


def read_text(
    text: Text,
    dataset: Dataset,
    limits: Limits,
    others: Sequence[Dataset] = (),
    *,
    block: int = CHUNK,
    fast: bool = True,
) -> RawTable:
    """The table of a decoded text file; raises RefusedFile (empty_file, no_header, missing_columns …)."""
    head = _head(text)
    delimiter = _delimiter(head, dataset, others)
    rows = _rows(head, delimiter)
    check_columns(max(len(row.cells) for row in rows), limits, rows[0].line)
    header = find_header(rows, dataset, others)
    last = rows[header.last]
    start = last.line + last.lines
    body = Body(header, dataset, limits)
    body.set_aside.extend(margins_above(rows, header))
    physical = _fill(body, text.blocks(block), start, delimiter, fast)
    return combined([body], dataset, physical, encoding=text.encoding, delimiter=delimiter)


def _head(text: Text) -> list[str]:
    lines: list[str] = []
    for block in text.blocks():
        lines.extend(block.lines)
        if sum(1 for line in lines if line.strip(" \t,;，|")) >= HEAD_LINES:
            break
    if not any(line.strip(' \t,;，|"') for line in lines):
        raise empty_table()
    filled = next(at for at, line in enumerate(lines) if line.strip(" \t,;，|"))
    return lines[: filled + HEAD_LINES]


def _rows(head: Sequence[str], delimiter: str) -> list[Row]:
    records, _ = split_records(head, 1, delimiter, None, final=True)
    return [item if isinstance(item, Row) else Row(item.line, [""], item.lines) for item in records]


def _delimiter(head: Sequence[str], dataset: Dataset, others: Sequence[Dataset]) -> str:
    """The delimiter under which a row names most columns; of this dataset, else of any other."""

    def score(delimiter: str, wanted: Sequence[Dataset]) -> int:
        rows = _rows(head, delimiter)
        found = [best_candidate(rows, item) for item in wanted]
        return max((item.score for item in found if item), default=0)

    scores = {delimiter: score(delimiter, [dataset]) for delimiter in DELIMITERS}
    if max(scores.values()) < 2 and others:
        scores = {delimiter: score(delimiter, [dataset, *others]) for delimiter in DELIMITERS}
    if max(scores.values()) == 0:
        scores = {delimiter: head[0].count(delimiter) for delimiter in DELIMITERS}
    return max(DELIMITERS, key=lambda delimiter: scores[delimiter])


def margins_above(rows: Sequence[Row], header: Header, sheet: str | None = None) -> Iterator[SetAside]:
    """What stands above the table's first record."""
    for index, row in enumerate(rows[: header.last + 1]):
        kind = "header" if index >= header.first else "preamble"
        yield SetAside(row.line, sheet, "blank" if row.blank else kind, row.lines)


def _fill(body: Body, blocks: Iterator[Block], start: int, delimiter: str, fast: bool) -> int:
    """Give every line from `start` on to the body; returns the number of physical lines of the file."""
    carry: list[str] = []
    first, physical = start, 0
    for block in blocks:
        lines = block.lines
        physical += len(lines)
        begin = max(start - block.first_line, 0)
        lines = carry + lines[begin:]
        used = _take(body, lines, first, delimiter, fast, final=False)
        carry, first = lines[used:], first + used
    _take(body, carry, first, delimiter, fast, final=True)
    return physical


def _take(body: Body, lines: list[str], first: int, delimiter: str, fast: bool, final: bool) -> int:
    """Records of the lines: regular ones at once, the others one by one; returns how many lines were used."""
    if not lines:
        return 0
    width = body.header.width
    frame = pl.DataFrame({"text": pl.Series(lines, dtype=pl.String)}).with_row_index("at")
    frame = frame.with_columns(kind=regular_kind(delimiter, width, body.limits) if fast else pl.lit(IRREGULAR))
    records: list[Row | BrokenRecord] = []
    used = 0
    taken: list[int] = []
    for at in frame.filter(pl.col("kind") == IRREGULAR)["at"].to_list():
        if at < used:
            continue
        record = next_record(lines, at, first, delimiter, width, final)
        if record is None:
            frame = frame.head(at)
            break
        records.append(record)
        used = at + record.lines
        taken.extend(range(at + 1, used))
    regular = frame.filter(~pl.col("at").is_in(taken)) if taken else frame
    for kind, parse in ((PLAIN, split_plain), (QUOTED, split_quoted)):
        part = regular.filter(pl.col("kind") == kind)
        if part.height:
            place = [(pl.col("at") + first).cast(pl.Int64).alias(LINE), pl.lit(1, dtype=pl.Int64).alias(LINES)]
            body.add_frame(parse(part["text"], delimiter, body.cells).hstack(part.select(place)))
    body.add_blanks((regular.filter(pl.col("kind") == BLANK)["at"] + first).cast(pl.Int64))
    body.add_rows(records)
    return frame.height
