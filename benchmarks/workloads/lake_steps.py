"""The lake's own way through its steps, as a program that is measured.

    python -m benchmarks.workloads.lake_steps STEP HOME [OUT]

`take`: the inbox to receipt, silver and its suites, then the parcels delivered by village and month to
OUT/village_month.csv; nothing of gold. `intake`: the inbox to accepted rows, quarantine and receipt. `silver`: accepted
rows into silver. `run`: everything. Each prints its seconds as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from agrilake.paths import Home
from agrilake.pipeline import steps
from agrilake.pipeline.arriving import pending_files, register
from agrilake.pipeline.asked import ask
from agrilake.pipeline.context import Lake
from agrilake.pipeline.intake import process, stale_deliveries
from agrilake.pipeline.run import RunReport, run_all, take_and_load

VILLAGE_MONTH = """
SELECT s.division_code, strftime(p.event_at, '%Y-%m') AS period, count(*) AS parcels
FROM silver.postal_parcel p JOIN silver.postal_site s USING (site_no)
WHERE p.direction = 'inbound' AND p.event = 'delivered' GROUP BY ALL
"""


def take(home: Path, out: Path) -> dict[str, float]:
    """Take the inbox, bring silver up to date, validate, count; seconds by step."""
    lake, report = Lake.start(Home.at(home)), RunReport()
    take_and_load(lake, report, lambda *_: None)
    start = time.perf_counter()
    for name in lake.registry.datasets:
        steps.check_suite(lake, name)
    checked = time.perf_counter()
    counted = ask(lake.home, lake.registry, VILLAGE_MONTH)
    pl.DataFrame(pl.from_arrow(counted)).write_csv(out / "village_month.csv")
    if report.failures:
        raise SystemExit("\n".join(report.failures))
    return {**report.seconds, "suites": round(checked - start, 2), "query": round(time.perf_counter() - checked, 2)}


def intake(home: Path) -> dict[str, float]:
    """Take the inbox as far as it goes without Spark."""
    lake, start = Lake.start(Home.at(home)), time.perf_counter()
    for path in pending_files(lake):
        register(lake, path)
    for delivery in stale_deliveries(lake):
        process(lake, delivery)
    return {"intake": round(time.perf_counter() - start, 2)}


def silver(home: Path) -> dict[str, float]:
    """Bring the parcels' silver table to the state of its deliveries."""
    lake, start = Lake.start(Home.at(home)), time.perf_counter()
    steps.update_silver(lake, "postal_parcel")
    return {"silver": round(time.perf_counter() - start, 2)}


def whole(home: Path) -> dict[str, float]:
    """The whole run, to the publication."""
    report = run_all(Lake.start(Home.at(home)))
    if report.failures:
        raise SystemExit("\n".join(report.failures))
    return report.seconds


if __name__ == "__main__":
    by_name: dict[str, Callable[..., dict[str, float]]] = {
        "take": take,
        "intake": intake,
        "silver": silver,
        "run": whole,
    }
    print(json.dumps(by_name[sys.argv[1]](*map(Path, sys.argv[2:]))))
