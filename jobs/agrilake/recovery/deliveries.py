"""What came: the registry, the files in landing, the rows that they brought, the receipts."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import polars as pl

from agrilake.errors import ConsistencyError
from agrilake.intake.kept import kept_file, kept_sum
from agrilake.intake.landing import landed_files, landing_path, opened, opened_file
from agrilake.intake.receipt import receipt_paths
from agrilake.lake.bronze import bronze_rows, sealed_rows
from agrilake.lake.files import DELIVERY, delivery_rows, scan
from agrilake.lake.state import REFUSED, WITHDRAWN, Delivery
from agrilake.paths import Home
from agrilake.pipeline.landed import FILE_ERASED
from agrilake.recovery.logs import Log
from agrilake.recovery.looking import AGAIN, FROM_BACKUP, Found, Looking

PLACE = ["sheet", "line"]
STATE_ALONE = "state/lake.sqlite"


def check_registry(looking: Looking, found: Found) -> None:
    """SQLite's own check, and the counts of every delivery."""
    path = looking.lake.home.state_file
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        said = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    if said != ["ok"]:
        found.add(f"SQLite finds {len(said)} faults, the first: {said[0]}", STATE_ALONE, FROM_BACKUP)
    for item in looking.deliveries.values():
        found.looked += 1
        parts = item.accepted + item.quarantined + item.duplicate
        if item.records != parts:
            counted = (
                f"{item.accepted} accepted + {item.quarantined} quarantined + {item.duplicate} duplicate = {parts}"
            )
            found.add(f"{item.records} records, but {counted}", _name(item), _again(item))


def check_landing(looking: Looking, found: Found) -> None:
    """Each delivery's bytes are there and have their hash; nothing else is there."""
    home = looking.lake.home
    expected = {
        item.sha256: item for item in looking.deliveries.values() if item.sha256 and not _is_rewritten(home, item)
    }
    there = {sha256: landed_files(home, sha256) for sha256 in expected}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        altered = dict(zip(expected, pool.map(lambda sha256: _is_altered(looking, sha256), expected), strict=True))
    for sha256, item in expected.items():
        found.looked += 1
        where = next(iter(there[sha256]), landing_path(home, sha256)).relative_to(home.root).as_posix()
        if not there[sha256]:
            found.add(f"the file of {_name(item)} is missing", where, FROM_BACKUP)
        elif altered[sha256]:
            found.add(f"the file of {_name(item)} was altered: it has not its SHA-256", where, FROM_BACKUP)
    known = {path for paths in there.values() for path in paths}
    for item in looking.deliveries.values():
        path = kept_file(home, item.sha256, item.id) if item.sha256 else None
        if path is not None:
            known.add(path)
            found.looked += 1
            if _is_unreadable(looking, path):
                where = path.relative_to(home.root).as_posix()
                found.add(f"what an erasure left of the file of {_name(item)} was altered", where, FROM_BACKUP)
    for path in sorted(path for path in home.landing.rglob("*") if path.is_file() and path not in known):
        if not path.name.startswith("."):
            where = path.relative_to(home.root).as_posix()
            found.add("a file that no delivery names", where, f"{AGAIN} if it lies in the inbox still; else remove it")


def _is_altered(looking: Looking, sha256: str) -> bool:
    """Whether what came cannot be had from landing any more, as it came."""
    lake = looking.lake
    try:
        with opened(lake.home, sha256, lambda: lake.ring):
            return False
    except ConsistencyError:
        return True


def _is_rewritten(home: Home, item: Delivery) -> bool:
    """Whether an erasure has taken the file away, or put another in its place."""
    return bool(item.details.get(FILE_ERASED)) or kept_file(home, item.sha256, item.id) is not None


def _is_unreadable(looking: Looking, path: Path) -> bool:
    lake = looking.lake
    try:
        with opened_file(lake.home, path, kept_sum(path), lambda: lake.ring):
            return False
    except ConsistencyError:
        return True


