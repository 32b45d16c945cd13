"""A file's arrival: it is named, landed and given its place in the order of arrival.

Nothing is removed from the inbox before its bytes have landed and the delivery is recorded."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path

from agrilake.contract.model import Dataset
from agrilake.errors import RefusedFile
from agrilake.intake.landing import DiskFull, StillChanging, room, store
from agrilake.intake.leaving import gone, set_aside
from agrilake.intake.manifest import manifest_path
from agrilake.intake.names import DeliveryName, parse_name
from agrilake.intake.privacy import mask_file_name
from agrilake.intake.receipt import write_receipt
from agrilake.intake.settle import Identity, check_place, identity, settled
from agrilake.intake.settle import candidates as inbox_files
from agrilake.lake import audit
from agrilake.lake.failpoints import reach
from agrilake.lake.locks import table_lock
from agrilake.lake.state import Delivery
from agrilake.pipeline.context import Lake
from agrilake.pipeline.landed import release
from agrilake.pipeline.outcomes import Outcome, department_of, refuse, shown_name, unnamed, withdrawn
from agrilake.pipeline.reading import ROWS_STATED

MEND = "补正-"
REGISTER = "register"
"""The step under which `agrilake status` shows a file that stays in the inbox."""


def pending_files(lake: Lake, settle: bool = True) -> list[Path]:
    """Files in the inbox (with `settle` only complete ones): reference data first, mends last (one may
    have come together with what it mends), then by time and name."""
    seconds = lake.settings.limits.settle_seconds if settle else 0.0
    ready = [path for path in inbox_files(lake.home.inbox) if settled(path, seconds, time.time())]
    reference = {dataset.id for dataset in lake.registry.reference()}
    return sorted(
        ready,
        key=lambda path: (_dataset_part(path) not in reference, MEND in path.name, _modified(path), path.name),
    )


def _dataset_part(path: Path) -> str:
    return path.name.split("__")[0]


def _modified(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


def register(lake: Lake, path: Path) -> Outcome | None:
    """Name and land a file; the delivery is `received`, or refused or a repeat, with its receipt.

    None where another process took the file meanwhile, and where it cannot be taken yet (it is still growing, was
    replaced a moment ago, the disk is full, the system does not let it go): then it stays where it is, `agrilake
    status` says why, and the next run tries again. One process registers at a time.
    """
    subject, asked = shown_name(path), identity(path)
    with table_lock(lake.home.root / "run" / "inbox"), room(lake.home, subject):
        if asked is None or identity(path) != asked:  # taken, or replaced by one that may not be complete yet
            return None
        try:
            outcome = _register(lake, path)
        except (DiskFull, StillChanging, OSError) as error:
            said = f"{subject}: {error.strerror}" if isinstance(error, OSError) else str(error)
            lake.state.resolve_failures(REGISTER, subject)
            lake.state.record_failure(REGISTER, subject, said)
            return None
        lake.state.resolve_failures(REGISTER, subject)
        return outcome


def _register(lake: Lake, path: Path) -> Outcome:
    department, seen = department_of(lake, path), identity(path)
    try:
        check_place(path, lake.home.inbox)
        name = parse_name(path, lake.registry)
        landed = store(path, lake.home, lake.settings.limits, lake.seals(name.dataset_id))
        reach("landed")
    except RefusedFile as refusal:
        nameless = unnamed(path, department)
        _note_arrival(lake, nameless, department)
        return refuse(lake, nameless, refusal, path, seen=seen)
    dataset = lake.registry.get(name.dataset_id)
    delivery = delivery_of(lake, path, name, dataset, landed.sha256, landed.bytes)
    _note_arrival(lake, delivery, department)
    earlier = lake.state.same_bytes(landed.sha256, dataset.id)
    same_period = [item for item in earlier if _same_place(item, name) and not _same_file(item, path)]
    repeat = next(iter(same_period), None)
    if repeat is not None:
        again = replace(repeat, file_name=delivery.file_name)
        receipt = write_receipt(lake.home, again, None, None, dataset.layout(name.period), repeated=True)
        release(lake, landed.sha256)
        _clear(path, seen)
        return Outcome(repeat, receipt, repeat_of=repeat.id)
    elsewhere = [item for item in earlier if item.period != name.period]
    if elsewhere and not name.confirmed:
        outcome = refuse(lake, delivery, _same_bytes(elsewhere[0], name.period), path, seen=seen)
        release(lake, landed.sha256)
        return outcome
    begun = next((item for item in earlier if item.id == delivery.id and not item.is_final), delivery)
    details = {**begun.details, **delivery.details}  # of a run that ended after it had taken the manifest away
    received = lake.state.record_delivery(replace(delivery, status="received", details=details))
    reach("received")
    _clear(path, seen)
    return Outcome(received)


def _note_arrival(lake: Lake, delivery: Delivery, folder: str) -> None:
    """Before the delivery is recorded, so that none is without its line in the audit log; a kill leaves two."""
    folder = mask_file_name(folder)
    about = {"department": folder, "dataset": delivery.dataset, "period": delivery.period, "sha256": delivery.sha256}
    audit.record(lake.home, "delivered", delivery.id, **about, bytes=delivery.bytes)


def _same_file(earlier: Delivery, path: Path) -> bool:
    """Whether the file is the one that was registered already, when the run ended before it left the inbox."""
    return not earlier.is_final and earlier.file_name == shown_name(path)


def _same_place(earlier: Delivery, name: DeliveryName) -> bool:
    """Whether the earlier delivery claims the very place of the name. The same bytes at another place are no repeat:
    what may come between the two, now or later, decides whether they change anything."""
    places = [(item.kind, item.revision, item.mends) for item in (earlier, name)]
    return earlier.period == name.period and places[0] == places[1]


def delivery_of(lake: Lake, path: Path, name: DeliveryName, dataset: Dataset, sha256: str, size: int) -> Delivery:
    """The record of a file that has just come, by its name and the sum of its bytes."""
    place = (dataset.id, name.period, name.kind, str(name.revision), *([name.mends] if name.mends else []))
    return Delivery(
        id=_identity(lake, "|".join((*place, sha256))),
        dataset=dataset.id,
        department=dataset.department,
        period=name.period,
        file_name=shown_name(path),
        sha256=sha256,
        bytes=size,
        status="received",
        kind=name.kind,
        revision=name.revision,
        mends=name.mends,
        contract_version=dataset.version,
        details={} if name.rows is None else {ROWS_STATED: name.rows},
    )


def _identity(lake: Lake, seed: str) -> str:
    """The id of a delivery, from what it claims and holds; one that comes again after it was withdrawn is another."""
    number = 0
    while True:
        found = hashlib.sha256((f"{seed}|{number}" if number else seed).encode()).hexdigest()[:16]
        if withdrawn(lake, found) is None:
            return found
        number += 1


def _same_bytes(earlier: Delivery, period: str) -> RefusedFile:
    return RefusedFile(
        "same_bytes_other_period",
        f"本文件与 {earlier.period} 期已收的文件（回执 {earlier.id[:8]}）内容完全相同，却报送为 {period} 期。",
        "请核对是否选错了文件；确属两期相同的，请在文件名末尾加“__确认”再投。",
    )


def _clear(path: Path, seen: Identity | None) -> None:
    """Take the file out of the inbox, the manifest first: without its file nobody would ever ask for it again. One that
    was put in its place meanwhile is another delivery, and stays."""
    if identity(path) != seen:
        return
    manifest_path(path).unlink(missing_ok=True)
    reach("manifest_cleared")
    aside = set_aside(path, seen)
    if aside is not None:
        gone(aside)
