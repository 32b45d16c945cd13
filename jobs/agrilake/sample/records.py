"""A row before it is written: its values, what is wrong with it on purpose, and the rule that must find it.

Clean rows are facts. A dirty row always carries a key of its own that no fact has, so that whatever the lake
does with it, the expected indicators can be computed from the facts alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

Value = str | int | float | bool | Decimal | date | datetime | None
Row = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """A rule that must report a column of the row (`column` empty: the row as a whole)."""

    column: str
    rule: str


@dataclass(frozen=True)
class Record:
    """One row. `raw` are cells written literally (a float: a numeric cell in Excel); `group` its township.

    `extra_cells` makes the row longer than the header, `open_quote` begins its last cell with a lone quote:
    both can be written to text files only.
    """

    values: Row
    raw: Mapping[str, str | float] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    duplicate: bool = False
    group: str = ""
    extra_cells: int = 0
    open_quote: bool = False

    @property
    def clean(self) -> bool:
        """Whether the row must be accepted."""
        return not self.findings and not self.duplicate


@dataclass(frozen=True)
class Defect:
    """One way to spoil a row: what to write into a column, and the rule that must find it.

    `text` may be computed from the row's values.
    """

    column: str
    rule: str
    text: str | float | Callable[[Row], str | float]

    def write(self, values: Row) -> str | float:
        """The spoilt cell for this row."""
        return self.text(values) if callable(self.text) else self.text


def spoilt(values: Row, defects: Iterable[Defect], group: str = "") -> Record:
    """The row with one or more defects, each found by its own rule."""
    chosen = list(defects)
    raw = {defect.column: defect.write(values) for defect in chosen}
    return Record(values, raw, tuple(Finding(defect.column, defect.rule) for defect in chosen), group=group)


def conflicting(values: Row, key: str, changes: Row, group: str = "") -> list[Record]:
    """Two rows of one key that say different things: neither may be taken."""
    findings = (Finding(key, "key_conflict"),)
    return [Record(item, findings=findings, group=group) for item in (values, {**values, **changes})]


def too_long(values: Row) -> Record:
    """A row with an unquoted delimiter too many."""
    return Record(values, findings=(Finding("", "field_count"),), extra_cells=2)


def chosen(defects: Sequence[Defect], index: int, count: int) -> list[Defect]:
    """The defects of the n-th file: the list is gone through in turns, so that two files show most of it."""
    return [defects[(index * count + at) % len(defects)] for at in range(min(count, len(defects)))]


def town_of(row: Row) -> str:
    """The code of the row's township."""
    return f"{row['division_code'][:9]}000"


def repeated(record: Record) -> Record:
    """The same row once more."""
    return replace(record, duplicate=True)


def mixed(
    clean: Sequence[Record], dirty: Sequence[Record], rng: np.random.Generator, duplicates: int = 0
) -> list[Record]:
    """The clean rows with dirty ones strewn in, and some rows repeated further down."""
    result = list(clean)
    for record in dirty:
        result.insert(int(rng.integers(0, len(result) + 1)), record)
    whole = [at for at, record in enumerate(result) if record.clean]
    chosen = sorted(rng.choice(whole, size=min(duplicates, len(whole)), replace=False)) if whole else []
    for at in reversed(chosen):
        result.insert(int(rng.integers(at + 1, len(result) + 1)), repeated(result[at]))
    return result
