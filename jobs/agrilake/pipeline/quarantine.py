"""What waits in quarantine, how that goes on from period to period, and letting rows go where the rule was wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from deltalake import write_deltalake

from agrilake.contract.model import Dataset
from agrilake.errors import UsageError
from agrilake.intake.dates import period_bounds
from agrilake.intake.findings import ERROR, quarantine_schema, rule_title
from agrilake.lake import audit
from agrilake.lake.files import delivery_rows, scan
from agrilake.lake.locks import table_lock
from agrilake.lake.state import Delivery, now
from agrilake.paths import Home
from agrilake.pipeline import intake, steps
from agrilake.pipeline.context import Lake
from agrilake.publish.quarantine import waiting_findings
from agrilake.tables.order import refs, winners

RELEASES = ("decisions", "quarantine_release")
RECORD = ("delivery_id", "sheet", "line")
LONGEST = 200
RELEASE = {
    "release_no": pl.Int64,
    "dataset": pl.String,
    "rule": pl.String,
    "delivery_id": pl.String,
    "records": pl.Int64,
    "contract_version": pl.String,
    "released_by": pl.String,
    "released_at": pl.String,
    "reason": pl.String,
}
"""Columns of the acts: one row a delivery that was read again; `records` of it passed the changed contract."""


@dataclass(frozen=True)
class Waiting:
    """Records of a dataset that wait for one reason."""

    dataset: str
    title: str
    department: str
    rule: str
    reason: str
    records: int
    deliveries: int
    oldest_period: str
    newest_period: str


@dataclass(frozen=True)
class Share:
    """Records of a dataset's period that were delivered, and of these that wait."""

    dataset: str
    title: str
    department: str
    period: str
    records: int
    waiting: int

    @property
    def percent(self) -> float:
        """Waiting of a hundred delivered."""
        return round(100 * self.waiting / self.records, 2) if self.records else 0.0


@dataclass(frozen=True)
class Released:
    """What a release did: records that passed, that still wait for the same rule, deliveries read again, and the
    silver table's version after it."""

    dataset: str
    rule: str
    released: int
    still_waiting: int
    deliveries: tuple[str, ...]
    silver_version: int | None


def findings(
    lake: Lake, department: str | None = None, reason: str | None = None, dataset: str | None = None
) -> pl.DataFrame:
    """Errors of records that still wait (columns of the quarantine table): of a department (code or title), for a rule
    (id or Chinese title), of a dataset. Raises UsageError for what does not exist."""
    names = [item.id for item in _datasets(lake, department, dataset)]
    found = waiting_findings(lake.home, lake.registry, lake.state.deliveries())
    if found is None:
        return pl.DataFrame(schema=quarantine_schema())
    chosen = found.filter(pl.col("dataset").is_in(names), severity=ERROR).collect()
    if reason is None:
        return chosen
    rules = [rule for rule in chosen["rule"].unique() if reason in (rule, rule_title(rule))]
    if not rules and not chosen.is_empty():
        known = ", ".join(f"{rule} {rule_title(rule)}" for rule in sorted(chosen["rule"].unique()))
        raise UsageError(f"nothing waits for {reason!r}; reasons: {known}")
    return chosen.filter(pl.col("rule").is_in(rules))


def waiting(lake: Lake, found: pl.DataFrame) -> list[Waiting]:
    """The findings by dataset and rule, most records first."""
    counted = found.group_by("dataset", "rule").agg(
        records=pl.struct(RECORD).n_unique(), deliveries=pl.col("delivery_id").n_unique(), periods=pl.col("period")
    )
    rows = []
    for row in counted.sort("records", "dataset", "rule", descending=[True, False, False]).to_dicts():
        declared = lake.registry.get(row["dataset"])
        periods = sorted(row["periods"], key=period_bounds)
        of = (declared.id, declared.title, declared.department_title, row["rule"], rule_title(row["rule"]))
        rows.append(Waiting(*of, row["records"], row["deliveries"], periods[0], periods[-1]))
    return rows


def trend(lake: Lake, found: pl.DataFrame) -> list[Share]:
    """For each dataset that waits for something: its periods, with what was delivered and what of it waits."""
    counts = found.group_by("dataset", "period").agg(pl.struct(RECORD).n_unique().alias("waiting"))
    waits = {(row["dataset"], row["period"]): row["waiting"] for row in counts.to_dicts()}
    rows = []
    for name in sorted({dataset for dataset, _ in waits}):
        declared, delivered = lake.registry.get(name), Counter[str]()
        for item in _counting(lake, declared):
            delivered[item.period] += item.records if item.kind == "base" else 0
        for period in sorted(delivered, key=period_bounds):
            of = (name, declared.title, declared.department_title, period)
            rows.append(Share(*of, delivered[period], waits.get((name, period), 0)))
    return rows


