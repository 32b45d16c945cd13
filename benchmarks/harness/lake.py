"""Lakes to measure on: the district's divisions and stations taken in, nothing else yet."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from agrilake.contract.settings import Settings, load_settings
from agrilake.intake.keys import KEY_VARIABLE
from agrilake.lake.files import scan
from agrilake.paths import Home, project_root
from agrilake.pipeline.context import Lake
from agrilake.pipeline.run import RunReport, take_and_load
from agrilake.pipeline.samples import DAY_FILE, drop
from agrilake.sample import generate, postal, stats
from agrilake.sample.drop import Drop
from agrilake.sample.generate import DEFAULT_PARCEL_ROWS
from agrilake.sample.places import load_places

YEAR = 2024
"""Of the divisions and the stations."""
SPARE_SECONDS = 0.2
UNUSED = ("stats_population", "stats_agri_growth", "人口户数", "农业增长核算")
"""Extracts that come with the divisions and that no workload reads."""


@contextmanager
def environment(scratch: Path) -> Iterator[None]:
    """A key of the benchmark's own in the environment, and no home: the machine's own are not touched."""
    names = {KEY_VARIABLE: str(scratch / "key" / "pseudonym.key")}
    removed = ("AGRILAKE_HOME", "AGRILAKE_INBOX", "AGRILAKE_OUTBOX", "AGRILAKE_SPARK_REMOTE")
    before = {name: os.environ.get(name) for name in (*names, *removed)}
    os.environ.update(names)
    for name in removed:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def reference_lake(scratch: Path, seed: int) -> Home:
    """A lake that knows the divisions and the stations of the whole district; made once for a scratch folder."""
    home = Home.at(scratch / "reference")
    if home.root.exists():
        return home
    extracts = Drop(scratch / "extracts", load_places(seed), seed)
    stats.deliver(extracts, seed, [YEAR - 1, YEAR])
    postal.deliver_sites(extracts, postal.sites(extracts.places, [f"{YEAR}-01"], seed), seed)
    extracts.finish()
    lake = Lake.start(home)
    for path in sorted(extracts.inbox.rglob("*")):
        if path.is_file() and path.name.split("__")[0] not in UNUSED:
            put(path, home, path.parent.name)
    let_settle(lake.settings)
    report = RunReport()
    take_and_load(lake, report, lambda *_: None)
    if report.failures:
        raise RuntimeError(f"the reference lake is incomplete: {report.failures}")
    return home


def wave(scratch: Path, seed: int) -> Path:
    """The extracts of every department for one month of the whole district (<department>/<file>); made once."""
    target = scratch / "wave"
    if not target.exists():
        months = (f"{YEAR}-01",)
        generate(target, seed, months, parcel_rows=DEFAULT_PARCEL_ROWS // 12)
    return target / "inbox"


def wave_lake(extracts: Path, root: Path) -> Home:
    """An empty lake with all extracts in its inbox, settled; it lives on a day after them."""
    shutil.rmtree(root, ignore_errors=True)
    home = Home.at(root).prepare()
    (home.root / "sample").mkdir()
    (home.root / "sample" / DAY_FILE).write_text(f"{YEAR}-02-06", encoding="ascii")
    drop(extracts, home.inbox)
    let_settle(load_settings())
    return home


def stations(home: Home) -> pl.DataFrame:
    """site_no, division_code of every village's station, as a district keeps them in a list."""
    table = scan(home.table("silver", "postal_site"))
    if table is None:
        raise RuntimeError(f"{home.root} has no stations")
    return table.filter(level="village").select("site_no", "division_code").sort("site_no").collect()


def put(source: Path, home: Home, department: str, name: str = "") -> Path:
    """Drop a file into the inbox of a home."""
    target = home.inbox / department / (name or source.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target


def let_settle(settings: Settings) -> None:
    """Wait until what was dropped counts as complete: that is no work, and not measured."""
    time.sleep(settings.limits.settle_seconds + SPARE_SECONDS)


def copy_of(home: Home, root: Path) -> Home:
    """The home copied to `root`, in place of what is there; what is never changed in place is linked."""

    def link_or_copy(source: str, target: str) -> str:
        kept = source.endswith(".parquet") or Path(source).is_relative_to(home.landing)
        (os.link if kept else shutil.copy2)(source, target)
        return target

    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(home.root, root, symlinks=True, copy_function=link_or_copy)
    return Home.at(root)


def program(step: str, *arguments: object, env: Mapping[str, str] | None = None) -> None:
    """A step of the lake as a program of its own, not measured, so that its memory is given back."""
    argv = [sys.executable, "-m", "benchmarks.workloads.lake_steps", step, *map(str, arguments)]
    done = subprocess.run(
        argv,
        env={**os.environ, "PYTHONPATH": python_path(), **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{step} ended with {done.returncode}\n{done.stderr[-2000:]}")


def python_path() -> str:
    """The checkout's packages for a program of it."""
    return os.pathsep.join((str(project_root() / "jobs"), str(project_root())))
