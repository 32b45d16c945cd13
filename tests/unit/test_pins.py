"""What a vacuum must leave: everything that was published, and what it was made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake
from tests.conftest import open_lake

from agrilake.pipeline.context import Lake
from agrilake.pipeline.pins import pinned_versions
from agrilake.publish.records import keep_records, records
from agrilake.publish.store import MANIFEST
from agrilake.tables.layout import LOG_RETENTION
from agrilake.tables.write import create_table

SITE, MEMBER, SILVER = "gold/service_site", "gold/service_place_member", "silver/postal_site"


def commit(lake: Lake, table: str, value: int, inputs: dict[str, int] | None = None) -> int:
    """One more version of a table; what it was made from in the commit's note."""
    note = CommitProperties(custom_metadata={"userMetadata": json.dumps({"inputs": inputs, "rule": "r"})})
    path = str(lake.home.table(*table.split("/")))
    write_deltalake(path, pl.DataFrame({"n": [value]}).to_arrow(), mode="overwrite", commit_properties=note)
    return DeltaTable(path).version()


def publication(lake: Lake, version: int, tables: dict[str, int], held: dict[str, int] | None = None) -> Path:
    """A folder as a finished publication of before manifests named their pins leaves it."""
    folder = lake.home.publications / f"{version:06d}"
    folder.mkdir()
    sources: dict[str, Any] = {
        name: {"name": name, "title": name, "delta_version": number} for name, number in (held or {}).items()
    }
    manifest = {
        "version": version,
        "made_at": "2024-06-01T00:00:00+00:00",
        "lake_version": version,
        "lake_tables": tables,
        "tables": sources,
        "files": {"analyst.duckdb": {"tables": {"elder": {"rows": 3}}}},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path)


def test_pins_are_what_publications_and_lake_versions_rest_on(lake: Lake) -> None:
    for number in range(6):
        commit(lake, SILVER, number)
    commit(lake, MEMBER, 0, {"postal_site": 1})
    commit(lake, MEMBER, 1, {"postal_site": 5})
    commit(lake, SITE, 0, {"service_place_member": 0, "stats_division": None})
    commit(lake, SITE, 1, {"service_place_member": 1})
    commit(lake, SITE, 2, {"service_place_member": 1})
    publication(lake, 1, {SITE: 1, SILVER: 4}, held={"service_site": 0})
    lake.state.record_lake_version({SILVER: 3})
    assert pinned_versions(lake) == {
        MEMBER: [0, 1],
        SITE: [0, 1, 2],  # 0 was held, 1 is published, 2 is the lake as it stands
        SILVER: [1, 3, 4, 5],  # 1 and 5 through gold, 3 of the lake version, 4 published
    }


def test_a_vacuum_that_keeps_the_pins_leaves_what_was_published(lake: Lake) -> None:
    for number in range(4):
        commit(lake, SILVER, number)
    publication(lake, 1, {SILVER: 1})
    path = str(lake.home.table(*SILVER.split("/")))
    DeltaTable(path).vacuum(0, False, False, keep_versions=pinned_versions(lake)[SILVER])
    assert pl.read_delta(path, version=1)["n"].to_list() == [1]
    assert pl.read_delta(path)["n"].to_list() == [3]
    with pytest.raises(OSError, match="No such file"):
        pl.read_delta(path, version=2)


def test_a_manifest_outlives_its_publication(lake: Lake) -> None:
    folder = publication(lake, 1, {SILVER: 2})
    keep_records(lake.home)
    (folder / MANIFEST).unlink()
    folder.rmdir()
    publication(lake, 2, {SILVER: 3})
    assert [(item.version, item.is_kept) for item in records(lake.home)] == [(1, False), (2, True)]
    assert records(lake.home)[0].rows == {"elder": 3}
    assert pinned_versions(lake) == {SILVER: [2, 3]}


def test_a_record_that_was_cut_off_is_written_again(lake: Lake) -> None:
    publication(lake, 1, {SILVER: 2})
    half = lake.home.published / "000001.tmp"
    half.mkdir(parents=True)
    (half / MANIFEST).write_text('{"version"', encoding="utf-8")
    keep_records(lake.home)
    keep_records(lake.home)
    assert [path.name for path in lake.home.published.iterdir()] == ["000001"]
    assert records(lake.home)[0].lake_tables == {SILVER: 2}


def test_tables_keep_their_log(lake: Lake) -> None:
    """Thirty days would be the default: an older version cannot be read once its log is gone."""
    path = lake.home.table("gold", "elder")
    create_table(path, lake.registry.gold["elder"])
    assert LOG_RETENTION.items() <= DeltaTable(str(path)).metadata().configuration.items()
