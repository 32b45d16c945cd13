"""The receipt of a delivery: a page and a CSV for the department, in its folder of the outbox."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from agrilake.contract.model import Dataset
from agrilake.intake.privacy import mask_text
from agrilake.intake.raw import RawTable
from agrilake.intake.receipt_page import render
from agrilake.intake.receipt_table import csv_bytes, mending_table, summary_table
from agrilake.intake.rows import Checked
from agrilake.lake.failpoints import reach
from agrilake.paths import RECEIPT_MODE, Home, make_folder

if TYPE_CHECKING:
    from agrilake.lake.state import Delivery

UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]')
STEM_BYTES = 150
NO_DEPARTMENT = "其他"


@dataclass(frozen=True)
class ReceiptPaths:
    """Where a receipt lies. The CSV of a delivery with rejected rows is named so that it can be dropped again."""

    html: Path
    csv: Path


def receipt_paths(home: Home, delivery: Delivery, *, repeated: bool = False) -> ReceiptPaths:
    """The receipt's paths, known from the delivery's record alone.

    `repeated` names the page about the same bytes coming again; the first receipt stays as it is.
    """
    folder = home.outbox / _safe(delivery.department or NO_DEPARTMENT, STEM_BYTES)
    stem = f"{_safe(mask_text(Path(delivery.file_name).stem), STEM_BYTES)}__{delivery.id[:8]}"
    if repeated:
        return ReceiptPaths(folder / f"{stem}__重复.html", folder / f"{stem}__重复.csv")
    table = f"{stem}.csv"
    if delivery.quarantined:
        table = f"{delivery.dataset}__{delivery.period}__补正-{delivery.id[:8]}-1.csv"
    return ReceiptPaths(folder / f"{stem}.html", folder / table)


def write_receipt(
    home: Home,
    delivery: Delivery,
    checked: Checked | None,
    raw: RawTable | None,
    dataset: Dataset | None,
    *,
    repeated: bool = False,
) -> ReceiptPaths:
    """Write page and CSV, each atomically; the same delivery gives the same bytes.

    `checked` and `raw` are given for what was read; `dataset` None for a file that names none. `repeated`
    says that the very same bytes came again for `delivery`.
    """
    paths = receipt_paths(home, delivery, repeated=repeated)
    if checked is not None and raw is not None and dataset is not None and checked.quarantined_count:
        table = mending_table(checked, raw, dataset)
    else:
        problem, remedy = _summary(delivery, repeated)
        table = summary_table(problem, remedy, delivery.details.get("line"))
    page = render(delivery, checked, raw, dataset, mend_name=_mend_name(delivery, paths, repeated), repeated=repeated)
    make_folder(paths.html.parent, 0o750)
    _replace(paths.csv, csv_bytes(table))
    _replace(paths.html, page.encode())
    if not repeated:
        _remove_stale(home, delivery, paths)
    return paths


def _mend_name(delivery: Delivery, paths: ReceiptPaths, repeated: bool) -> str | None:
    return paths.csv.name if delivery.quarantined and not repeated else None


def _summary(delivery: Delivery, repeated: bool) -> tuple[str, str]:
    if repeated:
        return "与此前已收的文件内容完全相同，没有改变任何数据。", "不需要处理。"
    if delivery.status in ("refused", "waiting", "withdrawn") or delivery.reason:
        return delivery.reason or "", delivery.remedy or ("" if delivery.status == "refused" else "不需要处理。")
    return "没有需要改的行。", "不需要处理。"


def _remove_stale(home: Home, delivery: Delivery, paths: ReceiptPaths) -> None:
    """A delivery that waited, or whose rows were rejected before, leaves no second CSV behind."""
    folder, stem = paths.html.parent, paths.html.stem
    for other in (
        folder / f"{stem}.csv",
        folder / f"{delivery.dataset}__{delivery.period}__补正-{delivery.id[:8]}-1.csv",
    ):
        if other != paths.csv:
            other.unlink(missing_ok=True)


def _safe(name: str, limit: int) -> str:
    """A file name part without path or control characters, cut at whole characters."""
    clean = UNSAFE.sub("_", name).strip(" .") or "_"
    return clean.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name[:40]}.{token_hex(4)}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), RECEIPT_MODE)
            os.fsync(file.fileno())
        reach("receipt_drafted")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
