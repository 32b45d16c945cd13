"""`agrilake bench` from a checkout."""

from __future__ import annotations

import json
from pathlib import Path

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
