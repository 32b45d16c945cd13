"""A Delta table's log, read as it lies on disk: which files each version needs, and what of the log is missing.

Read without delta-rs, which lists one version's files at a time: a table has hundreds of kept versions.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable

from agrilake.paths import Home

LOG = "_delta_log"
COMMIT = re.compile(r"(\d{20})\.json")
CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(\.\d+\.\d+)?\.parquet")
PARTITION = "partition."
LAYERS = ("bronze", "accepted", "silver", "gold", "decisions")


@dataclass(frozen=True)
class DataFile:
    """A Parquet file of a table: its path in the table's folder, size, rows (None where the log does not say), the
    version that added it and the one that took it away (None: it is still there)."""

    path: str
    bytes: int
    rows: int | None
    added: int
    removed: int | None = None
    partition: Mapping[str, str | None] = field(default_factory=dict)

    def is_in_any(self, versions: Sequence[int]) -> bool:
        """Whether one of the versions (in order) needs the file."""
        place = bisect_left(versions, self.added)
        return place < len(versions) and (self.removed is None or versions[place] < self.removed)


@dataclass(frozen=True)
class Log:
    """A table's log: oldest and newest version that can be read, files, commits that are missing between, and log files
    that cannot be read (name: why)."""

    first: int
    newest: int
    files: tuple[DataFile, ...]
    missing: tuple[int, ...] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it is missing or broken."""
        return not self.missing and not self.unreadable

    def needed(self, versions: Iterable[int]) -> list[DataFile]:
        """Files that any of the versions needs."""
        wanted = sorted(set(versions))
        return [file for file in self.files if file.is_in_any(wanted)]


def tables(home: Home) -> Iterator[tuple[str, Path]]:
    """Every Delta table of the lake with its name (layer/table; quarantine), in stable order."""
    folders = [path for layer in LAYERS for path in sorted(home.table(layer).glob("*")) if path.is_dir()]
    for path in (*folders, home.table("quarantine")):
        if (path / LOG).is_dir():
            yield path.relative_to(home.root).as_posix(), path


def log_files(path: Path, newest: int | None = None) -> list[Path]:
    """Commits and checkpoints of the table's log, up to a version where one is given."""
    found = []
    for file in sorted((path / LOG).iterdir()):
        match = COMMIT.fullmatch(file.name) or CHECKPOINT.fullmatch(file.name)
        if match and (newest is None or int(match[1]) <= newest):
            found.append(file)
    return found


def newest_commit(path: Path) -> int:
    """The newest version that the log names; -1 where there is none."""
    return max((int(match[1]) for file in log_files(path) if (match := COMMIT.fullmatch(file.name))), default=-1)


def read_log(path: Path, newest: int | None = None) -> Log:
    """The table's log, up to a version where one is given. A log that begins with a checkpoint is known from that
    version alone."""
    listed = log_files(path, newest)
    commits = {int(match[1]): file for file in listed if (match := COMMIT.fullmatch(file.name))}
    sums = [int(match[1]) for file in listed if (match := CHECKPOINT.fullmatch(file.name))]
    if not commits:
        return Log(0, -1, (), unreadable={LOG: "holds no commit"})
    newest = max(commits)
    first = 0 if 0 in commits or not sums else max(min(sums), min(commits))
    missing = tuple(version for version in range(first, newest + 1) if version not in commits and version not in sums)
    if first or missing:
        return _from_checkpoint(path, first, newest, missing)
    files, unreadable = _replayed(commits)
    return Log(0, newest, tuple(files), missing, unreadable)


def _replayed(commits: Mapping[int, Path]) -> tuple[list[DataFile], dict[str, str]]:
    alive: dict[str, DataFile] = {}
    gone: list[DataFile] = []
    unreadable: dict[str, str] = {}
    for version in sorted(commits):
        try:
            actions = [json.loads(line) for line in commits[version].read_text(encoding="utf-8").splitlines() if line]
        except (OSError, ValueError) as error:
            unreadable[commits[version].name] = type(error).__name__
            continue
        if not any("commitInfo" in action or "add" in action or "metaData" in action for action in actions):
            unreadable[commits[version].name] = "holds no action"
        for action in actions:
            if (taken := action.get("remove")) and (old := alive.pop(unquote(taken["path"]), None)):
                gone.append(replace(old, removed=version))
        for action in actions:
            if added := action.get("add"):
                file = _file(added, version)
                alive[file.path] = file
    return [*gone, *alive.values()], unreadable


def _file(added: Mapping[str, Any], version: int) -> DataFile:
    rows = json.loads(added.get("stats") or "{}").get("numRecords")
    return DataFile(
        unquote(added["path"]), int(added["size"]), rows, version, partition=added.get("partitionValues") or {}
    )


def _from_checkpoint(path: Path, first: int, newest: int, missing: Collection[int]) -> Log:
    """What delta-rs makes of a log whose beginning was summed up, or that has a gap."""
    try:
        rows = _actions(DeltaTable(str(path), version=newest))
    except Exception as error:  # whatever the library says of a broken log
        return Log(first, newest, (), tuple(missing), {LOG: type(error).__name__})
    return Log(first, newest, tuple(_listed(row, first) for row in rows), tuple(missing))


def _listed(row: Mapping[str, Any], first: int) -> DataFile:
    parts = {name.removeprefix(PARTITION): value for name, value in row.items() if name.startswith(PARTITION)}
    return DataFile(unquote(row["path"]), row["size_bytes"], row.get("num_records"), first, partition=parts)


def _actions(table: DeltaTable) -> list[dict[str, Any]]:
    return pl.DataFrame(table.get_add_actions(flatten=True)).to_dicts()
