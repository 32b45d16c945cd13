"""Upkeep: fewer, ordered files and none that no kept version needs, while everybody sees the very same tables."""

from __future__ import annotations

import signal
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake
from tests.support.lakes import agrilake
from tests.support.reading import files, read

from agrilake.lake.failpoints import UPKEEP_POINTS, VARIABLE
from agrilake.lake.files import replace_delivery, scan, table_version, with_required
from agrilake.lake.locks import table_lock
from agrilake.paths import Home
from agrilake.pipeline.context import Lake
from agrilake.pipeline.upkeep import UpkeepReport, maintain
from agrilake.tables import small
from agrilake.tables.layout import ROWS_PER_GROUP
from agrilake.tables.types import silver_fields
from agrilake.tables.write import commit_note, create_table

AT_ONCE = timedelta(0)
SITES, MONTHS = 30, ("2024-01", "2024-02")
VILLAGE_MONTH = {"_period": "2024-02", "site_no": "YZ00000007"}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(Home.at(tmp_path))


def population(lake: Lake, households: int) -> int:
    """A new version of a small silver table; its number."""
    path = lake.home.table("silver", "stats_population")
    small.replace(pl.DataFrame({"village": ["a", "b"], "households": [households, 1]}), path, ["village"])
    return DeltaTable(str(path)).version()


def households(lake: Lake, version: int) -> int:
    table = scan(lake.home.table("silver", "stats_population"), version)
    assert table is not None
    return int(table.filter(village="a").collect()["households"][0])


def parcels(lake: Lake, commits: int = 6, rows: int = 10_000) -> Path:
    """silver/postal_parcel as many small commits leave it: every file holds all sites."""
    dataset = lake.registry.get("postal_parcel")
    path = lake.home.table("silver", dataset.id)
    create_table(path, dataset)
    chance = Random(1)  # noqa: S311 (rows for a test)
    for number in range(commits):
        frame = pl.DataFrame(
            {
                "waybill_no": [f"YL{number:04d}{row:08d}" for row in range(rows)],
                "event": "delivered",
                "site_no": [f"YZ{chance.randrange(SITES):08d}" for _ in range(rows)],
                "event_at": datetime.fromisoformat("2024-01-05T10:00:00"),
                "direction": "inbound",
                "weight_kg": 1,
                "_delivery_id": f"d{number}",
                "_line": range(rows),
                "_sheet": None,
                "_period": MONTHS[number % 2],
            }
        )
        types = {"bigint": pl.Int64, "timestamp_ntz": pl.Datetime("us"), "decimal(18,3)": pl.Decimal(18, 3)}
        cast = [pl.col(name).cast(types.get(kind, pl.String)) for name, kind in silver_fields(dataset).items()]
        required = [column.name for column in dataset.silver_columns if column.required]
        write_deltalake(str(path), with_required(frame.select(cast).to_arrow(), required), mode="append")
    return path


def rows(path: Path, version: int | None = None) -> pl.DataFrame:
    table = scan(path, version)
    assert table is not None
    return table.collect().sort("waybill_no")


def versions(lake: Lake) -> dict[Path, int]:
    logs = lake.home.root.rglob("_delta_log")
    return {log.parent: DeltaTable(str(log.parent)).version() for log in logs}


def test_recorded_versions_stay_readable_and_what_nobody_needs_is_deleted(lake: Lake) -> None:
    recorded = population(lake, 1)
    lake.state.record_lake_version({"silver/stats_population": recorded})
    passing, newest = population(lake, 2), population(lake, 3)
    path = lake.home.table("silver", "stats_population")
    (path / "left-by-a-killed-writer.parquet").write_bytes(b"x")
    assert maintain(lake).tables == [], "a day old at most: a query may still read it"
    would = maintain(lake, AT_ONCE, dry_run=True)
    assert [item.deleted for item in would.tables] == [2]
    assert households(lake, passing) == 2
    done = maintain(lake, AT_ONCE)
    assert [(item.table, item.deleted) for item in done.tables] == [("silver/stats_population", 2)]
    assert [households(lake, version) for version in (recorded, newest)] == [1, 3]
    with pytest.raises(Exception, match=r"(?i)not found|no such file"):
        households(lake, passing)
    before = versions(lake)
    assert maintain(lake, AT_ONCE) == UpkeepReport()
    assert versions(lake) == before


