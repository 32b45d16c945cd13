"""A small supervisor: it starts programs in the background, knows them again, and stops only those.

A pid alone does not name a process, since the system gives it to another one later. So each record holds the pid
together with the boot and the tick at which the process was created, which no change of the clock moves, and a record
whose process is gone or another one counts as "not running". Every program is the leader of a session of its own:
ending the terminal does not end it, and stopping it reaches the children it started.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from agrilake.errors import ServiceError
from agrilake.paths import UMASK

BOOT = Path("/proc/sys/kernel/random/boot_id")
START_TICK = 19  # of /proc/PID/stat, after the name
LOG_LIMIT_BYTES = 20 * 1024 * 1024
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Command:
    """A program to be started: its name among the services, its arguments, its whole environment."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    port: int | None = None
    started: str = field(default_factory=lambda: time.strftime("%Y-%m-%dT%H:%M:%S%z"))


@dataclass(frozen=True)
class Running:
    """A program that was started and lives."""

    name: str
    pid: int
    created: str
    port: int | None
    log: str
    started: str

    @property
    def memory_bytes(self) -> int:
        """Memory of the program and of everything it started; what they share is counted once (PSS)."""
        total = 0
        for member in _members(self):
            with suppress(psutil.Error):
                total += member.memory_full_info().pss
        return total


def find(home: Path, name: str) -> Running | None:
    """The running program of this name, or None if there is none that this home started."""
    record = _read_record(_record_file(home, name))
    return record if record and _leader(record) else None


def status(home: Path) -> list[Running]:
    """All programs that this home started and that live, by name."""
    names = sorted(file.stem for file in (home / "run").glob("*.json"))
    return [running for name in names if (running := find(home, name))]


def start(home: Path, command: Command) -> Running:
    """Start a program in the background with its output in <home>/logs/<name>.log.

    Raises ServiceError if it runs already or its program file is missing.
    """
    without_dumps()
    if running := find(home, command.name):
        raise ServiceError(f"{command.name} is running already (process {running.pid})")
    stop(home, command.name)  # what a program that died has left running
    log = _fresh_log(home, command.name)
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(
                list(command.argv),
                env=dict(command.env),
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=UMASK,
            )
        except OSError as error:
            raise ServiceError(f"{command.name}: {command.argv[0]} cannot be started: {error}") from error
    running = Running(command.name, process.pid, created(process.pid), command.port, str(log), command.started)
    _children_of_this_process[process.pid] = process
    _write_record(_record_file(home, command.name), running)
    return running


