"""Gold does not depend on the order in which files arrive, nor on dropping them twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.conftest import open_lake
from tests.support.lakes import agrilake, assert_same_gold
from tests.support.samples import SAMPLE, drop, drop_sample

from agrilake.pipeline import intake

pytestmark = pytest.mark.spark


def test_backwards_with_reference_data_last_and_then_everything_again(
    small_lake: Path, tmp_path: Path, spark_remote: str, lake_key: Path
) -> None:
    home = tmp_path / "home"
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
    second = agrilake(home, "run")
    assert second.returncode == 0, second.stderr[-3000:]
    assert_same_gold(home, small_lake)
    drop_sample(home)
    third = agrilake(home, "run", "--json")
    assert third.returncode == 0, third.stderr[-3000:]
    assert json.loads(third.stdout)["tables_written"] == {}
    assert_same_gold(home, small_lake)
