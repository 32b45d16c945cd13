"""The lake as it is at one moment, as a list of files: what a backup copies.

The moment is that of the registry's copy: every table is locked around it, for about a second, so that its version
belongs to what the registry says. What is between two steps then is what a kill would leave: the next run ends it. All
else is copied afterwards, while the lake goes on: files of a Delta version, of landing, of a publication never change.
"""

from __future__ import annotations

import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from agrilake.errors import ConsistencyError
from agrilake.intake.kept import kept_file
from agrilake.intake.landing import landed_files, landing_path
from agrilake.lake import audit
from agrilake.lake.locks import WAIT_SECONDS, table_lock
from agrilake.lake.state import Delivery, State
from agrilake.paths import Home
from agrilake.pipeline.context import Lake
from agrilake.pipeline.landed import FILE_ERASED
from agrilake.pipeline.pins import VERSIONED, pinned_versions
from agrilake.publish.records import Pins
from agrilake.publish.store import CURRENT, complete
from agrilake.recovery.logs import LOG, log_files, newest_commit, read_log, tables

PARTS = {
    "landing": "the departments' files: nothing can make them again",
    "state": "the registry: what came, in which order, which versions were the lake's",
    "decisions": "what people decided, released and withdrew: nothing can make it again",
    "audit": "who did what: nothing can make it again",
    "published": "manifests, recipes, seals and revisions of all publications: nothing can make it again",
    "silver": "its old versions answer as-of questions; the newest follows from accepted rows",
    "gold": "its old versions are published figures and what they were made from",
    "accepted": "follows from landing only by the contracts as they were on that day",
    "quarantine": "likewise, with the receipts that were given",
    "bronze": "follows from landing, at the price of reading all of it; mends and releases need it at once",
    "publications": "what readers see, so that a restored lake shows it before its first run",
    "outbox": "receipts that the departments have",
    "docs": "quality pages",
    "sample": "of a lake of samples the day that it lives on (sample/today)",
}
"""Folders of the home that are backed up, and why."""
LEFT_OUT = {
    "inbox": "what was not taken yet is with the department still, and is taken when it lands",
    "run": "ports, process ids and tokens of this machine",
    "secrets": "passwords, made anew on the next machine; the pseudonym key lies outside the lake",
    "logs": "of this machine",
    "tmp": "nothing that lasts",
    "airflow": "runs of the past; made anew",
    "superset": "made anew from superset_exports",
}
"""Folders that are not, and why."""
LOCK_SECONDS = 5.0
UNFINISHED = (".tmp", ".part", ".lock")


@dataclass(frozen=True)
class Seen:
    """The files of a snapshot, {path in the home: where it lies}; `registry` is a copy of its own."""

    files: dict[str, Path]
    folders: dict[str, int]
    links: dict[str, str]
    tables: dict[str, int]
    lake_version: int
    deliveries: int


def snapshot(lake: Lake, registry: Path, log: Path) -> Seen:
    """See the lake; copies of the registry and the audit log are made at the given paths."""
    home = lake.home
    with _locked(home):
        _copy_registry(home, registry)
        versions = {name: newest_commit(path) for name, path in tables(home)}
        shown = complete(home)
        current = home.publications / CURRENT
        links = {f"publications/{CURRENT}": current.readlink().name} if current.is_symlink() else {}
        kept = sorted(home.published.rglob("*"))
    files = {"state/lake.sqlite": registry}
    if _copy_log(home, log):
        files["audit/audit.jsonl"] = log
    state = State(registry)
    deliveries = state.deliveries()
    for item in deliveries:
        if item.sha256:
            found = _landed(home, item)
            files |= {path.relative_to(home.root).as_posix(): path for path in found}
    pins = _pins(lake)
    for name, path in tables(home):
        if name in versions:
            files |= _table_files(name, path, versions[name], None if pins is None else pins.get(name, []))
    loose = [*kept, *(path for folder in shown for path in sorted(folder.rglob("*")))]
    loose += [*sorted(home.docs.rglob("*")), home.root / "sample" / "today"]
    files |= {path.relative_to(home.root).as_posix(): path for path in loose if _counts(path)}
    receipts = (path for path in sorted(home.outbox.rglob("*")) if _counts(path))
    files |= {f"outbox/{path.relative_to(home.outbox).as_posix()}": path for path in receipts}
    lake_versions = state.lake_versions()
    newest = lake_versions[-1].version if lake_versions else 0
    return Seen(files, _folders(home, files), links, versions, newest, len(deliveries))


