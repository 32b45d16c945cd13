"""Large tables: a village's month reads little, a late row touches its period alone, and a repeat touches nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from pyspark.sql.connect.session import SparkSession
from tests.support.reading import files, read

from agrilake.contract.load import load_registry
from agrilake.contract.model import Dataset
from agrilake.lake.files import replace_delivery, scan, table_version
from agrilake.paths import Home
from agrilake.tables import periods
from agrilake.tables.order import DeliveryRef
from agrilake.tables.silver import apply_silver
from agrilake.tables.upkeep import tend
from agrilake.tables.write import commit_note

pytestmark = pytest.mark.spark
PARCEL, EVENT = load_registry().get("postal_parcel"), load_registry().gold["delivery_event"]
MONTHS = [DeliveryRef(f"d{month}", f"2024-{month:02d}", sequence=month) for month in (1, 2, 3)]
VILLAGES, ROWS = 40, 4000
SITE_MONTH = {"_period": "2024-02", "site_no": "YZ00000007"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(periods, "ROWS_PER_FILE", ROWS // 10)
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


def loaded(spark: SparkSession, home: Home, refs: list[DeliveryRef], applied: set[str] | None) -> Path:
    apply_silver(lambda: spark, home, PARCEL, refs, applied)
    return home.table("silver", PARCEL.id)


def paths(path: Path) -> set[str]:
    return set(files(path)["path"])


def test_a_site_s_month_is_one_file_of_many(spark: SparkSession, home: Home) -> None:
    path = loaded(spark, home, months(home), None)
    some, whole = read(path, SITE_MONTH), read(path, {})
    assert whole.files == len(MONTHS) * 10
    assert some.files == 1
    assert some.bytes < 0.06 * whole.bytes


def test_a_new_month_is_appended_a_repeat_and_a_late_row_rewrite_nothing_else(spark: SparkSession, home: Home) -> None:
    refs = months(home)
    path = loaded(spark, home, refs[:2], None)
    before = paths(path)
    loaded(spark, home, refs, {"d1", "d2"})
    added = paths(path) - before
    assert before <= paths(path)
    assert {name.split("/")[0] for name in added} == {"_period=2024-03"}
    assert len(added) == 10

    version = table_version(path)
    loaded(spark, home, refs, {"d1", "d2"})
    loaded(spark, home, refs, set())
    assert DeltaTable(str(path)).version() == version, "the same deliveries again: no commit at all"

    before = paths(path)
    late = deliver(home, DeliveryRef("d4", "2024-03", sequence=4), range(ROWS - 2, ROWS + 3), 1, weight=2)
    loaded(spark, home, [*refs, late], {"d1", "d2", "d3"})
    gone, added = before - paths(path), paths(path) - before
    assert {name.split("/")[0] for name in gone} == {"_period=2024-01"}
    assert len(gone) == 1, "of January the one file with the two corrected parcels"
    assert {name.split("/")[0] for name in added} == {"_period=2024-01", "_period=2024-03"}
    table = scan(path)
    assert table is not None
    heavy = table.filter(pl.col("weight_kg") == 2).collect()
    assert table.select(pl.len()).collect().item() == 3 * ROWS + 3
    assert (heavy.height, set(heavy["_delivery_id"]), set(heavy["_period"])) == (5, {"d4"}, {"2024-03"})


def test_a_delivery_that_is_checked_again_loses_the_rows_that_it_no_longer_has(spark: SparkSession, home: Home) -> None:
    refs = months(home)
    path = loaded(spark, home, refs, None)
    DeltaTable(str(path)).alter.set_table_properties({"delta.logRetentionDuration": "interval 30 days"})
    tend(path, "silver/postal_parcel", timedelta(days=7), [], PARCEL, dry_run=False)  # gives it back its properties
    before = paths(path)
    deliver(home, refs[1], range(ROWS - 1), 2)
    loaded(spark, home, refs, {"d1", "d3"})
    gone = before - paths(path)
    assert len(gone) == 1
    assert scan(path).filter(_period="2024-02").collect().height == ROWS - 1  # type: ignore[union-attr]


def events(home: Home, spark: SparkSession, weight: int, run: int) -> None:
    """gold/delivery_event of three months, the second with that weight."""
    rows = spark.range(3 * ROWS).selectExpr(
        "concat('YL', id) AS waybill_no",
        "'delivered' AS event",
        "make_timestamp_ntz(2024, cast(id % 3 + 1 AS int), 5, 8, 0, 0) AS event_at",
        "concat('2024-0', id % 3 + 1) AS period",
        "'inbound' AS direction",
        f"lpad(cast(id % {VILLAGES} AS string), 12, '5') AS division_code",
        f"cast(if(id % 3 = 1, {weight}, 1) AS decimal(18,3)) AS weight_kg",
    )
    kinds = {column.name for column in EVENT.columns} - set(rows.columns)
    whole = rows.selectExpr("*", "to_date(event_at) AS event_on", *_empty(EVENT, kinds - {"event_on"}))
    from agrilake.gold.build import conform

    periods.overwrite(spark, conform(whole, EVENT), home.table("gold", EVENT.id), EVENT, {"run": run})


def _empty(table: Dataset, names: set[str]) -> list[str]:
    numbers = {"line": "1"}
    return [f"{numbers.get(name, repr('x'))} AS {name}" for name in sorted(names)]


def test_of_a_gold_table_only_the_periods_that_differ_are_written(spark: SparkSession, home: Home) -> None:
    path = home.table("gold", EVENT.id)
    events(home, spark, 1, run=1)
    village = f"{7:0>12}".replace("0", "5")
    some, whole = read(path, {"period": "2024-02", "division_code": village}), read(path, {})
    assert whole.files == len(MONTHS) * 10
    assert some.files == 1
    before = paths(path)
    events(home, spark, 2, run=2)
    assert {name.split("/")[0] for name in before - paths(path)} == {"period=2024-02"}
    kept = paths(path)
    assert commit_note(path) == {"run": 2}
    events(home, spark, 2, run=3)
    assert paths(path) == kept
    assert commit_note(path) == {"run": 3}


def test_a_withdrawal_builds_the_table_again_as_one_that_never_saw_the_file(
    spark: SparkSession, home: Home, tmp_path: Path
) -> None:
    """What a delivery of a large table left cannot be told from what it hid, so all of it is built again, in order."""
    refs = months(home)
    hiding = deliver(home, DeliveryRef("late", "2024-02", sequence=9), range(ROWS // 2), 2, weight=7)
    path = loaded(spark, home, [*refs, hiding], None)
    version = table_version(path)
    loaded(spark, home, refs, None)
    other = Home.at(tmp_path / "other").prepare()
    fresh = loaded(spark, other, months(other), None)
    assert table_version(path) != version
    rows = [one.collect() for one in (scan(path), scan(fresh)) if one is not None]
    assert rows[0].sort("waybill_no").equals(rows[1].select(rows[0].columns).sort("waybill_no"))
    parts = [DeltaTable(str(one)).metadata().partition_columns for one in (path, fresh)]
    assert parts[0] == parts[1] != []
    assert read(path, SITE_MONTH).files == read(fresh, SITE_MONTH).files == 1
