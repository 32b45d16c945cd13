"""One program measured with everything that it starts: seconds, processor, memory, bytes.

Whoever loses its parent is given to this process (PR_SET_CHILD_SUBREAPER), so a server that outlives the command that
started it is seen. What has ended stays as a zombie until it has been counted, so nothing is missed between samples.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from agrilake.errors import AgrilakeError

PR_SET_CHILD_SUBREAPER = 36
OFTEN, SELDOM, BEGINNING = 0.005, 0.1, 0.5
"""Seconds between two samples of memory: often in the beginning, since a short program has nothing else."""
TICKS = os.sysconf("SC_CLK_TCK")
LOG_LINES = 25


class Failed(AgrilakeError):
    """A measured program did not end well; the last lines of its output are in the message."""


@dataclass(frozen=True)
class Measured:
    """What a program cost with all its descendants.

    Seconds on the clock and of processor (user and system); bytes of resident memory at its highest (the processes'
    sum; `peak_pss` counts shared pages once); bytes read and written by system calls (`read`, `written`: files, pipes
    and sockets, from the page cache too) and those that went to files on the disk (`stored`, what was
    removed again included).
    """

    seconds: float
    cpu_seconds: float
    peak_rss: int
    peak_pss: int
    read: int
    written: int
    stored: int


def measure(
    argv: Sequence[str],
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    services: Collection[int] = (),
    timeout: float = 3600.0,
) -> Measured:
    """Run a program to its end, its output in `log`; what it leaves running is part of the measure and goes on.

    `services` are processes that ran before and work for it: their memory counts whole, of processor and bytes what
    they spend meanwhile. Raises Failed where it ends with another code than 0 or does not end in time.
    """
    _adopt_orphans()
    others = {child.pid for child in psutil.Process().children()}
    before = {pid: _spent(pid) for pid in _with_descendants(services)}
    with log.open("wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            list(argv), env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        peak = _Peak()
        ended = select.poll()
        pidfd = os.pidfd_open(process.pid)
        ended.register(pidfd, select.POLLIN)
        try:
            while True:
                peak.see(_members(others, services))
                passed = time.perf_counter() - start
                if ended.poll(1000 * (OFTEN if passed < BEGINNING else SELDOM)):
                    break
                if passed > timeout:
                    stop(_members(others, ()))
            seconds = time.perf_counter() - start
        except BaseException:  # interrupted: nothing goes on behind it
            stop(_members(others, ()))
            process.wait()
            raise
        finally:
            os.close(pidfd)
    spent = _sum(_spent(pid, before.get(pid)) for pid in _members(others, services))
    process.wait()
    _reap(_members(others, ()))
    if process.returncode:
        raise Failed(f"{' '.join(argv)} ended with {process.returncode} after {seconds:.0f} s\n{tail(log)}")
    return Measured(seconds, spent.cpu_seconds, peak.rss, peak.pss, spent.read, spent.written, spent.stored)


def stop(pids: Collection[int]) -> None:
    """End processes that a measured program has left."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def tail(log: Path) -> str:
    """The last lines of a program's output."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:])


@dataclass(frozen=True)
class _Spent:
    cpu_seconds: float = 0.0
    read: int = 0
    written: int = 0
    stored: int = 0


class _Peak:
    """The highest sums that were seen. The shared part costs more to ask, so it is asked when the sum has grown."""

    def __init__(self) -> None:
        self.rss = self.pss = 0
        self._asked_at = 0

    def see(self, pids: Collection[int]) -> None:
        found = []
        for pid in pids:
            with suppress(psutil.Error):
                found.append((pid, psutil.Process(pid).memory_info().rss))
        total = sum(rss for _, rss in found)
        self.rss = max(self.rss, total)
        if total > self._asked_at * 1.02:
            self._asked_at = total
            self.pss = max(self.pss, sum(_pss(pid) for pid, _ in found))


def _pss(pid: int) -> int:
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _members(others: Collection[int], services: Collection[int]) -> list[int]:
    """The program, what it started (orphans as well), and the services; none of `others`, children from before."""
    own = [child.pid for child in psutil.Process().children() if child.pid not in others]
    return _with_descendants([*own, *services])


def _with_descendants(pids: Collection[int]) -> list[int]:
    found = dict.fromkeys(pids)
    for pid in pids:
        with suppress(psutil.Error):
            found |= dict.fromkeys(child.pid for child in psutil.Process(pid).children(recursive=True))
    return list(found)


def _spent(pid: int, before: _Spent | None = None) -> _Spent:
    """What a process and its children that have ended used so far (man 5 proc: stat, io), less what is given."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        text = Path(f"/proc/{pid}/io").read_text(encoding="ascii")
    except OSError:
        return _Spent()
    io = {name: int(value) for name, _, value in (line.partition(": ") for line in text.splitlines())}
    known = before or _Spent()
    return _Spent(
        sum(map(int, fields[11:15])) / TICKS - known.cpu_seconds,
        io["rchar"] - known.read,
        io["wchar"] - known.written,
        io["write_bytes"] - known.stored,
    )


def _sum(parts: Iterable[_Spent]) -> _Spent:
    found = list(parts)
    return _Spent(
        sum(part.cpu_seconds for part in found),
        sum(part.read for part in found),
        sum(part.written for part in found),
        sum(part.stored for part in found),
    )


def _reap(pids: Collection[int]) -> None:
    for pid in pids:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def _adopt_orphans() -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel does not let this process adopt orphans")
