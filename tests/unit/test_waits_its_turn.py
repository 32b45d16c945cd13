"""Two processes at the same file, one stopped between two acts: the other one waits, and nothing is taken twice."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.intake import reference_lake
from tests.support.pausing import paused_at
from tests.support.samples import SAMPLE, drop

DATASET, NAME = "commerce_ecommerce_sales", "commerce_ecommerce_sales__2024-02.csv"
SECONDS = 12.0
"""By then the other process would have gone on, if it did not wait."""


@pytest.mark.parametrize(("point", "known"), [("landed", []), ("bronze_written", ["received"])])
def test_who_comes_second_waits_and_takes_nothing_twice(point: str, known: list[str], tmp_path: Path) -> None:
    """While a file is registered (`landed`), and while its rows are stored (`bronze_written`)."""
    lake = reference_lake(tmp_path / "home")
    drop(SAMPLE / "inbox" / "commerce" / NAME, lake.home.root)
    taker = ("-m", "tests.support.take_once", str(lake.home.root))

    def states() -> list[str]:
        return [item.status for item in lake.state.deliveries(DATASET)]

    with paused_at(point, taker, tmp_path / "armed"):
        other = subprocess.Popen([sys.executable, *taker])
        deadline = time.monotonic() + SECONDS
        while states() == known and time.monotonic() < deadline:
            time.sleep(0.1)
        assert states() == known
    assert other.wait(timeout=120) == 0
    assert states() == ["partial"]
    assert len(list(lake.home.outbox.rglob("*.html"))) == len(lake.state.deliveries())