def _pins(lake: Lake) -> Pins | None:
    """Versions that must be kept; None where a broken log leaves that open."""
    try:
        return pinned_versions(lake)
    except ConsistencyError:
        return None


def _landed(home: Home, item: Delivery) -> list[Path]:
    """What landing holds for a delivery: its file, or what an erasure has left of it. One that should be there and is
    not is named too, so that the manifest says that it is missing."""
    kept = kept_file(home, item.sha256, item.id)
    found = [*landed_files(home, item.sha256), *([kept] if kept else [])]
    return found or ([] if item.details.get(FILE_ERASED) else [landing_path(home, item.sha256)])


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    """All tables, the inbox and the publications at once. Who holds one may wait for another, so what cannot be had
    soon is given back and asked for again; ConsistencyError after half an hour."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        wanted = [home.root / "run" / "inbox", *(path for _, path in tables(home)), home.publications]
        with ExitStack() as stack:
            try:
                for path in wanted:
                    stack.enter_context(table_lock(path, LOCK_SECONDS))
            except ConsistencyError:
                if time.monotonic() > deadline:
                    raise
                continue
            yield
            return


def _copy_registry(home: Home, target: Path) -> None:
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(home.state_file, timeout=60)) as source, closing(sqlite3.connect(target)) as copied:
        source.backup(copied)
    target.chmod(stat.S_IMODE(home.state_file.stat().st_mode))


def _copy_log(home: Home, target: Path) -> bool:
    """The audit log's whole lines; after the registry, so that each of its deliveries stands in it."""
    source = audit.log_file(home)
    if not source.is_file():
        return False
    whole, end, _ = source.read_bytes().rpartition(b"\n")
    target.unlink(missing_ok=True)
    target.write_bytes(whole + end)
    target.chmod(0o600)
    return True


def _table_files(name: str, path: Path, version: int, pinned: list[int] | None) -> dict[str, Path]:
    """The log up to a version, and the files of that version and of the pinned ones before it (None: of all that
    are still there). Of a table whose log is damaged everything that lies there."""
    log = read_log(path, version)
    if not log.is_whole:
        found = [file for file in sorted(path.rglob("*")) if file.is_file() and not file.name.startswith(".")]
        return {f"{name}/{file.relative_to(path).as_posix()}": file for file in found}
    older = [one for one in pinned or () if one <= version] if name.startswith(VERSIONED) else []
    files = {f"{name}/{file.path}": path / file.path for file in log.needed([version, *older])}
    if pinned is None and name.startswith(VERSIONED):
        files |= {f"{name}/{file.path}": path / file.path for file in log.files if (path / file.path).is_file()}
    return files | {f"{name}/{LOG}/{file.name}": file for file in log_files(path, version)}


def _counts(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and not path.name.endswith(UNFINISHED)


def _folders(home: Home, files: dict[str, Path]) -> dict[str, int]:
    """Modes of the folders that hold the files."""
    names = {parent.as_posix() for name in files for parent in Path(name).parents if parent.name}
    modes = {}
    for name in sorted(names):
        inside = home.outbox / Path(name).relative_to("outbox") if name.split("/")[0] == "outbox" else home.root / name
        modes[name] = stat.S_IMODE(inside.stat().st_mode) if inside.is_dir() else 0o700
    return modes
