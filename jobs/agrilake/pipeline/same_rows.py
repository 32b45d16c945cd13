"""A file that holds another period's rows, however it is written: recognised by what was accepted of it.

A register in which nothing changed looks just so, hence it is accepted, and its receipt asks. The very same bytes are
asked about before anything is taken (agrilake.pipeline.intake).
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from agrilake.contract.model import Dataset
from agrilake.lake.files import DELIVERY, scan
from agrilake.lake.state import Delivery
from agrilake.pipeline.context import Lake

REMEDY = "确实没有变化的不用处理；选错了文件的，请把本期的文件按“__更正”重新报送。"


def told_of_same_rows(lake: Lake, delivery: Delivery, dataset: Dataset, accepted: pl.DataFrame) -> Delivery:
    """The delivery with reason and remedy where another period has its very rows, in any order."""
    other = _same_rows(lake, delivery, dataset, accepted)
    if other is None:
        return delivery
    reason = (
        f"收下的 {accepted.height} 行与 {other.period} 期（回执 {other.id[:8]}）收下的完全相同，请核对是否选错了文件。"
    )
    return replace(delivery, reason=reason, remedy=REMEDY)


def _same_rows(lake: Lake, delivery: Delivery, dataset: Dataset, accepted: pl.DataFrame) -> Delivery | None:
    """Files of one drop are processed side by side, so those that are not final yet are looked at too.

    Rows are read, and sorted, only of deliveries that have as many.
    """
    if delivery.kind != "base" or accepted.is_empty():
        return None
    candidates = [
        other
        for other in lake.state.deliveries(dataset.id, status=("accepted", "partial", "received"))
        if other.kind == "base" and other.period != delivery.period and other.sha256 != delivery.sha256
        if not other.is_final or other.accepted == accepted.height
    ]
    stored = scan(lake.home.table("accepted", dataset.id)) if candidates else None
    if stored is None:
        return None
    wanted = stored.filter(pl.col(DELIVERY).is_in([other.id for other in candidates]))
    counts = dict(wanted.group_by(DELIVERY).len().collect().iter_rows())
    as_many = [other for other in candidates if counts.get(other.id) == accepted.height]
    columns = [column.name for column in dataset.silver_columns if column.name != dataset.period_column]
    if not as_many or not set(columns) <= set(stored.collect_schema()):
        return None
    own = accepted.select(columns).sort(columns)
    for other in as_many:
        rows = stored.filter(pl.col(DELIVERY) == other.id)
        theirs = rows.select(pl.col(name).cast(own.schema[name]) for name in columns).collect().sort(columns)
        if theirs.equals(own):
            return other
    return None