def without_dumps() -> None:
    """Neither this process nor one that it starts leaves its memory in a core file: rows of persons are in it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def wait_ready(running: Running, probe: Callable[[Running], bool], deadline_seconds: float) -> None:
    """Return as soon as the probe says yes.

    Raises ServiceError with the last lines of the log if the program ends or the deadline passes before that.
    """
    deadline = time.monotonic() + deadline_seconds
    while time.monotonic() < deadline:
        check_alive(running)
        if probe(running):
            return
        time.sleep(POLL_SECONDS)
    raise ServiceError(f"{running.name} is not ready after {deadline_seconds:g} s\n{_where_to_look(running)}")


def check_alive(running: Running) -> None:
    """Raise ServiceError with the last lines of its log if the program has ended."""
    if not _leader(running):
        raise ServiceError(f"{running.name} ended while it was starting\n{_where_to_look(running)}")


def ensure(
    home: Path,
    name: str,
    command: Callable[[], Command],
    probe: Callable[[Running], bool],
    deadline_seconds: float,
) -> Running:
    """The running and ready program of this name, started if need be.

    Callers at the same time wait for each other, so that it is started once. A program that does not become
    ready is stopped again. Raises ServiceError as start and wait_ready do.
    """
    with locked(home, name):
        running = find(home, name) or start(home, command())
        try:
            wait_ready(running, probe, deadline_seconds)
        except BaseException:
            stop(home, name)
            raise
    return running


def stop(home: Path, name: str, grace_seconds: float = 20.0) -> bool:
    """End the program of this name and all that it started; first politely, then by force. False if none ran."""
    record = _read_record(_record_file(home, name))
    if record is None:
        return False
    members = _members(record)
    _signal_all(members, signal.SIGTERM)
    survivors = _wait_gone(members, grace_seconds)
    # what was forked in the meantime belongs to the session too
    survivors += [late for late in _members(record) if late not in survivors]
    _signal_all(survivors, signal.SIGKILL)
    _wait_gone(survivors, 5.0)
    _reap(record.pid)
    _record_file(home, name).unlink(missing_ok=True)
    return bool(members)


def kill(home: Path, name: str) -> bool:
    """End the program of this name with SIGKILL, as a fault would, and wait until it is gone; its record and what else
    it started stay. False if none ran."""
    record = _read_record(_record_file(home, name))
    leader = _leader(record) if record else None
    if leader is None:
        return False
    _signal_all([leader], signal.SIGKILL)
    _wait_gone([leader], 10.0)
    return True


def log_tail(log: Path, lines: int = 25) -> str:
    """The last lines of a log, or an empty text if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 64 * 1024))
            text = file.read().decode("utf-8", errors="backslashreplace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


@contextmanager
def locked(home: Path, name: str) -> Iterator[None]:
    """Let one process at a time do what concerns this service; the others wait."""
    file = home / "run" / f"{name}.lock"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read_or_create_secret(file: Path, size_bytes: int = 32) -> str:
    """The secret in this file; made at random, readable for the owner alone, when there is none yet."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not file.exists():
        write_private(draft, secrets.token_urlsafe(size_bytes))
        with suppress(FileExistsError):  # another process was first: its secret counts
            os.link(draft, file)
        draft.unlink()
    return file.read_text(encoding="ascii").strip()


def write_private(file: Path, text: str) -> None:
    """Write a file that nobody but its owner can read at any moment."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        os.fchmod(descriptor, 0o600)
        stream.write(text)


# Popen objects of programs that this very process started: without them an ended child stays a zombie.
_children_of_this_process: dict[int, subprocess.Popen[bytes]] = {}


def _reap(pid: int) -> None:
    child = _children_of_this_process.get(pid)
    if child is not None and child.poll() is not None:
        del _children_of_this_process[pid]


def _record_file(home: Path, name: str) -> Path:
    return home / "run" / f"{name}.json"


def _read_record(file: Path) -> Running | None:
    try:
        return Running(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _write_record(file: Path, running: Running) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(running), indent=1), encoding="utf-8")
    draft.replace(file)


def _leader(running: Running) -> psutil.Process | None:
    """The very process that was started, if it lives; None if it ended, even if its pid is in use again."""
    _reap(running.pid)
    if _taken_over(running):
        return None
    try:
        process = psutil.Process(running.pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.Error:
        return None


def _taken_over(running: Running) -> bool:
    """Whether the pid now belongs to a process that was created at another time."""
    try:
        return created(running.pid) != running.created
    except OSError:
        return False


def created(pid: int) -> str:
    """The boot and the tick in which a process was created. Raises OSError where there is none."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    return f"{BOOT.read_text(encoding='ascii').strip()} {after_name.split()[START_TICK]}"


def _members(running: Running) -> list[psutil.Process]:
    """The program, its descendants, and what is left of its session when the program itself has ended.

    If the pid belongs to another process now, the session is over and nothing is ours: a pid is not given
    anew while a session of that number has members.
    """
    if _taken_over(running):
        return []
    leader = _leader(running)
    members = {process.pid: process for process in _session(running.pid)}
    if leader is not None:
        members[leader.pid] = leader
        with suppress(psutil.Error):
            members.update((child.pid, child) for child in leader.children(recursive=True))
    return list(members.values())


def _session(session: int) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def _signal_all(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)  # psutil refuses if the pid was given to another process


def _wait_gone(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still live when the time is up."""
    deadline = time.monotonic() + seconds
    living = processes
    while living and time.monotonic() < deadline:
        living = [process for process in living if _lives(process)]
        if living:
            time.sleep(POLL_SECONDS / 2)
    return living


def _lives(process: psutil.Process) -> bool:
    _reap(process.pid)
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _fresh_log(home: Path, name: str) -> Path:
    """The log of a service; a large one from earlier starts is put aside."""
    log = home / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
    return log


def _where_to_look(running: Running) -> str:
    return f"The last lines of {running.log}:\n{log_tail(Path(running.log))}"
