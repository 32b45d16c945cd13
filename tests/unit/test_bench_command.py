"""`agrilake bench` from a checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
from tests.support.lakes import agrilake


def test_one_competitor_of_a_workload_is_measured_and_reported(tmp_path: Path) -> None:
    asked = ("--workload", "7", "--only", "agrilake --help", "--repeat", "1", "--warm-up", "0")
    done = agrilake(tmp_path / "home", "bench", *asked, "--out", str(tmp_path / "report"), "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [(entry["competitor"], len(entry["runs"])) for entry in report["findings"][0]["entries"]] == [
        ("agrilake --help", 1)
    ]
    assert report["findings"][0]["entries"][0]["runs"][0]["peak_rss"] > 10_000_000
    assert report["versions"]["pyspark"] and report["machine"]["cores"] > 0
    assert {path.name for path in (tmp_path / "report").iterdir()} == {"bench.json", "bench.md", "bench.svg"}
    assert not (tmp_path / "home").exists()


def test_an_unknown_workload_is_refused(tmp_path: Path) -> None:
    done = agrilake(tmp_path / "home", "bench", "--workload", "99")
    assert done.returncode == 2
    assert "no workload 99; known: " in done.stderr


def test_ended_from_outside_it_leaves_nothing(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    argv = [sys.executable, "-m", "agrilake.commands", "bench", "--workload", "7", "--only", "Airflow alone"]
    with subprocess.Popen(
        [*argv, "--repeat", "50", "--out", str(tmp_path / "report")],
        env={**os.environ, "TMPDIR": str(scratch), "AGRILAKE_HOME": str(tmp_path / "home")},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert any("Airflow alone, run 1" in line for line in process.stderr)
        children = psutil.Process(process.pid).children(recursive=True)
        while process.poll() is None:  # not once: `timeout` signals a program and then its group
            process.terminate()
            time.sleep(0.01)
    assert process.returncode == 143
    assert list(scratch.iterdir()) == []
    assert not any(child.is_running() for child in children)
