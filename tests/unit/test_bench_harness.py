"""The benchmark's own measure: memory, processor and bytes of a whole tree; equality; the report."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import polars as pl
import psutil
import pytest
from benchmarks.harness.measure import Failed, Measured, measure, stop
from benchmarks.harness.report import Entry, Finding, Report
from benchmarks.harness.same import Different, assert_same, fingerprint
from benchmarks.harness.work import Competitor, Options, compete, python

MB = 1_000_000
CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)"
ORPHAN = (
    "import os, subprocess, sys, time\n"
    "leave = 'import subprocess, sys; '\n"
    "leave += 'subprocess.Popen([sys.executable, \"-c\", sys.argv[1]], start_new_session=True)'\n"
    "subprocess.run([sys.executable, '-c', leave, sys.argv[1] + '\\nopen(\"done\", \"w\").close()'], check=True)\n"
    "while not os.path.exists('done'): time.sleep(0.02)\n"
    "os.remove('done')\n"
)
"""Its program has lost its parent before it ends; that it has ended is told by a file."""
HOLD = "import time; held = bytearray({size}); time.sleep(0.4)"
SPIN = "import time; end = time.process_time() + 0.5\nwhile time.process_time() < end: pass"
WRITE = "open('written', 'wb').write(bytes({size})); open('written', 'rb').read()"


def run(folder: Path, *arguments: str) -> Measured:
    return measure((sys.executable, "-c", *arguments), folder / "log", cwd=folder)


@pytest.mark.parametrize("starter", [CHILD, ORPHAN], ids=["child", "orphan"])
def test_a_grandchild_is_part_of_the_measure(tmp_path: Path, starter: str) -> None:
    held = run(tmp_path, starter, HOLD.format(size=150 * MB))
    assert 150 * MB < held.peak_rss < 250 * MB
    assert 150 * MB < held.peak_pss <= held.peak_rss * 1.05
    spun = run(tmp_path, starter, SPIN)
    assert 0.5 <= spun.cpu_seconds < 1.5
    written = run(tmp_path, starter, WRITE.format(size=30 * MB))
    assert 30 * MB <= written.written < 31 * MB
    assert 30 * MB <= written.stored < 31 * MB
    assert 30 * MB <= written.read < 40 * MB


def test_seconds_are_those_of_the_program_alone(tmp_path: Path) -> None:
    slept = run(tmp_path, "import time; time.sleep(0.3)")
    assert 0.3 <= slept.seconds < 10
    assert slept.peak_rss > 5 * MB


def test_what_a_program_leaves_running_goes_on_and_can_serve_the_next(tmp_path: Path) -> None:
    server = (
        "import os, time; held = bytearray(80_000_000); open('pid', 'w').write(str(os.getpid()))\n"
        "open('ready', 'w').close(); time.sleep(60)"
    )
    starter = (
        f"import os, subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {server!r}])\n"
        "while not os.path.exists('ready'): time.sleep(0.02)"
    )
    run(tmp_path, starter)
    pid = int((tmp_path / "pid").read_text())
    try:
        alone = run(tmp_path, "import time; time.sleep(0.2)")
        served = measure((sys.executable, "-c", "import time; time.sleep(0.2)"), tmp_path / "log", services=[pid])
        assert alone.peak_rss < 60 * MB < served.peak_rss
        assert served.cpu_seconds < 0.5
    finally:
        stop([pid])
        os.waitpid(pid, 0)
    assert not psutil.pid_exists(pid)


def test_a_program_that_fails_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="no such thing"):
        run(tmp_path, "raise SystemExit('no such thing')")


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="ended with -9"):
        measure((sys.executable, "-c", "import time; time.sleep(60)"), tmp_path / "log", timeout=0.3)


def test_nothing_goes_on_behind_a_measure_that_is_interrupted(tmp_path: Path) -> None:
    program = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
    told = tmp_path / "pid"

    def interrupt(*_: object) -> None:
        if told.exists() and told.read_text():
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, program)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not psutil.pid_exists(int(told.read_text()))


ROWS = pl.DataFrame({"village": ["a", "b", None], "parcels": [1, 2, 3], "kg": ["1.50", "2.25", "3.00"]})


def test_equal_rows_have_the_same_hash_whatever_their_order_and_types() -> None:
    other = ROWS.reverse().select("kg", "village", "parcels")
    other = other.with_columns(pl.col("kg").cast(pl.Decimal(18, 3)), pl.col("parcels").cast(pl.UInt8))
    exact = ROWS.with_columns(pl.col("kg").cast(pl.Decimal(10, 2)))
    assert fingerprint(exact) == fingerprint(other)
    noon = pl.DataFrame({"at": ["2024-01-01 12:00:00"]}).select(pl.col("at").str.to_datetime())
    in_utc = noon.select(pl.col("at").dt.replace_time_zone("Asia/Shanghai").dt.convert_time_zone("UTC"))
    assert fingerprint(noon) == fingerprint(in_utc)
    assert fingerprint(noon) != fingerprint(noon.select(pl.col("at").dt.replace_time_zone("UTC")))
    whole = pl.DataFrame({"kg": ["100.000", "10"]})
    kept = whole.with_columns(pl.col("kg").cast(pl.Decimal(18, 3)))
    assert fingerprint(kept) == fingerprint(pl.DataFrame({"kg": ["100", "10"]}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.with_columns(parcels=pl.col("parcels") + 1), "3 are missing from other"),
        (lambda frame: frame.head(2), "other 2; 1 are missing"),
        (lambda frame: pl.concat([frame, frame.head(1)]), "other 4"),
        (lambda frame: frame.drop("kg"), "has the columns"),
        (lambda frame: frame.with_columns(village=pl.col("village").fill_null("")), "1 are missing"),
    ],
)
def test_a_peer_with_another_result_stops_the_benchmark(change: object, said: str) -> None:
    assert callable(change)
    with pytest.raises(Different, match=said):
        assert_same({"one": {"aggregate": ROWS}, "other": {"aggregate": change(ROWS)}})


def options(folder: Path, **changes: object) -> Options:
    given = {"seed": 1, "rows": 10, "years": (1,), "repeat": 2, "warm_up": 1, "only": frozenset[str]()}
    return Options(**{**given, "scratch": folder, "tell": lambda _: None, **changes})  # type: ignore[arg-type]


def test_each_run_starts_from_a_prepared_state_and_warm_up_is_left_out(tmp_path: Path) -> None:
    prepared: list[int] = []
    counted = Competitor("a", python("-c", "pass"), prepared.append, lambda: {"rows": ROWS}, lambda: {"commits": 3})
    entries, same = compete("work", [counted, Competitor("b", python("-c", "pass"))], options(tmp_path))
    assert prepared == [0, 1, 2]
    assert [len(entry.runs) for entry in entries] == [2, 2]
    assert entries[0].detail == {"commits": 3}
    assert same == {"rows": fingerprint(ROWS)}
    chosen, _ = compete("work", [counted, Competitor("b", python("-c", "pass"))], options(tmp_path, only={"b"}))
    assert [entry.competitor for entry in chosen] == ["b"]


def test_the_report_is_json_a_table_and_a_plot(tmp_path: Path) -> None:
    one, two = (Measured(seconds, 1.0, 200 * MB, 150 * MB, 5 * MB, 7 * MB, 6 * MB) for seconds in (2.0, 5.0))
    entries = (Entry("work", "agrilake", (one, one, two)), Entry("work", "peer", (two,), {"rows": 3}))
    machine = {"processor": "P", "cores": 2, "memory_bytes": 2**30, "system": "S", "file_system": "f", "load_before": 0}
    finding = Finding(1, "A file", {"rows": 10}, entries, {"aggregate": "0" * 64})
    report = Report("2024-05-01T00:00:00+00:00", 7, machine, {"python": "3.11"}, (finding,))
    paths = report.write(tmp_path)
    assert [path.name for path in paths] == ["bench.json", "bench.md", "bench.svg"]
    text = paths[1].read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {9}
    assert lines[2:] == [
        "| agrilake | 2.00 | 1.00 | 1.0 | 200 | 5 | 7 | 6 |",
        "| peer | 5.00 | 2.50 | 1.0 | 200 | 5 | 7 | 6 |",
    ]
    assert "seed 7" in text and "`000000000000`" in text
    kept = json.loads(paths[0].read_text(encoding="utf-8"))
    assert kept["findings"][0]["entries"][1]["detail"] == {"rows": 3}
    assert paths[2].read_text(encoding="utf-8").startswith("<?xml")
