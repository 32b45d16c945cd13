"""The lake's registry: order of arrival, repeats, lake versions, failures."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from agrilake.lake.state import Delivery, State


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state" / "lake.sqlite")


def delivery(identity: str = "aa11", **changes: object) -> Delivery:
    base = Delivery(identity, "agri_farm_household", "agri", "2024-05", "f.csv", "5ha", 10, "accepted")
    return replace(base, **changes)  # type: ignore[arg-type]


def test_the_first_arrival_keeps_its_place(state: State) -> None:
    first = state.record_delivery(delivery("aa11", status="received"))
    second = state.record_delivery(delivery("bb22"))
    again = state.record_delivery(delivery("aa11", status="accepted", details={"rules": {"enum": 2}}))
    assert (first.sequence, second.sequence, again.sequence) == (1, 2, 1)
    assert [item.id for item in state.deliveries()] == ["aa11", "bb22"]
    assert state.deliveries()[0].details == {"rules": {"enum": 2}}


def test_a_prefix_finds_one_delivery_or_none(state: State) -> None:
    state.record_delivery(delivery("aa11"))
    state.record_delivery(delivery("aa22"))
    found = state.delivery("aa1")
    assert found is not None
    assert found.id == "aa11"
    assert state.delivery("aa") is None
    assert state.delivery("cc") is None


def test_only_taken_bytes_count_as_a_repeat(state: State) -> None:
    state.record_delivery(delivery("aa11", status="refused"))
    assert state.same_bytes("5ha", "agri_farm_household") == []
    state.record_delivery(delivery("aa11", status="partial"))
    assert [item.id for item in state.same_bytes("5ha", "agri_farm_household")] == ["aa11"]
    assert state.same_bytes("5ha", "civil_elder") == []


def test_the_same_tables_are_the_same_lake_version(state: State) -> None:
    one = state.record_lake_version({"silver/a": 1})
    same = state.record_lake_version({"silver/a": 1})
    two = state.record_lake_version({"silver/a": 2})
    assert one == same
    assert two.version > one.version
    assert [item.tables for item in state.lake_versions()] == [{"silver/a": 1}, {"silver/a": 2}]


def test_a_failure_stands_until_its_step_succeeds(state: State) -> None:
    state.record_failure("silver", "civil_elder", "disk full")
    state.record_failure("gold", "elder", "input missing")
    state.resolve_failures("silver", "civil_elder")
    assert [(item.step, item.message) for item in state.open_failures()] == [("gold", "input missing")]


def _record(path: Path, start: int) -> None:
    state = State(path)
    for number in range(start, start + 20):
        state.record_delivery(delivery(f"{number:04d}"))


def test_processes_that_record_together_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lake.sqlite"
    workers = [multiprocessing.get_context("spawn").Process(target=_record, args=(path, n * 100)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    found = State(path).deliveries()
    assert len(found) == 80
    assert sorted(item.sequence for item in found) == list(range(1, 81))
