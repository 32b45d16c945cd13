"""Before a run: what killed writers left behind goes, and logs that a broken disk left are mended or named."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import psutil
from deltalake import DeltaTable

from agrilake.intake.landing import DRAFT
from agrilake.intake.leaving import put_all_back
from agrilake.intake.manifest import SUFFIX
from agrilake.intake.settle import REFUSED_FOLDER
from agrilake.lake.files import DELIVERY, scan
from agrilake.lake.locks import table_lock
from agrilake.lake.logs import LOG, broken_log, mend_log
from agrilake.lake.state import Delivery
from agrilake.paths import Home
from agrilake.pipeline.context import Lake
from agrilake.publish.records import records

LOGS = "log"
"""The step under which `agrilake status` shows a table whose log is broken."""
LAYERS = ("bronze", "accepted", "silver", "gold")
log = logging.getLogger("agrilake")


def tidy(lake: Lake) -> list[str]:
    """Remove drafts, mend logs; a line for each table whose log stays broken, which `agrilake status` shows too."""
    sweep(lake.home)
    return _mend_logs(lake)


def sweep(home: Home) -> None:
    """Remove drafts whose writers are gone: they were never shown to anybody. Files that were about to leave the inbox
    are in their places again."""
    with table_lock(home.root / "run" / "inbox"):  # nobody lands a file meanwhile
        for draft in home.landing.glob(f"{DRAFT}*"):
            draft.unlink(missing_ok=True)
        put_all_back(home.inbox)
        for manifest in home.inbox.glob(f"*/*{SUFFIX}"):
            name = manifest.name.removesuffix(SUFFIX)
            if (manifest.parent / REFUSED_FOLDER / name).exists() and not (manifest.parent / name).exists():
                manifest.unlink(missing_ok=True)
    for draft in _drafts(home):
        writer = draft.name.removesuffix(".tmp").rpartition(".")[2]
        if writer.isdigit() and not psutil.pid_exists(int(writer)):
            draft.unlink(missing_ok=True)


def _drafts(home: Home) -> Iterator[Path]:
    """Drafts that name the process that writes them: receipts, files given back, recipes."""
    yield from home.outbox.glob("*/.*.tmp")
    yield from home.inbox.glob(f"*/{REFUSED_FOLDER}/.*.tmp")
    yield from home.published.glob("*/*.tmp")


def _mend_logs(lake: Lake) -> list[str]:
    broken = {table.relative_to(lake.home.root).as_posix(): table for table in _tables(lake.home) if broken_log(table)}
    for failure in lake.state.open_failures():
        if failure.step == LOGS:
            lake.state.resolve_failures(LOGS, failure.subject)
    return [f"{LOGS} {line}" for name, table in broken.items() if (line := _mended(lake, table, name))]


def _mended(lake: Lake, table: Path, name: str) -> str | None:
    """None where the table's log is in order by now, else the line that stays."""
    with table_lock(table):
        broken = broken_log(table)
        while broken and mend_log(table, broken, _named(lake, name)):
            log.warning("%s: %s of version %s was cut off and is removed", name, broken.kind, broken.version)
            broken = broken_log(table)
    if broken:
        lake.state.record_failure(LOGS, name, broken.line)
        return broken.line
    _take_again(lake, table, name)
    return None


def _tables(home: Home) -> list[Path]:
    found = [path.parent for layer in LAYERS for path in home.table(layer).glob(f"[!.]*/{LOG}")]
    quarantine = home.table("quarantine")
    found = [path for path in found if not path.name.startswith(".")]
    return sorted([*found, *([quarantine] if (quarantine / LOG).is_dir() else [])])


def _named(lake: Lake, name: str) -> list[int]:
    """Versions of the table that anybody recorded: lake versions, publications, suites."""
    found = [item.tables[name] for item in lake.state.lake_versions() if name in item.tables]
    found += [version for item in records(lake.home) for version in item.pinned.get(name, [])]
    suite = lake.state.suites().get(name.removeprefix("silver/"))
    return [*found, suite["table_version"]] if suite and name.startswith("silver/") else found


def _take_again(lake: Lake, table: Path, name: str) -> None:
    """Have everything done again that the commit may have held: what the registry counts and the table lacks."""
    layer, _, dataset = name.partition("/")
    if layer == "silver":
        lake.state.record_applied(dataset, {})
        return
    counts = _counts(table, layer)
    for delivery in lake.state.deliveries(dataset or None, status=("accepted", "partial")):
        if _lacks(delivery, layer, counts.get(delivery.id, 0)):
            log.warning("%s: delivery %s is processed again", name, delivery.id)
            lake.state.record_delivery(replace(delivery, status="received"))


def _lacks(delivery: Delivery, layer: str, rows: int) -> bool:
    """Whether the table holds other records of the delivery than the registry counts; bronze has no rows of records
    that could not be split into columns."""
    if layer == "bronze":
        return rows < delivery.accepted + delivery.duplicate
    stated = {"accepted": delivery.accepted, "quarantine": delivery.quarantined}
    return rows != stated.get(layer, rows)


def _counts(table: Path, layer: str) -> dict[str, int]:
    """Records that the table holds of each delivery."""
    rows = scan(table) if DeltaTable.is_deltatable(str(table)) else None
    if rows is None:
        return {}
    if layer == "quarantine":
        rows = rows.filter(severity="error").select(pl.col("delivery_id").alias(DELIVERY), "sheet", "line").unique()
    return dict(rows.group_by(DELIVERY).len().collect().iter_rows())
