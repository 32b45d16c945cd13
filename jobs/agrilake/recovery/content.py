"""The content that the backups of one folder share: each file once, under the SHA-256 of its plain bytes.

A file is complete or not there: it is written beside, synced and renamed. With a recipient it is encrypted by age.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyrage

from agrilake.errors import AgrilakeError, ConsistencyError, SecretError, UsageError
from agrilake.intake.landing import FULL
from agrilake.lake.files import sha256_of, sync

CHUNK = 1 << 20
CONTENT, ENCRYPTED, UNFINISHED = "content", ".age", ".tmp"


@dataclass(frozen=True)
class Content:
    """The content folder of a backup target; `recipient` (age1…) encrypts what is put in."""

    root: Path
    recipient: str | None = None

    def path(self, sha256: str) -> Path:
        """Where the bytes with that sum are kept."""
        ending = ENCRYPTED if self.recipient else ""
        return self.root / CONTENT / sha256[:2] / f"{sha256}{ending}"

    def has(self, sha256: str, size: int) -> bool:
        """Whether the bytes are there, as long as they should be (of encrypted ones only the file can tell)."""
        path = self.path(sha256)
        return path.is_file() and (self.recipient is not None or path.stat().st_size == size)

    def put(self, source: Path, sha256: str) -> None:
        """Keep a file whose sum was taken before. Raises ChangedMeanwhile where it has another by now, AgrilakeError
        where there is no room."""
        path = self.path(sha256)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED}")
        try:
            with source.open("rb") as reading, self._writing(draft) as writing:
                if self.recipient:
                    pyrage.encrypt_io(reading, writing, [recipient_of(self.recipient)])
                else:
                    copy(reading, writing)
            if not self.recipient and sha256_of(draft) != sha256:
                raise ChangedMeanwhile(f"{source} changed while it was copied")
            draft.replace(path)
            sync(path.parent)
        except OSError as error:
            if error.errno in FULL:
                raise AgrilakeError(f"{self.root}: no room for the backup; the earlier ones are whole") from error
            raise
        finally:
            draft.unlink(missing_ok=True)

    def get(self, sha256: str, target: Path, identities: Collection[pyrage.x25519.Identity] = ()) -> None:
        """The plain bytes as a new file. Raises Damaged where they are missing or others than they were."""
        path = self.path(sha256)
        try:
            with path.open("rb") as reading, target.open("xb") as writing:
                if self.recipient:
                    pyrage.decrypt_io(reading, writing, list(identities))
                else:
                    copy(reading, writing)
        except FileNotFoundError as error:
            raise Damaged(f"{self._shown(path)} is missing") from error
        except pyrage.DecryptError as error:
            raise Damaged(f"{self._shown(path)} cannot be decrypted: it is damaged, or for another identity") from error
        if sha256_of(target) != sha256:
            raise Damaged(f"{self._shown(path)} was altered: its SHA-256 is not its name")

    def damage(self, sha256: str, stored: str | None) -> str:
        """What is wrong with the stored bytes, without a key; empty where nothing."""
        path = self.path(sha256)
        if not path.is_file():
            return f"{self._shown(path)} is missing"
        wanted = stored or sha256
        return "" if sha256_of(path) == wanted else f"{self._shown(path)} was altered"

    def sweep(self, wanted: Collection[str]) -> int:
        """Remove content that no backup needs any longer, and what killed runs left; how many bytes that freed."""
        freed = 0
        for path in sorted((self.root / CONTENT).glob("*/*")):
            if path.name.removesuffix(ENCRYPTED) not in wanted:
                freed += path.stat().st_size
                path.unlink()
        return freed

    @contextmanager
    def _writing(self, draft: Path) -> Iterator[BinaryIO]:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


class ChangedMeanwhile(AgrilakeError):
    """A file is another than a moment ago: the lake moved on."""


class Damaged(ConsistencyError):
    """Content of a backup that is missing or altered."""


def copy(reading: BinaryIO, writing: BinaryIO) -> None:
    """All bytes, in pieces."""
    while chunk := reading.read(CHUNK):
        writing.write(chunk)


def recipient_of(text: str) -> pyrage.x25519.Recipient:
    """An age recipient; UsageError where the text is none."""
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise UsageError(f"{text!r} is no age recipient; expected age1…, as age-keygen prints it") from error


def identities_in(path: Path) -> list[pyrage.x25519.Identity]:
    """The age identities in a file of age-keygen; SecretError where it holds none."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="ascii").splitlines()]
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except (OSError, UnicodeDecodeError, pyrage.IdentityError) as error:
        raise SecretError(f"{path}: no age identity can be read from it ({type(error).__name__})") from error
    if not found:
        raise SecretError(f"{path}: holds no age identity (AGE-SECRET-KEY-1…)")
    return found
