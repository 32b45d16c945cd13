"""A whole lake after its upkeep: every version that counts reads the same, and a run finds nothing to do."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.support.intake import open_lake
from tests.support.lakes import tables

from agrilake.lake.files import scan
from agrilake.pipeline.pins import pinned_versions
from agrilake.pipeline.run import run_all
from agrilake.pipeline.upkeep import UpkeepReport, maintain

pytestmark = pytest.mark.spark


def stored(home: Path, table: str, version: int) -> pl.DataFrame:
    found = scan(home / table, version)
    assert found is not None
    rows = found.collect()
    return rows.sort(rows.columns, nulls_last=True)


def test_after_upkeep_every_pinned_version_reads_the_same_and_a_run_does_nothing(
    small_lake: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(small_lake, home, symlinks=True)
    lake, publication = open_lake(home), (home / "publications" / "current").readlink()
    pins = pinned_versions(lake)
    assert {"silver/postal_parcel", "gold/delivery_event", "gold/indicator_value"} <= pins.keys()
    done = maintain(lake, timedelta(0))
    assert done.failures == []
    assert {"quarantine"} <= {item.table for item in done.tables}
    for table, versions in pins.items():
        for version in versions:
            assert stored(home, table, version).equals(stored(small_lake, table, version)), f"{table} {version}"
    for layer in ("bronze", "accepted"):
        held = tables(small_lake / layer)
        assert all(frame.equals(held[name]) for name, frame in tables(home / layer).items())
    again = run_all(lake)
    assert (again.failures, again.tables_written, again.suites, again.indicators_computed) == ([], {}, {}, 0)
    assert (home / "publications" / "current").readlink() == publication
    assert maintain(lake, timedelta(0)) == UpkeepReport()
