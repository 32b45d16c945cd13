"""Workload 6: charts, the lake as of an earlier version, the way behind a number, one village's month."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.harness import parcels
from benchmarks.harness.lake import let_settle, put, stations
from benchmarks.harness.report import Finding
from benchmarks.harness.service import SparkService
from benchmarks.harness.work import LOG, PEERS, Competitor, Options, command, compete, python
from benchmarks.workloads.rerun import published_wave, whole_run

from agrilake.contract.settings import load_settings
from agrilake.paths import Home
from agrilake.sample.periods import months_of_years

NUMBER, TITLE = 6, "Reading"
TEN = 10
MONTHS = months_of_years(2023, 2023)
MONTH = MONTHS[6]
EVENTS = (
    "SELECT event, count(*) AS events FROM gold.delivery_event "
    "WHERE period = '{month}' AND division_code = '{village}' GROUP BY 1"
)


def run(options: Options) -> Finding:
    """On a lake with a month of every department and a year of `rows` parcels."""
    running = SparkService(options.scratch / "service")
    try:
        running.start()
        home = published_wave(options, running)
        village = add_parcels(options, home, running)
    finally:
        running.stop()
    entries = [
        entry
        for work, competitors in questions(home, MONTH, village, options.scratch / LOG).items()
        for entry in compete(work, competitors, options)[0]
    ]
    return Finding(NUMBER, TITLE, {"parcel rows": options.rows}, tuple(entries))


def questions(home: Home, month: str, village: str, log: Path) -> dict[str, list[Competitor]]:
    """Everything that is asked, by piece of work."""

    def env() -> dict[str, str]:
        return {"AGRILAKE_HOME": str(home.root)}

    def told() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
        return found

    charts = [
        Competitor(name, python("-m", "benchmarks.workloads.charts", home.root, at_once, turns), detail=told)
        for name, at_once, turns in (
            ("every chart once, one by one", 1, 1),
            ("every chart twice, one by one", 1, 2),
            ("every chart twice, ten at once", TEN, 2),
        )
    ]
    count = "select count(*) from silver.postal_parcel"
    asked = [
        Competitor("agrilake sql, now", command("sql", count), env=env),
        Competitor("agrilake sql, as of version 1", command("sql", count, "--version", "1"), env=env),
        Competitor("agrilake trace", command("trace", "inbound_parcels", "--period", month, "--json"), env=env),
    ]
    events = EVENTS.format(month=month, village=village)
    table = home.table("gold", "delivery_event")
    one_village = [
        Competitor("agrilake sql", command("sql", events, "--json"), env=env),
        Competitor("Polars", python(PEERS / "village_polars.py", table, month, village)),
        Competitor("DuckDB, delta_scan", python(PEERS / "village_duckdb.py", table, month, village)),
    ]
    return {"charts": charts, "questions": asked, "a village's month": one_village}


def add_parcels(options: Options, home: Home, running: SparkService) -> str:
    """A year of parcels, published; the code of a village that has some."""
    places = stations(home)
    for month in MONTHS:
        options.tell(f"parcels of {month}")
        path = options.scratch / f"postal_parcel__{month}.csv"
        parcels.write(path, options.rows // len(MONTHS), month, places["site_no"].to_list(), options.seed)
        put(path, home, "postal")
        path.unlink()
    let_settle(load_settings())
    whole_run(home, options.scratch, running)
    return str(places["division_code"][places.height // 2])
