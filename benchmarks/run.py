"""The benchmark: workloads by number, one after the other, into one report."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.harness.lake import environment
from benchmarks.harness.machine import machine, versions
from benchmarks.harness.report import Finding, Report
from benchmarks.harness.work import Options
from benchmarks.workloads import correction, file, history, reading, rerun, start, wave

from agrilake.errors import UsageError

WORKLOADS: dict[int, Callable[[Options], Finding]] = {
    item.NUMBER: item.run for item in (file, wave, correction, history, rerun, reading, start)
}


def run(
    workloads: Sequence[int],
    *,
    seed: int,
    rows: int,
    years: Sequence[int],
    repeat: int,
    warm_up: int,
    only: Sequence[str],
    out: Path,
    tell: Callable[[str], None],
) -> Report:
    """Measure the workloads in a scratch folder that is removed, and write the report to `out`.

    Raises UsageError for a number that there is none of, harness.Failed where a competitor does not end well,
    harness.Different where one's result is another than the first one's.
    """
    unknown = sorted(set(workloads) - set(WORKLOADS))
    if unknown:
        raise UsageError(f"no workload {unknown[0]}; known: {', '.join(map(str, sorted(WORKLOADS)))}")
    scratch = Path(tempfile.mkdtemp(prefix="agrilake-bench-", dir=os.environ.get("TMPDIR")))
    known = machine(scratch)
    options = Options(seed, rows, tuple(years), repeat, warm_up, frozenset(only), scratch, tell)
    try:
        with environment(scratch):
            findings = tuple(WORKLOADS[number](options) for number in workloads or sorted(WORKLOADS))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    report = Report(datetime.now(UTC).isoformat(timespec="seconds"), seed, known, versions(), findings)
    report.write(out)
    return report
