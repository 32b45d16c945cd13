"""What a backup holds: `backups/<name>/manifest.json`, with its own SHA-256 beside it.

Plain JSON, also where the content is encrypted, so that anybody can be told which backups hold a file:

    format       1
    name         when it was made, UTC: 20240601T020000Z
    made_at      the same as an ISO moment
    lake_version the lake version that was newest then, deliveries how many had come
    key          id and fingerprint of the pseudonym key that the lake needs; never the key
    recipient    age recipient that the content is encrypted to; null where it is not
    tables       {layer/table: Delta version}
    folders      {path: mode}, links {path: target}
    files        [{path, sha256, bytes, mode, modified, stored}]; path within the home, sha256 of the plain bytes,
                 modified in ns since 1970, stored the SHA-256 of the encrypted bytes (null where they are plain)
    missing      paths that should have been there and were not
    copied_bytes how much of it no earlier backup had
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agrilake.errors import ConsistencyError
from agrilake.lake.files import sync

FORMAT = 1
MANIFEST, SUM = "manifest.json", "manifest.sha256"


@dataclass(frozen=True)
class Entry:
    """A file of a backup."""

    path: str
    sha256: str
    bytes: int
    mode: int
    modified: int
    stored: str | None = None


@dataclass(frozen=True)
class Manifest:
    """A backup; see the module's text."""

    name: str
    made_at: str
    lake_version: int
    deliveries: int
    key: Mapping[str, str] | None
    recipient: str | None
    tables: Mapping[str, int]
    folders: Mapping[str, int]
    links: Mapping[str, str]
    files: tuple[Entry, ...]
    missing: tuple[str, ...] = ()
    copied_bytes: int = 0
    format: int = field(default=FORMAT)

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(entry.bytes for entry in self.files)

    @property
    def by_path(self) -> dict[str, Entry]:
        """The files by path."""
        return {entry.path: entry for entry in self.files}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """manifest.json and its sum, on disk for certain."""
    text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    (folder / SUM).write_text(f"{hashlib.sha256(text.encode()).hexdigest()}  {MANIFEST}\n", encoding="ascii")
    for path in (folder / MANIFEST, folder / SUM, folder):
        sync(path)


def read_manifest(folder: Path) -> Manifest:
    """The backup in a folder. Raises ConsistencyError where its manifest is missing, altered or of another format."""
    try:
        text = (folder / MANIFEST).read_bytes()
        told = (folder / SUM).read_text(encoding="ascii").split()[0]
        found: dict[str, Any] = json.loads(text)
    except (OSError, ValueError, IndexError) as error:
        raise ConsistencyError(
            f"{folder}: the manifest cannot be read ({type(error).__name__}); take another backup"
        ) from error
    if hashlib.sha256(text).hexdigest() != told:
        raise ConsistencyError(f"{folder / MANIFEST} was altered after it was written; take another backup")
    if found["format"] != FORMAT:
        raise ConsistencyError(f"{folder / MANIFEST} has format {found['format']}, this agrilake reads {FORMAT}")
    files = tuple(Entry(**entry) for entry in found.pop("files"))
    return Manifest(**{**found, "files": files, "missing": tuple(found["missing"])})
