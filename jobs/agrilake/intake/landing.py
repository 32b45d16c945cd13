"""The landing zone: every file that ever arrived, once, under its SHA-256, read-only and on disk for certain.

Files of personal datasets may lie encrypted, as `<SHA-256 of the file>.<key id>.age`. Who reads a file reads it through
`opened`, which checks the sum, too.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from agrilake.contract.settings import Limits
from agrilake.errors import AgrilakeError, ConsistencyError, RefusedFile
from agrilake.intake.keys import KeyRing
from agrilake.intake.limits import too_large, unreadable
from agrilake.intake.manifest import check_content, read_manifest
from agrilake.intake.privacy import mask_file_name
from agrilake.intake.sealed import Hashing, open_file, seal_file
from agrilake.lake.failpoints import reach
from agrilake.paths import Home

CHUNK = 1 << 20
IN_MEMORY = 64 << 20
"""Bytes of a decrypted file that are kept in memory; a larger one lies in a nameless file of the home's tmp."""
SEALED = ".age"
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


def landing_path(home: Home, sha256: str, key_id: str = "") -> Path:
    """Where the bytes with that sum are kept: as they came, or encrypted with a key."""
    return home.landing / sha256[:2] / (f"{sha256}.{key_id}{SEALED}" if key_id else sha256)


def landed_files(home: Home, sha256: str) -> list[Path]:
    """The file with that sum: one, or none where it never landed or was removed; two where an encryption was ended in
    the middle."""
    plain = landing_path(home, sha256)
    return [*([plain] if plain.is_file() else []), *sorted(plain.parent.glob(f"{sha256}.k*{SEALED}"))]


def sealed_by(path: Path) -> str:
    """Id of the key that a landed file is encrypted with; empty for one that lies as it came."""
    return path.name.split(".")[-2] if path.name.endswith(SEALED) else ""


@contextmanager
def opened(home: Home, sha256: str, ring: Callable[[], KeyRing]) -> Iterator[Path]:
    """A landed file as it came, under a path that is good until the end of the block: its own, or that of a nameless
    copy which is gone with this process. `ring` is asked for the keys where it is encrypted.

    Raises SecretError without its key, ConsistencyError where the file is gone, or its bytes are not those that came.
    """
    found = landed_files(home, sha256)
    if not found:
        raise ConsistencyError(f"landing lacks the file {sha256}; restore it from a backup")
    with opened_file(home, found[0], sha256, ring) as path:
        yield path


@contextmanager
def opened_file(home: Home, file: Path, sha256: str, ring: Callable[[], KeyRing]) -> Iterator[Path]:
    """`opened` for a file of the landing zone by its path, whose plain bytes have the sum."""
    key_id = sealed_by(file)
    if not key_id:
        if sha256_of(file) != sha256:
            raise _changed(file)
        yield file
        return
    with _nameless(home, file.stat().st_size) as target, file.open("rb") as source:
        hashing = Hashing(target)
        open_file(source, hashing, ring().key(key_id), file.name)
        target.flush()
        if hashing.sha256 != sha256:
            raise _changed(file)
        yield Path(f"/proc/self/fd/{target.fileno()}")


def keep_bytes(home: Home, source: BinaryIO, name: str, ring: KeyRing | None) -> Path:
    """Put bytes beside the files that came, under `name` with the folder of its first two characters; encrypted by the
    newest key of `ring` where one is given. On disk for certain when it returns."""
    final = home.landing / name[:2] / (f"{name}.{ring.current.id}{SEALED}" if ring else name)
    with _taking(home) as target:
        if ring is None:
            shutil.copyfileobj(source, target, CHUNK)
        else:
            seal_file(source, target, ring.current)
        _finish(target)
        return _place(Path(target.name), final)


def forget_landed(home: Home, sha256: str) -> None:
    """Delete the file with that sum, as it came and encrypted."""
    for path in landed_files(home, sha256):
        path.unlink()
        _sync(path.parent)


def seal_landed(home: Home, sha256: str, ring: KeyRing) -> bool:
    """Encrypt a landed file with the newest key, if it is not; the plain one, or one under an older key, goes when the
    new one is on disk. False where there was nothing to do."""
    found, final = landed_files(home, sha256), landing_path(home, sha256, ring.current.id)
    if not found or found == [final]:
        return False
    if final not in found:
        with opened(home, sha256, lambda: ring) as path, path.open("rb") as source, _taking(home) as target:
            seal_file(source, target, ring.current)
            _finish(target)
            _place(Path(target.name), final)
    for path in found:
        if path != final:
            path.unlink()
    _sync(final.parent)
    return True


