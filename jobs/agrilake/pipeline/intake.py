"""One file's way from the inbox into bronze, accepted and quarantine, with its receipt.

`register` names and lands a file and gives it its place in the order of arrival; `process` reads, checks and
stores it from the landed copy, so that it can be repeated at any time (after a kill, when reference data
arrived, when a rule was mended) with the same outcome. Nothing is removed from the inbox before its bytes have
landed and the delivery is recorded; a refused file goes back to inbox/<department>/退回/, its receipt to the outbox.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from agrilake.contract.model import Dataset
from agrilake.errors import ConsistencyError, RefusedFile
from agrilake.intake.divisions import DivisionIndex
from agrilake.intake.landing import DiskFull, StillChanging, landed_files, opened, room, sha256_of, store
from agrilake.intake.limits import check_size
from agrilake.intake.manifest import check_rows_stated, manifest_path
from agrilake.intake.names import DeliveryName, parse_name
from agrilake.intake.privacy import Pseudonymiser, has_tokens, mask_file_name, mask_text
from agrilake.intake.raw import RawTable
from agrilake.intake.read import read_file
from agrilake.intake.receipt import ReceiptPaths, write_receipt
from agrilake.intake.rows import Checked, check_rows
from agrilake.intake.settle import candidates as inbox_files
from agrilake.intake.settle import check_place, settled
from agrilake.intake.veil import without_names
from agrilake.lake import audit
from agrilake.lake.bronze import bronze_rows, plain_table, sealed_table, write_bronze
from agrilake.lake.failpoints import commit, reach
from agrilake.lake.files import DELIVERY, remove_delivery, replace_delivery
from agrilake.lake.fit import fit_types
from agrilake.lake.locks import table_lock
from agrilake.lake.logs import durable
from agrilake.lake.state import KEY, LAYOUT, WITHDRAWN, Delivery
from agrilake.pipeline.context import Editions, Lake
from agrilake.pipeline.receipts import give_receipt, hand_back, require_open
from agrilake.pipeline.same_rows import told_of_same_rows

ROWS_STATED = "rows_stated"
REGISTER = "register"
"""The step under which `agrilake status` shows a file that stays in the inbox."""
WAITING_REASON = "行政区划表和区划代码对照表尚未入湖，本文件已收下，待区划表到达后自动处理。"


@dataclass(frozen=True)
class Outcome:
    """What became of one file: its delivery record, and the receipt where one was written."""

    delivery: Delivery
    receipt: ReceiptPaths | None = None
    repeat_of: str | None = None


def pending_files(lake: Lake, settle: bool = True) -> list[Path]:
    """Files in the inbox (with `settle` only complete ones): reference data first, then by time and name."""
    seconds = lake.settings.limits.settle_seconds if settle else 0.0
    ready = [path for path in inbox_files(lake.home.inbox) if settled(path, seconds, time.time())]
    reference = {dataset.id for dataset in lake.registry.reference()}
    return sorted(ready, key=lambda path: (_dataset_part(path) not in reference, _modified(path), path.name))


def _dataset_part(path: Path) -> str:
    return path.name.split("__")[0]


def _modified(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


def register(lake: Lake, path: Path) -> Outcome | None:
    """Name and land a file; the delivery is `received`, or refused or a repeat, with its receipt.

    None where another process took the file meanwhile, and where it cannot be taken yet (it is still growing,
    the disk is full, the system does not let it go): then it stays where it is, `agrilake status` says why, and
    the next run tries again. One process registers at a time.
    """
    subject = _shown_name(path)
    with table_lock(lake.home.root / "run" / "inbox"), room(lake.home, subject):
        if not os.path.lexists(path):
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
    department = _department(lake, path)
    try:
        check_place(path, lake.home.inbox)
        name = parse_name(path, lake.registry)
        landed = store(path, lake.home, lake.settings.limits, lake.seals(name.dataset_id))
        reach("landed")
    except RefusedFile as refusal:
        unnamed = _unnamed(path, department)
        _note_arrival(lake, unnamed, department)
        return _refuse(lake, unnamed, refusal, path)
    dataset = lake.registry.get(name.dataset_id)
    delivery = _delivery(lake, path, name, dataset, landed.sha256, landed.bytes)
    _note_arrival(lake, delivery, department)
    earlier = lake.state.same_bytes(landed.sha256, dataset.id)
    same_period = [item for item in earlier if _same_place(item, name) and not _same_file(item, path)]
    repeat = next(iter(same_period), None)
    if repeat is not None:
        again = replace(repeat, file_name=delivery.file_name)
        receipt = write_receipt(lake.home, again, None, None, dataset.layout(name.period), repeated=True)
        _clear(path)
        return Outcome(repeat, receipt, repeat_of=repeat.id)
    elsewhere = [item for item in earlier if item.period != name.period]
    if elsewhere and not name.confirmed:
        return _refuse(lake, delivery, _same_bytes(elsewhere[0], name.period), path)
    begun = next((item for item in earlier if item.id == delivery.id and not item.is_final), delivery)
    details = {**begun.details, **delivery.details}  # of a run that ended after it had taken the manifest away
    received = lake.state.record_delivery(replace(delivery, status="received", details=details))
    reach("received")
    _clear(path)
    return Outcome(received)


def _note_arrival(lake: Lake, delivery: Delivery, folder: str) -> None:
    """Before the delivery is recorded, so that none is without its line in the audit log; a kill leaves two."""
    folder = mask_file_name(folder)
    about = {"department": folder, "dataset": delivery.dataset, "period": delivery.period, "sha256": delivery.sha256}
    audit.record(lake.home, "delivered", delivery.id, **about, bytes=delivery.bytes)


def _department(lake: Lake, path: Path) -> str:
    """The folder of the inbox in which the file lies, however deep; empty directly in the inbox or outside it."""
    inside = path.relative_to(lake.home.inbox).parts if path.is_relative_to(lake.home.inbox) else ()
    return inside[0] if len(inside) > 1 and os.pardir not in inside else ""


def _shown_name(path: Path) -> str:
    """The file's name as people may see it: without personal numbers, and bytes that are no text replaced."""
    return mask_file_name(path.name.encode("utf-8", "replace").decode())


