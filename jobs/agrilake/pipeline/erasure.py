"""Erasing a person: every record of theirs leaves the lake, with old versions and publications, and comes in no more.

The act is noted first, by marks that tell nobody who it is (agrilake.intake.forgotten). From then on no file is read
without them (agrilake.pipeline.landed): those that are landed are rewritten here, later ones when they arrive. Whatever
is ended in the middle is brought to its end by the next run, which also makes gold and the publication anew, and then
takes away what older versions and publications held.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl
from deltalake import DeltaTable

from agrilake.checks import CHECKS
from agrilake.contract.model import Dataset
from agrilake.errors import UsageError
from agrilake.intake.forgotten import WHOLE, Forgotten
from agrilake.intake.kept import kept_file
from agrilake.intake.privacy import mask_text
from agrilake.lake import audit
from agrilake.lake.bronze import bronze_rows, plain_table, sealed_table
from agrilake.lake.erasures import (
    PUBLISHED,
    STORED,
    Erasure,
    erasures,
    note_erasure,
    note_purged,
    note_stage,
    oldest_versions,
)
from agrilake.lake.failpoints import reach
from agrilake.lake.locks import table_lock
from agrilake.lake.purge import purge
from agrilake.lake.state import REFUSED, WITHDRAWN, Delivery
from agrilake.pipeline import intake, publishing, steps
from agrilake.pipeline.context import Lake
from agrilake.pipeline.landed import (
    FILE_ERASED,
    HOLDING,
    forget_refused,
    is_rewritten,
    person_registers,
    read_landed,
)
from agrilake.publish import current_publication
from agrilake.publish.persons import published_columns
from agrilake.publish.store import RETIRED, complete

LONGEST = 200
NUMBERS = ("resident_id", "bank_card", "mobile_phone")


@dataclass(frozen=True)
class Held:
    """Records of a delivery that are somebody's: its dataset, period, file, and how many; never a value."""

    delivery: str
    dataset: str
    period: str
    file_name: str
    records: int


def held_of(lake: Lake, numbers: Sequence[str], places: Sequence[str] = ()) -> list[Held]:
    """What the lake holds of the owner of these numbers, and at these places (`delivery:line`, or
    `delivery:line:sheet`); nothing is changed. Raises UsageError for what is no such number or place."""
    numbers = [*numbers, *_numbers_at(lake, places)]
    sought = _sought(lake, numbers, places)
    wanted = [place.split(":", 2) for place in _placed(lake, places)]
    found = []
    for delivery, dataset, rows in _stored(lake):
        mine = sought.within(rows, dataset, {})
        for of, line, sheet in wanted:
            if of == delivery.id:
                mine |= rows["_line"].eq(int(line)) & rows["_sheet"].eq_missing(sheet or None)
        if mine.any():
            about = (delivery.id, dataset.id, delivery.period, delivery.file_name)
            found.append(Held(*about, int(mine.sum())))
    return found


def erase(lake: Lake, numbers: Sequence[str], by: str, reason: str, places: Sequence[str] = ()) -> Erasure:
    """Erase the owner of these numbers (identity, bank card, mobile phone), and the owners of the records at `places`
    (`delivery:line`, with `:sheet` in a workbook), up to silver; gold and publications follow with the next run.

    Raises UsageError without a person who does it or a reason, for what is no such number (a wrong check digit) or no
    such place; none of them is repeated in the error.
    """
    for name, text in (("by", by), ("reason", reason)):
        if not text.strip() or len(text) > LONGEST:
            raise UsageError(f"an erasure needs --{name}, at most {LONGEST} characters")
    if not numbers and not places:
        raise UsageError("give the person's numbers on standard input, or --line for a record that has none")
    where = _placed(lake, places)
    sought = _sought(lake, [*numbers, *_numbers_at(lake, places)], places)
    with table_lock(lake.home.root / "run" / "erasure"):
        marks = sorted(sought.marks)
        act = note_erasure(lake.home, by.strip(), mask_text(reason.strip()), marks, where)
        audit.record(lake.home, "erased", f"erasure {act.number}", by=act.by, stage="noted")
        reach("erasure_noted")
    finish(lake)
    return next(item for item in erasures(lake.home) if item.number == act.number)


