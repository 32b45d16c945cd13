"""Named points at which the crash tests end a process, as a power cut would: SIGKILL, no clean-up.

Nothing happens unless AGRILAKE_FAILPOINT says so: `point` or `point:victim`, or `@file` with such lines, each of which
kills once and is then struck out, so that what runs again in the same service goes on. Victims are the process that
reaches the point (`self`, the default), the lake's Spark server (`spark`) and Airflow's scheduler (`scheduler`).
No import of the lake stands above, so that Superset's own environment can use this module too.
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "AGRILAKE_FAILPOINT"
SELF, SPARK, SCHEDULER = "self", "spark", "scheduler"
SERVICES = {SPARK: "spark", SCHEDULER: "airflow-scheduler"}
WATCH_SECONDS = 0.0005


def commit_points(kind: str) -> tuple[str, str, str]:
    """Before a Delta commit, while it stands in the log and its writer has not heard of it, and after it."""
    return f"{kind}_writing", f"{kind}_committed", f"{kind}_written"


INTAKE_POINTS = (
    *("landing_drafted", "landing_renamed", "landed", "received", "manifest_cleared"),
    *commit_points("bronze"),
    *commit_points("quarantine"),
    *commit_points("accepted"),
    *("recorded", "receipt_drafted", "receipt_written", "refused", "given_back"),
)
TABLE_POINTS = (
    *("table_created", *commit_points("silver"), "silver_applied", "suite_judged", "suite_recorded"),
    *commit_points("gold"),
    *commit_points("indicators"),
)
PUBLICATION_POINTS = (
    *("version_recorded", "publication_leader", "publication_analyst", "publication_layers", "publication_described"),
    *("publication_made", "publication_swapped", "record_drafted", "publication_recorded"),
)
POINTS = (*INTAKE_POINTS, *TABLE_POINTS, *PUBLICATION_POINTS)
"""Points of `agrilake run`."""
UPKEEP_POINTS = (
    *("table_compacting", "table_compacted", "table_cleaning", "table_half_cleaned", "table_cleaned"),
    "table_summed_up",
)
"""Points of `agrilake maintain`."""
CONTRACT_POINTS = ("table_emptied",)
"""Points of a run after a contract changed."""
SUPERSET_POINTS = ("superset_migrating", "superset_prepared", "superset_importing", "superset_imported")
"""Points of the import into Superset."""
ALL_POINTS = (*POINTS, *UPKEEP_POINTS, *CONTRACT_POINTS, *SUPERSET_POINTS)


def reach(point: str) -> None:
    """The process is at `point` (ValueError unless one of the lists): who is named by the environment dies here."""
    _known(point)
    victim = _victim(point)
    if victim and _strike(point):
        _kill(victim)


@contextmanager
def during(point: str, happened: Callable[[], bool]) -> Iterator[None]:
    """The point is reached in the middle of this block, at the very moment when something has `happened`."""
    _known(point)
    victim = _victim(point)
    if not victim:
        yield
        return
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            if happened():
                if _strike(point):
                    _kill(victim)
                return
            time.sleep(WATCH_SECONDS)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


@contextmanager
def commit(kind: str, table: Path) -> Iterator[None]:
    """Around what commits to the Delta table: the three `commit_points` of the kind."""
    before, landed, after = commit_points(kind)
    reach(before)
    known = _newest(table)
    with during(landed, lambda: _newest(table) > known):
        yield
    reach(after)


def _known(point: str) -> None:
    if point not in ALL_POINTS:
        raise ValueError(f"{point!r} is in no list of failpoints, so no crash test would try it")


def _newest(table: Path) -> str:
    """The newest commit's file name; empty where there is none."""
    return max((path.name for path in (table / "_delta_log").glob("*.json") if path.stem.isdigit()), default="")


def _victim(point: str) -> str | None:
    said = os.environ.get(VARIABLE, "")
    return _named(_read(Path(said[1:])) if said.startswith("@") else [said] if said else [], point)


def _named(lines: list[str], point: str) -> str | None:
    found = dict(line.partition(":")[::2] for line in lines)
    return (found[point] or SELF) if point in found else None


def _read(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").split() if file.is_file() else []


def _strike(point: str) -> bool:
    """Whether this process is the first to die at the point; its line is struck out of the file."""
    said = os.environ.get(VARIABLE, "")
    if not said.startswith("@"):
        return True
    file = Path(said[1:])
    with file.with_name(f"{file.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lines = _read(file)
        kept = [line for line in lines if line.partition(":")[0] != point]
        file.write_text("\n".join(kept), encoding="utf-8")
    return len(kept) < len(lines)


def _kill(victim: str) -> None:
    if victim == SELF:
        os.kill(os.getpid(), signal.SIGKILL)
    from agrilake.paths import Home
    from agrilake.services import process

    process.kill(Home.from_environment().root, SERVICES[victim])
