"""Where a log is broken nobody can tell which versions must be kept: maintenance removes none, a backup takes all."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake
from tests.conftest import open_lake

from agrilake.errors import ConsistencyError
from agrilake.pipeline.context import Lake
from agrilake.pipeline.pins import pinned_versions
from agrilake.pipeline.upkeep import maintain
from agrilake.recovery.backup import backup

AT_ONCE = timedelta(0)
GOLD, SILVER, BRONZE = "gold/village_profile", "silver/stats_population", "bronze/stats_population"
HELD = 1
"""The version of gold that a lake version recorded; it was made from the same version of silver."""
HARMS: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda commit: commit.write_bytes(b""),
    "cut off": lambda commit: commit.write_bytes(commit.read_bytes()[:-30]),
}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Four versions of each table; gold's second is recorded, and by it alone silver's second must be kept."""
    lake = open_lake(tmp_path / "home")
    for number in range(4):
        for name in (BRONZE, SILVER, GOLD):
            note = {"inputs": {"stats_population": number}, "rule": "r"} if name == GOLD else {}
            properties = CommitProperties(custom_metadata={"userMetadata": json.dumps(note)})
            rows = pl.DataFrame({"n": [number]}).to_arrow()
            write_deltalake(path(lake, name), rows, mode="overwrite", commit_properties=properties)
    DeltaTable(path(lake, GOLD)).create_checkpoint()
    lake.state.record_lake_version({GOLD: HELD})
    return lake


def path(lake: Lake, name: str) -> str:
    return str(lake.home.table(*name.split("/")))


def commit(lake: Lake, name: str, version: int) -> Path:
    return Path(path(lake, name)) / "_delta_log" / f"{version:020d}.json"


def files(lake: Lake, name: str) -> set[str]:
    return {file.name for file in Path(path(lake, name)).glob("*.parquet")}


@pytest.mark.parametrize("how", HARMS)
@pytest.mark.parametrize("name", [GOLD, SILVER])
def test_nothing_that_may_be_kept_is_removed_until_the_log_is_back(name: str, how: str, lake: Lake) -> None:
    broken = commit(lake, name, HELD)
    content = broken.read_bytes()
    HARMS[how](broken)
    before = {one: files(lake, one) for one in (GOLD, SILVER, BRONZE)}
    report = maintain(lake, AT_ONCE)
    assert {one: files(lake, one) for one in (GOLD, SILVER)} == {one: before[one] for one in (GOLD, SILVER)}
    assert len(files(lake, BRONZE)) == 1, "of bronze no version is kept"
    assert any(name in line for line in report.failures)
    assert [item.line for item in lake.state.open_failures()] == report.failures

    broken.write_bytes(content)
    assert maintain(lake, AT_ONCE).failures == []
    assert lake.state.open_failures() == []
    assert [len(files(lake, one)) for one in (GOLD, SILVER)] == [2, 2]
    assert pl.read_delta(path(lake, SILVER), version=HELD)["n"].to_list() == [HELD]


@pytest.mark.parametrize("how", HARMS)
def test_a_log_that_cannot_tell_the_pins_says_so(how: str, lake: Lake) -> None:
    assert pinned_versions(lake) == {GOLD: [HELD, 3], SILVER: [HELD, 3]}
    HARMS[how](commit(lake, GOLD, HELD))
    with pytest.raises(ConsistencyError, match=rf"gold/village_profile: version {HELD} .*0{HELD}\.json"):
        pinned_versions(lake)


@pytest.mark.parametrize("how", HARMS)
def test_a_backup_takes_every_version_that_may_be_kept(how: str, lake: Lake, tmp_path: Path) -> None:
    HARMS[how](commit(lake, GOLD, HELD))
    lake.ensure_key()
    kept = {entry.path for entry in backup(lake, tmp_path / "target").manifest.files}
    for name in (GOLD, SILVER):
        assert {f"{name}/{file}" for file in files(lake, name)} <= kept