def finish(lake: Lake) -> list[int]:
    """Bring erasures that are noted through files, bronze, quarantine and silver; their numbers, none where nothing was
    left to do."""
    if not any(not act.stage for act in erasures(lake.home)):
        return []
    with table_lock(lake.home.root / "run" / "erasure"):
        todo = [act for act in erasures(lake.home) if not act.stage]
        if not todo:
            return []
        before = _erased(lake)
        registers = person_registers(lake.registry)
        order = sorted(lake.registry.datasets.values(), key=lambda dataset: dataset.id not in registers)
        files = sum(_rewrite(lake, dataset) for dataset in order)
        for number in {act.number for act in todo}:
            for name in _tables(lake):
                _purge(lake, name, number)
        records = _erased(lake) - before
        for act in todo:
            note_stage(lake.home, act, STORED, records, files)
            audit.record(
                lake.home, "erased", f"erasure {act.number}", act.by, stage=STORED, records=records, files=files
            )
        reach("erasure_stored")
    return [act.number for act in todo]


def finish_published(lake: Lake) -> list[int]:
    """Once gold and the publication are made anew, take away what older ones held of those erased; numbers of the
    erasures that are over by it. Those whose gold is held by a check, or not yet built, wait for the next run."""
    todo = [act for act in erasures(lake.home) if act.stage == STORED]
    if not todo or not publishing.publication_is_current(lake):
        return []
    with table_lock(lake.home.root / "run" / "erasure"):
        personal = published_columns(lake.registry)
        gold = [name for name in personal if name in lake.registry.gold]
        if set(gold) & set(steps.held_tables(lake)):
            return []
        for name in gold:
            _purge(lake, f"gold/{name}", todo[-1].number)
        reach("erasure_gold_purged")
        _remove_publications(lake)
        reach("erasure_publications_removed")
        for act in todo:
            note_stage(lake.home, act, PUBLISHED, act.records, act.files)
            audit.record(lake.home, "erased", f"erasure {act.number}", act.by, stage=PUBLISHED)
    return [act.number for act in todo]


def _sought(lake: Lake, numbers: Sequence[str], places: Sequence[str] = ()) -> Forgotten:
    """The marks of the numbers, and of what registers of persons call their owners and those at the places."""
    for number in numbers:
        if not _is_number(number):
            raise UsageError(
                "one of the numbers is no resident id, bank card or mobile phone: its length or check digit is wrong"
            )
    registers = person_registers(lake.registry)
    plain = Forgotten.of(lake.ring, [], registers)
    sought = replace(plain, marks=frozenset(mark for number in numbers for mark in plain.marks_of(number)))
    more: set[str] = set()
    wanted = [place.split(":", 2) for place in _placed(lake, places)]
    for delivery, dataset, rows in _stored(lake, registers):
        lines = [int(line) for of, line, _ in wanted if of == delivery.id]
        mine = rows.filter(sought.within(rows, dataset, {}) | rows["_line"].is_in(lines))
        known = mine[registers[dataset.id]].drop_nulls() if registers[dataset.id] in mine.columns else ()
        more |= {plain.register_mark(dataset.id, str(value).strip()) for value in known}
    return replace(sought, marks=sought.marks | more)


def _is_number(text: str) -> bool:
    values = pl.Series([text.strip().upper()], dtype=pl.String)
    return any(bool(CHECKS[name].holds(values).fill_null(False)[0]) for name in NUMBERS)


def _stored(lake: Lake, datasets: object = None) -> Iterator[tuple[Delivery, Dataset, pl.DataFrame]]:
    """Bronze rows of every delivery that counts."""
    for delivery in lake.state.deliveries():
        dataset = lake.registry.datasets.get(delivery.dataset)
        if dataset is None or not delivery.is_final or (datasets is not None and dataset.id not in datasets):  # type: ignore[operator]
            continue
        rows = bronze_rows(lake.home, dataset.id, delivery.id)
        if rows is not None and rows.height:
            yield delivery, dataset, rows


