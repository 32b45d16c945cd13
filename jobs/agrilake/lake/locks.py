"""One writer a table: a lock between processes that the kernel drops when its holder dies."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from agrilake.errors import ConsistencyError

WAIT_SECONDS = 1800.0
POLL_SECONDS = 0.05


@contextmanager
def table_lock(path: Path, seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the table at `path` (its lock stands beside it); ConsistencyError if another holds it too long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=seconds)
    except Timeout as error:
        raise ConsistencyError(f"{path.name}: another writer held the table for {seconds:.0f} s") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def shared_lock(path: Path, alone: bool, seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold `path` together with others, or `alone`; ConsistencyError if who holds it otherwise does so too long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind, deadline = (fcntl.LOCK_EX if alone else fcntl.LOCK_SH), time.monotonic() + seconds
    with path.with_name(f".{path.name}.shared.lock").open("a") as file:
        while True:
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise ConsistencyError(f"{path.name}: others held it for {seconds:.0f} s") from error
                time.sleep(POLL_SECONDS)
        yield
