"""Workload 3: some of the rows corrected, with keys from anywhere in the history and with the newest."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import polars as pl
from benchmarks.harness import parcels
from benchmarks.harness.lake import copy_of, let_settle, program, put, reference_lake, stations
from benchmarks.harness.report import Entry, Finding
from benchmarks.harness.same import Result
from benchmarks.harness.service import SparkService
from benchmarks.harness.work import PEERS, Competitor, Options, compete, python
from deltalake import DeltaTable

from agrilake.contract.settings import load_settings
from agrilake.lake.files import scan
from agrilake.lake.state import State
from agrilake.paths import Home, project_root
from agrilake.sample.periods import months_of_years

NUMBER, TITLE = 3, "A correction merged by key"
MONTHS = months_of_years(2024, 2024)[:5]
ONE_OF = 50
"""One row of so many is corrected: 100,000 of 5 million."""
KEPT = ("waybill_no", "event", "site_no", "event_at", "direction", "weight_kg")
SILVER = ("silver", "postal_parcel")


def run(options: Options) -> Finding:
    """The lake's step into silver beside the merges of others, on the same rows."""
    running = SparkService(options.scratch / "service")
    try:
        running.start()
        before = history(options, running)
        entries: list[Entry] = []
        same: dict[str, str] = {}
        sizes = {"rows": rows_of(before, *SILVER).height}
        for work, recent in (("random keys", False), ("recent keys", True)):
            prepared = corrected(options, before, recent)
            corrections = options.scratch / "corrections.parquet"
            newest(prepared).write_parquet(corrections)
            sizes[work] = pl.scan_parquet(corrections).select(pl.len()).collect().item()
            found, hashes = compete(work, competitors(options, before, prepared, corrections, running), options)
            entries += found
            same |= {f"{work}: {table}": value for table, value in hashes.items()}
    finally:
        running.stop()
    return Finding(NUMBER, TITLE, sizes, tuple(entries), same)


def history(options: Options, running: SparkService) -> Home:
    """A lake with five months of parcels in silver."""
    home = copy_of(reference_lake(options.scratch, options.seed), options.scratch / "months")
    sites = stations(home)["site_no"].to_list()
    for month in MONTHS:
        options.tell(f"history: {month}")
        name = f"postal_parcel__{month}.csv"
        parcels.write(options.scratch / name, options.rows // len(MONTHS), month, sites, options.seed)
        put(options.scratch / name, home, "postal")
        (options.scratch / name).unlink()
    let_settle(load_settings())
    program("intake", home.root)
    program("silver", home.root, env=running.env())
    return home


def corrected(options: Options, before: Home, recent: bool) -> Home:
    """The lake after the intake of a correction, which silver does not hold yet."""
    home = copy_of(before, options.scratch / "corrected")
    path = options.scratch / f"postal_parcel__{MONTHS[-1]}__补报.csv"
    sites = stations(home)["site_no"].to_list()
    parcels.write_correction(path, options.rows // len(MONTHS), MONTHS, sites, options.seed, ONE_OF, recent)
    put(path, home, "postal")
    let_settle(load_settings())
    program("intake", home.root)
    return home


def competitors(
    options: Options, before: Home, prepared: Home, corrections: Path, running: SparkService
) -> list[Competitor]:
    """Each starts from the months' rows and the corrected ones, checked already."""
    scratch, root = options.scratch, options.scratch / "home"
    table, database = scratch / "parcels", scratch / "parcels.duckdb"
    jars = project_root() / ".cache" / "jars"
    first = rows_of(before, *SILVER)

    def as_delta(_: int) -> None:
        shutil.rmtree(table, ignore_errors=True)
        for (_period,), rows in first.group_by("_period", maintain_order=True):
            rows.select(KEPT).write_delta(table, mode="append")

    def as_database(_: int) -> None:
        database.unlink(missing_ok=True)
        with duckdb.connect(str(database)) as target:
            target.register("first", first.select(KEPT).to_arrow())
            target.execute("CREATE TABLE parcels AS FROM first")

    def peer(name: str, script: str, *more: object) -> Competitor:
        return Competitor(name, python(PEERS / script, table, corrections, *more), as_delta, lambda: of(table))

    def of(path: Path) -> Result:
        return {"parcels": pl.read_delta(str(path)).select(KEPT)}

    def of_database() -> Result:
        with duckdb.connect(str(database), read_only=True) as source:
            return {"parcels": source.sql("FROM parcels").pl().select(KEPT)}

    def commits() -> dict[str, int]:
        versions = [DeltaTable(str(home.table(*SILVER))).version() for home in (Home.at(root), prepared)]
        return {"commits": versions[0] - versions[1]}

    return [
        Competitor(
            "agrilake, Spark running",
            python("-m", "benchmarks.workloads.lake_steps", "silver", root),
            lambda _: copy_of(prepared, root),
            lambda: of(Home.at(root).table(*SILVER)),
            commits,
            running.pids,
            running.env,
        ),
        peer("delta-rs MERGE", "merge_deltars.py"),
        Competitor(
            "DuckDB, table rewritten",
            python(PEERS / "merge_duckdb.py", database, corrections),
            as_database,
            of_database,
        ),
        peer("Spark MERGE", "merge_spark.py", jars),
        peer("Spark MERGE, deletion vectors", "merge_spark.py", jars, "vectors"),
    ]


def rows_of(home: Home, layer: str, name: str) -> pl.DataFrame:
    """A whole table of a lake."""
    found = scan(home.table(layer, name))
    if found is None:
        raise RuntimeError(f"{home.root} has no {layer}/{name}")
    return found.collect()


def newest(home: Home) -> pl.DataFrame:
    """The accepted rows of the newest delivery."""
    last = max(State(home.state_file).deliveries("postal_parcel"), key=lambda item: item.sequence)
    return rows_of(home, "accepted", "postal_parcel").filter(_delivery_id=last.id).select(KEPT)