def _placed(lake: Lake, places: Sequence[str]) -> list[str]:
    """Places with whole delivery ids and a sheet, as acts keep them. Raises UsageError where one is none."""
    found = []
    for place in places:
        prefix, _, rest = place.partition(":")
        line, _, sheet = rest.partition(":")
        delivery = lake.state.delivery(prefix) if prefix else None
        if delivery is None or not line.isdigit():
            raise UsageError(f"--line {prefix}:{line}: expected DELIVERY:LINE or DELIVERY:LINE:SHEET of a delivery")
        found.append(f"{delivery.id}:{line}:{sheet}")
    return found


def _numbers_at(lake: Lake, places: Sequence[str]) -> list[str]:
    """The numbers of the persons whose records stand there, as far as they are numbers."""
    numbers = []
    for place in _placed(lake, places):
        of, line, sheet = place.split(":", 2)
        delivery = lake.state.delivery(of)
        dataset = lake.registry.get(delivery.dataset) if delivery else None
        rows = bronze_rows(lake.home, dataset.id, of) if dataset else None
        at = (
            None
            if rows is None
            else rows.filter((pl.col("_line") == int(line)) & pl.col("_sheet").eq_missing(sheet or None))
        )
        if dataset is None or at is None or at.height != 1:
            raise UsageError(f"--line {of[:8]}:{line}: no such record is stored")
        cells = [at[column.name][0] for column in dataset.columns if column.pii in WHOLE and column.name in at.columns]
        numbers += [cell for cell in cells if cell and _is_number(cell)]
    return numbers


def _rewrite(lake: Lake, dataset: Dataset) -> int:
    """Rewrite the landed files of a dataset, store again what is left in them, bring silver up to date; how many."""
    files = 0
    known = lake.state.deliveries(dataset.id)
    for delivery in reversed(known):  # a mend before what it mends, whose bronze has the cells that it left masked
        if delivery.status in HOLDING:
            read_landed(lake, delivery, dataset)
        elif delivery.status in (REFUSED, WITHDRAWN) and forget_refused(lake, delivery):
            files += 1
    for delivery in known:
        if delivery.is_final and is_rewritten(lake, delivery):
            intake.process(lake, delivery)
            reach("erasure_rows_stored")
    files += sum(kept_file(lake.home, item.sha256, item.id) is not None for item in known if item.sha256)
    steps.update_silver(lake, dataset.id)
    return files


def _tables(lake: Lake) -> Iterator[str]:
    """Tables of datasets in which somebody was erased, whose older versions are to go (layer/name)."""
    touched = {
        item.dataset
        for item in lake.state.deliveries()
        if item.details.get(FILE_ERASED) or (item.sha256 and kept_file(lake.home, item.sha256, item.id))
    }
    for name in sorted(touched & lake.registry.datasets.keys()):
        dataset = lake.registry.get(name)
        for path in (plain_table(lake.home, name), sealed_table(lake.home, name), lake.home.table("accepted", name)):
            yield path.relative_to(lake.home.root).as_posix()
        for table in filter(None, (name, dataset.history_table)):
            yield f"silver/{table}"
    if touched:
        yield "quarantine"


def _purge(lake: Lake, name: str, number: int) -> None:
    path = lake.home.table(*name.split("/"))
    if DeltaTable.is_deltatable(str(path)):
        first = purge(path)
        if oldest_versions(lake.home).get(name) != first:
            note_purged(lake.home, name, first, number)


def _remove_publications(lake: Lake) -> None:
    """All that were made before the current one: their files have rows of persons."""
    current = current_publication(lake.home)
    with table_lock(lake.home.publications):
        for path in complete(lake.home):
            if current is not None and path.name != current.path.name:
                retired = path.with_name(path.name + RETIRED)
                path.rename(retired)
                shutil.rmtree(retired)


def _erased(lake: Lake) -> int:
    return sum(item.erased for item in lake.state.deliveries())
