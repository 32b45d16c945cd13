"""SIGKILL at named points: run again, and gold equals that of an uninterrupted run.

`make test` kills one lake three times, in intake, silver and gold; `make test-full` (AGRILAKE_FULL=1) takes every point
by itself.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path

import pytest
from tests.support.lakes import agrilake, assert_same_gold
from tests.support.samples import drop_sample

from agrilake.lake.failpoints import POINTS, VARIABLE

pytestmark = pytest.mark.spark


FULL = bool(os.environ.get("AGRILAKE_FULL"))
ONE_EACH = ("accepted_written", "silver_written", "gold_written")


@pytest.mark.parametrize("points", [(point,) for point in POINTS] if FULL else [ONE_EACH], ids=", ".join)
def test_a_killed_run_is_simply_run_again(
    points: tuple[str, ...], small_lake: Path, tmp_path: Path, spark_remote: str, lake_key: Path
) -> None:
    home = tmp_path / "home"
    drop_sample(home)
    for point in points:
        killed = agrilake(home, "run", env={VARIABLE: point})
        assert killed.returncode == -signal.SIGKILL, f"{point} was not reached:\n{killed.stderr[-2000:]}"
    again = agrilake(home, "run")
    assert again.returncode == 0, again.stderr[-2000:] + again.stdout[-2000:]
    assert_same_gold(home, small_lake)
    assert _deliveries(home) == _deliveries(small_lake)
    assert _left_in_inbox(home) == _left_in_inbox(small_lake)
    assert _receipts(home) == _receipts(small_lake)


def _deliveries(home: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(home / "state" / "lake.sqlite") as connection:
        query = "SELECT id, status, records, accepted, quarantined, duplicate, code FROM delivery ORDER BY id"
        return connection.execute(query).fetchall()


def _left_in_inbox(home: Path) -> set[str]:
    return {path.relative_to(home).as_posix() for path in (home / "inbox").rglob("*") if path.is_file()}


def _receipts(home: Path) -> set[str]:
    return {path.relative_to(home).as_posix() for path in (home / "outbox").rglob("*") if path.is_file()}
