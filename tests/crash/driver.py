"""Kills a process of a lake at a named point, runs again, and says what must hold afterwards."""

from __future__ import annotations

import fcntl
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
from tests.conftest import open_lake
from tests.support.lakes import agrilake, assert_same_gold, tables

from agrilake.lake.failpoints import SELF, SPARK, VARIABLE
from agrilake.lake.logs import broken_log
from agrilake.pipeline.audited import audit_findings
from agrilake.services import process

DRAFTS = ("*.tmp", ".taking-*", "*.draft", "*.old", "creating")
DELIVERY = "id, status, records, accepted, quarantined, duplicate, code"


@dataclass(frozen=True)
class Kill:
    """Who dies where: a point of the failpoints (`point/table` for one table's), and `self`, `spark` or `scheduler`,
    while the command runs."""

    point: str
    victim: str = SELF
    command: tuple[str, ...] = ("run",)

    def __str__(self) -> str:
        return f"{self.command[0]}-{self.point}-{self.victim}"


def kill(home: Path, kills: Kill) -> None:
    """Run the command; the victim dies at the point, and nobody is told more than a line."""
    armed = arm(home, f"{kills.point}:{kills.victim}")
    ended = agrilake(home, *kills.command, env={VARIABLE: f"@{armed}", **environment(kills)})
    assert not armed.read_text(encoding="utf-8"), f"{kills} was not reached:\n{ended.stdout}{ended.stderr[-2000:]}"
    if kills.victim == SELF:
        assert ended.returncode == -signal.SIGKILL, f"{kills}: {ended.returncode}"
    else:
        assert ended.returncode in (0, 1), f"{kills}: {ended.returncode}: {ended.stderr[-2000:]}"
        assert "Traceback" not in ended.stdout


def environment(kills: Kill) -> dict[str, str]:
    """A Spark server that is to die is the lake's own, not the one that the tests share."""
    return {"AGRILAKE_SPARK_REMOTE": ""} if kills.victim == SPARK else {}


def arm(home: Path, *lines: str) -> Path:
    """The file that says who is to die where; each line once."""
    armed = home.parent / "armed"
    armed.write_text("\n".join(lines), encoding="utf-8")
    return armed


def run_again(home: Path, kills: Kill) -> None:
    """The same command once more, to its end."""
    again = agrilake(home, *kills.command, env=environment(kills))
    assert again.returncode == 0, again.stderr[-3000:] + again.stdout[-3000:]


def copied(home: Path, to: Path) -> Path:
    """A lake's copy, to be killed."""
    return Path(shutil.copytree(home, to, symlinks=True))


def assert_same_lake(home: Path, other: Path) -> None:
    """Gold and every other table, deliveries, receipts byte for byte, and what stays in the inbox are equal."""
    assert_same_gold(home, other)
    for layer in ("bronze", "accepted", "silver"):
        left, right = tables(home / layer), tables(other / layer)
        assert left.keys() == right.keys()
        assert [name for name, frame in left.items() if not frame.equals(right[name])] == [], layer
    assert _quarantined(home) == _quarantined(other)
    assert deliveries(home) == deliveries(other)
    for folder in ("inbox", "outbox"):
        one, two = files(home / folder), files(other / folder)
        assert sorted(one) == sorted(two)
        assert [name for name, content in one.items() if content != two[name]] == []


def assert_nothing_left(home: Path) -> None:
    """No draft, no half publication, no receipt owed, no broken log, no failure, no lock held, no dead service."""
    lake = open_lake(home)
    assert [path for pattern in DRAFTS for path in home.rglob(pattern) if not _is_a_services(path, home)] == []
    published = sorted(path.name for path in (home / "publications").iterdir() if path.name[0] != ".")
    assert all(name.isdigit() or name == "current" for name in published)
    assert sorted(path.name for path in (home / "published").iterdir() if path.name.isdigit()) == published[:-1]
    assert lake.state.owed_receipts() == []
    assert [item.status for item in lake.state.deliveries() if item.status in ("received", "waiting")] == []
    assert [item.line for item in lake.state.open_failures()] == []
    assert [log for path in home.rglob("_delta_log") if (log := broken_log(path.parent))] == []
    assert audit_findings(lake) == []
    assert [path for path in home.rglob("*.lock") if _is_held(path)] == []
    assert all(psutil.pid_exists(running.pid) for running in process.status(home))


def deliveries(home: Path) -> list[tuple[object, ...]]:
    """What the registry says of each delivery."""
    with closing(sqlite3.connect(home / "state" / "lake.sqlite")) as connection:
        return connection.execute(f"SELECT {DELIVERY} FROM delivery ORDER BY id").fetchall()


def files(folder: Path) -> dict[str, bytes]:
    """Files under a folder and their bytes."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in _entries(folder)}


def _entries(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*") if path.is_file())


def _quarantined(home: Path) -> list[str]:
    found = tables(home).get("quarantine")
    return [] if found is None else sorted(map(str, found.iter_rows()))


def _is_a_services(path: Path, home: Path) -> bool:
    """Whether a file is a running service's own scratch."""
    return path.relative_to(home).parts[0] in ("tmp", "airflow", "superset")


def _is_held(path: Path) -> bool:
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
