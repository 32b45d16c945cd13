"""A file read and checked: the very same for a delivery and for `agrilake check`; nothing is stored."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from agrilake.contract.model import Dataset
from agrilake.errors import RefusedFile
from agrilake.intake.divisions import DivisionIndex
from agrilake.intake.manifest import check_rows_stated
from agrilake.intake.names import DeliveryName
from agrilake.intake.raw import RawTable
from agrilake.intake.read import read_file
from agrilake.intake.rows import Checked, check_rows
from agrilake.intake.veil import without_names
from agrilake.lake.bronze import bronze_rows
from agrilake.lake.state import WITHDRAWN, Delivery
from agrilake.pipeline.context import Lake

ROWS_STATED = "rows_stated"


def table_of(lake: Lake, path: Path, layout: Dataset) -> RawTable:
    """A file as a table, by the layout of its period. Raises RefusedFile as read_file."""
    raw = read_file(path, layout, lake.settings.limits, lake.registry, scratch=lake.home.tmp)
    return without_names(raw, layout)


def examine(
    lake: Lake, raw: RawTable, name: DeliveryName, dataset: Dataset, divisions: DivisionIndex | None
) -> Checked:
    """The very same checking for a delivery and for `agrilake check`; stores nothing."""
    check_rows_stated(name.rows, raw.delivered)
    original = original_of(lake, name, dataset)
    return check_rows(raw, dataset, name, divisions, lake.pseudonymiser, lake.settings, original)


def divisions_of(lake: Lake, dataset: Dataset, period: str) -> DivisionIndex | None:
    """The divisions that resolve a delivery of the period; None for reference data, or before they have arrived."""
    editions = None if dataset.reference else lake.editions()
    return editions.of(period) if editions else None


def needs_divisions(dataset: Dataset) -> bool:
    """Whether its files wait for the division tables."""
    return not dataset.reference and any(column.division_level for column in dataset.columns)


def name_of(delivery: Delivery) -> DeliveryName:
    """What its file's name had said."""
    rows = delivery.details.get(ROWS_STATED)
    return DeliveryName(delivery.dataset, delivery.period, delivery.kind, delivery.revision, delivery.mends, rows=rows)


def original_of(lake: Lake, name: DeliveryName, dataset: Dataset) -> pl.DataFrame | None:
    """Bronze rows of the delivery that a mend refers to: masked cells left as they are come from there.

    Raises RefusedFile unknown_delivery, withdrawn_delivery.
    """
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
