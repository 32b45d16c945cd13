"""Delta logs that a broken disk left: said in one line, and mended where nothing can be lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from tests.support.intake import open_lake, reference_lake, rows_of, take
from tests.support.samples import SAMPLE, drop
from tests.support.take_once import take_once

from agrilake.lake.logs import CHECKPOINT, COMMIT, DATA, broken_log, mend_log
from agrilake.pipeline.context import Lake
from agrilake.pipeline.leftovers import tidy
from agrilake.tables import small

Harm = Callable[[bytes], bytes]
LAST, SUMMED = 6, 3
CUTS: dict[str, Harm] = {
    "empty": lambda content: b"",
    "in the middle of a line": lambda content: content[:-30],
    "after a line": lambda content: content.splitlines(keepends=True)[0],
    "zeros": lambda content: bytes(len(content)),
}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Seven commits of a row each, summed up after the fourth."""
    path = tmp_path / "silver" / "t"
    for number in range(LAST + 1):
        write_deltalake(str(path), pl.DataFrame({"n": [number]}).to_arrow(), mode="append")
        if number == SUMMED:
            DeltaTable(str(path)).create_checkpoint()
    assert broken_log(path) is None
    return path


def commit(path: Path, version: int = LAST) -> Path:
    return path / "_delta_log" / f"{version:020d}.json"


def harm(file: Path, how: Harm) -> None:
    file.write_bytes(how(file.read_bytes()))


@pytest.mark.parametrize("how", CUTS)
def test_a_newest_commit_that_is_cut_off_never_happened(how: str, table: Path) -> None:
    harm(commit(table), CUTS[how])
    broken = broken_log(table)
    assert broken is not None
    assert (broken.version, broken.kind) == (LAST, COMMIT)
    assert broken.line.startswith(f"silver/t: version {LAST} is broken, {LAST:020d}.json ")
    assert broken.line.endswith("bring the table back from a backup (agrilake restore)")
    assert "\n" not in broken.line
    assert not mend_log(table, broken, [LAST]), "somebody recorded it, so it did happen"
    assert mend_log(table, broken, [LAST - 1])
    assert broken_log(table) is None
    assert sorted(pl.read_delta(str(table))["n"]) == list(range(LAST))
    assert not commit(table).exists()
    write_deltalake(str(table), pl.DataFrame({"n": [LAST]}).to_arrow(), mode="append")
    assert (DeltaTable(str(table)).version(), broken_log(table)) == (LAST, None)


def data_of(table: Path, version: int) -> Path:
    actions = [json.loads(line) for line in commit(table, version).read_text(encoding="utf-8").splitlines()]
    return table / next(action["add"]["path"] for action in actions if "add" in action)


@pytest.mark.parametrize("how", [b"", b"x", None], ids=["empty", "too short", "missing"])
def test_a_newest_commit_without_its_data_never_happened(how: bytes | None, table: Path) -> None:
    data = data_of(table, LAST)
    data.unlink() if how is None else data.write_bytes(how)
    broken = broken_log(table)
    assert broken is not None
    assert (broken.version, broken.kind, broken.file) == (LAST, DATA, data)
    assert not mend_log(table, broken, [LAST])
    earlier = data_of(table, 2)
    kept = earlier.read_bytes()
    earlier.unlink()
    assert not mend_log(table, broken, []), "the version before is not whole either: a disk that lost more"
    earlier.write_bytes(kept)
    assert mend_log(table, broken, [])
    assert sorted(pl.read_delta(str(table))["n"]) == list(range(LAST))


def test_an_older_commit_and_a_gap_are_named_and_left(table: Path) -> None:
    for version, content in ((5, b""), (4, None)):
        kept = commit(table, version).read_bytes()
        commit(table, version).write_bytes(content) if content is not None else commit(table, version).unlink()
        broken = broken_log(table)
        assert broken is not None
        assert (broken.version, broken.kind, broken.file) == (version, COMMIT, commit(table, version))
        assert not mend_log(table, broken, [])
        commit(table, version).write_bytes(kept)
    assert broken_log(table) is None


