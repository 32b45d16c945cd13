"""A clock that is set back: order, versions, answers as of a day, lateness and waiting do not follow it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from tests.support.intake import open_lake

from agrilake.contract.load import load_registry
from agrilake.intake.settle import settled
from agrilake.lake import state as registry
from agrilake.lake.state import Delivery, State
from agrilake.pipeline import tasks
from agrilake.pipeline.arrivals import arrivals
from agrilake.pipeline.context import Lake
from agrilake.pipeline.versions import resolve
from agrilake.services import process

RIGHT, WRONG = "2024-06-20T08:00:00+00:00", "2024-06-01T08:00:00+00:00"


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state" / "lake.sqlite")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the registry's clock."""
    return lambda moment: monkeypatch.setattr(registry, "now", lambda: moment)


def delivery(identity: str, period: str = "2024-05") -> Delivery:
    return Delivery(identity, "commerce_training", "commerce", period, "f.csv", identity, 10, "accepted")


def test_the_order_of_arrival_is_counted(state: State, clock: Callable[[str], None]) -> None:
    for identity, moment in (("a", RIGHT), ("b", WRONG), ("c", WRONG)):
        clock(moment)
        state.record_delivery(delivery(identity))
    assert [(item.id, item.sequence) for item in state.deliveries()] == [("a", 1), ("b", 2), ("c", 3)]
    assert {item.received_at for item in state.deliveries()} == {RIGHT}, "nothing came before what came before it"


def test_a_late_delivery_is_late_though_the_clock_was_set_back(state: State, clock: Callable[[str], None]) -> None:
    dataset = load_registry().get("commerce_training")
    clock(RIGHT)
    state.record_delivery(delivery("a", "2024-05"))
    clock(WRONG)
    state.record_delivery(delivery("b", "2024-04"))
    found = arrivals([dataset], state.deliveries(), date(2024, 6, 20), "Asia/Shanghai")
    assert "2024-04" in found["commerce_training"].late


def test_an_answer_as_of_a_day_is_never_another_one_later(state: State, clock: Callable[[str], None]) -> None:
    clock(WRONG)
    state.record_lake_version({"silver/a": 1})
    clock(RIGHT)
    state.record_lake_version({"silver/a": 2})
    asked = resolve(state, "2024-06-10")
    clock("2024-06-05T08:00:00+00:00")
    state.record_lake_version({"silver/a": 3})
    assert resolve(state, "2024-06-10") == asked == {"silver/a": 1}
    assert resolve(state, "2024-06-20") == {"silver/a": 3}


def test_what_failed_or_came_in_the_future_is_not_waited_for(tmp_path: Path, clock: Callable[[str], None]) -> None:
    lake: Lake = open_lake(tmp_path)
    ahead = (datetime.now(UTC) + timedelta(days=300)).isoformat(timespec="seconds")
    clock(ahead)
    lake.state.record_failure("intake", "a", "the disk was full")
    lake.state.record_delivery(delivery("a"))
    assert tasks._resting(lake, "intake") == set(), "it would rest for 300 days"
    assert tasks._waited(lake) >= tasks.GOLD_WAITS
    clock(datetime.now(UTC).isoformat(timespec="seconds"))
    lake.state.record_failure("intake", "b", "the disk was full")
    assert tasks._resting(lake, "intake") == {"b"}


def test_a_file_from_the_future_is_taken_when_it_has_been_quiet(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("a")
    changed = path.stat().st_ctime
    assert not settled(path, 5, changed + 1)
    assert settled(path, 5, changed + 6)
    assert settled(path, 5, changed - 86_400), "the clock was set back since: nothing tells how long it has been quiet"
    assert not settled(path, 5, changed - 600), "the clock of a file server may be ahead of this one"


def test_a_service_is_known_again_after_the_clock_was_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = process.Command("demo", (sys.executable, "-S", "-c", "import time; time.sleep(60)"), {}, tmp_path)
    running = process.start(tmp_path, command)
    try:
        boot = psutil.boot_time()
        monkeypatch.setattr(psutil, "boot_time", lambda: boot - 86_400)  # which Linux derives from the clock
        monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: boot - 86_400)
        monkeypatch.setattr(psutil._pslinux, "BOOT_TIME", boot - 86_400, raising=False)
        assert process.find(tmp_path, "demo") == running
        assert process.stop(tmp_path, "demo") is True
    finally:
        subprocess.run(["kill", "-9", str(running.pid)], check=False, capture_output=True)
    deadline = time.monotonic() + 5
    while psutil.pid_exists(running.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.find(tmp_path, "demo") is None
