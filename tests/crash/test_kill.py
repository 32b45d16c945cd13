"""Gold depends neither on the order in which files arrive, nor on SIGKILLs on the way, nor on dropping files twice.

One lake takes the sample backwards, its reference data last, and is killed in intake, silver and gold. `make test-full`
(AGRILAKE_FULL=1) also kills a lake of its own at every point.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from pathlib import Path

import pytest
from tests.conftest import open_lake
from tests.support.lakes import agrilake, assert_same_gold
from tests.support.samples import SAMPLE, drop, drop_sample

from agrilake.lake.failpoints import POINTS, VARIABLE
from agrilake.pipeline import intake

pytestmark = pytest.mark.spark

ONE_EACH = ("accepted_written", "silver_written", "gold_written")


def killed_and_run_again(home: Path, *points: str) -> None:
    """Run the lake, killed at each of the points, then once to the end."""
    for point in points:
        killed = agrilake(home, "run", env={VARIABLE: point})
        assert killed.returncode == -signal.SIGKILL, f"{point} was not reached:\n{killed.stderr[-2000:]}"
    again = agrilake(home, "run")
    assert again.returncode == 0, again.stderr[-2000:] + again.stdout[-2000:]


def assert_same_lake(home: Path, other: Path) -> None:
    """Gold, deliveries, receipts and what stays in the inbox are equal."""
    assert_same_gold(home, other)
    assert _deliveries(home) == _deliveries(other)
    assert _files(home / "inbox") == _files(other / "inbox")
    assert _files(home / "outbox") == _files(other / "outbox")


@pytest.fixture(scope="module")
def survivor(tmp_path_factory: pytest.TempPathFactory, spark_remote: str, lake_key: Path) -> Path:
    """A lake that took the sample backwards, reference data last, and was killed three times."""
    home = tmp_path_factory.mktemp("survivor") / "home"
    files = sorted((path for path in (SAMPLE / "inbox").rglob("*") if path.is_file()), reverse=True)
    late = [path for path in files if path.parent.name == "stats"]
    for path in files:
        if path not in late:
            drop(path, home)
    lake = open_lake(home)
    taken = [intake.register(lake, path) for path in intake.pending_files(lake, settle=False)]
    received = [item.delivery for item in taken if item and item.delivery.status == "received"]
    states = {intake.process(lake, delivery).delivery.status for delivery in received}
    assert states & {"waiting"}
    assert "accepted" not in states, "nothing can be taken before the division table is there"
    for path in late:
        drop(path, home)
    killed_and_run_again(home, *ONE_EACH)
    return home


def test_backwards_and_killed_is_as_in_order_and_in_one_go(survivor: Path, small_lake: Path) -> None:
    assert_same_lake(survivor, small_lake)


def test_the_same_files_again_change_nothing(survivor: Path, small_lake: Path) -> None:
    drop_sample(survivor)
    again = agrilake(survivor, "run", "--json")
    assert again.returncode == 0, again.stderr[-3000:]
    assert json.loads(again.stdout)["tables_written"] == {}
    assert_same_gold(survivor, small_lake)


@pytest.mark.skipif(not os.environ.get("AGRILAKE_FULL"), reason="make test-full kills a lake at every point")
@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_is_simply_run_again(
    point: str, small_lake: Path, tmp_path: Path, spark_remote: str, lake_key: Path
) -> None:
    home = tmp_path / "home"
    drop_sample(home)
    killed_and_run_again(home, point)
    assert_same_lake(home, small_lake)


def _deliveries(home: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(home / "state" / "lake.sqlite") as connection:
        query = "SELECT id, status, records, accepted, quarantined, duplicate, code FROM delivery ORDER BY id"
        return connection.execute(query).fetchall()


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
