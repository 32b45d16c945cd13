"""The whole way in one call: everything that lies in the inbox, to the publication."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from agrilake.contract.order import in_order
from agrilake.errors import AgrilakeError
from agrilake.indicators.load import load_indicators
from agrilake.intake.landing import room
from agrilake.lake import audit
from agrilake.pipeline import arriving, erasure, intake, publishing, steps, withdrawal
from agrilake.pipeline.context import Lake
from agrilake.pipeline.endings import log_frames
from agrilake.pipeline.leftovers import tidy
from agrilake.pipeline.outcomes import Outcome
from agrilake.pipeline.rotation import settle_keys

Progress = Callable[[str, int, int, str], None]
"""Told of (step, done, total, subject) as the run goes on."""

T = TypeVar("T")
log = logging.getLogger(__name__)
POLL_SECONDS = 0.5
FILES_AT_ONCE = 2
TABLES_AT_ONCE = 3
ROUNDS = 6
ROWS = ("records", "accepted", "quarantined", "duplicate")


@dataclass(frozen=True)
class Failed:
    """A step that failed for one file or table, in words that hold no value."""

    message: str


@dataclass
class RunReport:
    """What a run did: `run --json` prints it as it is. Rows are physical records; seconds are by step."""

    deliveries: list[dict[str, Any]] = field(default_factory=list)
    files: int = 0
    repeats: int = 0
    rows_read: int = 0
    rows_accepted: int = 0
    rows_quarantined: int = 0
    rows_duplicate: int = 0
    tables_written: dict[str, int] = field(default_factory=dict)
    suites: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    indicators_computed: int = 0
    publication: str = ""
    failures: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def run_all(lake: Lake, progress: Progress | None = None) -> RunReport:
    """Take what lies in the inbox, bring every table up to date and publish.

    A step that fails for one file or table is recorded (`report.failures`, `agrilake status`) and the others go on.
    Raises DiskFull where there is no room even for that.
    """
    with room(lake.home, "run"):
        return _run(lake, progress)


def _run(lake: Lake, progress: Progress | None) -> RunReport:
    report, tell = RunReport(), progress or (lambda *_: None)
    lake.ensure_key()
    audit.record(lake.home, "ran", "agrilake run", files=len(arriving.pending_files(lake, settle=False)))
    report.failures += tidy(lake)
    withdrawal.finish(lake)
    erasure.finish(lake)
    settle_keys(lake)
    _wait_settled(lake)
    take_and_load(lake, report, tell)
    _side_by_side(
        *(lake, report, tell, "receipt", 1, lake.state.owed_receipts()),
        *(lambda item: intake.give_owed_receipt(lake, item), lambda item: item.id),
    )
    report.failures += left_in_inbox(lake)
    with _timed(report, "suites"):
        _check_suites(lake, report, tell)
    report.held = steps.held_tables(lake)
    with _timed(report, "gold"), steps.building_gold(lake):
        _update_gold(lake, report, tell)
    with _timed(report, "publish"):
        tell("publish", 0, 1, "")
        report.publication = str(publishing.update_publication(lake).version)
        erasure.finish_published(lake)
        tell("publish", 1, 1, report.publication)
    return report


def take_and_load(lake: Lake, report: RunReport, tell: Progress) -> None:
    """Take the complete files of the inbox and bring silver up to date, until nothing is left that another table let
    go on: a division table makes those that waited for it, or were resolved by another, be read again."""
    for _ in range(ROUNDS):
        with _timed(report, "intake"):
            taken = _take_files(lake, report, tell)
        with _timed(report, "silver"):
            _update_silver(lake, report, tell)
        if not taken and not intake.stale_deliveries(lake):
            break


def _wait_settled(lake: Lake) -> None:
    """Give files that were dropped a moment ago the time to prove complete; what still grows waits for the next run."""
    deadline = time.monotonic() + 2 * lake.settings.limits.settle_seconds
    while time.monotonic() < deadline:
        if len(arriving.pending_files(lake)) == len(arriving.pending_files(lake, settle=False)):
            return
        time.sleep(POLL_SECONDS)


def left_in_inbox(lake: Lake) -> list[str]:
    """Files that could not be taken yet (still growing, no room on the disk), a line each that says why."""
    return [item.line for item in lake.state.open_failures() if item.step == arriving.REGISTER]


@contextmanager
def _timed(report: RunReport, step: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    report.seconds[step] = round(report.seconds.get(step, 0.0) + time.perf_counter() - start, 2)


def _take_files(lake: Lake, report: RunReport, tell: Progress) -> bool:
    """Register what is new, then process it and what waits; reference data before the rest."""
    seen = [arriving.register(lake, path) for path in arriving.pending_files(lake)]
    fresh = [item for item in seen if item is not None]
    _count(report, [item for item in fresh if item.delivery.status != "received"])
    reference = {dataset.id for dataset in lake.registry.reference()}
    todo = intake.stale_deliveries(lake)
    first = [item for item in todo if item.dataset in reference]
    rest = [item for item in todo if item.dataset not in reference]
    for group in (first, rest):
        done = _side_by_side(
            lake, report, tell, "intake", FILES_AT_ONCE, group, lambda item: intake.process(lake, item), lambda i: i.id
        )
        _count(report, [outcome for outcome in done if outcome.delivery.status != "waiting"])
        if group is first and first:
            _update_silver(lake, report, tell, only=reference)
    return bool(fresh or todo)


def _count(report: RunReport, outcomes: Sequence[Outcome]) -> None:
    known = {item["id"]: item for item in report.deliveries}
    for outcome in outcomes:
        delivery = outcome.delivery
        if outcome.repeat_of:
            report.repeats += 1
            continue
        known[delivery.id] = {
            name: getattr(delivery, name)
            for name in (("id", "dataset", "period", "file_name", "status", "code", "kind", "revision", *ROWS))
        }
    report.deliveries = list(known.values())
    report.files = len(known) + report.repeats
    totals = Counter[str]()
    for item in known.values():
        totals.update({name: item[name] for name in ROWS})
    report.rows_read, report.rows_accepted = totals["records"], totals["accepted"]
    report.rows_quarantined, report.rows_duplicate = totals["quarantined"], totals["duplicate"]


def _update_silver(lake: Lake, report: RunReport, tell: Progress, only: set[str] | None = None) -> None:
    stale = [name for name in lake.registry.datasets if not steps.silver_is_current(lake, name)]
    names = [name for name in stale if only is None or name in only]
    written = _side_by_side(
        lake, report, tell, "silver", TABLES_AT_ONCE, names, lambda name: steps.update_silver(lake, name), str
    )
    report.tables_written.update({f"silver/{item.table}": item.version for item in written if item and item.changed})


def _check_suites(lake: Lake, report: RunReport, tell: Progress) -> None:
    names = list(lake.registry.datasets)
    results = _side_by_side(lake, report, tell, "suites", 1, names, lambda name: steps.check_suite(lake, name), str)
    report.suites.update({result.dataset: result.decision for result in results if result})


def _update_gold(lake: Lake, report: RunReport, tell: Progress) -> None:
    order = in_order(lake.registry)
    for level in _levels(order):
        written = _side_by_side(
            lake, report, tell, "gold", TABLES_AT_ONCE, level, lambda name: steps.update_gold(lake, name), str
        )
        report.tables_written.update({f"gold/{item.table}": item.version for item in written if item})
    values = _side_by_side(
        lake, report, tell, "indicators", 1, ["indicator_value"], lambda _: steps.update_indicators(lake), str
    )
    for item in values:
        if item:
            report.tables_written[f"gold/{item.table}"] = item.version
            report.indicators_computed = len(load_indicators())


def _levels(order: list[Any]) -> Iterator[list[str]]:
    """Gold tables in groups that do not depend on one another."""
    done: set[str] = set()
    names = {table.id for table in order}
    while len(done) < len(order):
        level = [
            table.id for table in order if table.id not in done and all(n in done for n in table.inputs if n in names)
        ]
        yield level
        done |= set(level)


def _side_by_side(
    lake: Lake,
    report: RunReport,
    tell: Progress,
    step: str,
    at_once: int,
    items: Iterable[Any],
    work: Callable[[Any], T],
    subject: Callable[[Any], str],
) -> list[T]:
    """Do the work for all items, a few at a time; a failure is recorded for its item and the others go on."""
    todo = list(items)

    def one(item: Any) -> T | Failed:
        try:
            with room(lake.home, subject(item)):
                result = work(item)
        except Exception as error:  # one bad file or table must not keep the others from the lake
            message = steps.readable(error)
            if not isinstance(error, AgrilakeError):
                log.error("%s %s", step, subject(item))
                log_frames(error)
            lake.state.resolve_failures(step, subject(item))
            lake.state.record_failure(step, subject(item), message)
            return Failed(message)
        lake.state.resolve_failures(step, subject(item))
        return result

    results: list[T] = []
    with ThreadPoolExecutor(at_once) as pool:
        for number, (item, result) in enumerate(zip(todo, pool.map(one, todo), strict=True), 1):
            tell(step, number, len(todo), subject(item))
            if isinstance(result, Failed):
                report.failures.append(f"{step} {subject(item)}: {result.message}")
            else:
                results.append(result)
    return results
