"""The committed sample through the intake equals its truth, file by file and cell by cell, in any order, and twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.support.intake import findings, open_lake, process_all, register_all, take
from tests.support.samples import SAMPLE, drop, drop_sample

from agrilake.contract.load import load_registry
from agrilake.contract.order import in_order
from agrilake.linking.build import CHANGE, MEMBER, PAIR, build_linked
from agrilake.linking.evaluation import pairs_within
from agrilake.linking.stations import REGISTERS
from agrilake.pipeline import arriving, intake, steps
from agrilake.pipeline.context import Lake
from agrilake.pipeline.outcomes import Outcome

TRUTH: list[dict[str, Any]] = json.loads((SAMPLE / "truth" / "files.json").read_text(encoding="utf-8"))
DATASETS = load_registry().datasets.values()
REFERENCE = {dataset.id for dataset in DATASETS if dataset.reference}
DIVISIONLESS = {dataset.id for dataset in DATASETS if not any(column.division_level for column in dataset.columns)}
"""Datasets that name no division themselves and so wait for nothing."""


def drop_item(lake: Lake, item: dict[str, Any]) -> None:
    """Drop one file of the sample, with its manifest where it has one."""
    source = SAMPLE / "inbox" / item["path"]
    for part in (source, source.with_name(source.name + ".manifest.json")):
        if part.exists():
            drop(part, lake.home.root)


def assert_truth(lake: Lake, item: dict[str, Any], outcome: Outcome) -> None:
    """Status, code, counts and every finding are those of the truth; the receipt is there."""
    delivery = outcome.delivery
    status = "repeat" if outcome.repeat_of else delivery.status
    assert (status, None if outcome.repeat_of else delivery.code) == (item["status"], item["code"]), item["path"]
    assert outcome.receipt is not None and outcome.receipt.html.exists() and outcome.receipt.csv.exists()
    if outcome.repeat_of:
        return
    counts = (delivery.records, delivery.accepted, delivery.quarantined, delivery.duplicate)
    expected = tuple(item[name] for name in ("records", "accepted", "quarantined", "duplicate"))
    assert counts == expected, item["path"]
    if delivery.is_final:
        errors = findings(lake, delivery).filter(severity="error")
        found = set(errors.select("line", "sheet", "column", "rule").iter_rows())
        wanted = {tuple(one[part] for part in ("line", "sheet", "column", "rule")) for one in item["findings"]}
        assert found == wanted, item["path"]


def state_of(lake: Lake) -> list[tuple[object, ...]]:
    """What the lake knows of its deliveries, whatever the order of their arrival."""
    found = lake.state.deliveries()
    return sorted((d.id, d.status, d.code, d.records, d.accepted, d.quarantined, d.duplicate) for d in found)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, dict[str, Outcome]]:
    """The whole sample dropped at once."""
    lake = open_lake(tmp_path_factory.mktemp("sample") / "home")
    drop_sample(lake.home.root)
    return lake, take(lake)


def test_the_inbox_is_empty_but_for_what_was_refused(taken: tuple[Lake, dict[str, Outcome]]) -> None:
    lake, _ = taken
    assert arriving.pending_files(lake, settle=False) == []
    left = {path.relative_to(lake.home.inbox).as_posix() for path in lake.home.inbox.rglob("*") if path.is_file()}
    refused = [Path(item["path"]) for item in TRUTH if item["status"] == "refused"]
    assert left == {(path.parent / "退回" / path.name).as_posix() for path in refused}


@pytest.mark.parametrize("item", TRUTH, ids=[item["path"] for item in TRUTH])
def test_every_file_has_its_outcome(item: dict[str, Any], taken: tuple[Lake, dict[str, Outcome]]) -> None:
    lake, outcomes = taken
    assert_truth(lake, item, outcomes[item["path"]])


def test_dropped_twice_changes_nothing(taken: tuple[Lake, dict[str, Outcome]]) -> None:
    lake, first = taken
    before = state_of(lake)
    drop_sample(lake.home.root)
    again = take(lake)
    assert state_of(lake) == before
    for item in TRUTH:
        outcome = again[item["path"]]
        assert outcome.delivery.id == first[item["path"]].delivery.id
        assert bool(outcome.repeat_of) == (item["status"] != "refused"), item["path"]


def test_one_by_one_in_the_order_of_the_year(taken: tuple[Lake, dict[str, Outcome]], tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "home")
    for item in sorted(TRUTH, key=lambda item: (item["dataset"] not in REFERENCE, item["order"])):
        drop_item(lake, item)
        assert_truth(lake, item, take(lake)[item["path"]])
    assert state_of(lake) == state_of(taken[0])


def test_in_reverse_order_files_wait_for_the_divisions(taken: tuple[Lake, dict[str, Outcome]], tmp_path: Path) -> None:
    """Repeats come before what they repeat, and everything before the reference data: the same in the end."""
    lake = open_lake(tmp_path / "home")
    for item in reversed([item for item in TRUTH if item["dataset"] not in REFERENCE]):
        drop_item(lake, item)
        first = take(lake)[item["path"]]
        if first.delivery.status != "waiting":
            assert item["status"] == "refused" or item["dataset"] in DIVISIONLESS, item["path"]
            continue
        assert first.receipt is not None
        title = "重复报送" if first.repeat_of else "已收下，待处理"
        assert title in first.receipt.html.read_text(encoding="utf-8"), item["path"]
    assert lake.editions() is None
    for item in TRUTH:
        if item["dataset"] in REFERENCE:
            drop_item(lake, item)
    process_all(lake, register_all(lake))
    assert intake.stale_deliveries(lake) == []
    assert state_of(lake) == state_of(taken[0])


def test_stations_are_linked_to_the_places_of_the_truth(taken: tuple[Lake, dict[str, Outcome]]) -> None:
    """From the departments' files, through their two coordinate systems, to golden places without Spark."""
    lake, _ = taken
    for name in (*REGISTERS, "stats_division"):
        steps.update_silver(lake, name)
    for table in in_order(lake.registry):
        if table.id in (PAIR, CHANGE, MEMBER):
            build_linked(lake.home, table, lake.registry)
    member = pl.read_delta(str(lake.home.table("gold", MEMBER)))
    truth = pl.read_csv(SAMPLE / "truth" / "places.csv", infer_schema=False)
    true_place = {f"{dataset}:{site_no}": place for dataset, site_no, place in truth.iter_rows()}
    assert set(member["site_id"]) <= set(true_place)
    groups: dict[str, list[str]] = {}
    same: dict[str, list[str]] = {}
    for site, place in member.select("site_id", "place_id").iter_rows():
        groups.setdefault(place, []).append(site)
        same.setdefault(true_place[site], []).append(site)
    linked, right = pairs_within(groups.values()), pairs_within(same.values())
    assert len(right) > 30
    assert len(linked & right) / len(linked) > 0.9
    assert len(linked & right) / len(right) > 0.9
