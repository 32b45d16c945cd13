"""Delta logs that reach the disk whole, and what is wrong with one that did not.

Neither delta-rs nor Spark brings a commit to disk: after a power cut its files may be empty or cut short, and readers
take an empty commit for one without rows. So what the registry is about to rely on is synced first (`durable`), and a
log is looked at before a run trusts it (`broken_log`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from agrilake.lake.files import sync

LOG = "_delta_log"
LAST_CHECKPOINT = "_last_checkpoint"
CHECKPOINT_MAGIC = b"PAR1"
COMMIT, CHECKPOINT, DATA = "commit", "checkpoint", "data"


@dataclass(frozen=True)
class BrokenLog:
    """A table's log that cannot be trusted: the version, its file, what is wrong, and the kind of what is broken
    (commit, checkpoint, data)."""

    table: Path
    version: int
    file: Path
    what: str
    kind: str

    @property
    def line(self) -> str:
        """One line: which table, what is wrong, what to do."""
        place = f"{self.table.parent.name}/{self.table.name}"
        return (
            f"{place}: version {self.version} is broken, {self.file.name} {self.what}; look at the disk, and bring the "
            f"table back from a backup (agrilake restore)"
        )


@contextmanager
def durable(*tables: Path) -> Iterator[None]:
    """Bring to disk what the block commits to the tables: log, data files and their names."""
    known = {table: len(_commits(table)) and _version(_commits(table)[-1]) + 1 for table in tables}
    yield
    for table, first in known.items():
        fresh = [commit for commit in _commits(table) if _version(commit) >= first]
        files = {file for commit in fresh for file, _ in _added(table, _actions(commit))}
        kept = [file for file in (*files, *fresh) if file.is_file()]
        folders = {folder for file in kept for folder in (file.parent, *file.parent.parents) if table in folder.parents}
        for path in (*kept, *sorted(folders, reverse=True), *([table, table.parent] if kept else ())):
            sync(path)


def broken_log(table: Path) -> BrokenLog | None:
    """What is wrong with the log of the Delta table at `table`; None where nothing is, or where there is no table.

    Looked at are the newest commit (complete JSON, as many files as it says, each of the size it says), the others'
    sizes and numbers, and the newest checkpoint's frame.
    """
    commits = _commits(table)
    if not commits:
        return None
    for commit in commits[:-1]:
        if not commit.stat().st_size:
            return BrokenLog(table, _version(commit), commit, "is empty", COMMIT)
    for one, other in pairwise(commits):
        if _version(other) != _version(one) + 1:
            missing = one.with_name(f"{_version(one) + 1:020d}.json")
            return BrokenLog(table, _version(missing), missing, "is missing", COMMIT)
    return _broken_commit(table, commits[-1]) or _broken_checkpoint(table)


def mend_log(table: Path, broken: BrokenLog, named: Collection[int]) -> bool:
    """Mend what can be mended without loss; whether it was. The table's lock is held by the caller.

    A newest commit that is not whole never happened, unless anybody recorded its version (`named`): what is recorded
    was synced before. It is removed where the version before it has all its files, and not kept: its statistics may
    hold what nobody would erase there. A broken checkpoint only sums up commits: where all are there it is removed.
    """
    commits = _commits(table)
    if broken.kind == CHECKPOINT:
        if _version(commits[0]) != 0:
            return False
        for file in (*_checkpoints(table), table / LOG / LAST_CHECKPOINT):
            if file.is_file() and (file.name == LAST_CHECKPOINT or _version(file) == broken.version):
                _remove(file)
        return True
    happened = broken.version != _version(commits[-1]) or max(named, default=-1) >= broken.version
    if happened or not _has_all_files(table, broken.version - 1):
        return False
    _remove(commits[-1])
    return True


def _has_all_files(table: Path, version: int) -> bool:
    """Whether a version (-1: none) can be read to its last file."""
    if version < 0:
        return True
    try:
        files = pl.DataFrame(DeltaTable(str(table), version=version).get_add_actions(flatten=True))
    except DeltaError:
        return False
    held = [(table / unquote(path), size) for path, size in files.select("path", "size_bytes").iter_rows()]
    return all(file.is_file() and file.stat().st_size == size for file, size in held)


def _remove(file: Path) -> None:
    file.unlink()
    sync(file.parent)


def _commits(table: Path) -> list[Path]:
    return sorted(path for path in (table / LOG).glob("*.json") if path.stem.isdigit())


def _checkpoints(table: Path) -> list[Path]:
    return sorted(path for path in (table / LOG).glob("*.checkpoint*.parquet") if path.name.split(".")[0].isdigit())


def _version(file: Path) -> int:
    return int(file.name.split(".")[0])


def _actions(commit: Path) -> list[dict[str, Any]]:
    """The commit's actions. Raises ValueError where a line is no JSON object."""
    found = [json.loads(line) for line in commit.read_bytes().splitlines() if line.strip()]
    if not all(isinstance(item, dict) for item in found):
        raise ValueError(f"{commit.name} holds what is no action")
    return found


def _added(table: Path, actions: list[dict[str, Any]]) -> list[tuple[Path, int]]:
    added = [action["add"] for action in actions if "add" in action]
    return [(table / unquote(item["path"]), int(item["size"])) for item in added]


def broken_anywhere(table: Path) -> BrokenLog | None:
    """As `broken_log`, and every older commit is read too."""
    found = broken_log(table)
    cut = None if found else next((commit for commit in _commits(table) if cut_off(commit)), None)
    return BrokenLog(table, _version(cut), cut, "is cut off", COMMIT) if cut else found


def cut_off(commit: Path) -> bool:
    """Whether a commit is missing, empty or no JSON to its end."""
    try:
        return not _actions(commit)
    except (OSError, ValueError):
        return True


def _broken_commit(table: Path, commit: Path) -> BrokenLog | None:
    try:
        actions = _actions(commit)
    except ValueError:
        return BrokenLog(table, _version(commit), commit, "is cut off", COMMIT)
    if not actions:
        return BrokenLog(table, _version(commit), commit, "is empty", COMMIT)
    added = _added(table, actions)
    if len(added) < _stated(actions):
        return BrokenLog(table, _version(commit), commit, "names fewer files than were written", COMMIT)
    for file, size in added:
        held = file.stat().st_size if file.is_file() else None
        if held != size:
            what = "is missing" if held is None else f"has {held} bytes instead of {size}"
            return BrokenLog(table, _version(commit), file, what, DATA)
    return None


def _stated(actions: list[dict[str, Any]]) -> int:
    """How many data files the commit says that it added (delta-rs: num_added_files; Spark: numFiles of a write)."""
    for action in actions:
        info = action.get("commitInfo", {})
        metrics = info.get("operationMetrics") or {}
        stated = metrics.get("num_added_files", metrics.get("numFiles") if info.get("operation") == "WRITE" else None)
        if isinstance(stated, int | str) and str(stated).isdigit():
            return int(stated)
    return 0


def _broken_checkpoint(table: Path) -> BrokenLog | None:
    for file in _checkpoints(table)[-1:]:
        with file.open("rb") as content:
            head = content.read(4)
            content.seek(max(0, file.stat().st_size - 4))
            if head != CHECKPOINT_MAGIC or content.read(4) != CHECKPOINT_MAGIC:
                return BrokenLog(table, _version(file), file, "is cut off", CHECKPOINT)
    return None
