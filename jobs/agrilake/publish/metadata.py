"""Rows of the tables that tell about deliveries, quarantine and indicators; pure, without any personal value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset, Frequency
from agrilake.intake.dates import period_bounds
from agrilake.intake.findings import rule_title
from agrilake.lake.state import Delivery
from agrilake.publish.model import IndicatorDeclaration, TableSource

Row = dict[str, Any]
CROSS_TABLE = "cross_table"
MOST_OFTEN_FIRST = (Frequency.DAY, Frequency.MONTH, Frequency.QUARTER, Frequency.YEAR)


def indicator_rows(indicators: Iterable[IndicatorDeclaration], departments: Mapping[str, str]) -> list[Row]:
    """One row an indicator, its owner as the department's title (`departments` is {id: title})."""
    names = ("id", "name", "unit", "decimals", "direction", "description", "formula", "task", "edition", "sort")
    return [
        {name: getattr(item, name) for name in names} | {"owner": departments.get(item.owner, item.owner)}
        for item in indicators
    ]


def local_time(moment: str, timezone: str) -> datetime | None:
    """An ISO moment as the district's clock shows it, without its offset."""
    return datetime.fromisoformat(moment).astimezone(ZoneInfo(timezone)).replace(tzinfo=None) if moment else None


def delivery_rows(deliveries: Iterable[Delivery], registry: Registry, timezone: str) -> list[Row]:
    """One row a delivery; of the file's name only what the naming rule asks for, as notes may name persons."""
    names = ("id", "dataset", "period", "kind", "revision", "status", "records", "accepted", "quarantined", "duplicate")
    return [
        {name: getattr(item, name) for name in names}
        | _labels(item.dataset, registry)
        | {
            "file_name_masked": masked_file_name(item),
            "received_at": local_time(item.received_at, timezone),
        }
        for item in deliveries
    ]


def masked_file_name(delivery: Delivery) -> str:
    """The name as dataset and period make it, `…` where a note stood; a file of no known dataset keeps its ending."""
    _, dot, ending = delivery.file_name.rpartition(".")
    suffix = f".{ending.lower()}" if dot and ending.isascii() and ending.isalnum() and len(ending) <= 5 else ""
    if not delivery.dataset:
        return f"…{suffix}"
    note = "__…" if delivery.file_name.count("__") > 1 else ""
    return f"{delivery.dataset}__{delivery.period}{note}{suffix}"


def _labels(dataset_id: str, registry: Registry) -> Row:
    dataset = registry.datasets.get(dataset_id)
    if dataset is None:
        return {"title": None, "department": None}
    return {"title": dataset.title, "department": dataset.department_title or dataset.department}


def quarantine_rows(findings: pl.LazyFrame | None, registry: Registry) -> list[Row]:
    """Records by dataset, period and rule. `reason` is the rule's title: the findings' own sentences quote cells."""
    if findings is None:
        return []
    record = pl.struct("delivery_id", "sheet", "line")
    counted = (
        findings.filter(pl.col("severity") == "error")
        .group_by("dataset", "period", "rule")
        .agg(record.n_unique().cast(pl.Int64).alias("count"))
        .sort("dataset", "period", "rule")
        .collect()
    )
    return [
        row | _labels(row["dataset"], registry) | {"reason": rule_title(row["rule"])}
        for row in counted.iter_rows(named=True)
    ]


def check_rows(suites: Mapping[str, Mapping[str, Any]], registry: Registry, timezone: str) -> list[Row]:
    """One row an expectation of each dataset's last suite run, and one a rule across tables (`suite` cross_table).

    `suites` is State.suites(). `decision` is pass, or what the rule's failure leads to (warn, stop); `failed_rows` is
    None where a rule judges the table as a whole. Counts alone, no value.
    """
    rows = []
    for name, suite in suites.items():
        dataset = registry.datasets.get(name)
        if dataset is None and name != CROSS_TABLE:
            continue
        told = {
            "suite": CROSS_TABLE if dataset is None else "dataset",
            "dataset": name,
            "title": "跨表规则" if dataset is None else dataset.title,
            "department_title": "—" if dataset is None else dataset.department_title,
            "version": suite["table_version"],
            "checked_at": local_time(suite["checked_at"], timezone),
        }
        rows += [told | _checked(item) for item in suite["results"]]
    return rows


def _checked(item: Mapping[str, Any]) -> Row:
    failed = "stop" if item["broken"] else item["severity"]
    return {
        "rule": item["description"],
        "column_title": item["title"] or None,
        "severity": item["severity"],
        "decision": "pass" if item["success"] else failed,
        "failed_rows": item["unexpected_count"],
        "checked_rows": item["element_count"],
    }


def held_rows(sources: Iterable[TableSource]) -> list[Row]:
    """One row a gold table, with what keeps it back."""
    return [
        {
            "table": source.name,
            "title": source.title,
            "held": source.held,
            "reason": source.reason or ("尚无数据" if source.delta_version is None else None),
            "since_version": source.since_version,
            "shown_version": source.shown_version,
        }
        for source in sources
    ]


def source_text(datasets: Sequence[Dataset]) -> str | None:
    """区商务委《农村电商服务站》、…: who holds what the number was computed from; None where nothing is there yet."""
    return "、".join(f"{item.owner or item.department_title}《{item.title}》" for item in datasets) or None


def fresh_until(datasets: Sequence[Dataset], latest: Mapping[str, str]) -> str | None:
    """The last period that the most often delivered sources have all reached: a yearly base figure is not stale
    because the year is not over. `latest` is {dataset: last accepted period}."""
    for frequency in MOST_OFTEN_FIRST:
        periods = [latest[item.id] for item in datasets if item.frequency is frequency and item.id in latest]
        if periods:
            return min(periods, key=_last_day)
    return None


def latest_periods(deliveries: Iterable[Delivery]) -> dict[str, str]:
    """{dataset: the last period that it has rows of}."""
    found: dict[str, str] = {}
    for item in deliveries:
        if item.is_final and (item.dataset not in found or _last_day(item.period) > _last_day(found[item.dataset])):
            found[item.dataset] = item.period
    return found


def _last_day(period: str) -> date:
    return period_bounds(period)[1]


def period_start(period: str) -> date:
    """The period's first day, for time axes."""
    return period_bounds(period)[0]