def _same_file(earlier: Delivery, path: Path) -> bool:
    """Whether the file is the one that was registered already, when the run ended before it left the inbox."""
    return not earlier.is_final and earlier.file_name == _shown_name(path)


def _same_place(earlier: Delivery, name: DeliveryName) -> bool:
    """Whether the earlier delivery claims the very place of the name. The same bytes at another place are no repeat:
    what may come between the two, now or later, decides whether they change anything."""
    places = [(item.kind, item.revision, item.mends) for item in (earlier, name)]
    return earlier.period == name.period and places[0] == places[1]


def process(lake: Lake, delivery: Delivery) -> Outcome:
    """Read, check and store a landed delivery; records it and writes its receipt.

    Raises DiskFull, after which the delivery is as it was and is processed by the next run, and ConsistencyError where
    it was accepted before and cannot be read by the layout that is declared for its period by now.
    """
    with room(lake.home, delivery.id):
        withdrawn = _withdrawn(lake, delivery.id)
        return Outcome(withdrawn) if withdrawn else _process(lake, delivery)


def _process(lake: Lake, delivery: Delivery) -> Outcome:
    dataset = lake.registry.get(delivery.dataset)
    layout = dataset.layout(delivery.period)
    divisions = _divisions(lake, dataset, delivery.period)
    if divisions is None and _needs_divisions(dataset):
        lake.state.owe_receipt(delivery.id)
        waiting = lake.state.record_delivery(replace(delivery, status="waiting", reason=WAITING_REASON))
        return Outcome(waiting, give_receipt(lake, waiting, None, None, layout))
    with opened(lake.home, delivery.sha256, lambda: lake.ring) as landed:
        try:
            raw, checked = examine(lake, landed, _name_of(delivery), dataset, divisions)
        except RefusedFile as refusal:
            if _other_layout(lake, delivery):
                raise ConsistencyError(
                    f"{layout.path}: {delivery.file_name} ({delivery.id}) was accepted before, but version "
                    f"{layout.version} cannot read it: {refusal.code}, {mask_text(refusal.reason)} "
                    "Mend the layout or its validUntil"
                ) from refusal
            return _refuse(lake, delivery, refusal, landed, layout, landed=True)
    _store(lake, dataset, delivery, raw, checked)
    counted = _keyed(_counted(delivery, raw, checked, divisions, dataset), dataset, lake.pseudonymiser)
    lake.state.owe_receipt(delivery.id)
    final = lake.state.record_delivery(told_of_same_rows(lake, counted, dataset, checked.accepted))
    if final.status == WITHDRAWN:  # in the meantime, by somebody else
        remove_rows(lake, final)
        return Outcome(final)
    reach("recorded")
    return Outcome(final, give_receipt(lake, final, checked, raw, layout))


