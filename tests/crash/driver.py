"""Kills processes of a lake at named points, runs again, and says what must hold afterwards."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import signal
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from tests.conftest import open_lake
from tests.support.lakes import agrilake, assert_same_gold, files, tables

from agrilake.lake.failpoints import SELF, SPARK, VARIABLE
from agrilake.lake.logs import broken_log
from agrilake.pipeline.audited import audit_findings
from agrilake.services import process

DRAFTS = ("*.tmp", ".taking-*", ".leaving-*", "*.draft", "*.old", "creating")
SERVICES_OWN = ("tmp", "airflow", "superset", "logs")
"""Folders of a home in which running services keep scratch of their own."""
RUN = ("run",)
DELIVERY = "id, status, records, accepted, quarantined, duplicate, code"


@dataclass(frozen=True)
class Kills:
    """Who dies where, while the command runs: points of the failpoints in the order in which they are reached
    (`point/table` for one table's), and `self`, `spark` or `scheduler`."""

    points: tuple[str, ...]
    victim: str = SELF
    command: tuple[str, ...] = RUN

    def __str__(self) -> str:
        return f"{self.command[0]}-{self.victim}-{self.points[0].replace('/', '.')}"

    @property
    def env(self) -> dict[str, str]:
        """A Spark server that is to die is the lake's own, not the one that the tests share."""
        return {"AGRILAKE_SPARK_REMOTE": ""} if self.victim == SPARK else {}


def kill(home: Path, kills: Kills) -> None:
    """Run the command until every point was deadly; in between the publication is whole, and nobody is told more than
    a line."""
    armed = arm(home, kills)
    env = {VARIABLE: f"@{armed}", **kills.env}
    left = _left(armed)
    while left:
        ended = agrilake(home, *kills.command, env=env)
        before, left = left, _left(armed)
        assert len(left) < len(before), f"{left} not reached:\n{ended.stdout[-3000:]}{ended.stderr[-3000:]}"
        died = len(before) - len(left)
        if kills.victim == SELF:
            assert (ended.returncode, died) == (-signal.SIGKILL, 1), f"{before[0]}: {ended.stderr[-2000:]}"
        else:
            assert ended.returncode in (0, 1), f"{before}: {ended.returncode}: {ended.stderr[-2000:]}"
        assert_publication_whole(home)


def arm(home: Path, kills: Kills) -> Path:
    """The file that says who is to die where; each line once."""
    armed = home.parent / "armed"
    armed.write_text("\n".join(f"{point}:{kills.victim}" for point in kills.points), encoding="utf-8")
    return armed


def _left(armed: Path) -> list[str]:
    return armed.read_text(encoding="utf-8").split()


def run_again(home: Path, kills: Kills) -> None:
    """The same command once more, to its end."""
    again = agrilake(home, *kills.command, env=kills.env)
    assert again.returncode == 0, again.stderr[-3000:] + again.stdout[-3000:]


def copied(home: Path, to: Path) -> Path:
    """A lake's copy, to be killed."""
    return Path(shutil.copytree(home, to, symlinks=True))


def assert_publication_whole(home: Path) -> None:
    """The current publication's databases are those of its manifest."""
    current = home / "publications" / "current"
    manifest = json.loads((current / "manifest.json").read_text(encoding="utf-8"))
    for name, file in manifest["files"].items():
        assert hashlib.sha256((current / name).read_bytes()).hexdigest() == file["sha256"], name


def assert_same_lake(home: Path, other: Path, same_order: bool = True) -> None:
    """Gold and every other table, deliveries, receipts byte for byte, and what stays in the inbox are equal.

    Without `same_order` files may have arrived one after the other in another order.
    """
    assert_same_gold(home, other)
    dropped = () if same_order else ("_sequence",)
    for layer in ("bronze", "accepted", "silver"):
        left, right = (_sorted(one / layer, dropped) for one in (home, other))
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
    drafts = {path for pattern in DRAFTS for path in home.rglob(pattern)}
    assert [path for path in drafts if path.relative_to(home).parts[0] not in SERVICES_OWN] == []
    published = sorted(path.name for path in (home / "publications").iterdir() if path.name[0] != ".")
    kept = {path.name for path in (home / "published").iterdir() if path.name.isdigit()}
    assert set(published) - {"current"} <= kept
    assert lake.state.owed_receipts() == []
    assert [item.status for item in lake.state.deliveries() if item.status in ("received", "waiting")] == []
    assert [item.line for item in lake.state.open_failures()] == []
    assert [log for path in home.rglob("_delta_log") if (log := broken_log(path.parent))] == []
    assert audit_findings(lake) == []
    assert [path for path in home.rglob("*.lock") if _is_held(path)] == []
    known = {path.stem for path in (home / "run").glob("*.json")}
    assert known == {running.name for running in process.status(home)}
    assert_publication_whole(home)


def _sorted(folder: Path, dropped: tuple[str, ...]) -> dict[str, pl.DataFrame]:
    kept = {name: frame.drop(dropped, strict=False) for name, frame in tables(folder).items()}
    return {name: frame.sort(frame.columns, nulls_last=True) for name, frame in kept.items()}


def deliveries(home: Path) -> list[tuple[object, ...]]:
    """What the registry says of each delivery."""
    with closing(sqlite3.connect(home / "state" / "lake.sqlite")) as connection:
        return connection.execute(f"SELECT {DELIVERY} FROM delivery ORDER BY id").fetchall()


def _quarantined(home: Path) -> list[str]:
    found = tables(home).get("quarantine")
    return [] if found is None else sorted(map(str, found.iter_rows()))


def _is_held(path: Path) -> bool:
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
