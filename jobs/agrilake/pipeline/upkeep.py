"""Upkeep of all tables: compaction, clean-up, log. Nothing that was published or recorded becomes unreadable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from deltalake import DeltaTable

from agrilake.contract.model import Dataset
from agrilake.errors import ConsistencyError
from agrilake.lake import audit
from agrilake.lake.logs import broken_log
from agrilake.pipeline.context import Lake
from agrilake.pipeline.pins import VERSIONED, pinned_versions
from agrilake.pipeline.sealing import seal, seals_anything
from agrilake.pipeline.steps import readable
from agrilake.publish.records import Pins
from agrilake.tables.upkeep import Upkept, tend

STEP, SEALING, KEPT = "maintenance", "encryption", "kept versions"
KEEP = timedelta(days=7)
"""For how long what left a table stays on disk: longer than any query or task takes."""
LAYERS = ("bronze", "accepted", "silver", "gold")


@dataclass(frozen=True)
class UpkeepReport:
    """Tables where something was done, and those that failed, a line each."""

    tables: list[Upkept] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def maintain(lake: Lake, keep: timedelta = KEEP, dry_run: bool = False) -> UpkeepReport:
    """Tend every table of the lake, one after the other; a second call finds nothing to do.

    A table that fails is recorded (`agrilake status`) and the others go on. One whose log is broken is left as it is;
    where a broken log of silver or gold leaves open which versions must be kept, all silver and gold is.
    """
    report = UpkeepReport()
    if not dry_run:
        _seal(lake, report)
    pins = _pins(lake, report)
    for name, path in _tables(lake):
        if pins is None and name.startswith(VERSIONED):
            continue
        try:
            if broken := broken_log(path):
                raise ConsistencyError(broken.line)
            done = tend(path, name, keep, (pins or {}).get(name, []), _contract(lake, name), dry_run)
        except Exception as error:  # one broken table must not keep the others from their upkeep
            _fail(lake, report, name, error)
            continue
        lake.state.resolve_failures(STEP, name)
        if done.changed:
            report.tables.append(done)
            if not dry_run:
                audit.record(lake.home, "ran", name, step=STEP, compacted=done.compacted, deleted=done.deleted)
    return report


def _pins(lake: Lake, report: UpkeepReport) -> Pins | None:
    """Versions that must be kept; None where nobody can tell."""
    try:
        pins = pinned_versions(lake)
    except Exception as error:
        _fail(lake, report, KEPT, error)
        return None
    lake.state.resolve_failures(STEP, KEPT)
    return pins


def _seal(lake: Lake, report: UpkeepReport) -> None:
    """Encrypt what lies there plain though it should not."""
    if not seals_anything(lake):
        return
    try:
        seal(lake)
    except Exception as error:
        _fail(lake, report, SEALING, error)
    else:
        lake.state.resolve_failures(STEP, SEALING)


def _fail(lake: Lake, report: UpkeepReport, name: str, error: Exception) -> None:
    report.failures.append(f"{STEP} {name}: {readable(error)}")
    lake.state.resolve_failures(STEP, name)
    lake.state.record_failure(STEP, name, readable(error))


def _tables(lake: Lake) -> Iterator[tuple[str, Path]]:
    """Every Delta table of the lake but the stewards' decisions, which nothing could make again."""
    folders = [path for layer in LAYERS for path in sorted(lake.home.table(layer).glob("[!.]*")) if path.is_dir()]
    for path in (*folders, lake.home.table("quarantine")):
        if DeltaTable.is_deltatable(str(path)):
            yield path.relative_to(lake.home.root).as_posix(), path


def _contract(lake: Lake, name: str) -> Dataset | None:
    layer, _, table = name.partition("/")
    known = {"silver": lake.registry.datasets, "gold": lake.registry.gold}.get(layer, {})
    return known.get(table)
