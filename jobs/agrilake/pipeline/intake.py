"""One file's way from the inbox into bronze, accepted and quarantine, with its receipt.

`register` names and lands a file and gives it its place in the order of arrival; `process` reads, checks and
stores it from the landed copy, so that it can be repeated at any time (after a kill, when reference data
arrived, when a rule was mended) with the same outcome. Nothing is removed from the inbox before its bytes have
landed and the delivery is recorded; a refused file goes back to inbox/<department>/退回/, its receipt to the outbox.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import polars as pl

from agrilake.contract.model import Dataset
from agrilake.errors import ConsistencyError, RefusedFile
from agrilake.intake.divisions import DivisionIndex
from agrilake.intake.kept import kept_file
from agrilake.intake.landing import landed_files, opened, room, sha256_of
from agrilake.intake.limits import check_size
from agrilake.intake.names import parse_name
from agrilake.intake.privacy import Pseudonymiser, has_tokens, mask_text
from agrilake.intake.raw import RawTable
from agrilake.intake.rows import Checked
from agrilake.lake.bronze import plain_table, sealed_table, write_bronze
from agrilake.lake.failpoints import commit, reach
from agrilake.lake.files import DELIVERY, remove_delivery, replace_delivery
from agrilake.lake.fit import fit_types
from agrilake.lake.logs import durable
from agrilake.lake.state import ERASED, KEY, LAYOUT, WITHDRAWN, Delivery
from agrilake.pipeline.arriving import delivery_of
from agrilake.pipeline.context import Editions, Lake
from agrilake.pipeline.landed import forget_refused, is_rewritten, kept_of, read_landed
from agrilake.pipeline.outcomes import Outcome, refuse, refused, unnamed, withdrawn
from agrilake.pipeline.reading import ROWS_STATED, divisions_of, examine, name_of, needs_divisions, table_of
from agrilake.pipeline.receipts import give_receipt, hand_back, require_open
from agrilake.pipeline.same_rows import told_of_same_rows

WAITING_REASON = "行政区划表和区划代码对照表尚未入湖，本文件已收下，待区划表到达后自动处理。"


def process(lake: Lake, delivery: Delivery) -> Outcome:
    """Read, check and store a landed delivery; records it and writes its receipt.

    Raises DiskFull, after which the delivery is as it was and is processed by the next run, and ConsistencyError where
    it was accepted before and cannot be read by the layout that is declared for its period by now.
    """
    with room(lake.home, delivery.id):
        known = withdrawn(lake, delivery.id)
        return Outcome(known) if known else _process(lake, delivery)


def _process(lake: Lake, delivery: Delivery) -> Outcome:
    dataset = lake.registry.get(delivery.dataset)
    layout = dataset.layout(delivery.period)
    divisions = divisions_of(lake, dataset, delivery.period)
    if divisions is None and needs_divisions(dataset):
        lake.state.owe_receipt(delivery.id)
        waiting = lake.state.record_delivery(replace(delivery, status="waiting", reason=WAITING_REASON))
        return Outcome(waiting, give_receipt(lake, waiting, None, None, layout))
    try:
        raw = read_landed(lake, delivery, dataset)
        checked = examine(lake, raw, name_of(delivery), dataset, divisions)
    except RefusedFile as refusal:
        if _other_layout(lake, delivery) or kept_file(lake.home, delivery.sha256, delivery.id):
            raise ConsistencyError(
                f"{layout.path}: {delivery.file_name} ({delivery.id}) was accepted before, but version "
                f"{layout.version} cannot read it: {refusal.code}, {mask_text(refusal.reason)} "
                "Mend the layout or its validUntil"
            ) from refusal
        with opened(lake.home, delivery.sha256, lambda: lake.ring) as landed:
            outcome = refuse(lake, delivery, refusal, landed, layout, landed=True)
        forget_refused(lake, outcome.delivery)
        return outcome
    _store(lake, dataset, delivery, raw, checked)
    counted = _keyed(_counted(delivery, raw, checked, divisions, dataset), dataset, lake.pseudonymiser)
    counted = replace(counted, details={**counted.details, **kept_of(lake, counted)})
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
        divisions = divisions_of(lake, dataset, delivery.period)
        raw = read_landed(lake, delivery, dataset)
        checked = examine(lake, raw, name_of(delivery), dataset, divisions)
    receipt = give_receipt(lake, delivery, checked, raw, layout)
    if delivery.status == "refused" and delivery.sha256 and landed_files(lake.home, delivery.sha256):
        with opened(lake.home, delivery.sha256, lambda: lake.ring) as landed:
            hand_back(lake, delivery, landed, delivery.department, landed=True)
    return Outcome(delivery, receipt)


def remove_rows(lake: Lake, delivery: Delivery) -> None:
    """Take the delivery's rows out of accepted, quarantine and bronze; its file stays in landing."""
    remove_delivery(lake.home.table("accepted", delivery.dataset), delivery.id)
    remove_delivery(lake.home.table("quarantine"), delivery.id, column="delivery_id")
    for table in (plain_table, sealed_table):
        remove_delivery(table(lake.home, delivery.dataset), delivery.id)


def refused_now(lake: Lake, delivery: Delivery) -> pl.DataFrame:
    """Places (sheet, line) of the records of a landed delivery that the contract as it is refuses; nothing is stored.

    Raises RefusedFile where it would refuse the file.
    """
    dataset = lake.registry.get(delivery.dataset)
    divisions = divisions_of(lake, dataset, delivery.period)
    checked = examine(lake, read_landed(lake, delivery, dataset), name_of(delivery), dataset, divisions)
    return checked.quarantined_lines.select("sheet", "line")


def check_only(lake: Lake, path: Path) -> tuple[Delivery, RawTable | None, Checked | None]:
    """A dry run of the intake: the delivery as it would be recorded; nothing is stored."""
    try:
        check_size(path, lake.settings.limits)
        content = sha256_of(path)
        name = parse_name(path, lake.registry, check_folder=False)
        dataset = lake.registry.get(name.dataset_id)
        delivery = delivery_of(lake, path, name, dataset, content, path.stat().st_size)
        divisions = divisions_of(lake, dataset, delivery.period)
        if divisions is None and needs_divisions(dataset):
            return replace(delivery, status="waiting", reason=WAITING_REASON), None, None
        raw = table_of(lake, path, dataset.layout(name.period))
        checked = examine(lake, raw, name, dataset, divisions)
    except RefusedFile as refusal:
        return refused(unnamed(path, path.parent.name), refusal), None, None
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
    if delivery.status == "received" or (delivery.is_final and is_rewritten(lake, delivery)):
        return True
    if editions is None:
        return False
    if not delivery.is_final:
        return delivery.status == "waiting"
    dataset = lake.registry.datasets.get(delivery.dataset)
    return (
        dataset is not None
        and needs_divisions(dataset)
        and delivery.reference_version != editions.of(delivery.period).version
    )


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
    if raw.erased:
        details[ERASED] = len(raw.erased)
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
