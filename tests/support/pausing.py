"""A process of its own that stops at a named point, so that a test decides what another one does meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from agrilake.lake.failpoints import PAUSE, VARIABLE

SECONDS = 120.0


@contextmanager
def paused_at(
    point: str, arguments: Sequence[str], armed: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Python with the arguments, standing still at `point` within the block; goes on after it, and must end well.
    `armed` is a file of the test's own."""
    armed.write_text(f"{point}:{PAUSE}", encoding="utf-8")
    environment = {**os.environ, **(env or {}), VARIABLE: f"@{armed}"}
    process = subprocess.Popen([sys.executable, *arguments], env=environment)
    try:
        _wait_until_stopped(process, point)
        yield process
        process.send_signal(signal.SIGCONT)
        assert process.wait(timeout=SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def _wait_until_stopped(process: subprocess.Popen[bytes], point: str) -> None:
    deadline = time.monotonic() + SECONDS
    while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
        assert process.poll() is None, f"{point} was not reached"
        assert time.monotonic() < deadline, f"{point} was not reached in {SECONDS:.0f} s"
        time.sleep(0.02)