def give_owed_receipt(lake: Lake, delivery: Delivery) -> Outcome:
    """Write a receipt that is owed, from the landed file. Raises OutboxClosed where the outbox does not take it."""
    require_open(lake, delivery)
    dataset = lake.registry.datasets.get(delivery.dataset)
    layout = dataset.layout(delivery.period) if dataset else None
    raw: RawTable | None = None
    checked: Checked | None = None
    if delivery.is_final and dataset is not None:
        divisions = _divisions(lake, dataset, delivery.period)
        with opened(lake.home, delivery.sha256, lambda: lake.ring) as landed:
            raw, checked = examine(lake, landed, _name_of(delivery), dataset, divisions)
    receipt = give_receipt(lake, delivery, checked, raw, layout)
    if delivery.status == "refused" and delivery.sha256 and landed_files(lake.home, delivery.sha256):
        with opened(lake.home, delivery.sha256, lambda: lake.ring) as landed:
            hand_back(lake, delivery, landed, delivery.department, landed=True)
    return Outcome(delivery, receipt)


def _withdrawn(lake: Lake, delivery_id: str) -> Delivery | None:
    known = lake.state.delivery(delivery_id)
    return known if known and known.status == WITHDRAWN else None


def remove_rows(lake: Lake, delivery: Delivery) -> None:
    """Take the delivery's rows out of accepted, quarantine and bronze; its file stays in landing."""
    remove_delivery(lake.home.table("accepted", delivery.dataset), delivery.id)
    remove_delivery(lake.home.table("quarantine"), delivery.id, column="delivery_id")
    for table in (plain_table, sealed_table):
        remove_delivery(table(lake.home, delivery.dataset), delivery.id)


def examine(
    lake: Lake, path: Path, name: DeliveryName, dataset: Dataset, divisions: DivisionIndex | None
) -> tuple[RawTable, Checked]:
    """The very same reading and checking for a delivery and for `agrilake check`; stores nothing."""
    layout = dataset.layout(name.period)
    raw = read_file(path, layout, lake.settings.limits, lake.registry, scratch=lake.home.tmp)
    raw = without_names(raw, layout)
    check_rows_stated(name.rows, raw.records)
    original = _original(lake, name, dataset)
    checked = check_rows(raw, dataset, name, divisions, lake.pseudonymiser, lake.settings, original)
    return raw, checked


def refused_now(lake: Lake, delivery: Delivery) -> pl.DataFrame:
    """Places (sheet, line) of the records of a landed delivery that the contract as it is refuses; nothing is stored.

    Raises RefusedFile where it would refuse the file.
    """
    dataset = lake.registry.get(delivery.dataset)
    divisions = _divisions(lake, dataset, delivery.period)
    with opened(lake.home, delivery.sha256, lambda: lake.ring) as landed:
        _, checked = examine(lake, landed, _name_of(delivery), dataset, divisions)
    return checked.quarantined_lines.select("sheet", "line")


def check_only(lake: Lake, path: Path) -> tuple[Delivery, RawTable | None, Checked | None]:
    """A dry run of the intake: the delivery as it would be recorded; nothing is stored."""
    try:
        check_size(path, lake.settings.limits)
        content = sha256_of(path)
        name = parse_name(path, lake.registry, check_folder=False)
        dataset = lake.registry.get(name.dataset_id)
        delivery = _delivery(lake, path, name, dataset, content, path.stat().st_size)
        divisions = _divisions(lake, dataset, delivery.period)
        if divisions is None and _needs_divisions(dataset):
            return replace(delivery, status="waiting", reason=WAITING_REASON), None, None
        raw, checked = examine(lake, path, name, dataset, divisions)
    except RefusedFile as refusal:
        return _refused(_unnamed(path, path.parent.name), refusal), None, None
    counted = _counted(delivery, raw, checked, divisions, dataset)
    return told_of_same_rows(lake, counted, dataset, checked.accepted), raw, checked


