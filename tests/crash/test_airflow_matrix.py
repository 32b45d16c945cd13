"""The kill matrix under Airflow (`make test-full`): tasks, scheduler, Spark server die, and Airflow ends the work."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import open_lake
from tests.crash import driver, matrix
from tests.crash.driver import Kills
from tests.crash.wave import drop_wave

from agrilake.lake.failpoints import SCHEDULER, VARIABLE
from agrilake.pipeline.publishing import publication_is_current
from agrilake.pipeline.status import lake_status
from agrilake.pipeline.up import bring_down
from agrilake.services import airflow, process

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.spark,
    pytest.mark.skipif(not os.environ.get("AGRILAKE_FULL"), reason="make test-full kills everybody everywhere"),
]
DEADLINE_SECONDS = 800.0


def wait(until: Callable[[], bool], home: Path, armed: Path) -> None:
    """Wait until something is so; fails with what `agrilake status` says and which points were not reached."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not until():
        said = lake_status(open_lake(home))
        assert time.monotonic() < deadline, f"{armed.read_text(encoding='utf-8')}: {said}"
        time.sleep(2.0)


@pytest.mark.parametrize("kills", [*matrix.TASKS, *matrix.SERVICES], ids=str)
def test_whoever_dies_airflow_ends_the_work(
    kills: Kills, taken: Path, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = driver.copied(taken, tmp_path / "home")
    armed = driver.arm(home, kills)
    for name, value in {VARIABLE: f"@{armed}", **kills.env}.items():
        monkeypatch.setenv(name, value)

    def at_rest() -> bool:
        if kills.victim == SCHEDULER and process.find(home, airflow.SCHEDULER) is None:
            airflow.ensure_airflow(home)  # as `agrilake up` does
        lake = open_lake(home)
        done = not armed.read_text(encoding="utf-8") and lake_status(lake).at_rest and not lake.state.open_failures()
        return done and publication_is_current(lake)

    try:
        airflow.ensure_airflow(home)
        drop_wave(home)
        wait(at_rest, home, armed)
        driver.assert_publication_whole(home)
    finally:
        bring_down(home)
    driver.assert_same_lake(home, reference)
    driver.assert_nothing_left(home)
