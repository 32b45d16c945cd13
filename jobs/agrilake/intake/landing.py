"""The landing zone: every file that ever arrived, once, under its SHA-256, read-only and on disk for certain."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agrilake.contract.settings import Limits
from agrilake.errors import AgrilakeError, RefusedFile
from agrilake.intake.limits import too_large, unreadable
from agrilake.intake.manifest import check_content, read_manifest
from agrilake.intake.privacy import mask_text
from agrilake.lake.failpoints import reach
from agrilake.paths import Home

CHUNK = 1 << 20
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
DRAFT = ".taking-"
FULL_WORDS = ("no space left on device", "database or disk is full", "disk quota exceeded")


class DiskFull(AgrilakeError):
    """No room for a copy. Nothing half-written stays; the file is taken at the next run."""


class StillChanging(AgrilakeError):
    """The file changed while it was copied: it is not complete yet and is taken at a later run."""


@dataclass(frozen=True)
class Landed:
    """A file in the landing zone."""

    sha256: str
    bytes: int
    path: Path


def disk_full(subject: str, home: Home, detail: str) -> DiskFull:
    """The error for a file or delivery that found no room."""
    return DiskFull(f"{subject}: no room in {home.root} ({detail}); free space and run again, nothing is lost")


def is_full(error: Exception) -> bool:
    """Whether an error of the system, of SQLite or of delta-rs says that the disk is full."""
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    text = str(error).casefold()
    return any(words in text for words in FULL_WORDS)


@contextmanager
def room(home: Home, subject: str) -> Iterator[None]:
    """Whatever a full disk makes of the libraries below, raised as DiskFull."""
    try:
        yield
    except AgrilakeError:
        raise
    except Exception as error:  # each library has an error of its own for it
        if not is_full(error):
            raise
        raise disk_full(subject, home, type(error).__name__) from error


def landing_path(home: Home, sha256: str) -> Path:
    """Where the bytes with that sum are kept."""
    return home.landing / sha256[:2] / sha256


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes; RefusedFile unreadable if it cannot be opened."""
    try:
        with path.open("rb") as source:
            return hashlib.file_digest(source, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(error) from error


def store(path: Path, home: Home, limits: Limits) -> Landed:
    """Copy the file into the landing zone: hashed on the way, synced, renamed into place, mode 0400.

    The same bytes again give the copy that is there. Raises RefusedFile (symlink, unreadable, too_large,
    manifest_mismatch), DiskFull or StillChanging.
    """
    source = _open(path)
    target: Path | None = None
    try:
        before = os.fstat(source)
        if not stat.S_ISREG(before.st_mode):
            raise RefusedFile("unreadable", "这不是普通文件。", "请只放入表格文件。")
        if before.st_size > limits.max_bytes:
            raise too_large(before.st_size, limits)
        home.landing.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(prefix=DRAFT, dir=home.landing)
        target = Path(name)
        sha256, size = _copy(source, handle, limits)
        after = os.fstat(source)
        if size != after.st_size or before.st_mtime_ns != after.st_mtime_ns:
            raise StillChanging(f"{mask_text(path.name)}: changed while it was copied; it is taken when it is complete")
        check_content(read_manifest(path), size, sha256)
        return Landed(sha256, size, _place(target, landing_path(home, sha256), size))
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(mask_text(path.name), home, error.strerror or type(error).__name__) from error
        raise
    finally:
        os.close(source)
        if target is not None:
            target.unlink(missing_ok=True)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise RefusedFile("symlink", "这是一个链接，不是文件。", "请把文件本身复制到收件箱。") from error
        raise unreadable(error) from error


def _copy(source: int, handle: int, limits: Limits) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with os.fdopen(handle, "wb") as target:
        while chunk := os.read(source, CHUNK):
            size += len(chunk)
            if size > limits.max_bytes:
                raise too_large(size, limits)
            digest.update(chunk)
            target.write(chunk)
            target.flush()
            reach("landing_drafted")
        os.fchmod(target.fileno(), 0o400)
        os.fsync(target.fileno())
    return digest.hexdigest(), size


def _place(target: Path, final: Path, size: int) -> Path:
    """Rename into place unless the same bytes are there already (a torn earlier copy cannot be: it was renamed).

    The names are brought to disk in any case: whoever renamed it earlier may have died before that.
    """
    if not (final.is_file() and final.stat().st_size == size):
        final.parent.mkdir(mode=0o700, exist_ok=True)
        target.replace(final)
    reach("landing_renamed")
    for folder in (final.parent, final.parent.parent):
        _sync(folder)
    return final


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems cannot sync a folder
            os.fsync(handle)
    finally:
        os.close(handle)
