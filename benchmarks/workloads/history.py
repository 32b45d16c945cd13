"""Workload 4: a month added after one year of parcels, and after more."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from benchmarks.harness import parcels
from benchmarks.harness.commits import commits, versions
from benchmarks.harness.lake import copy_of, let_settle, program, put, reference_lake, stations
from benchmarks.harness.report import Finding
from benchmarks.harness.service import SparkService
from benchmarks.harness.work import LOG, Competitor, Options, command, compete, python
from benchmarks.workloads.wave import said

from agrilake.contract.settings import load_settings
from agrilake.paths import Home
from agrilake.sample.periods import months_of_years

NUMBER, TITLE = 4, "A month after years of history"
FIRST_YEAR = 2014
SILVER, PUBLISHED = "a month to silver", "a month to the publication"


def run(options: Options) -> Finding:
    """Each length of history is a competitor of the shortest one; `rows` are a year's."""
    running = SparkService(options.scratch / "service")
    lengths = sorted(options.years)
    home = copy_of(reference_lake(options.scratch, options.seed), options.scratch / "history")
    root, out, log = options.scratch / "home", options.scratch / "out", options.scratch / LOG
    entries = []
    try:
        running.start()
        done = 0
        for years in lengths:
            for year in range(FIRST_YEAR + done, FIRST_YEAR + years):
                add_year(options, home, year, running)
            done = years
            program("run", home.root, env=running.env())
            month = f"{FIRST_YEAR + years}-01"
            path = write_month(options, home, month)
            before = versions(home)

            def added(_: int, path: Path = path) -> None:
                shutil.rmtree(out, ignore_errors=True)
                out.mkdir()
                put(path, copy_of(home, root), "postal")
                let_settle(load_settings())

            def counted(before: dict[str, int] = before) -> dict[str, Any]:
                text = log.read_text(encoding="utf-8")
                told = said(text) if "{\n" in text else json.loads(text.splitlines()[-1])
                return {**told, "commits": sum(commits(before, versions(Home.at(root))).values())}

            name = f"after {years} year{'s' if years > 1 else ''}"
            take = python("-m", "benchmarks.workloads.lake_steps", "take", root, out)
            for work, argv in ((SILVER, take), (PUBLISHED, command("run", "--json"))):
                competitor = Competitor(
                    name,
                    argv,
                    added,
                    detail=counted,
                    services=running.pids,
                    env=lambda: {**running.env(), "AGRILAKE_HOME": str(root)},
                )
                entries += compete(work, [competitor], options)[0]
    finally:
        running.stop()
    entries.sort(key=lambda entry: entry.work != SILVER)
    return Finding(NUMBER, TITLE, {"rows a year": options.rows, "years": max(lengths)}, tuple(entries))


def add_year(options: Options, home: Home, year: int, running: SparkService) -> None:
    """Twelve files into the lake's silver."""
    for month in months_of_years(year, year):
        options.tell(f"history: {month}")
        path = write_month(options, home, month)
        put(path, home, "postal")
        path.unlink()
    let_settle(load_settings())
    program("intake", home.root)
    program("silver", home.root, env=running.env())


def write_month(options: Options, home: Home, month: str) -> Path:
    """A month's file in the scratch folder."""
    path = options.scratch / f"postal_parcel__{month}.csv"
    parcels.write(path, options.rows // 12, month, stations(home)["site_no"].to_list(), options.seed)
    return path
