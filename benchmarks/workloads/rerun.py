"""Workload 5: the whole run again with nothing new, and with one small file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.harness.commits import commits, versions
from benchmarks.harness.lake import copy_of, let_settle, wave, wave_lake
from benchmarks.harness.measure import measure
from benchmarks.harness.report import Finding
from benchmarks.harness.service import SparkService
from benchmarks.harness.work import LOG, Competitor, Options, command, compete, environ
from benchmarks.workloads.wave import said

from agrilake.contract.settings import load_settings
from agrilake.paths import Home

NUMBER, TITLE = 5, "Run again"
NOTHING, SMALL = "nothing new", "one small file new"
FILE = "commerce_training__2024-02.csv"
TRAINING = "场次编号,举办地,举办日期,培训主题,参训人次\nDP2024029001,500112000000,2024-02-05,直播带货,45\n"


def run(options: Options) -> Finding:
    """On a lake that has published a month of every department; commits are counted by table."""
    running = SparkService(options.scratch / "service")
    root, log = options.scratch / "home", options.scratch / LOG
    try:
        running.start()
        published = published_wave(options, running)
        before = versions(published)

        def again(_: int) -> None:
            copy_of(published, root)

        def with_file(_: int) -> None:
            home = copy_of(published, root)
            path = home.inbox / "commerce" / FILE
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(TRAINING.encode("gb18030"))
            let_settle(load_settings())

        def detail() -> dict[str, Any]:
            made = commits(before, versions(Home.at(root)))
            return {**said(log.read_text(encoding="utf-8")), "commits": sum(made.values()), "tables": sorted(made)}

        entries = []
        for work, prepare in ((NOTHING, again), (SMALL, with_file)):
            competitor = Competitor(
                "agrilake run, Spark running",
                command("run", "--json"),
                prepare,
                detail=detail,
                services=running.pids,
                env=lambda: {**running.env(), "AGRILAKE_HOME": str(root)},
            )
            entries += compete(work, [competitor], options)[0]
    finally:
        running.stop()
    return Finding(NUMBER, TITLE, {"tables before": len(before)}, tuple(entries))


def published_wave(options: Options, running: SparkService) -> Home:
    """A lake that took a month of every department to its publication; made once for a scratch folder."""
    root = options.scratch / "published-wave"
    if root.exists():
        return Home.at(root)
    options.tell("publishing a month of every department")
    home = wave_lake(wave(options.scratch, options.seed), root)
    whole_run(home, options.scratch, running)
    return home


def whole_run(home: Home, scratch: Path, running: SparkService) -> None:
    """`agrilake run` on a home, its cost left aside."""
    env = environ({**running.env(), "AGRILAKE_HOME": str(home.root)})
    measure(command("run", "--json"), scratch / LOG, env, scratch)
