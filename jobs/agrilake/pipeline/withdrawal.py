"""Taking back a delivery: what it brought leaves the lake, as if the file had never come.

That it came, and who took it back, when and why, stays: in its record (status `withdrawn`), in decisions/withdrawal and
in the audit log. Its bytes stay in landing. Mends of it hold rows of it, so they go with it. The same file may come
again, under the same name or another, and is then a new delivery.

Each step can be cut off: `finish` ends what was begun, at the next run or when the command is given again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl
from deltalake import write_deltalake

from agrilake.errors import UsageError
from agrilake.intake.privacy import mask_text
from agrilake.intake.receipt import write_receipt
from agrilake.lake import audit
from agrilake.lake.failpoints import reach
from agrilake.lake.files import scan
from agrilake.lake.locks import table_lock
from agrilake.lake.state import REFUSED, WITHDRAWN, Delivery, now
from agrilake.paths import Home
from agrilake.pipeline import intake, steps
from agrilake.pipeline.context import Lake
from agrilake.pipeline.outcomes import alone_with
from agrilake.publish.metadata import local_time

WITHDRAWALS = ("decisions", "withdrawal")
LONGEST = 200
COUNTS = ("records", "accepted", "quarantined", "duplicate")
WITHDRAWAL = {
    "withdrawal_no": pl.Int64,
    "delivery_id": pl.String,
    "dataset": pl.String,
    "period": pl.String,
    "file_name": pl.String,
    "taken_along_with": pl.String,
    **dict.fromkeys(COUNTS, pl.Int64),
    "withdrawn_by": pl.String,
    "withdrawn_at": pl.String,
    "reason": pl.String,
}
"""Columns of the acts, one row a delivery. The counts are what it had brought; `taken_along_with` is the id of the
delivery that a mend was withdrawn with."""
OPEN = "open"
"""In a withdrawn delivery's details while its rows or its receipt are still to be dealt with."""
REMEDY = "如需重新报送，请把正确的文件重新放入收件箱；内容相同的文件也会作为新的报送接收。"


@dataclass(frozen=True)
class Withdrawn:
    """What a withdrawal took back: the delivery, mends that went with it, their rows that had been accepted, and the
    silver table's version after it (None where it did not change)."""

    delivery: str
    dataset: str
    period: str
    taken_along: tuple[str, ...]
    accepted: int
    silver_version: int | None


def withdraw(lake: Lake, delivery_id: str, by: str, reason: str) -> Withdrawn:
    """Take back what a delivery (its id, or the beginning) brought, up to silver; gold and the publication follow with
    the next run. Given again for a withdrawn delivery, ends what was cut off.

    Raises UsageError for a delivery that does not exist or brought nothing, without a person or a reason, and for the
    last division table or crosswalk, by which everything else was resolved.
    """
    for name, text in (("by", by), ("reason", reason)):
        if not text.strip() or len(text) > LONGEST:
            raise UsageError(f"a withdrawal needs --{name}, at most {LONGEST} characters")
    delivery = _known(lake, delivery_id)
    if delivery.status != WITHDRAWN:
        items = to_withdraw(lake, delivery)
        _note(lake.home, items, by.strip(), mask_text(reason.strip()))
        reach("withdrawal_noted")
    finish(lake)
    written = steps.update_silver(lake, delivery.dataset)
    acts = withdrawals(lake.home).filter(
        (pl.col("delivery_id") == delivery.id) | (pl.col("taken_along_with") == delivery.id)
    )
    along = acts.filter(pl.col("delivery_id") != delivery.id)["delivery_id"].to_list()
    accepted = int(acts["accepted"].sum())
    version = written.version if written and written.changed else None
    return Withdrawn(delivery.id, delivery.dataset, delivery.period, tuple(along), accepted, version)


def to_withdraw(lake: Lake, delivery: Delivery) -> list[Delivery]:
    """The delivery, and the mends that go with it. Raises UsageError where it cannot be withdrawn."""
    if delivery.status == REFUSED:
        raise UsageError(f"{delivery.file_name} ({delivery.id[:8]}) was refused, so it brought nothing to take back")
    declared = lake.registry.get(delivery.dataset)
    others = [
        item
        for item in lake.state.deliveries(declared.id)
        if item.is_final and item.kind == "base" and item.id != delivery.id
    ]
    if declared.reference and delivery.kind == "base" and delivery.is_final and not others:
        raise UsageError(
            f"{delivery.file_name} is the only {declared.id} of the lake, and all other deliveries were resolved by "
            "it; have the right one delivered first, then withdraw this one"
        )
    return [delivery, *_mends(lake, delivery)]


