"""The catalogue half of the resource base map: who holds which data, how fresh, how good, how private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from agrilake.catalog.quality import quality
from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset
from agrilake.contract.settings import load_settings
from agrilake.intake.dates import period_bounds
from agrilake.intake.schedule import due_date, last_period_due, next_period
from agrilake.lake.state import Delivery, State

CATALOGUE_SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("title", pa.string()),
        ("department", pa.string()),
        ("department_title", pa.string()),
        ("owner", pa.string()),
        ("content", pa.string()),
        ("frequency", pa.string()),
        ("period_latest", pa.string()),
        ("periods_delivered", pa.int64()),
        ("due_on", pa.date32()),
        ("overdue", pa.bool_()),
        ("freshness_days", pa.int64()),
        ("rows", pa.int64()),
        ("quality_score", pa.decimal128(5, 2)),
        ("deliveries", pa.int64()),
        ("accepted", pa.int64()),
        ("quarantined", pa.int64()),
        ("duplicate", pa.int64()),
        ("last_delivery_at", pa.timestamp("s")),
        ("privacy_grade", pa.string()),
        ("sharing", pa.string()),
        ("status", pa.string()),
    ]
)
FREQUENCY_TITLE = {"year": "年", "quarter": "季", "month": "月", "day": "日"}


def catalogue_table(registry: Registry, state: State, silver_rows: Mapping[str, int], as_of: date) -> pa.Table:
    """One row a department dataset, in the registry's order (columns: CATALOGUE_SCHEMA).

    `due_on` is the last day for the period after `period_latest`; a dataset that never came is measured at the
    newest period that is due. `overdue` is that day before `as_of`; `freshness_days` counts from the end of
    `period_latest` to `as_of`, never below 0. accepted, quarantined and duplicate are sums over all final
    deliveries; `last_delivery_at` is local time. `quality_score` (0 to 100): see agrilake.catalog.quality.
    status: 正常, 逾期, 未报送 (nothing taken yet), 暂停 (its suite stopped the tables downstream).
    """
    suites = state.suites()
    by_dataset: dict[str, list[Delivery]] = {name: [] for name in registry.datasets}
    for delivery in state.deliveries():
        if delivery.dataset in by_dataset:
            by_dataset[delivery.dataset].append(delivery)
    zone = ZoneInfo(load_settings().timezone)
    rows = [
        _row(dataset, by_dataset[name], suites.get(name), silver_rows.get(name, 0), as_of, zone)
        for name, dataset in registry.datasets.items()
    ]
    return pa.Table.from_pylist(rows, schema=CATALOGUE_SCHEMA)


def _row(
    dataset: Dataset,
    deliveries: Sequence[Delivery],
    suite: Mapping[str, Any] | None,
    rows: int,
    as_of: date,
    zone: ZoneInfo,
) -> dict[str, Any]:
    final = [item for item in deliveries if item.is_final]
    periods = sorted({item.period for item in final}, key=period_bounds)
    latest = periods[-1] if periods else None
    awaited = next_period(latest, dataset.frequency) if latest else last_period_due(dataset, as_of)
    due_on = due_date(awaited, dataset)
    overdue = due_on < as_of
    return {
        "dataset": dataset.id,
        "title": dataset.title,
        "department": dataset.department,
        "department_title": dataset.department_title,
        "owner": dataset.owner or dataset.department_title,
        "content": dataset.description,
        "frequency": FREQUENCY_TITLE[dataset.frequency],
        "period_latest": latest,
        "periods_delivered": len(periods),
        "due_on": due_on,
        "overdue": overdue,
        "freshness_days": max(0, (as_of - period_bounds(latest)[1]).days) if latest else None,
        "rows": rows,
        "quality_score": quality(dataset, deliveries, suite, as_of).score,
        "deliveries": len(final),
        "accepted": sum(item.accepted for item in final),
        "quarantined": sum(item.quarantined for item in final),
        "duplicate": sum(item.duplicate for item in final),
        "last_delivery_at": _local(max(item.received_at for item in final), zone) if final else None,
        "privacy_grade": dataset.privacy_grade,
        "sharing": dataset.sharing,
        "status": _status(latest, suite, overdue),
    }


def _status(latest: str | None, suite: Mapping[str, Any] | None, overdue: bool) -> str:
    if latest is None:
        return "未报送"
    if suite is not None and suite["decision"] == "stop":
        return "暂停"
    return "逾期" if overdue else "正常"


def _local(moment: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(moment).astimezone(zone).replace(tzinfo=None)