def stale_deliveries(lake: Lake) -> list[Delivery]:
    """Deliveries to process again: interrupted, waiting for reference data that has come, resolved by other divisions
    than those in force in their period (so that the order of arrival does not matter), or read by another layout than
    the one that holds in their period by now."""
    editions = lake.editions()
    return [item for item in lake.state.deliveries() if _is_stale(lake, item, editions) or _other_layout(lake, item)]


def _other_layout(lake: Lake, delivery: Delivery) -> bool:
    dataset = lake.registry.datasets.get(delivery.dataset)
    if dataset is None or not delivery.is_final:
        return False
    return dataset.layout(delivery.period).fingerprint != delivery.layout


def _is_stale(lake: Lake, delivery: Delivery, editions: Editions | None) -> bool:
    if delivery.status == "received" or editions is None:
        return delivery.status == "received"
    if not delivery.is_final:
        return delivery.status == "waiting"
    dataset = lake.registry.datasets.get(delivery.dataset)
    return (
        dataset is not None
        and _needs_divisions(dataset)
        and delivery.reference_version != editions.of(delivery.period).version
    )


def _divisions(lake: Lake, dataset: Dataset, period: str) -> DivisionIndex | None:
    """The divisions that resolve a delivery of the period; None for reference data, or before they have arrived."""
    editions = None if dataset.reference else lake.editions()
    return editions.of(period) if editions else None


def _needs_divisions(dataset: Dataset) -> bool:
    return not dataset.reference and any(column.division_level for column in dataset.columns)


