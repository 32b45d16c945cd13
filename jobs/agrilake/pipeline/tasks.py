"""What an Airflow task does: open the lake, call one step, return ids.

Heavy modules are imported inside the functions: the DAG file imports this one every time it is parsed, and
each task is a process of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypedDict

from agrilake.errors import AgrilakeError, UsageError
from agrilake.pipeline import endings

if TYPE_CHECKING:
    from agrilake.lake.state import Delivery
    from agrilake.pipeline.context import Lake

log = logging.getLogger("agrilake")

FILE_WORKERS = 4
"""Into how many groups the arrived files are put: a process for each file would cost more than the file."""
RETRY_AFTER = timedelta(minutes=10)
"""What failed is left alone for so long, then tried again: the intake looks every minute."""
GOLD_WAITS = timedelta(minutes=20)
"""For how long gold waits for more files and silver tables, so that it is not built for each of many."""
ALL_PERIODS = "*"


class Group(TypedDict):
    """Files that one task takes: dataset ids (its label) and delivery ids in order of arrival."""

    datasets: list[str]
    deliveries: list[str]


class NotBuilt(AgrilakeError):
    """Gold tables that keep their version: they, or one that they are made from, failed for good."""


def find_files() -> list[Group]:
    """Register the inbox, and put what is to be processed into groups; reference data goes first and alone.

    The rest waits for silver to know the divisions, and this DAG runs again as soon as it does. All files of a
    dataset are in one group, in order of arrival: one writer for its bronze and accepted rows. Without files, a
    group without deliveries names silver tables whose update was missed.
    """
    from agrilake.pipeline import erasure, withdrawal
    from agrilake.pipeline.inbox import look_into_inbox
    from agrilake.pipeline.rotation import settle_keys

    lake = _start()
    withdrawal.finish(lake)
    erasure.finish(lake)
    settle_keys(lake)
    look_into_inbox(lake)
    waiting = _deliveries_to_take(lake)
    reference = [dataset.id for dataset in lake.registry.reference()]
    first = [item for item in waiting if item.dataset in reference]
    if first or set(reference) & set(_silver_ahead(lake)):
        waiting = first
    missed = _missed(lake)
    idle = [Group(datasets=missed, deliveries=[])] if missed else []
    return in_groups(waiting, FILE_WORKERS) or idle


def in_groups(deliveries: Iterable[Delivery], most: int) -> list[Group]:
    """At most `most` groups of whole datasets, about even in bytes; stable order."""
    by_dataset: dict[str, list[Delivery]] = {}
    for item in sorted(deliveries, key=lambda item: item.sequence):
        by_dataset.setdefault(item.dataset, []).append(item)
    size = {name: sum(item.bytes for item in items) for name, items in by_dataset.items()}
    groups: list[list[str]] = [[] for _ in range(min(most, len(by_dataset)))]
    for name in sorted(by_dataset, key=lambda name: (-size[name], name)):
        min(groups, key=lambda group: sum(size[other] for other in group)).append(name)
    return [
        {"datasets": sorted(names), "deliveries": [item.id for name in sorted(names) for item in by_dataset[name]]}
        for names in groups
    ]


def take(group: Group, again: bool = False) -> None:
    """Process the deliveries of a group (with `again` also those that were taken before, into silver anew).

    One that fails does not keep the others: it gets its line in `agrilake status`, and SomeFailed is
    raised at the end.
    """
    lake = _start()
    failed = [delivery for delivery in group["deliveries"] if not _take_one(lake, delivery, again)]
    if failed:
        raise endings.SomeFailed(f"{len(failed)} of {len(group['deliveries'])} deliveries failed: {', '.join(failed)}")


def datasets_behind(groups: Sequence[Group] | None) -> list[str]:
    """Datasets whose silver table lacks deliveries: those of the groups, and others whose update was missed."""
    lake = _start()
    named = {name for group in groups or () for name in group["datasets"]}
    return sorted(named & set(_silver_behind(lake)) | set(_missed(lake)))


def find_deliveries(dataset: str, period: str) -> list[Group]:
    """The deliveries of a dataset's period (* for all) that have landed; UsageError where there is none."""
    lake = _start()
    known = lake.state.deliveries(dataset, status=("accepted", "partial", "waiting", "received"))
    found = [item for item in known if period in (ALL_PERIODS, item.period)]
    if not found:
        periods = ", ".join(sorted({item.period for item in known})) or "none"
        raise UsageError(f"{dataset}: nothing was delivered for {period}; delivered periods: {periods}")
    return in_groups(found, 1)