def check_rows(looking: Looking, found: Found) -> None:
    """Bronze, accepted rows and quarantine hold of each delivery what its record says, and of no other any."""
    stored = _stored_rows(looking)
    for item in looking.deliveries.values():
        found.looked += 1
        bronze, accepted, quarantined = (layer.pop(item.id, 0) for layer in stored)
        wanted = (item.accepted, item.quarantined)
        if not item.is_final:
            if (bronze or accepted or quarantined) and item.status in (REFUSED, WITHDRAWN):
                said = (
                    f"{item.status}, but {bronze} bronze, {accepted} accepted, {quarantined} quarantined rows are there"
                )
                remedy = f"agrilake withdraw {item.id[:8]}" if item.status == WITHDRAWN else "agrilake run"
                found.add(said, _name(item), remedy)
            continue
        if (accepted, quarantined) != wanted:
            said = f"{accepted} accepted and {quarantined} quarantined rows are stored, but {wanted[0]} and {wanted[1]}"
            found.add(f"{said} were counted", _name(item), _again(item))
        if bronze != item.records and bronze + _unsplit(looking, item) != item.records:
            found.add(f"bronze holds {bronze} rows of {item.records} records", _name(item), _again(item))
    for name, layer in zip(("bronze", "accepted", "quarantine"), stored, strict=True):
        for unknown, rows in layer.items():
            found.add(f"{rows} rows of a delivery that the registry does not know", f"{name}: {unknown}", FROM_BACKUP)


def check_receipts(looking: Looking, found: Found) -> None:
    """Each delivery has its page and its CSV, but those whose receipt is owed: the next run writes it."""
    home = looking.lake.home
    owed = {item.id for item in looking.lake.state.owed_receipts()}
    for item in looking.deliveries.values():
        if item.status == "received" or item.id in owed:
            continue
        found.looked += 1
        paths = receipt_paths(home, item)
        for path in (paths.html, paths.csv):
            if not path.is_file():
                where = f"outbox/{path.relative_to(home.outbox).as_posix()}"
                found.add(f"the receipt of {_name(item)} is missing", where, _again(item))


def _stored_rows(looking: Looking) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Rows by delivery in bronze and accepted, and records in quarantine."""
    home = looking.lake.home
    layers: list[dict[str, int]] = []
    for layer in ("bronze", "accepted"):
        rows: dict[str, int] = {}
        for name, log in looking.logs.items():
            if name.endswith(".sealed"):
                continue
            if name.startswith(f"{layer}/"):
                rows |= _by_delivery(home.table(*name.split("/")), log)
        if layer == "bronze":
            for dataset in looking.lake.registry.datasets:
                rows |= sealed_rows(home, dataset)
        layers.append({key: count for key, count in rows.items() if count})
    quarantine = scan(home.table("quarantine"))
    if quarantine is None:
        return layers[0], layers[1], {}
    errors = quarantine.filter(severity="error").select("delivery_id", *PLACE).unique()
    return layers[0], layers[1], dict(errors.group_by("delivery_id").len().collect().iter_rows())


def _by_delivery(path: os.PathLike[str], log: Log) -> dict[str, int]:
    """Rows by delivery, from the log where it tells them."""
    files = log.needed([log.newest])
    if all(file.rows is not None and DELIVERY in file.partition for file in files):
        counts: dict[str, int] = {}
        for file in files:
            key = str(file.partition[DELIVERY])
            counts[key] = counts.get(key, 0) + int(file.rows or 0)
        return counts
    return dict(pl.scan_delta(str(path)).group_by(DELIVERY).len().collect().iter_rows())


def _unsplit(looking: Looking, item: Delivery) -> int:
    """Quarantined records that are not in bronze, since they could not be split into columns."""
    home = looking.lake.home
    bronze = bronze_rows(home, item.dataset, item.id)
    found = delivery_rows(home.table("quarantine"), item.id, column="delivery_id")
    if found is None:
        return 0
    places = found.filter(severity="error").select(PLACE).unique()
    if bronze is None:
        return places.height
    known = bronze.select(pl.col("_sheet").alias("sheet"), pl.col("_line").alias("line"))
    return places.join(known, on=PLACE, how="anti", nulls_equal=True).height


def _name(item: Delivery) -> str:
    return f"delivery {item.id[:8]} ({item.dataset or item.department} {item.period})".replace(" )", ")")


def _again(item: Delivery) -> str:
    if not item.dataset or item.status == REFUSED:
        return FROM_BACKUP
    return f"have it read again: the DAG backfill with dataset {item.dataset} and period {item.period}"
