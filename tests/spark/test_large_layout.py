"""Large gold tables: a village's month reads little, and of a table that is made anew only what differs is written."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from pyspark.sql.connect.session import SparkSession
from tests.support.reading import files, read

from agrilake.contract.load import load_registry
from agrilake.contract.model import Dataset
from agrilake.lake.files import replace_delivery
from agrilake.paths import Home
from agrilake.tables import periods
from agrilake.tables.order import DeliveryRef
from agrilake.tables.silver import apply_silver
from agrilake.tables.write import commit_note

pytestmark = pytest.mark.spark
EVENT = load_registry().gold["delivery_event"]
MONTHS, VILLAGES, ROWS = 3, 40, 4000


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(periods, "ROWS_PER_FILE", ROWS // 10)
    return Home.at(tmp_path).prepare()


def paths(path: Path) -> set[str]:
    return set(files(path)["path"])


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
    assert whole.files == MONTHS * 10
    assert some.files == 1
    before = paths(path)
    events(home, spark, 2, run=2)
    assert {name.split("/")[0] for name in before - paths(path)} == {"period=2024-02"}
    kept = paths(path)
    assert commit_note(path) == {"run": 2}
    events(home, spark, 2, run=3)
    assert paths(path) == kept
    assert commit_note(path) == {"run": 3}


def test_spark_finds_the_rows_of_silver_by_the_statistics_of_its_files(spark: SparkSession, home: Home) -> None:
    parcel = load_registry().get("postal_parcel")
    start = datetime.fromisoformat("2024-01-01T08:00:00.000999")
    rows = pl.DataFrame({"number": range(ROWS)}).select(
        pl.format("YL{}", pl.col("number") + 10**9).alias("waybill_no"),
        pl.lit("delivered").alias("event"),
        pl.format("YZ{}", pl.col("number") % VILLAGES + 10**7).alias("site_no"),
        (pl.lit(start) + pl.duration(minutes="number")).alias("event_at"),
        pl.lit("inbound").alias("direction"),
        pl.lit("1.5").cast(pl.Decimal(18, 3)).alias("weight_kg"),
        pl.lit("d1").alias("_delivery_id"),
        (pl.col("number") + 2).cast(pl.Int64).alias("_line"),
        pl.lit(None, pl.String).alias("_sheet"),
        pl.lit("2024-01").alias("_period"),
    )
    replace_delivery(home.table("accepted", parcel.id), rows, "d1")
    apply_silver(home, parcel, [DeliveryRef("d1", "2024-01")], None)
    path = home.table("silver", parcel.id)
    table = spark.read.format("delta").load(str(path))
    for row in rows[:: ROWS // 7].iter_rows(named=True):
        for name in ("waybill_no", "event_at"):
            kind = "timestamp_ntz" if name == "event_at" else "string"
            found = table.filter(f"{name} = CAST('{row[name]}' AS {kind})").select("_line", "weight_kg").collect()
            assert [tuple(one) for one in found] == [(row["_line"], row["weight_kg"])]
    assert table.count() == ROWS
    assert table.selectExpr("min(event_at)", "max(event_at)", "count(weight_kg)").collect()[0][2] == ROWS
