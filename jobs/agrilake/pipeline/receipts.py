"""Receipts that are given for certain: one that could not be written, or whose writer died, is owed until it is there.

What became of a delivery is recorded before its receipt is written; the debt is noted before both.
"""

from __future__ import annotations

import os
from pathlib import Path

from agrilake.contract.model import Dataset
from agrilake.errors import AgrilakeError
from agrilake.intake.raw import RawTable
from agrilake.intake.receipt import ReceiptPaths, receipt_paths, write_receipt
from agrilake.intake.returned import give_back
from agrilake.intake.rows import Checked
from agrilake.intake.settle import Identity
from agrilake.lake.failpoints import reach
from agrilake.lake.state import Delivery
from agrilake.pipeline.context import Lake

RECEIPT = "receipt"
"""The step under which `agrilake status` shows a receipt that could not be written."""


class OutboxClosed(AgrilakeError):
    """The outbox takes no receipt now. The delivery is stored; the next run writes its receipt."""


def give_receipt(
    lake: Lake, delivery: Delivery, checked: Checked | None, raw: RawTable | None, layout: Dataset | None
) -> ReceiptPaths | None:
    """Write the receipt of a recorded delivery; None where the outbox does not take it: then it stays owed, and
    `agrilake status` says so."""
    try:
        paths = write_receipt(lake.home, delivery, checked, raw, layout)
    except OSError as error:
        _record(lake, delivery, error)
        return None
    reach("receipt_written")
    lake.state.receipt_given(delivery.id)
    lake.state.resolve_failures(RECEIPT, delivery.id)
    return paths


def require_open(lake: Lake, delivery: Delivery) -> None:
    """Raise OutboxClosed where the outbox would not take the delivery's receipt, before its file is read again."""
    folder = receipt_paths(lake.home, delivery).html.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{os.getpid()}.tmp"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise _closed(lake, delivery, error) from error


def hand_back(
    lake: Lake, refused: Delivery, file: Path, folder: str, landed: bool, seen: Identity | None = None
) -> None:
    """Give a refused file back to its department, into `folder` of the inbox; one that is not landed only if it is
    still the one that was `seen`.

    A copy of a landed one that the inbox does not take stays owed with the receipt.
    """
    try:
        give_back(lake.home, folder, refused.file_name, file, landed, seen)
    except OSError as error:
        if not landed:
            raise
        lake.state.owe_receipt(refused.id)
        _record(lake, refused, error)
    reach("given_back")


def _record(lake: Lake, delivery: Delivery, error: OSError) -> None:
    lake.state.resolve_failures(RECEIPT, delivery.id)
    lake.state.record_failure(RECEIPT, delivery.id, str(_closed(lake, delivery, error)))


def _closed(lake: Lake, delivery: Delivery, error: OSError) -> OutboxClosed:
    folder = receipt_paths(lake.home, delivery).html.parent
    return OutboxClosed(
        f"{folder} does not take it ({error.strerror}); the delivery is stored, and the next run writes its receipt"
    )
