"""The usual file of a department: its rows, one row for each defect, a pair that contradicts itself, and repeats."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from agrilake.sample.drop import Drop, ExpectedFile
from agrilake.sample.history import corrected_on
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import end_of, years_in
from agrilake.sample.places import Places
from agrilake.sample.records import Defect, Record, Row, chosen, conflicting, mixed, spoilt, too_long, town_of
from agrilake.sample.spelling import Style

FIRST_SPARE, CONFLICT, LONG = 1, 90, 91
OPENINGS, MOST_LATE = 1.7, 0.5
"""Over several years a register grows by so many times what it grows within one, by half at most."""


def village_slot(places: Places, kinds: Sequence[str], number: int) -> tuple[str, str]:
    """A village and a kind for the spare row of that number, each pair once; `kinds` are those that no fact has."""
    at = number if number < CONFLICT else number - CONFLICT + 20
    villages = places.villages
    return villages[at % len(villages)].code, kinds[at // len(villages) % len(kinds)]


def plain(row: Row, _style: Style) -> Record:
    """The row as it is, in its township's sheet."""
    return Record(row, group=_group(row))


def _group(row: Row) -> str:
    return town_of(row) if "division_code" in row else ""


def first_reported(
    quarters: Sequence[str], rng: np.random.Generator, late_share: float, late: tuple[int, int], known: tuple[int, int]
) -> tuple[str, date]:
    """The quarter that first reports a thing of a register, and the day that it began: most stood in the first quarter
    already, a share a year comes later. `late` and `known` bound the days before the quarter's end."""
    years = years_in(quarters)
    share = late_share if years == 1 else min(MOST_LATE, OPENINGS * late_share * years)
    is_late = len(quarters) > 1 and rng.random() < share
    quarter = quarters[int(rng.integers(1, len(quarters)))] if is_late else quarters[0]
    return quarter, end_of(quarter) - timedelta(days=int(rng.integers(*(late if is_late else known))))


@dataclass(frozen=True)
class Extract:
    """How the files of one dataset look and what is wrong with some rows.

    `key` names the key's columns joined by commas; `spare(row, file, number)` gives a row that is no fact, under a
    key that no fact has; `contradiction` is what a second row of that key says differently. `day` is the column that
    may not lie after the period. `record` makes a row's record, for cells that are written literally.
    """

    dataset: str
    key: str
    styles: Sequence[Style]
    defects: Sequence[Defect]
    spare: Callable[[Row, int, int], Row]
    contradiction: Callable[[Row], Row]
    day: str | None = None
    duplicates: int = 2
    record: Callable[[Row, Style], Record] = plain

    def deliver(
        self, drop: Drop, rows_by_period: Mapping[str, Sequence[Row]], seed: int, per_file: int | None = None
    ) -> list[ExpectedFile]:
        """A file for each period with rows, two where it was corrected late; the first has every defect, later ones
        `per_file` in turns (None: all)."""
        done = []
        for index, (period, rows) in enumerate(rows_by_period.items()):
            late = corrected_on(self.dataset, period) if rows else None
            if late is not None:
                done.append(self._file(drop, index, period, self._mistaken(rows), seed, per_file))
                done.append(self._file(drop, index, period, rows, seed, per_file, "更正", late))
            elif rows:
                done.append(self._file(drop, index, period, rows, seed, per_file))
        return done

    def _mistaken(self, rows: Sequence[Row]) -> list[Row]:
        """What a department sends that must correct it later: rows left out, others with a wrong figure."""
        return [{**row, **self.contradiction(row)} if at % 3 == 0 else row for at, row in enumerate(rows) if at % 7]

    def _file(
        self,
        drop: Drop,
        index: int,
        period: str,
        rows: Sequence[Row],
        seed: int,
        per_file: int | None,
        note: str = "",
        arrives: date | None = None,
    ) -> ExpectedFile:
        rng = stream(seed, self.dataset, "file", period, *[note][: bool(note)])
        style = self.styles[index % len(self.styles)]
        defects = self._defects(index, period, per_file)

        def spare(number: int) -> Row:
            return self.spare(rows[(index * 31 + number * 7) % len(rows)], index, number)

        dirty = [spoilt(spare(at), [defect], _group(spare(at))) for at, defect in enumerate(defects, FIRST_SPARE)]
        base = spare(CONFLICT)
        dirty += conflicting(base, self.key, self.contradiction(base), _group(base))
        if not style.workbook:
            dirty.append(too_long(spare(LONG)))
        records = [self.record(row, style) for row in rows]
        duplicates = self.duplicates if len(rows) > self.duplicates else 0
        return drop.table(self.dataset, period, mixed(records, dirty, rng, duplicates), style, note, arrives=arrives)

    def _defects(self, index: int, period: str, per_file: int | None) -> list[Defect]:
        count = len(self.defects) if index == 0 or per_file is None else min(per_file, len(self.defects))
        picked = chosen(self.defects, index, count)
        if self.day is None:
            return picked
        return [*picked, Defect(self.day, "not_future", f"{end_of(period) + timedelta(days=9):%Y-%m-%d}")]
