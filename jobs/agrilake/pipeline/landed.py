"""A landed file as a table, without those who were erased: what is left of it then takes its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from agrilake.contract.counts import load_quantities
from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset
from agrilake.errors import RefusedFile
from agrilake.intake.forgotten import Forgotten, Place, untold, without
from agrilake.intake.kept import keep, kept_file, kept_files, read_kept
from agrilake.intake.landing import forget_landed, landed_files, opened
from agrilake.intake.mends import restore
from agrilake.intake.raw import RawTable
from agrilake.lake.erasures import Erasure, erasures, were_any
from agrilake.lake.failpoints import reach
from agrilake.lake.files import scan
from agrilake.lake.state import FINAL, Delivery
from agrilake.pipeline.context import Lake
from agrilake.pipeline.reading import name_of, original_of, table_of

HOLDING = (*FINAL, "received", "waiting")
"""Deliveries that their landed file is still read for."""
PERSONS = "persons"
KEPT, FILE_ERASED = "kept", "file_erased"
"""In a delivery's details: the beginning of the sum of what its rows were read from, where its file was rewritten; and
that the landed copy of a refused or withdrawn file is gone, since somebody who was erased stood in it."""


def person_registers(registry: Registry) -> dict[str, str]:
    """Datasets whose key tells one person (a household's tells several), each with its key column."""
    quantities = load_quantities()
    return {
        item.id: item.key[0]
        for item in registry.datasets.values()
        if len(item.key) == 1
        and item.rows_count
        and quantities[item.rows_count].of == PERSONS
        and any(column.pii == "id_no" for column in item.columns)
    }


def forgotten_of(lake: Lake, acts: list[Erasure] | None = None) -> Forgotten | None:
    """All who were erased; None where nobody was."""
    known = erasures(lake.home) if acts is None else acts
    if not known:
        return None
    marks = (mark for act in known for mark in act.marks)
    return Forgotten.of(lake.ring, marks, person_registers(lake.registry))


def places_of(lake: Lake, delivery_id: str, acts: list[Erasure] | None = None) -> list[Place]:
    """Records of a delivery that were erased by their place."""
    known = erasures(lake.home) if acts is None else acts
    found = [place.split(":", 2) for act in known for place in act.places]
    return [(sheet or None, int(line)) for of, line, sheet in found if of == delivery_id]


def read_landed(lake: Lake, delivery: Delivery, dataset: Dataset) -> RawTable:
    """The table of a landed delivery. Where somebody who was erased is in the file, what is left of it takes its place
    before anything else is done with it.

    Raises RefusedFile as read_file, ConsistencyError where the file is gone or altered.
    """
    acts = erasures(lake.home)
    kept = kept_file(lake.home, delivery.sha256, delivery.id)
    if kept is not None:
        raw = read_kept(lake.home, kept, lambda: lake.ring)
        left = _left(lake, delivery, dataset, raw, acts) if acts else raw
    else:
        with opened(lake.home, delivery.sha256, lambda: lake.ring) as path:
            raw = table_of(lake, path, dataset.layout(delivery.period))
            left = _left(lake, delivery, dataset, raw, acts) if acts else raw
            forgotten = forgotten_of(lake, acts)
            if left is raw and forgotten and forgotten.mentioned_in(path):
                left = untold(raw, forgotten)
    if left is not raw:
        keep(lake.home, delivery.sha256, delivery.id, left, lake.seals(dataset.id))
        reach("erasure_file_kept")
        release(lake, delivery.sha256)
    return left


def _left(lake: Lake, delivery: Delivery, dataset: Dataset, raw: RawTable, acts: list[Erasure]) -> RawTable:
    forgotten = forgotten_of(lake, acts)
    if forgotten is None:
        return raw
    name, layout = name_of(delivery), dataset.layout(delivery.period)
    try:
        original = original_of(lake, name, dataset)
    except RefusedFile:  # said when it is processed
        original = None
    restored = restore(raw.frame, layout, original)
    alive = registered(lake, forgotten.registers) if _refers(dataset, forgotten) else {}
    places = places_of(lake, delivery.id, acts)
    return without(raw, restored, dataset, forgotten, alive, places, _origins(lake, delivery))


def _origins(lake: Lake, delivery: Delivery) -> tuple[Place, ...]:
    """Records that were erased in the file that a mend is about."""
    base = lake.state.delivery(delivery.mends) if delivery.mends else None
    kept = kept_file(lake.home, base.sha256, base.id) if base else None
    return read_kept(lake.home, kept, lambda: lake.ring).erased if kept else ()


def _refers(dataset: Dataset, forgotten: Forgotten) -> bool:
    return any(column.reference and column.reference.dataset in forgotten.registers for column in dataset.columns)


def registered(lake: Lake, registers: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """The numbers that each register of persons has given to somebody as it stands."""
    found = {}
    for name, key in registers.items():
        table = scan(lake.home.table("silver", name))
        values = [] if table is None else table.select(pl.col(key).cast(pl.String)).unique().collect()[key].to_list()
        found[name] = frozenset(values)
    return found


def release(lake: Lake, sha256: str) -> None:
    """Where somebody was erased in a file, it goes as it came (also when it came again), unless a delivery of the same
    bytes is still to be read from it."""
    if kept_files(lake.home, sha256):
        same = [item for item in lake.state.deliveries() if item.sha256 == sha256 and item.status in HOLDING]
        if all(kept_file(lake.home, item.sha256, item.id) for item in same):
            forget_landed(lake.home, sha256)


def forget_refused(lake: Lake, delivery: Delivery) -> bool:
    """Delete the landed copy of a refused or withdrawn file in which somebody stands who was erased; whether it was.
    The department has its own file back."""
    forgotten = forgotten_of(lake)
    if forgotten is None or not delivery.sha256 or not landed_files(lake.home, delivery.sha256):
        return False
    same = [item for item in lake.state.deliveries() if item.sha256 == delivery.sha256 and item.status in HOLDING]
    with opened(lake.home, delivery.sha256, lambda: lake.ring) as path:
        if same or not forgotten.mentioned_in(path, _registers_of(lake, delivery, forgotten)):
            return False
    forget_landed(lake.home, delivery.sha256)
    lake.state.record_delivery(replace(delivery, details={**delivery.details, FILE_ERASED: True}))
    return True


def _registers_of(lake: Lake, delivery: Delivery, forgotten: Forgotten) -> list[str]:
    """Registers of persons whose numbers a file may hold: its dataset's own and those that it refers to; all where
    nobody knows what the file is."""
    dataset = lake.registry.datasets.get(delivery.dataset)
    if dataset is None:
        return list(forgotten.registers)
    meant = {dataset.id, *(column.reference.dataset for column in dataset.columns if column.reference)}
    return [name for name in forgotten.registers if name in meant]


def is_rewritten(lake: Lake, delivery: Delivery) -> bool:
    """Whether its file was rewritten since it was processed: then its rows are to be stored again."""
    if not were_any(lake.home):
        return False
    kept = kept_file(lake.home, delivery.sha256, delivery.id) if delivery.sha256 else None
    return kept is not None and delivery.details.get(KEPT) != _sum_of(kept.name)


def _sum_of(name: str) -> str:
    return name.split(".")[2][:16]


def kept_of(lake: Lake, delivery: Delivery) -> dict[str, str]:
    """What the details of a processed delivery say of it."""
    kept = kept_file(lake.home, delivery.sha256, delivery.id)
    return {KEPT: _sum_of(kept.name)} if kept else {}