def _delivery(lake: Lake, path: Path, name: DeliveryName, dataset: Dataset, sha256: str, size: int) -> Delivery:
    place = (dataset.id, name.period, name.kind, str(name.revision), *([name.mends] if name.mends else []))
    return Delivery(
        id=_identity(lake, "|".join((*place, sha256))),
        dataset=dataset.id,
        department=dataset.department,
        period=name.period,
        file_name=_shown_name(path),
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
        if _withdrawn(lake, found) is None:
            return found
        number += 1


def _unnamed(path: Path, department: str) -> Delivery:
    """A record for a file whose name or bytes cannot be taken: known by its name and size alone."""
    size = path.lstat().st_size
    seed = f"{path.parent.name}/{path.name}|{size}"
    identity = hashlib.sha256(seed.encode("utf-8", "surrogateescape")).hexdigest()
    return Delivery(identity[:16], "", mask_file_name(department), "", _shown_name(path), "", size, "refused")


def _name_of(delivery: Delivery) -> DeliveryName:
    rows = delivery.details.get(ROWS_STATED)
    return DeliveryName(delivery.dataset, delivery.period, delivery.kind, delivery.revision, delivery.mends, rows=rows)


def _original(lake: Lake, name: DeliveryName, dataset: Dataset) -> pl.DataFrame | None:
    """Bronze rows of the delivery that a mend refers to: masked cells left as they are come from there."""
    if name.mends is None:
        return None
    mended = lake.state.delivery(name.mends)
    if mended is not None and mended.status == WITHDRAWN:
        raise RefusedFile(
            "withdrawn_delivery",
            f"回执 {name.mends} 的报送已经撤回，不能再补正。",
            "请把改好的整份文件重新报送。",
        )
    if mended is None or mended.dataset != dataset.id or mended.period != name.period:
        raise RefusedFile(
            "unknown_delivery",
            f"文件名说它补正回执 {name.mends}，但本数据集、本期没有这个回执。",
            "请用回执附带的补正文件修改，文件名保持不变。",
        )
    return bronze_rows(lake.home, dataset.id, mended.id)


def _store(lake: Lake, dataset: Dataset, delivery: Delivery, raw: RawTable, checked: Checked) -> None:
    bronze = checked.source.with_columns(pl.lit(delivery.id).alias(DELIVERY))
    accepted = checked.accepted.with_columns(
        pl.lit(delivery.id).alias(DELIVERY),
        pl.lit(delivery.period).alias("_period"),
        pl.lit(delivery.kind).alias("_kind"),
        pl.lit(delivery.mends, dtype=pl.String).alias("_mends"),
        pl.lit(delivery.revision, dtype=pl.Int32).alias("_revision"),
        pl.lit(delivery.sequence, dtype=pl.Int64).alias("_sequence"),
    )
    findings = checked.findings.with_columns(pl.lit(delivery.id).alias("delivery_id"))
    stored = {item.contract_version for item in lake.state.deliveries(dataset.id) if item.is_final}
    fit_types(lake.home.table("accepted", dataset.id), accepted, dataset.version, stored)
    ring = lake.seals(dataset.id)
    text = lake.home.table("bronze", dataset.id) if ring is None else sealed_table(lake.home, dataset.id)
    tables = [text, lake.home.table("quarantine"), lake.home.table("accepted", dataset.id)]
    with durable(*tables):
        with commit("bronze", text):
            write_bronze(lake.home, dataset.id, bronze, delivery.id, ring)
        with commit("quarantine", tables[1]):
            replace_delivery(tables[1], findings, delivery.id, column="delivery_id", partitioned=False)
        with commit("accepted", tables[2]):
            replace_delivery(tables[2], accepted, delivery.id)


def _counted(
    delivery: Delivery, raw: RawTable, checked: Checked, divisions: DivisionIndex | None, dataset: Dataset
) -> Delivery:
    accepted, duplicate = checked.accepted.height, checked.duplicates.height
    quarantined = raw.records - accepted - duplicate
    if quarantined != len(checked.quarantined_lines):
        raise ConsistencyError(
            f"{delivery.id}: {raw.records} records, but {accepted} accepted + {duplicate} duplicate + "
            f"{len(checked.quarantined_lines)} quarantined"
        )
    errors = checked.findings.filter(pl.col("severity") == "error")
    details = {
        "rules": dict(sorted(Counter(errors["rule"]).items())),
        "set_aside": _count_set_aside(raw),
        "encoding": raw.encoding,
        "delimiter": raw.delimiter,
        "sheets": [mask_text(sheet) for sheet in raw.sheets],
        "unmatched": [mask_text(header) for header in raw.unmatched],
        **{key: value for key, value in delivery.details.items() if key == ROWS_STATED},
    }
    if fingerprint := dataset.layout(delivery.period).fingerprint:
        details[LAYOUT] = fingerprint
    return replace(
        delivery,
        status="partial" if quarantined else "accepted",
        code=None,
        reason=None,
        remedy=None,
        records=raw.records,
        accepted=accepted,
        quarantined=quarantined,
        duplicate=duplicate,
        details=details,
        reference_version=divisions.version if divisions else None,
        contract_version=dataset.version,
    )


def _keyed(delivery: Delivery, dataset: Dataset, pseudonymiser: Pseudonymiser) -> Delivery:
    """The delivery with the id of the key that its tokens are made by, if its dataset has any."""
    if not has_tokens(dataset):
        return delivery
    return replace(delivery, details={**delivery.details, KEY: pseudonymiser.current_id})


def _count_set_aside(raw: RawTable) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for item in raw.set_aside:
        counts[item.kind] += item.lines
    return dict(sorted(counts.items()))


def _same_bytes(earlier: Delivery, period: str) -> RefusedFile:
    return RefusedFile(
        "same_bytes_other_period",
        f"本文件与 {earlier.period} 期已收的文件（回执 {earlier.id[:8]}）内容完全相同，却报送为 {period} 期。",
        "请核对是否选错了文件；确属两期相同的，请在文件名末尾加“__确认”再投。",
    )


def _refused(delivery: Delivery, refusal: RefusedFile) -> Delivery:
    place = {"line": refusal.line, "column": refusal.column}
    details = {**delivery.details, **{key: value for key, value in place.items() if value is not None}}
    return replace(
        delivery,
        status="refused",
        code=refusal.code,
        reason=mask_text(refusal.reason),
        remedy=mask_text(refusal.remedy),
        details=details,
    )


def _refuse(
    lake: Lake,
    delivery: Delivery,
    refusal: RefusedFile,
    file: Path,
    dataset: Dataset | None = None,
    landed: bool = False,
) -> Outcome:
    lake.state.owe_receipt(delivery.id)
    refused = lake.state.record_delivery(_refused(delivery, refusal))
    reach("refused")
    receipt = give_receipt(lake, refused, None, None, dataset)
    folder = delivery.department if landed else _department(lake, file)
    hand_back(lake, refused, file, folder, landed)
    return Outcome(refused, receipt)


def _clear(path: Path) -> None:
    """The manifest first: without its file nobody would ever ask for it again."""
    manifest_path(path).unlink(missing_ok=True)
    reach("manifest_cleared")
    path.unlink(missing_ok=True)
