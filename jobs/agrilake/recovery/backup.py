"""A copy of the lake in another place. Backups in one target share content, so each costs what changed.

    TARGET/agrilake-backup.json          what this folder is, and whom its content is encrypted to
    TARGET/content/ab/abcd…[.age]        each file once, under its SHA-256
    TARGET/backups/20240601T020000Z/     manifest.json and its sum (agrilake.recovery.manifest)

A backup is complete or not there: its manifest comes last. One that was killed is simply run again, and finds what it
had copied.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from agrilake.errors import UsageError
from agrilake.lake import audit
from agrilake.lake.erasures import erasures
from agrilake.lake.failpoints import reach
from agrilake.lake.files import sha256_of, sync
from agrilake.lake.locks import table_lock
from agrilake.pipeline.context import Lake
from agrilake.recovery.content import CONTENT, UNFINISHED, ChangedMeanwhile, Content, recipient_of
from agrilake.recovery.keys import key_told
from agrilake.recovery.manifest import FORMAT, Entry, Manifest, read_manifest, write_manifest
from agrilake.recovery.snapshot import Seen, snapshot

MARK, BACKUPS, NAME = "agrilake-backup.json", "backups", "%Y%m%dT%H%M%SZ"
TRIES = 3
"""How often the lake is looked at again where files went away meanwhile; then they are missing."""


@dataclass(frozen=True)
class Done:
    """A finished backup, and how many older ones and bytes were removed after it."""

    manifest: Manifest
    removed: int = 0
    freed_bytes: int = 0


def backup(lake: Lake, target: Path, keep: int | None = None, recipient: str | None = None) -> Done:
    """Copy the lake as it is now into the target; with `keep` only the newest backups stay, and none in any case that
    was made before a person was erased.

    Raises UsageError for a target inside the lake, one that holds something else, and one whose content is for another
    recipient; AgrilakeError where there is no room. Earlier backups stay whole whatever happens.
    """
    content = _opened(lake, target, recipient)
    with table_lock(content.root / BACKUPS):
        _clean(content.root)
        made = _made(lake, content)
        reach("backup_listed")
        audit.record(lake.home, "backed_up", made.name, files=len(made.files), bytes=made.bytes)
        erased = [act.reached_at for act in erasures(lake.home) if act.stage]
        if (keep is None and not erased) or made.missing:
            return Done(made)
        removed, freed = _retire(content, keep, max(erased, default=""))
        reach("backup_pruned")
    return Done(made, removed, freed)


def backups(target: Path) -> list[Manifest]:
    """The complete backups of a target, oldest first. Raises UsageError where it is none, ConsistencyError where a
    manifest was altered."""
    _mark(target)
    return [read_manifest(folder) for folder in folders(target)]


def folders(target: Path) -> list[Path]:
    """Folders of the complete backups, oldest first."""
    found = (target / BACKUPS).iterdir() if (target / BACKUPS).is_dir() else ()
    return sorted(path for path in found if path.is_dir() and not path.name.endswith(UNFINISHED))


def content_of(target: Path) -> Content:
    """The content of an existing target."""
    return Content(target.resolve(), _mark(target)["recipient"])


def damaged(target: Path) -> list[str]:
    """What is missing or altered in a target, each with the backups and one of the files that need it."""
    content, needed = content_of(target), dict[str, tuple[Entry, list[str]]]()
    for manifest in backups(target):
        for entry in manifest.files:
            needed.setdefault(entry.sha256, (entry, []))[1].append(manifest.name)
    found = []
    for sha256, (entry, names) in sorted(needed.items()):
        problem = content.damage(sha256, entry.stored)
        if problem:
            where = ", ".join(dict.fromkeys(names))
            found.append(f"{problem}: {entry.path} in {where}; remove it and back up again while the lake has it")
    return found


def _mark(target: Path) -> dict[str, str | None]:
    try:
        said: dict[str, str | None] = json.loads((target / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{target} holds no backups of agrilake ({MARK} is missing or broken)") from error
    return said


def _opened(lake: Lake, target: Path, recipient: str | None) -> Content:
    root = target.resolve()
    if root == lake.home.root or root.is_relative_to(lake.home.root) or lake.home.root.is_relative_to(root):
        raise UsageError(f"{target} is inside the lake, or holds it; choose another disk or machine")
    if recipient is not None:
        recipient_of(recipient)
    if (root / MARK).exists():
        known = _mark(root)["recipient"]
        if recipient is not None and known != recipient:
            raise UsageError(f"the content of {target} is {_for_whom(known)}; choose another target for {recipient}")
        return Content(root, known)
    if root.exists() and any(root.iterdir()):
        raise UsageError(f"{target} is not empty and holds no backups of agrilake; choose another folder")
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = root / f"{MARK}{UNFINISHED}"
    draft.write_text(json.dumps({"format": FORMAT, "recipient": recipient}) + "\n", encoding="utf-8")
    sync(draft)
    draft.rename(root / MARK)
    return Content(root, recipient)


def _for_whom(recipient: str | None) -> str:
    return f"encrypted to {recipient}" if recipient else "not encrypted"


def _made(lake: Lake, content: Content) -> Manifest:
    """See the lake, copy what is not there yet, write the manifest."""
    earlier, moment = backups(content.root), datetime.now(UTC)  # of before the look: what is erased meanwhile is in it
    for attempt in range(1, TRIES + 1):
        with _workshop(lake) as folder:
            seen = snapshot(lake, folder / "lake.sqlite", folder / "audit.jsonl")
            reach("backup_seen")
            entries, missing, copied = _copied(seen, content, earlier)
        if not missing or attempt == TRIES:
            break
    reach("backup_copied")
    manifest = Manifest(
        name=_free_name(content.root, moment.strftime(NAME)),
        made_at=moment.isoformat(timespec="seconds"),
        lake_version=seen.lake_version,
        deliveries=seen.deliveries,
        key=key_told(lake.home),
        recipient=content.recipient,
        tables=seen.tables,
        folders=seen.folders,
        links=seen.links,
        files=tuple(entries),
        missing=tuple(missing),
        copied_bytes=copied,
    )
    draft = content.root / BACKUPS / f"{manifest.name}{UNFINISHED}"
    draft.mkdir(parents=True, mode=0o700)
    write_manifest(draft, manifest)
    draft.rename(draft.with_name(manifest.name))
    sync(draft.parent)
    return manifest


@contextmanager
def _workshop(lake: Lake) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="backup-", dir=lake.home.tmp) as folder:
        yield Path(folder)


def _free_name(root: Path, name: str) -> str:
    number, free = 1, name
    while (root / BACKUPS / free).exists():
        number += 1
        free = f"{name}-{number}"
    return free


def _copied(seen: Seen, content: Content, earlier: list[Manifest]) -> tuple[list[Entry], list[str], int]:
    """The files as entries, those that went away, and how many bytes were new."""
    known = earlier[-1].by_path if earlier else {}
    stored = {entry.sha256: entry.stored for manifest in earlier for entry in manifest.files}
    entries, missing, copied = [], [], 0
    for name, path in sorted(seen.files.items()):
        try:
            entry = _entry(name, path, known.get(name), content)
            if not content.has(entry.sha256, entry.bytes):
                content.put(path, entry.sha256)
                stored.pop(entry.sha256, None)
                copied += entry.bytes
        except (FileNotFoundError, ChangedMeanwhile):
            missing.append(name)
            continue
        if content.recipient and stored.get(entry.sha256) is None:
            stored[entry.sha256] = sha256_of(content.path(entry.sha256))
        entries.append(replace(entry, stored=stored.get(entry.sha256)))
    return entries, missing, copied


def _entry(name: str, path: Path, known: Entry | None, content: Content) -> Entry:
    """The file's sum; taken again only where its size or time is another than in the last backup."""
    said = path.stat()
    fresh = Entry(name, "", said.st_size, said.st_mode & 0o777, said.st_mtime_ns)
    if (
        known
        and (known.bytes, known.modified) == (fresh.bytes, fresh.modified)
        and content.has(known.sha256, known.bytes)
    ):
        return replace(fresh, sha256=known.sha256)
    return replace(fresh, sha256=sha256_of(path))


def _clean(root: Path) -> None:
    """Remove what killed runs left of manifests; content of theirs is used or swept."""
    for path in (root / BACKUPS).glob(f"*{UNFINISHED}"):
        shutil.rmtree(path)
    for path in (root / CONTENT).glob(f"*/.*{UNFINISHED}"):
        path.unlink()


def _retire(content: Content, keep: int | None, since: str) -> tuple[int, int]:
    """Remove all but the newest `keep` backups (None: all stay) and those made until the moment `since`, then the
    content that none of the others needs."""
    if keep is not None and keep < 1:
        raise UsageError("--keep is at least 1")
    known = folders(content.root)
    beyond = known[:-keep] if keep else []
    old = [folder for folder in known[:-1] if folder in beyond or read_manifest(folder).made_at <= since]
    for folder in old:
        gone = folder.with_name(f"{folder.name}{UNFINISHED}")
        folder.rename(gone)  # so that a half-removed one never counts
        shutil.rmtree(gone)
    wanted = {entry.sha256 for manifest in backups(content.root) for entry in manifest.files}
    return len(old), content.sweep(wanted)