@contextmanager
def _nameless(home: Home, size: int) -> Iterator[BinaryIO]:
    if size <= IN_MEMORY:
        with os.fdopen(os.memfd_create("landed", os.MFD_CLOEXEC), "w+b") as file:
            yield file
    else:
        with cast("BinaryIO", tempfile.TemporaryFile(dir=home.tmp)) as file:
            yield file


@contextmanager
def _taking(home: Home) -> Iterator[BinaryIO]:
    """A new file in the landing zone that is gone at the end, unless it was renamed."""
    home.landing.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile("wb", prefix=DRAFT, dir=home.landing, delete=False) as file:
        try:
            yield cast("BinaryIO", file.file)
        finally:
            Path(file.name).unlink(missing_ok=True)


def _changed(path: Path) -> ConsistencyError:
    return ConsistencyError(f"{path.name}: the landed bytes are not those that came; restore them from a backup")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes; RefusedFile unreadable if it cannot be opened."""
    try:
        with path.open("rb") as source:
            return hashlib.file_digest(source, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(error) from error


def store(path: Path, home: Home, limits: Limits, ring: KeyRing | None = None) -> Landed:
    """Copy the file into the landing zone: hashed on the way, encrypted by the newest key of `ring` where one is given,
    synced, renamed into place, mode 0400.

    The same bytes again give the copy that is there. Raises RefusedFile (symlink, unreadable, too_large,
    manifest_mismatch), DiskFull or StillChanging.
    """
    source = _open(path)
    try:
        before = os.fstat(source)
        if not stat.S_ISREG(before.st_mode):
            raise RefusedFile("unreadable", "这不是普通文件。", "请只放入表格文件。")
        if before.st_size > limits.max_bytes:
            raise too_large(before.st_size, limits)
        with _taking(home) as target:
            return _taken(path, source, before, target, home, limits, ring)
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(mask_file_name(path.name), home, error.strerror or type(error).__name__) from error
        raise
    finally:
        os.close(source)


def _taken(
    path: Path, source: int, before: os.stat_result, target: BinaryIO, home: Home, limits: Limits, ring: KeyRing | None
) -> Landed:
    sha256, size = _copy(source, target, limits, ring)
    after = os.fstat(source)
    if size != after.st_size or before.st_mtime_ns != after.st_mtime_ns:
        raise StillChanging(
            f"{mask_file_name(path.name)}: changed while it was copied; it is taken when it is complete"
        )
    check_content(read_manifest(path), size, sha256)
    known = [item for item in landed_files(home, sha256) if sealed_by(item) or item.stat().st_size == size]
    if known:
        _sync_names(known[0])  # whoever renamed it may have died before it could
        return Landed(sha256, size, known[0])
    final = landing_path(home, sha256, ring.current.id if ring else "")
    return Landed(sha256, size, _place(Path(target.name), final))


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise RefusedFile("symlink", "这是一个链接，不是文件。", "请把文件本身复制到收件箱。") from error
        raise unreadable(error) from error


class _Limited:
    """The file that is taken, for as many bytes as one may have."""

    def __init__(self, source: int, limits: Limits) -> None:
        self._source, self._limits, self._size = source, limits, 0

    def read(self, size: int = CHUNK) -> bytes:
        chunk = os.read(self._source, size)
        self._size += len(chunk)
        if self._size > self._limits.max_bytes:
            raise too_large(self._size, self._limits)
        return chunk


def _copy(source: int, target: BinaryIO, limits: Limits, ring: KeyRing | None) -> tuple[str, int]:
    hashing = Hashing(_Limited(source, limits))
    if ring is None:
        while chunk := hashing.read(CHUNK):
            target.write(chunk)
            target.flush()
            reach("landing_drafted")
    else:
        seal_file(hashing, target, ring.current)
    _finish(target)
    return hashing.sha256, hashing.size


def _finish(target: BinaryIO) -> None:
    target.flush()
    os.fchmod(target.fileno(), 0o400)
    os.fsync(target.fileno())


def _place(target: Path, final: Path) -> Path:
    """Rename into place (a torn earlier copy cannot be there: it was renamed)."""
    final.parent.mkdir(mode=0o700, exist_ok=True)
    target.replace(final)
    reach("landing_renamed")
    _sync_names(final)
    return final


def _sync_names(landed: Path) -> None:
    for folder in (landed.parent, landed.parent.parent):
        _sync(folder)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems cannot sync a folder
            os.fsync(handle)
    finally:
        os.close(handle)