@pytest.mark.parametrize("how", ["empty", "in the middle of a line"])
def test_a_checkpoint_that_is_cut_off_is_not_needed_where_all_commits_are_there(how: str, table: Path) -> None:
    file = table / "_delta_log" / f"{SUMMED:020d}.checkpoint.parquet"
    harm(file, CUTS[how])
    broken = broken_log(table)
    assert broken is not None
    assert (broken.version, broken.kind, broken.file) == (SUMMED, CHECKPOINT, file)
    first = commit(table, 0).read_bytes()
    commit(table, 0).unlink()
    assert not mend_log(table, broken, []), "without the first commit it alone knows what was before"
    commit(table, 0).write_bytes(first)
    assert mend_log(table, broken, [])
    assert broken_log(table) is None
    assert pl.read_delta(str(table)).height == LAST + 1


def test_drafts_beside_a_log_mislead_nobody(table: Path) -> None:
    for name in (f".{LAST + 1:020d}.json.abc.tmp", f"{LAST + 1:020d}.json#1", "_commit_ab.json.tmp"):
        (table / "_delta_log" / name).write_bytes(b"x")
    assert broken_log(table) is None
    assert pl.read_delta(str(table)).height == LAST + 1


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake that has taken one file."""
    found = reference_lake(tmp_path / "home")
    drop(SAMPLE / "inbox" / "commerce" / "commerce_training__2024-02.csv", found.home.root)
    take(found)
    return found


def newest(table: Path) -> Path:
    return max((table / "_delta_log").glob("*.json"))


@pytest.mark.parametrize("layer", ["bronze", "accepted", "quarantine"])
def test_what_a_torn_commit_took_along_is_taken_again_from_landing(layer: str, lake: Lake) -> None:
    """Also where the registry knows of it already: the disk had said that it was written, and lied."""
    (before,) = lake.state.deliveries("commerce_training")
    kept = rows_of(lake, "accepted", before)
    table = lake.home.table(layer, "" if layer == "quarantine" else "commerce_training")
    harm(newest(table), CUTS["in the middle of a line"])
    assert tidy(lake) == []
    assert [item.status for item in lake.state.deliveries("commerce_training")] == ["received"]
    take_once(lake)
    assert lake.state.deliveries("commerce_training") == [before]
    assert rows_of(lake, "accepted", before).equals(kept)
    assert broken_log(table) is None


def test_a_silver_commit_that_never_happened_is_applied_again(lake: Lake) -> None:
    path = lake.home.table("silver", "stats_population")
    for number in (1, 2):
        small.replace(pl.DataFrame({"village": ["a"], "n": [number]}), path, ["village"])
    lake.state.record_applied("stats_population", {"d1": "digest"})
    harm(newest(path), CUTS["empty"])
    assert tidy(lake) == []
    assert pl.read_delta(str(path))["n"].to_list() == [1]
    assert lake.state.applied("stats_population") == {}, "silver is behind now, so that the next step loads it"


def test_a_recorded_version_that_is_torn_stays_as_it_is_and_is_said_in_the_status(lake: Lake) -> None:
    path = lake.home.table("silver", "stats_population")
    for number in (1, 2):
        small.replace(pl.DataFrame({"village": ["a"], "n": [number]}), path, ["village"])
    lake.state.record_lake_version({"silver/stats_population": 1})
    kept = newest(path).read_bytes()
    harm(newest(path), CUTS["empty"])
    for _ in range(2):
        (line,) = tidy(open_lake(lake.home.root))
        assert line.startswith("log silver/stats_population: version 1 is broken, 00000000000000000001.json is empty")
        assert [item.line for item in lake.state.open_failures()] == [f"log silver/stats_population: {line[4:]}"]
    newest(path).write_bytes(kept)
    assert tidy(lake) == []
    assert lake.state.open_failures() == []