def update_silver(dataset: str) -> str:
    """Bring a silver table up to date and run its suite: pass, warn or stop (the last decision where the version was
    validated before)."""
    from agrilake.pipeline import steps

    lake = _start()
    steps.update_silver(lake, dataset)
    steps.check_suite(lake, dataset)
    known = lake.state.suites().get(dataset)
    return str(known["decision"]) if known else "pass"


def why_stopped(dataset: str) -> str:
    """What the suite found, and which gold tables keep their last good version for it."""
    from agrilake.pipeline import steps

    lake = _start()
    reason = steps.stopped(lake).get(dataset, "")
    return f"{reason}；停留在上一版的表：{'、'.join(steps.held_tables(lake))}"


def stale_gold() -> list[str] | None:
    """Gold tables to build, those downstream of them included; None while more of silver is about to change.

    Then its asset calls again, or the clock; what arrived waits no longer than GOLD_WAITS.
    """
    from agrilake.pipeline import steps

    lake = _start()
    ahead = _deliveries_to_take(lake) or _silver_ahead(lake) or _suites_ahead(lake)
    if (ahead and _waited(lake) < GOLD_WAITS) or not steps.lake_tables(lake):
        log.info("nothing is there yet, or files or silver tables are on their way: gold is built after them")
        return None
    return steps.stale_gold(lake)


def _waited(lake: Lake) -> timedelta:
    """For how long the oldest file has waited that arrived after the last publication."""
    versions = lake.state.lake_versions()
    published = versions[-1].recorded_at if versions else ""
    arrived = [item.received_at for item in lake.state.deliveries() if item.received_at > published]
    waited = datetime.now(UTC) - datetime.fromisoformat(min(arrived)) if arrived else timedelta(0)
    return waited if waited >= timedelta(0) else GOLD_WAITS  # the clock was set back


def build_gold(names: Sequence[str], failed_before: bool = False) -> None:
    """Build those gold tables of a group whose inputs changed, in order.

    One that fails does not keep the others; it gets its line in `agrilake status`, and the next try builds what is
    missing. A table made from one that failed keeps its version and says so in its line; where a group before this
    one failed (`failed_before`), that goes for its tables too. Raises SomeFailed where another try may help, else
    NotBuilt.
    """
    from agrilake.pipeline import steps

    lake = _start()
    behind = set(steps.stale_gold(lake)) - set(names) if failed_before else set()
    errors: dict[str, Exception] = {}
    with steps.building_gold(lake):
        for name in names:
            try:
                _build_one(lake, name, behind)
            except Exception as error:  # one bad table must not keep the others
                endings.note_failure(lake, "gold", name, error)
                errors[name] = error
                behind.add(name)
    if errors:
        again = any(endings.may_succeed_later(error) for error in errors.values())
        kind = endings.SomeFailed if again else NotBuilt
        raise kind(f"{len(errors)} of {len(names)} tables were not built: {', '.join(errors)}")


def _build_one(lake: Lake, name: str, behind: set[str]) -> None:
    """Build a gold table unless it is made from one that is behind."""
    from agrilake.pipeline import steps

    missing = sorted(behind & set(lake.registry.gold[name].inputs))
    if missing:
        raise NotBuilt(f"not built, since {', '.join(missing)} could not be")
    written = steps.update_gold(lake, name)
    lake.state.resolve_failures("gold", name)
    log.info("gold/%s: %s", name, f"version {written.version}" if written else "up to date, or held")


