"""What became of a file, as it is recorded and told to its department."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from agrilake.contract.model import Dataset
from agrilake.errors import RefusedFile
from agrilake.intake.privacy import mask_file_name, mask_text
from agrilake.intake.receipt import ReceiptPaths
from agrilake.intake.settle import Identity
from agrilake.lake.failpoints import reach
from agrilake.lake.locks import table_lock
from agrilake.lake.state import WITHDRAWN, Delivery
from agrilake.pipeline.context import Lake
from agrilake.pipeline.receipts import give_receipt, hand_back


@dataclass(frozen=True)
class Outcome:
    """What became of one file: its delivery record, and the receipt where one was written."""

    delivery: Delivery
    receipt: ReceiptPaths | None = None
    repeat_of: str | None = None


@contextmanager
def alone_with(lake: Lake, delivery_id: str) -> Iterator[None]:
    """Nobody else stores or removes rows of the delivery in this block: what it brought and what its record says of it
    are two commits. Deliveries share few locks, so none may be waited for within the block."""
    with table_lock(lake.home.root / "run" / f"delivery_{delivery_id[:2]}"):
        yield


def withdrawn(lake: Lake, delivery_id: str) -> Delivery | None:
    """The delivery as its record stands, where it was withdrawn."""
    known = lake.state.delivery(delivery_id)
    return known if known and known.status == WITHDRAWN else None


def department_of(lake: Lake, path: Path) -> str:
    """The folder of the inbox in which the file lies, however deep; empty directly in the inbox or outside it."""
    inside = path.relative_to(lake.home.inbox).parts if path.is_relative_to(lake.home.inbox) else ()
    return inside[0] if len(inside) > 1 and os.pardir not in inside else ""


def shown_name(path: Path) -> str:
    """The file's name as people may see it: without personal numbers, and bytes that are no text replaced."""
    return mask_file_name(path.name.encode("utf-8", "replace").decode())


def unnamed(path: Path, department: str) -> Delivery:
    """A record for a file whose name or bytes cannot be taken: known by its name and size alone."""
    size = path.lstat().st_size
    seed = f"{path.parent.name}/{path.name}|{size}"
    identity = hashlib.sha256(seed.encode("utf-8", "surrogateescape")).hexdigest()
    return Delivery(identity[:16], "", mask_file_name(department), "", shown_name(path), "", size, "refused")


def refused(delivery: Delivery, refusal: RefusedFile) -> Delivery:
    """The delivery as its record has it once it is refused; no personal number is in it."""
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


def refuse(
    lake: Lake,
    delivery: Delivery,
    refusal: RefusedFile,
    file: Path,
    dataset: Dataset | None = None,
    landed: bool = False,
    seen: Identity | None = None,
) -> Outcome:
    """Record a refusal, write its receipt, and give the file back to its department: the landed one, or that of the
    inbox, if it is still the one that was `seen`."""
    lake.state.owe_receipt(delivery.id)
    recorded = lake.state.record_delivery(refused(delivery, refusal))
    reach("refused")
    receipt = give_receipt(lake, recorded, None, None, dataset)
    folder = delivery.department if landed else department_of(lake, file)
    hand_back(lake, recorded, file, folder, landed, seen)
    return Outcome(recorded, receipt)
