"""The benchmark on a published lake: its charts can be asked, and a lake's step gives what is compared with peers."""

from __future__ import annotations

import json
import os
import subprocess
from ast import literal_eval
from pathlib import Path

import polars as pl
import pytest
from benchmarks.harness.work import environ
from benchmarks.workloads.charts import ask_all, queries
from benchmarks.workloads.reading import questions
from tests.support.lakes import agrilake

from agrilake.paths import Home


def test_every_chart_can_be_asked_ten_at_once(small_lake: Path) -> None:
    found = ask_all(Home.at(small_lake), at_once=10, turns=2)
    assert found["charts"] == len(queries())
    assert 0 < found["median"] <= found["slowest"]


def test_a_lake_answers_what_workload_6_asks(small_lake: Path, tmp_path: Path) -> None:
    events = pl.read_delta(str(small_lake / "gold" / "delivery_event")).filter(period="2024-01")
    village = events["division_code"].drop_nulls().mode().sort()[0]
    answers = {}
    for work, competitors in questions(Home.at(small_lake), "2024-01", village, tmp_path / "log").items():
        for item in competitors:
            done = subprocess.run(item.argv, env=environ(item.env()), capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{item.name}: {done.stderr}"
            answers[work, item.name] = done.stdout
    counted = dict(events.filter(division_code=village).group_by("event").len().iter_rows())
    told = json.loads(answers["a village's month", "agrilake sql"])
    assert {row["event"]: row["events"] for row in told} == counted
    assert dict(literal_eval(answers["a village's month", "DuckDB, delta_scan"])) == counted


@pytest.mark.skipif(not os.environ.get("AGRILAKE_FULL"), reason="starts Spark six times; make test-full")
@pytest.mark.parametrize("workload", ["1", "3"])
def test_lake_and_peers_agree(tmp_path: Path, workload: str) -> None:
    """Equality is asserted by the command itself: another result ends it."""
    asked = ("--workload", workload, "--rows", "5000", "--repeat", "1", "--warm-up", "0")
    done = agrilake(tmp_path / "home", "bench", *asked, "--out", str(tmp_path / "report"), "--json")
    assert done.returncode == 0, done.stderr
    assert '"same": {' in done.stdout
