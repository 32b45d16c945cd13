"""Gold depends neither on the order in which files arrive, nor on SIGKILLs on the way, nor on dropping files twice.

One lake takes the sample backwards, its reference data last, and is killed in intake, silver and gold; `test_matrix`
kills at every point.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from tests.conftest import open_lake
from tests.crash.driver import Kills, arm, assert_nothing_left, copied, deliveries
from tests.crash.wave import LARGE_SILVER, drop_correction
from tests.support.intake import rows_of, take
from tests.support.lakes import agrilake, assert_same_gold, files
from tests.support.samples import SAMPLE, drop, drop_sample

from agrilake.lake.failpoints import SPARK, VARIABLE
from agrilake.lake.files import table_version
from agrilake.pipeline import arriving, intake, steps
from agrilake.services import process
from agrilake.services.spark import stop_spark

pytestmark = pytest.mark.spark

LOAD = "from agrilake.pipeline import steps, context; steps.update_silver(context.Lake.open(), 'postal_parcel')"
SOME = ("accepted_committed", "recorded", "silver_committed/postal_parcel", "gold_committed")


@pytest.fixture(scope="module")
def survivor(tmp_path_factory: pytest.TempPathFactory, spark_remote: str, lake_key: Path) -> Path:
    """A lake that took the sample backwards, reference data last, and was killed some times."""
    home = tmp_path_factory.mktemp("survivor") / "home"
    found = sorted((path for path in (SAMPLE / "inbox").rglob("*") if path.is_file()), reverse=True)
    late = [path for path in found if path.parent.name == "stats"]
    for path in found:
        if path not in late:
            drop(path, home)
    lake = open_lake(home)
    taken = [arriving.register(lake, path) for path in arriving.pending_files(lake, settle=False)]
    received = [item.delivery for item in taken if item and item.delivery.status == "received"]
    states = {intake.process(lake, delivery).delivery.status for delivery in received}
    assert states & {"waiting"}
    assert "accepted" not in states, "nothing can be taken before the division table is there"
    for path in late:
        drop(path, home)
    for point in SOME:
        killed = agrilake(home, "run", env={VARIABLE: point})
        assert killed.returncode == -signal.SIGKILL, f"{point} was not reached:\n{killed.stderr[-2000:]}"
    again = agrilake(home, "run")
    assert again.returncode == 0, again.stderr[-2000:] + again.stdout[-2000:]
    return home


def test_backwards_and_killed_is_as_in_order_and_in_one_go(survivor: Path, small_lake: Path) -> None:
    assert_same_gold(survivor, small_lake)
    assert deliveries(survivor) == deliveries(small_lake)
    for folder in ("inbox", "outbox"):
        assert sorted(files(survivor / folder)) == sorted(files(small_lake / folder))
    assert_nothing_left(survivor)


def test_the_same_files_again_change_nothing(survivor: Path, small_lake: Path) -> None:
    drop_sample(survivor)
    again = agrilake(survivor, "run", "--json")
    assert again.returncode == 0, again.stderr[-3000:]
    assert json.loads(again.stdout)["tables_written"] == {}
    assert_same_gold(survivor, small_lake)


def test_a_commit_of_a_server_that_died_before_it_answered_is_not_applied_twice(
    small_lake: Path, tmp_path: Path, lake_key: Path
) -> None:
    home = copied(small_lake, tmp_path / "home")
    lake, kills = open_lake(home), Kills((f"silver_committed/{LARGE_SILVER}",), SPARK)
    drop_correction(home)
    (corrected,) = [item.delivery for item in take(lake).values()]
    table = home / "silver" / LARGE_SILVER
    before = table_version(table) or 0
    env = {**os.environ, **kills.env, "AGRILAKE_HOME": str(home), VARIABLE: f"@{arm(home, kills)}"}
    try:
        ends = []
        for _ in range(3):
            done = subprocess.run([sys.executable, "-c", LOAD], env=env, capture_output=True, text=True, check=False)
            ends.append(done.returncode)
            assert table_version(table) == before + 1, done.stderr[-2000:]
            if len(ends) == 1:
                assert process.find(home, "spark") is None, "it died after its commit had landed"
                assert ends == [1] or steps.silver_is_current(lake, LARGE_SILVER)
        assert ends[1:] == [0, 0]
    finally:
        stop_spark(home)
    rows = pl.read_delta(str(table)).filter(_period="2024-02")
    assert sorted(rows["waybill_no"] + rows["event"]) == sorted(
        (accepted := rows_of(lake, "accepted", corrected))["waybill_no"] + accepted["event"]
    )
