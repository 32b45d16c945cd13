"""Deliveries that are due and not there: one by one, and by department."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset
from agrilake.intake.dates import period_bounds
from agrilake.intake.schedule import due_date, last_period_due, periods_due
from agrilake.lake.state import Delivery

OVERDUE_SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("title", pa.string()),
        ("department", pa.string()),
        ("department_title", pa.string()),
        ("period", pa.string()),
        ("due_on", pa.date32()),
        ("days_overdue", pa.int64()),
    ]
)
DEPARTMENT_SCHEMA = pa.schema(
    [
        ("department", pa.string()),
        ("department_title", pa.string()),
        ("datasets", pa.int64()),
        ("datasets_delivered", pa.int64()),
        ("datasets_overdue", pa.int64()),
        ("deliveries_overdue", pa.int64()),
        ("oldest_due_on", pa.date32()),
        ("quality_score", pa.decimal128(5, 2)),
    ]
)


def missing_periods(dataset: Dataset, deliveries: Sequence[Delivery], as_of: date) -> list[str]:
    """Periods due before `as_of` without an accepted delivery, oldest first.

    They count from the first delivered period on; of a dataset that never came, only the newest due period counts,
    since nobody said when it should have begun.
    """
    delivered = {item.period for item in deliveries if item.is_final}
    if not delivered:
        return [last_period_due(dataset, as_of)]
    first = min(delivered, key=period_bounds)
    return [period for period in periods_due(dataset, first, as_of) if period not in delivered]


def overdue_table(registry: Registry, by_dataset: Mapping[str, Sequence[Delivery]], as_of: date) -> pa.Table:
    """One row a missing delivery (columns: OVERDUE_SCHEMA), the longest overdue first."""
    rows = [row for item in registry.datasets.values() for row in _missing(item, by_dataset[item.id], as_of)]
    rows.sort(key=lambda row: (row["due_on"], row["dataset"]))
    return pa.Table.from_pylist(rows, schema=OVERDUE_SCHEMA)


def _missing(dataset: Dataset, deliveries: Sequence[Delivery], as_of: date) -> Iterator[dict[str, Any]]:
    for period in missing_periods(dataset, deliveries, as_of):
        due_on = due_date(period, dataset)
        yield {
            "dataset": dataset.id,
            "title": dataset.title,
            "department": dataset.department,
            "department_title": dataset.department_title,
            "period": period,
            "due_on": due_on,
            "days_overdue": (as_of - due_on).days,
        }


def department_table(resources: pa.Table, overdue: pa.Table) -> pa.Table:
    """One row a department (columns: DEPARTMENT_SCHEMA), those with most missing deliveries first.

    `quality_score` is the mean over the department's datasets that have one, each counting alike.
    """
    late = overdue.to_pylist()
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in resources.to_pylist():
        groups.setdefault(row["department"], []).append(row)
    rows = [_department(group, [row for row in late if row["department"] == name]) for name, group in groups.items()]
    rows.sort(key=lambda row: (-row["deliveries_overdue"], row["department"]))
    return pa.Table.from_pylist(rows, schema=DEPARTMENT_SCHEMA)


def _department(datasets: Sequence[Mapping[str, Any]], late: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    scores = [row["quality_score"] for row in datasets if row["quality_score"] is not None]
    return {
        "department": datasets[0]["department"],
        "department_title": datasets[0]["department_title"],
        "datasets": len(datasets),
        "datasets_delivered": sum(row["period_latest"] is not None for row in datasets),
        "datasets_overdue": len({row["dataset"] for row in late}),
        "deliveries_overdue": len(late),
        "oldest_due_on": min((row["due_on"] for row in late), default=None),
        "quality_score": round(sum(scores) / len(scores), 2) if scores else None,
    }
