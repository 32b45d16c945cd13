"""Workload 1 without Spark: the file is as bad as it says, and the lake and its peers find the same in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest
from benchmarks.harness import parcels
from benchmarks.harness.same import Result, assert_same
from benchmarks.harness.work import PEERS
from benchmarks.workloads.file import FILE, MONTH, QUARANTINE, SILVER, of_csv, of_delta, of_duckdb
from tests.support.intake import open_lake

from agrilake.pipeline.intake import check_only

ROWS, SEED = 20_000, 11
SITES = [f"YZ4013{number:04d}" for number in range(60)]
STATIONS = pl.DataFrame({"site_no": SITES, "division_code": [f"5001121{number:05d}" for number in range(60)]})
READERS: dict[str, Callable[[Path], Result]] = {
    "polars_delta": of_delta,
    "duckdb_sql": of_duckdb,
    "pandas_script": of_csv,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> parcels.Made:
    folder = tmp_path_factory.mktemp("parcels")
    STATIONS.write_csv(folder / "stations.csv")
    return parcels.write(folder / FILE, ROWS, MONTH, SITES, SEED)


def test_the_file_follows_from_its_seed(made: parcels.Made, tmp_path: Path) -> None:
    again = parcels.write(tmp_path / FILE, ROWS, MONTH, SITES, SEED)
    assert made.path.read_bytes() == again.path.read_bytes()
    assert parcels.write(tmp_path / FILE, ROWS, MONTH, SITES, SEED + 1).path.read_bytes() != made.path.read_bytes()
    header, *lines = made.path.read_bytes().decode("gb18030").splitlines()
    assert len(header.split(",")) == 15
    assert len(lines) == made.records > ROWS
    assert 0.009 < made.quarantine["line"].n_unique() / made.records < 0.013
    assert made.quarantine["rule"].n_unique() >= 12
    assert made.duplicate > 10


def test_the_lake_finds_what_was_spoilt(made: parcels.Made, tmp_path: Path) -> None:
    delivery, _, checked = check_only(open_lake(tmp_path / "home"), made.path)
    assert checked is not None
    assert (delivery.records, delivery.duplicate) == (made.records, made.duplicate)
    errors = checked.findings.filter(severity="error").select(QUARANTINE)
    assert_same({"what was spoilt": {"quarantine": made.quarantine}, "the lake": {"quarantine": errors}})


@pytest.mark.parametrize("script", READERS)
def test_a_peer_finds_what_the_lake_finds(made: parcels.Made, tmp_path: Path, script: str) -> None:
    _, _, checked = check_only(open_lake(tmp_path / "home"), made.path)
    assert checked is not None
    silver = checked.accepted.rename({"_line": "line"}).select(SILVER)
    errors = checked.findings.filter(severity="error").select(QUARANTINE)
    counted = (
        silver.filter(direction="inbound", event="delivered")
        .join(STATIONS, on="site_no")
        .group_by("division_code", period=pl.col("event_at").dt.strftime("%Y-%m"))
        .agg(parcels=pl.len())
    )
    out = tmp_path / "out"
    out.mkdir()
    stations = made.path.with_name("stations.csv")
    subprocess.run([sys.executable, str(PEERS / f"{script}.py"), str(made.path), str(stations), str(out)], check=True)
    lake = {"silver": silver, "quarantine": errors, "village_month": counted}
    assert_same({"the lake": lake, script: READERS[script](out)})
    assert (out / "receipt.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert counted["parcels"].sum() > ROWS / 10


@pytest.mark.parametrize(("recent", "expected"), [(False, 400), (True, 400)], ids=["random", "recent"])
def test_a_correction_brings_a_share_of_the_keys(tmp_path: Path, recent: bool, expected: int) -> None:
    months = ("2024-01", "2024-02")
    of_months = []
    for month in months:
        kept = parcels.write(tmp_path / month, ROWS, month, SITES, SEED).path.read_bytes().decode("gb18030")
        of_months.append([",".join(line.split(",")[:2]) for line in kept.splitlines()[1:]])
    path = tmp_path / "correction.csv"
    written = parcels.write_correction(path, ROWS, months, SITES, SEED, 100, recent)
    rows = [line.split(",") for line in path.read_bytes().decode("gb18030").splitlines()[1:]]
    keys = {",".join(row[:2]) for row in rows}
    assert len(rows) == len(keys) == written
    assert 0.7 < written / expected < 1.3
    assert {row[5] for row in rows} == {parcels.CORRECTED_WEIGHT}
    shares = [len(keys & set(month)) / written for month in of_months]
    assert sum(shares) > 0.95
    assert shares[0] == 0 if recent else min(shares) > 0.4
    if recent:
        assert keys & set(of_months[1][-20:])


def test_delta_rs_and_duckdb_merge_to_the_same(tmp_path: Path) -> None:
    rows = pl.DataFrame({"waybill_no": [f"YL{n:010d}" for n in range(1000)], "event": "arrived", "weight_kg": "1.000"})
    rows = rows.with_columns(pl.col("weight_kg").cast(pl.Decimal(18, 3)))
    rows.write_delta(tmp_path / "table")
    changed = rows.filter(pl.int_range(pl.len()) % 10 == 0).with_columns(
        pl.lit("2.5").cast(pl.Decimal(18, 3)).alias("weight_kg")
    )
    more = changed.head(3).with_columns(event=pl.lit("delivered"))
    pl.concat([changed, more]).write_parquet(tmp_path / "corrections.parquet")
    with duckdb.connect(str(tmp_path / "file.duckdb")) as database:
        database.register("rows", rows.to_arrow())
        database.execute("CREATE TABLE parcels AS FROM rows")
    for script, target in (("merge_deltars", "table"), ("merge_duckdb", "file.duckdb")):
        argv = [
            sys.executable,
            str(PEERS / f"{script}.py"),
            str(tmp_path / target),
            str(tmp_path / "corrections.parquet"),
        ]
        subprocess.run(argv, check=True)
    with duckdb.connect(str(tmp_path / "file.duckdb")) as database:
        merged = database.sql("FROM parcels").pl()
    by_delta = pl.read_delta(str(tmp_path / "table"))
    assert_same({"delta-rs": {"parcels": by_delta}, "DuckDB": {"parcels": merged}})
    assert by_delta.height == 1003
    assert by_delta.filter(pl.col("weight_kg") == 2.5).height == 103
