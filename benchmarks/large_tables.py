"""Large tables: a month appended, applied again, a few thousand late rows by four engines, one site's month read.

    python benchmarks/large_tables.py [rows a month, default 1000000]

Figures of one run can be compared with one another; docs/architecture.md states them.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

from agrilake.contract.load import load_registry
from agrilake.lake.files import replace_delivery, with_required
from agrilake.paths import Home
from agrilake.services.spark import connect, stop_spark
from agrilake.tables.order import DeliveryRef
from agrilake.tables.silver import apply_silver
from agrilake.tables.types import silver_fields
from agrilake.tables.upkeep import tend
from agrilake.tables.write import create_table

PARCEL = load_registry().get("postal_parcel")
SITES, LATE = 800, 5000
MONTHS = [DeliveryRef(f"d{month}", f"2024-{month:02d}", sequence=month) for month in range(1, 5)]


def accepted(home: Home, ref: DeliveryRef, rows: int, month: int, step: int = 1, weight: int = 1) -> None:
    """Every `step`-th parcel of a month, in order of time, as a delivery's accepted rows."""
    start = datetime.fromisoformat(f"2024-{month:02d}-01T00:00:00")
    number = pl.int_range(0, rows, step, dtype=pl.Int64, eager=True)
    frame = pl.DataFrame({"number": number}).select(
        pl.format("YL{}", pl.col("number") + month * 10**9).alias("waybill_no"),
        pl.lit("delivered").alias("event"),
        pl.format("YZ{}", pl.col("number").hash(7) % SITES + 10**7).alias("site_no"),
        (pl.lit(start) + timedelta(days=28) * (pl.col("number") / rows)).cast(pl.Datetime("us")).alias("event_at"),
        pl.lit("inbound").alias("direction"),
        pl.lit(weight).cast(pl.Decimal(18, 3)).alias("weight_kg"),
        pl.lit(ref.id).alias("_delivery_id"),
        (pl.col("number") + 2).alias("_line"),
        pl.lit(None, pl.String).alias("_sheet"),
        pl.lit(ref.period).alias("_period"),
    )
    replace_delivery(home.table("accepted", PARCEL.id), frame, ref.id)


def measured(title: str, path: Path, work: Callable[[], object]) -> None:
    """Print a line: seconds, files and megabytes that the commit took away and added."""
    before = sizes(path)
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    after = sizes(path)
    gone = sum(size for name, size in before.items() if name not in after)
    added = {name: size for name, size in after.items() if name not in before}
    files = f"{len(before.keys() - after.keys())} of {len(before)}"
    print(f"| {title} | {seconds:.1f} | {files} | {gone / 1e6:.1f} | {len(added)} | {sum(added.values()) / 1e6:.1f} |")


def sizes(path: Path) -> dict[str, int]:
    """Bytes of the table's files."""
    if not DeltaTable.is_deltatable(str(path)):
        return {}
    files = pl.DataFrame(DeltaTable(str(path)).get_add_actions(flatten=True))
    return dict(files.select("path", "size_bytes").iter_rows())


def copied(path: Path, name: str) -> Path:
    """A copy of the table beside it."""
    target = path.with_name(name)
    shutil.copytree(path, target)
    return target


def admitted(path: Path, period: str, site: str) -> tuple[int, int, float]:
    """Files, row groups and megabytes whose statistics admit a site's month."""
    found: list[tuple[int, float]] = []
    for name in sizes(path):
        if f"_period={period}/" not in name:
            continue
        footer = pq.read_metadata(path / name)
        groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
        column = footer.schema.names.index("site_no")
        kept = [g for g in groups if g.column(column).statistics.min <= site <= g.column(column).statistics.max]
        size = sum(group.column(number).total_compressed_size for group in kept for number in range(group.num_columns))
        found += [(len(kept), size / 1e6)] if kept else []
    return len(found), sum(groups for groups, _ in found), sum(size for _, size in found)


def reading(home: Home) -> None:
    """Print what one site's month reads of two months in order of time, and after maintenance; no Spark."""
    path = home.table("silver", "in_order_of_time")
    create_table(path, PARCEL)
    required = [column.name for column in PARCEL.silver_columns if column.required]
    for ref in MONTHS[:2]:
        frame = pl.read_delta(str(home.table("accepted", PARCEL.id))).filter(_delivery_id=ref.id)
        for part in frame.select(list(silver_fields(PARCEL))).iter_slices(200_000):
            write_deltalake(str(path), with_required(part.to_arrow(), required), mode="append")
    site = frame["site_no"].sort()[frame.height // 2]
    print("| a site's month | files | row groups | MB | of MB |\n| --- | --- | --- | --- | --- |")
    for title in ("in order of time", "after maintenance"):
        files, groups, megabytes = admitted(path, MONTHS[1].period, site)
        print(f"| {title} | {files} | {groups} | {megabytes:.2f} | {sum(sizes(path).values()) / 1e6:.1f} |")
        tend(path, "silver/in_order_of_time", timedelta(0), [], PARCEL, dry_run=False)
    print()


def main(rows: int) -> None:
    """Run everything in a home of its own, which is removed."""
    root = Path(tempfile.mkdtemp(prefix="large-"))
    home, spark = Home.at(root).prepare(), connect(root)
    path, late = home.table("silver", PARCEL.id), DeliveryRef("d9", "2024-04", sequence=9)
    try:
        for month, ref in enumerate(MONTHS, 1):
            accepted(home, ref, rows, month)
        reading(home)
        spark.range(10**6).selectExpr("sum(id)").collect()
        print("| what | seconds | files taken away | MB | files added | MB |\n| --- | --- | --- | --- | --- | --- |")
        measured("three months built", path, lambda: apply_silver(home, PARCEL, MONTHS[:3], None))
        known = {ref.id for ref in MONTHS}
        measured("a month appended", path, lambda: apply_silver(home, PARCEL, MONTHS, known - {"d4"}))
        measured("applied again", path, lambda: apply_silver(home, PARCEL, MONTHS, known - {"d4"}))
        accepted(home, late, rows, 2, step=rows // LATE, weight=2)
        plain, vectors, rust = (copied(path, name) for name in ("plain", "vectors", "rust"))
        measured(
            f"{LATE} late rows, as the lake does",
            path,
            lambda: apply_silver(home, PARCEL, [*MONTHS, late], known),
        )
        rows_late = pl.read_delta(str(home.table("accepted", PARCEL.id))).filter(_delivery_id="d9")
        source = rows_late.select(list(silver_fields(PARCEL))).to_arrow()
        spark.createDataFrame(source).selectExpr(
            *(f"cast({name} AS {kind}) AS {name}" for name, kind in silver_fields(PARCEL).items())
        ).createOrReplaceTempView("late")
        on = " AND ".join(f"t.{name} = s.{name}" for name in PARCEL.key)
        whole = "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
        merge = f"MERGE INTO delta.`{{}}` t USING late s ON {on} {whole}"
        measured("Spark MERGE by key alone", plain, lambda: spark.sql(merge.format(plain)).collect())
        spark.sql(f"ALTER TABLE delta.`{vectors}` SET TBLPROPERTIES ('delta.enableDeletionVectors'='true')").collect()
        measured("the same, deletion vectors", vectors, lambda: spark.sql(merge.format(vectors)).collect())
        writer = DeltaTable(str(rust)).merge(source, on, source_alias="s", target_alias="t")
        measured(
            "delta-rs MERGE by key alone",
            rust,
            lambda: writer.when_matched_update_all().when_not_matched_insert_all().execute(),
        )
    finally:
        stop_spark(root)
        shutil.rmtree(root)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