def finish(lake: Lake) -> list[str]:
    """End withdrawals that were cut off; the ids of the deliveries dealt with, none where nothing was left to do."""
    known = {item.id: item for item in lake.state.deliveries()}
    acts = [act for act in withdrawals(lake.home).to_dicts() if act["delivery_id"] in known]
    todo = [act for act in acts if _is_open(known[act["delivery_id"]])]
    for act in todo:  # a delivery before its mends: without it they do not count
        lake.state.record_delivery(_recorded(lake, known[act["delivery_id"]], act))
    if todo:
        reach("withdrawal_recorded")
    for act in todo:
        with alone_with(lake, act["delivery_id"]):
            intake.remove_rows(lake, known[act["delivery_id"]])
        reach("withdrawn_rows_removed")
        _tell(lake, act["delivery_id"])
        reach("withdrawal_told")
    return [act["delivery_id"] for act in todo]


def withdrawals(home: Home) -> pl.DataFrame:
    """Every withdrawal there ever was, oldest first (columns WITHDRAWAL)."""
    table = scan(home.table(*WITHDRAWALS))
    return pl.DataFrame(schema=WITHDRAWAL) if table is None else table.collect().sort("withdrawal_no")


def _known(lake: Lake, delivery_id: str) -> Delivery:
    found = lake.state.delivery(delivery_id)
    if found is None:
        raise UsageError(f"no single delivery begins with {delivery_id!r}; `agrilake receipts` lists them")
    return found


def _mends(lake: Lake, delivery: Delivery) -> Iterator[Delivery]:
    """Mends of the delivery, and mends of these, as far as they are not refused or withdrawn."""
    for item in lake.state.deliveries(delivery.dataset):
        if item.mends and delivery.id.startswith(item.mends) and item.status not in (REFUSED, WITHDRAWN):
            yield item
            yield from _mends(lake, item)


def _note(home: Home, items: Sequence[Delivery], by: str, reason: str) -> None:
    """The acts, in one commit; those that a killed call noted stand."""
    path = home.table(*WITHDRAWALS)
    with table_lock(path):
        known = withdrawals(home)
        fresh = [item for item in items if item.id not in set(known["delivery_id"])]
        rows = []
        for number, item in enumerate(fresh, known.height + 1):
            about = {name: getattr(item, name) for name in COUNTS}
            audit.record(home, "withdrawn", item.id, by=by, dataset=item.dataset, period=item.period, **about)
            along = None if item is items[0] else items[0].id
            of = (item.id, item.dataset, item.period, item.file_name, along)
            rows.append((number, *of, *about.values(), by, now(), reason))
        if rows:
            frame = pl.DataFrame(rows, schema=WITHDRAWAL, orient="row")
            write_deltalake(str(path), frame.to_arrow(), mode="append")


def _is_open(delivery: Delivery) -> bool:
    return delivery.status != WITHDRAWN or OPEN in delivery.details


def _recorded(lake: Lake, delivery: Delivery, act: dict[str, str]) -> Delivery:
    """The delivery as its record has it from now on: it brought nothing."""
    moment = local_time(act["withdrawn_at"], lake.settings.timezone)
    why = f"本次报送已于 {moment:%Y-%m-%d %H:%M} 撤回，原因：{act['reason']}"
    if act["taken_along_with"]:
        why = f"它补正的报送（回执 {act['taken_along_with'][:8]}）已撤回，本次补正随之撤回。{why}"
    return replace(
        delivery,
        status=WITHDRAWN,
        code=WITHDRAWN,
        reason=why,
        remedy=REMEDY,
        **dict.fromkeys(COUNTS, 0),  # type: ignore[arg-type]
        details={OPEN: True},
    )


def _tell(lake: Lake, delivery_id: str) -> None:
    """The receipt for the department, and again those that asked whether their file was this one."""
    delivery = _known(lake, delivery_id)
    layout = lake.registry.get(delivery.dataset).layout(delivery.period)
    write_receipt(lake.home, delivery, None, None, layout)
    for other in lake.state.deliveries(delivery.dataset):
        if other.is_final and delivery_id[:8] in (other.reason or ""):
            intake.process(lake, other)
    lake.state.record_delivery(replace(delivery, details={}))
