"""The catalogue half of the resource base map: who holds which data, how fresh, how good, how private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa

from agrilake.catalog.coverage import COVERAGE_SCHEMA, coverage_table, coverage_text
from agrilake.catalog.overdue import DEPARTMENT_SCHEMA, OVERDUE_SCHEMA, department_table, missing_periods, overdue_table
from agrilake.catalog.quality import quality
from agrilake.catalog.trend import QUALITY_SCHEMA, change, quality_table, trend_word
from agrilake.catalog.words import version_words
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
        ("periods_missing", pa.int64()),
        ("period_first", pa.string()),
        ("due_on", pa.date32()),
        ("overdue", pa.bool_()),
        ("freshness_days", pa.int64()),
        ("rows", pa.int64()),
        ("coverage", pa.string()),
        ("quality_score", pa.decimal128(5, 2)),
        ("quality_change", pa.decimal128(5, 2)),
        ("quality_trend", pa.string()),
        ("deliveries", pa.int64()),
        ("accepted", pa.int64()),
        ("quarantined", pa.int64()),
        ("duplicate", pa.int64()),
        ("last_delivery_at", pa.timestamp("s")),
        ("privacy_grade", pa.string()),
        ("sharing", pa.string()),
        ("sharing_terms", pa.string()),
        ("status", pa.string()),
    ]
)
CATALOGUE = "catalogue"
CATALOGUE_SCHEMAS = {
    CATALOGUE: CATALOGUE_SCHEMA,
    "catalogue_coverage": COVERAGE_SCHEMA,
    "catalogue_quality": QUALITY_SCHEMA,
    "catalogue_overdue": OVERDUE_SCHEMA,
    "catalogue_department": DEPARTMENT_SCHEMA,
}
FREQUENCY_TITLE = {"year": "年", "quarter": "季", "month": "月", "day": "日"}


def catalogue_tables(
    registry: Registry, state: State, silver: Mapping[str, pl.LazyFrame], as_of: date
) -> dict[str, pa.Table]:
    """The catalogue by published table: resources, coverage by township, quality by period, what is overdue, and both
    by department (agrilake.publish.layouts has their titles). `silver` holds the silver tables that exist."""
    by_dataset: dict[str, list[Delivery]] = {name: [] for name in registry.datasets}
    for delivery in state.deliveries():
        if delivery.dataset in by_dataset:
            by_dataset[delivery.dataset].append(delivery)
    coverage, trend = coverage_table(registry, silver), quality_table(registry, by_dataset)
    resources = _resources(registry, by_dataset, state.suites(), silver, as_of, coverage, trend)
    overdue = overdue_table(registry, by_dataset, as_of)
    return {
        CATALOGUE: resources,
        "catalogue_coverage": coverage,
        "catalogue_quality": trend,
        "catalogue_overdue": overdue,
        "catalogue_department": department_table(resources, overdue),
    }


def _resources(
    registry: Registry,
    by_dataset: Mapping[str, Sequence[Delivery]],
    suites: Mapping[str, Mapping[str, Any]],
    silver: Mapping[str, pl.LazyFrame],
    as_of: date,
    coverage: pa.Table,
    trend: pa.Table,
) -> pa.Table:
    """One row a department dataset, in the registry's order (columns: CATALOGUE_SCHEMA).

    `due_on` is the last day for the period after `period_latest`; a dataset that never came is measured at the
    newest period that is due. `overdue` is that day before `as_of`; `periods_missing` counts gaps before it too
    (agrilake.catalog.overdue). `freshness_days` counts from the end of `period_latest` to `as_of`, never below 0.
    accepted, quarantined and duplicate are sums over all final deliveries; `last_delivery_at` is local time.
    `quality_score` (0 to 100): see agrilake.catalog.quality; `quality_change` in points and `quality_trend`: the
    newest period's files beside those before (agrilake.catalog.trend).
    status: 正常, 逾期, 未报送 (nothing taken yet), 暂停 (its suite stopped the tables downstream).
    """
    zone = ZoneInfo(load_settings().timezone)
    scores = trend.to_pylist()
    rows = []
    for name, dataset in registry.datasets.items():
        row = _delivered(dataset, by_dataset[name], suites.get(name), as_of, zone)
        points = change([item["quality_score"] for item in scores if item["dataset"] == name])
        arrived = name in silver
        row |= {
            "rows": int(silver[name].select(pl.len()).collect().item()) if arrived else 0,
            "coverage": coverage_text(dataset, registry, coverage) if arrived else None,
            "quality_change": points,
            "quality_trend": trend_word(points),
        }
        rows.append(row | _declared(dataset))
    return pa.Table.from_pylist(rows, schema=CATALOGUE_SCHEMA)


def _declared(dataset: Dataset) -> dict[str, Any]:
    """What the contract says of the resource."""
    return {
        "dataset": dataset.id,
        "title": dataset.title,
        "department": dataset.department,
        "department_title": dataset.department_title,
        "owner": dataset.owner or dataset.department_title,
        "content": dataset.description + (f"（数据规范 {version_words(dataset)}）" if dataset.earlier else ""),
        "frequency": FREQUENCY_TITLE[dataset.frequency],
        "privacy_grade": dataset.privacy_grade,
        "sharing": dataset.sharing,
        "sharing_terms": dataset.sharing_terms or None,
    }


def _delivered(
    dataset: Dataset, deliveries: Sequence[Delivery], suite: Mapping[str, Any] | None, as_of: date, zone: ZoneInfo
) -> dict[str, Any]:
    """What the deliveries say of the resource."""
    final = [item for item in deliveries if item.is_final]
    periods = sorted({item.period for item in final}, key=period_bounds)
    latest = periods[-1] if periods else None
    awaited = next_period(latest, dataset.frequency) if latest else last_period_due(dataset, as_of)
    due_on = due_date(awaited, dataset)
    overdue = due_on < as_of
    return {
        "period_latest": latest,
        "period_first": periods[0] if periods else None,
        "periods_delivered": len(periods),
        "periods_missing": len(missing_periods(dataset, deliveries, as_of)),
        "due_on": due_on,
        "overdue": overdue,
        "freshness_days": max(0, (as_of - period_bounds(latest)[1]).days) if latest else None,
        "quality_score": quality(dataset, deliveries, suite, as_of).score,
        "deliveries": len(final),
        "accepted": sum(item.accepted for item in final),
        "quarantined": sum(item.quarantined for item in final),
        "duplicate": sum(item.duplicate for item in final),
        "last_delivery_at": _local(max(item.received_at for item in final), zone) if final else None,
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
