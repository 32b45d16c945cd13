"""The benchmark: workloads by number, one after the other, into one report."""

from __future__ import annotations

import os
import shutil
import signal
import sys
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

TERMINATED = 128 + signal.SIGTERM
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
    """Measure the workloads in a scratch folder that is removed, and write the report to `out`. Ended by a signal it
    stops what it started, and what was measured by then is in the report.

    Raises UsageError for a number that there is none of, harness.Failed where a competitor does not end well,
    harness.Different where one's result is another than the first one's.
    """
    unknown = sorted(set(workloads) - set(WORKLOADS))
    if unknown:
        raise UsageError(f"no workload {unknown[0]}; known: {', '.join(map(str, sorted(WORKLOADS)))}")
    scratch = Path(tempfile.mkdtemp(prefix="agrilake-bench-", dir=os.environ.get("TMPDIR")))
    known = machine(scratch)
    options = Options(seed, rows, tuple(years), repeat, warm_up, frozenset(only), scratch, tell)
    findings: list[Finding] = []
    before = signal.signal(signal.SIGTERM, _end)
    try:
        with environment(scratch):
            for number in workloads or sorted(WORKLOADS):
                findings.append(WORKLOADS[number](options))
                taken = datetime.now(UTC).isoformat(timespec="seconds")
                report = Report(taken, seed, known, versions(), tuple(findings))
                report.write(out)  # after each: the next may take an hour
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if signal.getsignal(signal.SIGTERM) is _end:
            signal.signal(signal.SIGTERM, before)
    return report


def _end(*_: object) -> None:
    """Stop what was started and clean up; who sends the signal twice, as `timeout` does, does not cut that off."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(TERMINATED)
