"""Named points at which the crash tests end a process, as a power cut would: SIGKILL, no clean-up.

Nothing happens unless AGRILAKE_FAILPOINT says so: `point`, `point:victim` or `point/table:victim`, or `@file` with
such lines, each of which kills once and is then struck out, so that what runs again in the same service goes on.
Victims are the process that reaches the point (`self`, the default), the lake's Spark server (`spark`) and Airflow's
scheduler (`scheduler`). `point:pause` kills nobody: the process stops there (SIGSTOP) until it is sent SIGCONT, so that
another one can do what it likes meanwhile.
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
SELF, SPARK, SCHEDULER, PAUSE = "self", "spark", "scheduler", "pause"
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
    *("version_recorded", "publication_leader", "publication_analyst", "publication_roles", "publication_layers"),
    "publication_described",
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
ROTATION_POINTS = ("key_made", "tokens_raised", "rotation_settled")
"""Points of `agrilake key rotate`."""
SEALING_POINTS = ("landing_sealed", "bronze_sealed", "plain_removed")
"""Points of `agrilake key seal`."""
WITHDRAW_POINTS = ("withdrawal_noted", "withdrawal_recorded", "withdrawn_rows_removed", "withdrawal_told")
"""Points of `agrilake withdraw`."""
ERASURE_POINTS = (
    *("erasure_noted", "erasure_file_kept", "erasure_rows_stored", "erasure_vacuumed", "erasure_stored"),
    *("erasure_gold_purged", "erasure_publications_removed"),
)
"""Points of `agrilake erase`, and of the end that the next run makes of it."""
BACKUP_POINTS = ("backup_seen", "backup_copied", "backup_listed", "backup_pruned")
"""Points of `agrilake backup`."""
ALL_POINTS = (
    *POINTS,
    *UPKEEP_POINTS,
    *CONTRACT_POINTS,
    *SUPERSET_POINTS,
    *ROTATION_POINTS,
    *SEALING_POINTS,
    *WITHDRAW_POINTS,
    *ERASURE_POINTS,
    *BACKUP_POINTS,
)


def reach(point: str, table: str = "") -> None:
    """The process is at `point` (ValueError unless one of the lists), on behalf of a table where one is named: who is
    named by the environment dies here."""
    _known(point)
    line = _armed(point, table)
    if line and _strike(line):
        _kill(line)


@contextmanager
def during(point: str, happened: Callable[[], bool], table: str = "") -> Iterator[None]:
    """The point is reached in the middle of this block, at the very moment when something has `happened` (or, where the
    watcher was too slow, at its end)."""
    _known(point)
    line = _armed(point, table)
    if not line:
        yield
        return
    ended = threading.Event()

    def watch() -> None:
        while not happened():
            if ended.is_set():
                return
            time.sleep(WATCH_SECONDS)
        if _strike(line):
            _kill(line)

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
    reach(before, table.name)
    known = _newest(table)
    with during(landed, lambda: _newest(table) > known, table.name):
        yield
    reach(after, table.name)


def _known(point: str) -> None:
    if point not in ALL_POINTS:
        raise ValueError(f"{point!r} is in no list of failpoints, so no crash test would try it")


def _newest(table: Path) -> str:
    """The newest commit's file name; empty where there is none."""
    return max((path.name for path in (table / "_delta_log").glob("*.json") if path.stem.isdigit()), default="")


def _armed(point: str, table: str) -> str | None:
    """The line that names the point, for this table or any."""
    said = os.environ.get(VARIABLE, "")
    lines = _read(Path(said[1:])) if said.startswith("@") else [said]
    return next((line for line in lines if line.partition(":")[0] in (point, f"{point}/{table}")), None)


def _read(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").split() if file.is_file() else []


def _strike(line: str) -> bool:
    """Whether this process is the first to act upon the line, which is struck out of the file."""
    said = os.environ.get(VARIABLE, "")
    if not said.startswith("@"):
        return True
    file = Path(said[1:])
    with file.with_name(f"{file.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lines = _read(file)
        if line in lines:
            lines.remove(line)
            file.write_text("\n".join(lines), encoding="utf-8")
            return True
    return False


def _kill(line: str) -> None:
    victim = line.partition(":")[2] or SELF
    if victim == SELF:
        os.kill(os.getpid(), signal.SIGKILL)
    if victim == PAUSE:
        os.kill(os.getpid(), signal.SIGSTOP)
        return
    from agrilake.paths import Home
    from agrilake.services import process

    process.kill(Home.from_environment().root, SERVICES[victim])
