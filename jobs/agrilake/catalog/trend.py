"""How a dataset's quality moves from period to period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from statistics import mean
from typing import Any

import pyarrow as pa

from agrilake.catalog.quality import Quality, quality_by_period
from agrilake.contract.load import Registry
from agrilake.lake.state import Delivery

QUALITY_SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("title", pa.string()),
        ("department_title", pa.string()),
        ("period", pa.string()),
        ("quality_score", pa.decimal128(5, 2)),
        ("accepted_share", pa.float64()),
        ("completeness", pa.float64()),
    ]
)
COMPARED = 3
"""With how many periods before it the newest one is compared."""
MOVED = Decimal(1)
"""Points of the score that count as a change; less is how one file differs from the next."""


def quality_table(registry: Registry, by_dataset: Mapping[str, Sequence[Delivery]]) -> pa.Table:
    """One row a dataset and delivered period (columns: QUALITY_SCHEMA); the score (0 to 100) is of its files alone."""
    rows = [
        _row(dataset.id, dataset.title, dataset.department_title, period, found)
        for dataset in registry.datasets.values()
        for period, found in quality_by_period(dataset, by_dataset[dataset.id]).items()
    ]
    return pa.Table.from_pylist(rows, schema=QUALITY_SCHEMA)


def _row(dataset: str, title: str, department: str, period: str, found: Quality) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "title": title,
        "department_title": department,
        "period": period,
        "quality_score": found.score,
        "accepted_share": None if found.accepted_share is None else float(found.accepted_share),
        "completeness": None if found.completeness is None else float(found.completeness),
    }


def change(scores: Sequence[Decimal]) -> Decimal | None:
    """Points by which the newest score differs from the mean of up to COMPARED before it; None with fewer than two."""
    if len(scores) < 2:
        return None
    return round(scores[-1] - mean(scores[-1 - COMPARED : -1]), 2)


def trend_word(points: Decimal | None) -> str | None:
    """上升, 持平 or 下降; None where nothing can be compared."""
    if points is None:
        return None
    return "持平" if abs(points) < MOVED else "上升" if points > 0 else "下降"
