"""Large silver tables, file by file: a village's month reads little, a late row touches its period alone, a repeat
touches nothing, and whoever reads the table by its statistics finds every row."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.dataset as ds
import pytest
from deltalake import DeltaTable
from tests.support.reading import files, read

from agrilake.contract.load import load_registry
from agrilake.errors import ConsistencyError
from agrilake.lake.files import replace_delivery, scan, table_version
from agrilake.paths import Home
from agrilake.tables import datafiles
from agrilake.tables.order import DeliveryRef
from agrilake.tables.silver import apply_silver
from agrilake.tables.upkeep import tend

PARCEL = load_registry().get("postal_parcel")
MONTHS = [DeliveryRef(f"d{month}", f"2024-{month:02d}", sequence=month) for month in (1, 2, 3)]
VILLAGES, ROWS = 40, 4000
SITE_MONTH = {"_period": "2024-02", "site_no": "YZ00000007"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(datafiles, "ROWS_PER_FILE", ROWS // 10)
    return Home.at(tmp_path).prepare()


def deliver(home: Home, ref: DeliveryRef, rows: range, month: int, weight: int = 1) -> DeliveryRef:
    """Accepted rows of a delivery; parcel `row` of a month lies at village `row % VILLAGES`."""
    start = datetime.fromisoformat(f"2024-{month:02d}-01T08:00:00")
    frame = pl.DataFrame(
        {
            "waybill_no": [f"YL{month:02d}{row:08d}" for row in rows],
            "event": "delivered",
            "site_no": [f"YZ{row % VILLAGES:08d}" for row in rows],
            "event_at": [start + timedelta(minutes=row) for row in rows],
            "direction": "inbound",
            "weight_kg": weight,
            "_delivery_id": ref.id,
            "_line": [row + 2 for row in rows],
            "_sheet": None,
            "_period": ref.period,
        },
        schema_overrides={"weight_kg": pl.Decimal(18, 3), "_sheet": pl.String, "_line": pl.Int64},
    )
    replace_delivery(home.table("accepted", PARCEL.id), frame, ref.id)
    return ref


def months(home: Home) -> list[DeliveryRef]:
    return [deliver(home, ref, range(ROWS), month) for month, ref in enumerate(MONTHS, 1)]


def loaded(home: Home, refs: list[DeliveryRef], applied: set[str] | None) -> Path:
    apply_silver(home, PARCEL, refs, applied)
    return home.table("silver", PARCEL.id)


def paths(path: Path) -> set[str]:
    return set(files(path)["path"])


def test_a_site_s_month_is_one_file_of_many(home: Home) -> None:
    path = loaded(home, months(home), None)
    some, whole = read(path, SITE_MONTH), read(path, {})
    assert whole.files == len(MONTHS) * 10
    assert some.files == 1
    assert some.bytes < 0.06 * whole.bytes


def test_a_new_month_is_appended_a_repeat_and_a_late_row_rewrite_nothing_else(home: Home) -> None:
    refs = months(home)
    path = loaded(home, refs[:2], None)
    before = paths(path)
    loaded(home, refs, {"d1", "d2"})
    added = paths(path) - before
    assert before <= paths(path)
    assert {name.split("/")[0] for name in added} == {"_period=2024-03"}
    assert len(added) == 10

    version = table_version(path)
    loaded(home, refs, {"d1", "d2"})
    loaded(home, refs, set())
    assert DeltaTable(str(path)).version() == version, "the same deliveries again: no commit at all"

    before = paths(path)
    late = deliver(home, DeliveryRef("d4", "2024-03", sequence=4), range(ROWS - 2, ROWS + 3), 1, weight=2)
    loaded(home, [*refs, late], {"d1", "d2", "d3"})
    gone, added = before - paths(path), paths(path) - before
    assert {name.split("/")[0] for name in gone} == {"_period=2024-01"}
    assert len(gone) == 1, "of January the one file with the two corrected parcels"
    assert {name.split("/")[0] for name in added} == {"_period=2024-01", "_period=2024-03"}
    table = scan(path)
    assert table is not None
    heavy = table.filter(pl.col("weight_kg") == 2).collect()
    assert table.select(pl.len()).collect().item() == 3 * ROWS + 3
    assert (heavy.height, set(heavy["_delivery_id"]), set(heavy["_period"])) == (5, {"d4"}, {"2024-03"})


def test_a_delivery_that_is_checked_again_loses_the_rows_that_it_no_longer_has(home: Home) -> None:
    refs = months(home)
    path = loaded(home, refs, None)
    DeltaTable(str(path)).alter.set_table_properties({"delta.logRetentionDuration": "interval 30 days"})
    tend(path, "silver/postal_parcel", timedelta(days=7), [], PARCEL, dry_run=False)  # gives it back its properties
    before = paths(path)
    deliver(home, refs[1], range(ROWS - 1), 2)
    loaded(home, refs, {"d1", "d3"})
    gone = before - paths(path)
    assert len(gone) == 1
    assert scan(path).filter(_period="2024-02").collect().height == ROWS - 1  # type: ignore[union-attr]


def test_a_withdrawal_builds_the_table_again_as_one_that_never_saw_the_file(home: Home, tmp_path: Path) -> None:
    """What a delivery of a large table left cannot be told from what it hid, so all of it is built again, in order."""
    refs = months(home)
    hiding = deliver(home, DeliveryRef("late", "2024-02", sequence=9), range(ROWS // 2), 2, weight=7)
    path = loaded(home, [*refs, hiding], None)
    version = table_version(path)
    loaded(home, refs, None)
    other = Home.at(tmp_path / "other").prepare()
    fresh = loaded(other, months(other), None)
    assert table_version(path) != version
    rows = [one.collect() for one in (scan(path), scan(fresh)) if one is not None]
    assert rows[0].sort("waybill_no").equals(rows[1].select(rows[0].columns).sort("waybill_no"))
    parts = [DeltaTable(str(one)).metadata().partition_columns for one in (path, fresh)]
    assert parts[0] == parts[1] != []
    assert read(path, SITE_MONTH).files == read(fresh, SITE_MONTH).files == 1


def test_statistics_exclude_no_row_that_is_there(home: Home) -> None:
    """Moments are told to the millisecond and long texts by their beginning, so what lies at the ends is looked for."""
    long = "长" * datafiles.STRING_BOUND
    rows = pl.DataFrame(
        {
            "waybill_no": [long + "乙", long + "甲", long + "丙"],
            "event": "delivered",
            "site_no": "YZ00000001",
            "event_at": [
                datetime.fromisoformat(f"2024-01-01T08:00:00.{micro}") for micro in ("999999", "000001", "123456")
            ],
            "direction": "inbound",
            "weight_kg": pl.Series([None, None, 1], dtype=pl.Decimal(18, 3)),
            "_delivery_id": "d1",
            "_line": [2, 3, 4],
            "_sheet": pl.Series([None] * 3, dtype=pl.String),
            "_period": "2024-01",
        }
    )
    replace_delivery(home.table("accepted", PARCEL.id), rows, "d1")
    path = loaded(home, MONTHS[:1], None)
    dataset = DeltaTable(str(path)).to_pyarrow_dataset()
    for row in rows.iter_rows(named=True):
        for name in ("waybill_no", "event_at"):
            found = dataset.to_table(filter=ds.field(name) == row[name])
            assert found["_line"].to_pylist() == [row["_line"]]
            (line,) = pl.scan_delta(str(path)).filter(pl.col(name) == row[name]).collect()["_line"]
            assert line == row["_line"]
    (file,) = files(path).iter_rows(named=True)
    assert (file["num_records"], file["null_count.waybill_no"]) == (3, 0)
    assert duckdb.sql(f"SELECT count(*) FROM '{path}/*/*.parquet'").fetchall() == [(3,)]


def test_rows_that_the_table_excludes_are_refused_and_what_was_written_for_them_is_cleaned_up(home: Home) -> None:
    refs = months(home)
    path = loaded(home, refs[:2], None)
    version, before = table_version(path), paths(path)
    bad = pl.read_delta(str(home.table("accepted", PARCEL.id))).filter(_delivery_id="d3")
    late = deliver(home, DeliveryRef("d4", "2024-01", sequence=4), range(3), 1, weight=2)
    replace_delivery(home.table("accepted", PARCEL.id), bad.with_columns(direction=pl.lit("sideways")), "d3")
    with pytest.raises(ConsistencyError, match="silver/postal_parcel requires"):
        loaded(home, [*refs, late], {"d1", "d2"})
    assert table_version(path) == version
    left = {str(file.relative_to(path)) for file in path.rglob("*.parquet")} - before
    assert {name.split("/")[0] for name in left} == {"_period=2024-01"}, "January was written before March was refused"
    tend(path, "silver/postal_parcel", timedelta(0), [], PARCEL, dry_run=False)
    kept = {str(file.relative_to(path)) for file in path.rglob("*.parquet")}
    assert before <= kept
    assert not kept & left
