"""Workload 2: a month of every department, from the inbox to the publication."""

from __future__ import annotations

import json
import shutil
from typing import Any

import polars as pl
from benchmarks.harness.lake import wave, wave_lake
from benchmarks.harness.report import Finding
from benchmarks.harness.service import SparkService
from benchmarks.harness.work import LOG, PEERS, Competitor, Options, command, compete, python

from agrilake.contract.load import load_registry

NUMBER, TITLE = 2, "A month of every department"
WORK = "all files dropped, to publication"


def run(options: Options) -> Finding:
    """The whole run, beside a script that reads, checks and counts the same files and does no more."""
    extracts = wave(options.scratch, options.seed)
    files = [path for path in extracts.rglob("*") if path.is_file()]
    running = SparkService(options.scratch / "service")
    root, out, log = options.scratch / "home", options.scratch / "out", options.scratch / LOG
    columns = options.scratch / "columns.csv"
    known_columns().write_csv(columns)

    def dropped(_: int) -> None:
        running.start()
        wave_lake(extracts, root)

    def stopped(_: int) -> None:
        running.stop()
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()

    competitors = [
        Competitor(
            "agrilake run, Spark running",
            command("run", "--json"),
            dropped,
            detail=lambda: said(log.read_text(encoding="utf-8")),
            services=running.pids,
            env=lambda: {**running.env(), "AGRILAKE_HOME": str(root)},
        ),
        Competitor(
            "pandas script (files read, checked and counted alone)",
            python(PEERS / "pandas_wave.py", extracts, columns, out),
            stopped,
        ),
    ]
    try:
        entries, _ = compete(WORK, competitors, options)
    finally:
        running.stop()
    size = {"files": len(files), "MB": round(sum(path.stat().st_size for path in files) / 1e6, 1)}
    return Finding(NUMBER, TITLE, size, tuple(entries))


def said(output: str) -> dict[str, Any]:
    """What a run reported: seconds by step, rows, how many tables were written."""
    report = json.loads(output[output.index("{\n") :])
    kept = ("files", "rows_read", "rows_accepted", "rows_quarantined", "seconds")
    return {**{name: report[name] for name in kept}, "tables_written": len(report["tables_written"])}


def known_columns() -> pl.DataFrame:
    """Every dataset's column, how departments title it, and the checks of a cell: the list that a script's author
    would keep in a sheet."""
    rows = [
        (
            dataset.id,
            dataset.title,
            column.name,
            title,
            column.type.value,
            column.required,
            column.pattern,
            column.minimum,
            column.maximum,
        )
        for dataset in load_registry().datasets.values()
        for column in dataset.columns
        for title in (column.title, column.name, *column.synonyms)
    ]
    names = ("dataset", "dataset_title", "column", "title", "type", "required", "pattern", "minimum", "maximum")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row", strict=False)