def test_what_a_gold_table_was_made_from_stays_readable(lake: Lake) -> None:
    used, note = population(lake, 1), '{"inputs": {"stats_population": %d}, "rule": "r"}'
    gold = lake.home.table("gold", "village_profile")
    properties = CommitProperties(custom_metadata={"userMetadata": note % used})
    write_deltalake(str(gold), pl.DataFrame({"n": [1]}).to_arrow(), commit_properties=properties)
    population(lake, 2)
    known = (table_version(gold), commit_note(gold))
    assert maintain(lake, AT_ONCE).failures == []
    assert households(lake, used) == 1
    assert (table_version(gold), commit_note(gold)) == known
    assert DeltaTable(str(gold)).version() > known[0], "the log's retention was set by a commit of its own"


def test_a_large_table_is_brought_into_order_once_and_nobody_downstream_notices(lake: Lake) -> None:
    path = parcels(lake, rows=20_000)
    known, held = table_version(path), rows(path)
    assert read(path, VILLAGE_MONTH).groups == 3
    done = maintain(lake, AT_ONCE)
    assert [(item.table, item.compacted) for item in done.tables] == [("silver/postal_parcel", 2)]
    assert table_version(path) == known
    assert rows(path).equals(held)
    assert rows(path, known).equals(held), "who depends on the version before reads it"
    assert files(path).height == len(MONTHS)
    after, whole = read(path, VILLAGE_MONTH), read(path, {})
    assert whole.groups == 2 * 60_000 / ROWS_PER_GROUP
    assert (after.files, after.groups) == (1, 1)
    assert after.bytes < 0.2 * whole.bytes
    assert maintain(lake, AT_ONCE) == UpkeepReport()


def test_quarantine_becomes_few_files_and_a_delivery_can_still_be_replaced(lake: Lake) -> None:
    path = lake.home.table("quarantine")
    for number in range(25):
        finding = pl.DataFrame({"delivery_id": [f"d{number}"], "rule": ["r"]})
        replace_delivery(path, finding, f"d{number}", "delivery_id", partitioned=number % 2 == 0)
    assert files(path).height == 25
    done = maintain(lake, AT_ONCE)
    assert [(item.table, item.deleted, item.checkpoint) for item in done.tables] == [("quarantine", 25, True)]
    assert files(path).height == 1
    replace_delivery(path, pl.DataFrame({"delivery_id": ["d3"], "rule": ["other"]}), "d3", "delivery_id")
    replace_delivery(path, pl.DataFrame(schema={"delivery_id": pl.String, "rule": pl.String}), "d4", "delivery_id")
    kept = scan(path)
    assert kept is not None
    found = dict(kept.select("delivery_id", "rule").collect().iter_rows())
    assert found == {f"d{number}": "other" if number == 3 else "r" for number in range(25) if number != 4}


def test_a_table_that_another_writer_holds_is_waited_for_and_a_broken_one_keeps_nobody(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    population(lake, 1)
    path = parcels(lake, rows=10)
    monkeypatch.setattr("agrilake.tables.upkeep.table_lock", lambda path: table_lock(path, 0.1))
    with table_lock(path):
        report = maintain(lake, AT_ONCE)
    assert report.failures == ["maintenance silver/postal_parcel: postal_parcel: another writer held the table for 0 s"]
    assert [item.line for item in lake.state.open_failures()] == report.failures
    assert maintain(lake, AT_ONCE).failures == []
    assert lake.state.open_failures() == []


def test_a_kill_leaves_every_version_readable_and_the_next_call_ends_the_work(lake: Lake) -> None:
    path = parcels(lake, commits=24, rows=10)
    recorded, held = table_version(path), rows(path)
    lake.state.record_lake_version({"silver/postal_parcel": recorded or 0})
    for number in range(9):
        (path / f"left-by-a-killed-writer-{number}.parquet").write_bytes(b"x")
    for point in UPKEEP_POINTS:
        killed = agrilake(lake.home.root, "maintain", "--keep-hours", "0", env={VARIABLE: point})
        assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
        assert table_version(path) == recorded
        assert rows(path).equals(held)
        assert rows(path, recorded).equals(held)
    assert maintain(lake, AT_ONCE).failures == []
    assert rows(path, recorded).equals(held)
    assert maintain(lake, AT_ONCE) == UpkeepReport()
