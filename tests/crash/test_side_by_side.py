"""Two whole runs and a backfill over the same files at the same time end like one run alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import open_lake
from tests.crash import driver
from tests.crash.wave import LARGE_SILVER, REPEATED
from tests.support.samples import SAMPLE

from agrilake.recovery.verify import verify

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(not os.environ.get("AGRILAKE_FULL"), reason="make test-full: three whole runs of the wave"),
]

BACKFILL = f"""
from agrilake.pipeline import tasks
for group in tasks.find_deliveries("{LARGE_SILVER}", "*"):
    tasks.take(group, again=True)
tasks.update_silver("{LARGE_SILVER}")
"""
RUN = ("-m", "agrilake.commands", "run")


def begin(home: Path, *arguments: str) -> subprocess.Popen[str]:
    env = {**os.environ, "AGRILAKE_HOME": str(home)}
    return subprocess.Popen([sys.executable, *arguments], env=env, stderr=subprocess.PIPE, text=True)


def test_two_runs_and_a_backfill_end_like_one_run(base: Path, reference: Path, tmp_path: Path) -> None:
    home = driver.copied(base, tmp_path / "home")
    processes = [begin(home, *RUN), begin(home, *RUN), begin(home, "-c", BACKFILL)]
    again = home / "inbox" / REPEATED.replace(".csv", "__又一次.csv")
    shutil.copyfile(SAMPLE / "inbox" / REPEATED, again)  # a repeat that comes while they work
    ended = [(process.communicate(timeout=600)[1], process.returncode) for process in processes]
    assert [code for _, code in ended] == [0, 0, 0], [said[-1500:] for said, _ in ended]
    assert not [said for said, _ in ended if "Traceback" in said]
    driver.run_again(home, driver.Kills(points=()))  # what the last of them left open, such as the backfill's rows
    told = list((home / "outbox").rglob(f"*{again.stem}*"))
    assert told
    for path in told:  # of which the one run alone knows nothing
        path.unlink()
    driver.assert_same_lake(home, reference, same_order=False)
    driver.assert_nothing_left(home)
    assert [check.findings for check in verify(open_lake(home)) if check.findings] == []
