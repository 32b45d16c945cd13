"""Workload 1: one large file to bronze, silver, quarantine and receipt, and the parcels of each village and month."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from benchmarks.harness import parcels
from benchmarks.harness.lake import copy_of, let_settle, put, reference_lake, stations
from benchmarks.harness.report import Finding
from benchmarks.harness.same import Result
from benchmarks.harness.service import SparkService
from benchmarks.harness.work import LOG, PEERS, Competitor, Options, command, compete, python

from agrilake.contract.settings import load_settings
from agrilake.lake.files import scan
from agrilake.paths import Home, project_root
from agrilake.services.spark import stop_spark

NUMBER, TITLE = 1, "One large file"
MONTH, FILE = "2024-01", "postal_parcel__2024-01.csv"
WORK = "file to bronze, silver, quarantine, receipt; parcels by village and month"
SILVER = ("line", "waybill_no", "event", "site_no", "event_at", "direction", "weight_kg")
QUARANTINE = ("line", "column", "rule")
TABLES = ("silver", "quarantine", "village_month")
WARM, COLD, PUBLISHED = "agrilake, Spark running", "agrilake, Spark started", "agrilake run, to publication"


def run(options: Options) -> Finding:
    """The lake with its Spark server running, the same with the server's start, its whole run, and four peers."""
    reference = reference_lake(options.scratch, options.seed)
    places = stations(reference)
    places.write_csv(options.scratch / "stations.csv")
    options.tell(f"writing {options.rows} rows")
    made = parcels.write(options.scratch / FILE, options.rows, MONTH, places["site_no"].to_list(), options.seed)
    running = SparkService(options.scratch / "service")
    try:
        entries, same = compete(WORK, competitors(options, reference, running), options)
    finally:
        running.stop()
        stop_spark(options.scratch / "home")
    size = {
        "rows": made.records,
        "MB": made.path.stat().st_size // 1_000_000,
        "bad rows": made.quarantine["line"].n_unique(),
        "repeated rows": made.duplicate,
        "villages": places.height,
    }
    return Finding(NUMBER, TITLE, size, tuple(entries), same)


def competitors(options: Options, reference: Home, running: SparkService) -> list[Competitor]:
    """All of them; each starts from an empty folder, the lake from one that knows divisions and stations."""
    scratch, root = options.scratch, options.scratch / "home"
    out, log = scratch / "out", scratch / LOG

    def empty(_: int = 0) -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()

    def arrived(with_server: bool) -> None:
        stop_spark(root)
        running.start() if with_server else running.stop()
        empty()
        put(scratch / FILE, copy_of(reference, root), "postal", FILE)
        let_settle(load_settings())

    take = python("-m", "benchmarks.workloads.lake_steps", "take", root, out)
    files = (scratch / FILE, scratch / "stations.csv", out)
    jars = project_root() / ".cache" / "jars"

    def lake(name: str, with_server: bool) -> Competitor:
        services, env = (running.pids, running.env) if with_server else (tuple, dict)
        return Competitor(
            name,
            take,
            lambda _: arrived(with_server),
            lambda: of_lake(Home.at(root), _counted(out)),
            lambda: seconds_by_step(log),
            services,
            env,
        )

    def peer(name: str, script: str, read: Callable[[Path], Result], *more: object) -> Competitor:
        return Competitor(name, python(PEERS / script, *files, *more), empty, lambda: read(out))

    return [
        lake(WARM, with_server=True),
        lake(COLD, with_server=False),
        Competitor(
            PUBLISHED,
            command("run", "--json"),
            lambda _: arrived(with_server=True),
            services=running.pids,
            env=lambda: {**running.env(), "AGRILAKE_HOME": str(root)},
        ),
        peer("Polars and delta-rs", "polars_delta.py", of_delta),
        peer("DuckDB", "duckdb_sql.py", of_duckdb),
        peer("plain Spark", "spark_plain.py", of_delta, jars),
        peer("pandas script", "pandas_script.py", of_csv),
    ]


def seconds_by_step(log: Path) -> dict[str, Any]:
    """What `lake_steps` said of its last run."""
    found: dict[str, Any] = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    return found


def of_lake(home: Home, counted: pl.DataFrame) -> Result:
    """The tables of a lake."""
    silver, quarantine = (scan(home.table(*place)) for place in (("silver", "postal_parcel"), ("quarantine",)))
    if silver is None or quarantine is None:
        raise RuntimeError(f"{home.root} has no parcels")
    wrong = quarantine.filter(dataset="postal_parcel", severity="error")
    return _compared(silver.rename({"_line": "line"}).collect(), wrong.collect(), counted)


def of_delta(out: Path) -> Result:
    """Delta tables of a peer."""
    return _compared(pl.read_delta(str(out / "silver")), pl.read_delta(str(out / "quarantine")), _counted(out))


def of_duckdb(out: Path) -> Result:
    """Tables of a peer's database file."""
    with duckdb.connect(str(out / "lake.duckdb"), read_only=True) as database:
        return _compared(*(database.sql(f"FROM {name}").pl() for name in TABLES))


def of_csv(out: Path) -> Result:
    """CSV files of a peer; what was a number or a moment is one again."""
    silver, quarantine, counted = (pl.read_csv(out / f"{name}.csv", infer_schema=False) for name in TABLES)
    moment, weight = pl.col("event_at").str.to_datetime(), pl.col("weight_kg").cast(pl.Decimal(18, 3))
    return _compared(silver.with_columns(moment, weight), quarantine, counted)


def _counted(out: Path) -> pl.DataFrame:
    return pl.read_csv(out / "village_month.csv", infer_schema=False)


def _compared(silver: pl.DataFrame, quarantine: pl.DataFrame, counted: pl.DataFrame) -> Result:
    """What all must agree on."""
    return dict(zip(TABLES, (silver.select(SILVER), quarantine.select(QUARANTINE), counted), strict=True))