def lines(lake: Lake, found: pl.DataFrame) -> list[dict[str, Any]]:
    """The findings line by line, with the file's name; `found` is masked as in the receipt."""
    files = {item.id: item.file_name for item in lake.state.deliveries()}
    ordered = found.sort("period", "delivery_id", "sheet", "line", "column", nulls_last=True)
    return [{**row, "file_name": files.get(row["delivery_id"])} for row in ordered.to_dicts()]


def release(lake: Lake, rule: str, dataset: str, by: str, reason: str) -> Released:
    """Read the deliveries again whose records wait for `rule`, under the contract as it is now: what passes goes to
    silver, each receipt is written anew, and who did it and why is kept.

    Nothing is changed where the contract would now refuse a record that it took before. Raises UsageError for that, for
    a rule that nothing waits for, and without a person or a reason.
    """
    for name, text in (("by", by), ("reason", reason)):
        if not text.strip() or len(text) > LONGEST:
            raise UsageError(f"a release needs --{name}, at most {LONGEST} characters")
    declared = lake.registry.get(dataset)
    with table_lock(lake.home.root / "run" / f"release_{declared.id}"):  # what one has released waits for no other
        return _release(lake, declared, rule, by, reason)


def _release(lake: Lake, declared: Dataset, rule: str, by: str, reason: str) -> Released:
    found = findings(lake, reason=rule, dataset=declared.id)
    if found.is_empty():
        raise UsageError(f"nothing of {declared.id} waits in quarantine")
    rule = str(found["rule"][0])
    known = {item.id: item for item in lake.state.deliveries(declared.id)}
    again = [known[name] for name in found["delivery_id"].unique(maintain_order=True)]
    passing = {item.id: _passing(lake, declared, item, found) for item in again}
    chosen = [item for item in again if passing[item.id]]
    for item in chosen:
        act = (declared.id, rule, item.id, passing[item.id], declared.version, by.strip(), now(), reason.strip())
        audit.record(
            lake.home, "released", item.id, by.strip(), dataset=declared.id, rule=rule, records=passing[item.id]
        )
        _record(lake.home, act)
        intake.process(lake, item)
    written = steps.update_silver(lake, declared.id)
    left = findings(lake, dataset=declared.id).filter(rule=rule).select(RECORD).n_unique()
    released = sum(passing.values())
    version = written.version if written else None
    return Released(declared.id, rule, released, left, tuple(item.id for item in chosen), version)


def releases(home: Home) -> pl.DataFrame:
    """Every release there ever was, oldest first (columns RELEASE)."""
    table = scan(home.table(*RELEASES))
    return pl.DataFrame(schema=RELEASE) if table is None else table.collect().sort("release_no")


def _passing(lake: Lake, dataset: Dataset, delivery: Delivery, found: pl.DataFrame) -> int:
    """How many of the delivery's records that wait for the rule pass now."""
    refused = intake.refused_now(lake, delivery)
    place = ["sheet", "line"]
    stored = delivery_rows(lake.home.table("quarantine"), delivery.id, column="delivery_id")
    before = found if stored is None else stored.filter(severity=ERROR)
    worse = refused.join(before.select(place).unique(), on=place, how="anti", nulls_equal=True).height
    if worse:
        raise UsageError(
            f"{delivery.file_name}: the contract of {dataset.id} would now refuse {worse} records that were accepted; "
            "nothing was released. Mend the contract, or have the period taken again by the DAG `backfill`"
        )
    waits = found.filter(delivery_id=delivery.id).select(place).unique()
    return waits.join(refused, on=place, how="anti", nulls_equal=True).height


def _record(home: Home, act: Sequence[Any]) -> None:
    path = home.table(*RELEASES)
    with table_lock(path):
        row = pl.DataFrame([(releases(home).height + 1, *act)], schema=RELEASE, orient="row")
        write_deltalake(str(path), row.to_arrow(), mode="append")


def _counting(lake: Lake, dataset: Dataset) -> list[Delivery]:
    """The deliveries that count, oldest first."""
    known = {item.id: item for item in lake.state.deliveries(dataset.id)}
    return [known[name] for name in winners(dataset.load, refs(known.values()))]


def _datasets(lake: Lake, department: str | None, dataset: str | None) -> list[Dataset]:
    if dataset is not None:
        return [lake.registry.get(dataset)]
    known = lake.registry.datasets.values()
    found = [item for item in known if department in (None, item.department, item.department_title)]
    if not found:
        departments = sorted({f"{item.department} {item.department_title}" for item in known})
        raise UsageError(f"no department {department!r}; known: {', '.join(departments)}")
    return found