def compute_indicators() -> None:
    """Compute the indicators where their inputs changed."""
    from agrilake.pipeline import steps

    lake = _start()
    with steps.building_gold(lake):
        steps.update_indicators(lake)


def publish() -> str:
    """Publish; the publication's version."""
    from agrilake.pipeline import erasure, publishing

    lake = _start()
    version = str(publishing.update_publication(lake).version)
    erasure.finish_published(lake)
    return version


def maintain() -> int:
    """Tend all tables; how many were changed. Raises SomeFailed, each failed table having a line of its own."""
    from agrilake.pipeline.upkeep import maintain as tend_all

    report = tend_all(_start())
    for done in report.tables:
        log.info("%s", done)
    if report.failures:
        raise endings.SomeFailed(f"{len(report.failures)} tables failed: {'; '.join(report.failures)}")
    return len(report.tables)


def _start() -> Lake:
    """The lake; SecretError where its key is gone or another's."""
    lake = endings.open_lake()
    lake.ensure_key()
    return lake


def _take_one(lake: Lake, delivery_id: str, again: bool) -> bool:
    """Whether the delivery was processed, or needed nothing."""
    from agrilake.pipeline import intake

    delivery = lake.state.delivery(delivery_id)
    if delivery is None or (delivery.is_final and not again and delivery not in intake.stale_deliveries(lake)):
        return True
    try:
        done = intake.process(lake, delivery).delivery
        if again:
            _forget_applied(lake, done)
    except Exception as error:  # one bad file must not keep the others from the lake
        endings.note_failure(lake, "intake", delivery_id, error)
        return False
    lake.state.resolve_failures("intake", delivery_id)
    counts = (done.records, done.accepted, done.quarantined, done.duplicate)
    log.info("delivery %s %s: %s read, %s accepted, %s quarantined, %s duplicate", delivery_id, done.status, *counts)
    return True


def _forget_applied(lake: Lake, delivery: Delivery) -> None:
    """Let silver take the delivery's rows again, though nothing that is counted changed."""
    from agrilake.lake.locks import table_lock

    with table_lock(lake.home.table("silver", delivery.dataset)):
        applied = lake.state.applied(delivery.dataset)
        if delivery.id in applied:
            lake.state.record_applied(delivery.dataset, {**applied, delivery.id: ""})


def _deliveries_to_take(lake: Lake) -> list[Delivery]:
    from agrilake.pipeline import intake

    resting = _resting(lake, "intake")
    return [item for item in intake.stale_deliveries(lake) if item.id not in resting]


def _silver_behind(lake: Lake) -> list[str]:
    from agrilake.pipeline import steps

    return [name for name in lake.registry.datasets if not steps.silver_is_current(lake, name)]


def _silver_ahead(lake: Lake) -> list[str]:
    """Datasets whose silver table is behind and did not just fail: it is about to change."""
    resting = _resting(lake, "silver")
    return [name for name in _silver_behind(lake) if name not in resting]


def _missed(lake: Lake) -> list[str]:
    """Datasets whose silver table or suite is behind though nothing arrived lately: a run was ended before it told."""
    arrived = {item.dataset for item in lake.state.deliveries() if _is_lately(item.received_at)}
    return sorted({*_silver_ahead(lake), *_suites_ahead(lake)} - arrived)


def _suites_ahead(lake: Lake) -> list[str]:
    from agrilake.pipeline import steps

    resting = _resting(lake, "suites")
    return [name for name in steps.unchecked(lake) if name not in resting]


def _resting(lake: Lake, step: str) -> set[str]:
    """What failed in a step a short while ago."""
    found = [item for item in lake.state.open_failures() if item.step == step]
    return {item.subject for item in found if _is_lately(item.happened_at)}


def _is_lately(moment: str) -> bool:
    """Whether an ISO moment lies in the last minutes; one that lies ahead, since the clock was set back, does not."""
    return timedelta(0) <= datetime.now(UTC) - datetime.fromisoformat(moment) < RETRY_AFTER
