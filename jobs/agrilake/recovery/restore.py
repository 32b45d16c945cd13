"""The lake from a backup, in an empty place: here or on another machine."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from agrilake.errors import ConsistencyError, SecretError, UsageError
from agrilake.lake import audit
from agrilake.lake.erasures import Erasure, erasures, note_again
from agrilake.paths import Home
from agrilake.pipeline import erasure
from agrilake.pipeline.context import Lake
from agrilake.recovery.backup import BACKUPS, content_of, folders
from agrilake.recovery.content import Content, Damaged, identities_in
from agrilake.recovery.keys import what_it_needs
from agrilake.recovery.manifest import Manifest, read_manifest
from agrilake.recovery.verify import Checked, verify

SHOWN = 10


@dataclass(frozen=True)
class Restored:
    """A lake that was brought back: from which backup, what is to be done about its key, how many erasures it did not
    know and whether they are done again by now, and whether it is whole."""

    backup: str
    files: int
    bytes: int
    key: str
    made_at: str
    erasures: int
    erased: bool
    checks: list[Checked]


def restore(
    source: Path,
    to: Path,
    name: str | None = None,
    identity: Path | None = None,
    deep: bool = False,
    erased_in: Path | None = None,
) -> Restored:
    """Bring back a backup (default: the newest) into the home `to`, which must be empty; every hash is checked, and the
    lake verified at the end. Whoever was erased in the home `erased_in` is erased again, at once where the lake's key
    is in place, else by its first run.

    It is put together beside, and gets its name when it is whole: one that was cut off is simply run again. Raises
    UsageError for a place that is not empty or a backup that does not exist, SecretError without the identity of
    encrypted content, and ConsistencyError that names what is damaged; then nothing is left.
    """
    target = to.resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{to} is not empty; a lake is restored into an empty place only")
    content, manifest, acts = content_of(source), _chosen(source, name), _acts(erased_in)
    if content.recipient and identity is None:
        raise SecretError(f"the content is encrypted to {content.recipient}; give its age identity by --identity FILE")
    draft = target.with_name(f".{target.name}.restoring")
    _remove(draft)
    try:
        _bring_back(content, manifest, draft, identity)
    except BaseException:
        _remove(draft)
        raise
    if target.exists():
        target.rmdir()
    draft.rename(target)
    home = Home(target, target / "inbox", target / "outbox").prepare()
    audit.record(home, "restored", manifest.name, files=len(manifest.files), bytes=manifest.bytes)
    lake, key, again = Lake.open(home), what_it_needs(manifest.key, home), note_again(home, acts)
    for act in again:
        audit.record(home, "erased", f"erasure {act.number}", by=act.by, stage="noted")
    if again and not key:
        erasure.finish(lake)
    about = (manifest.name, len(manifest.files), manifest.bytes, key, manifest.made_at)
    return Restored(*about, len(again), bool(again and not key), verify(lake, deep))


def _acts(home: Path | None) -> list[Erasure]:
    """The erasures of another home, or of what is left of it."""
    if home is None:
        return []
    if not (home / "decisions").is_dir():
        raise UsageError(f"{home} is no lake's home: it has no decisions/, where erasures stand")
    return erasures(Home(home.resolve(), home / "inbox", home / "outbox"))


def _chosen(source: Path, name: str | None) -> Manifest:
    known = [folder.name for folder in folders(source)]
    if not known or (name is not None and name not in known):
        raise UsageError(
            f"{source} has no backup {name or ''}; there are: {', '.join(known) or 'none'}".replace("  ", " ")
        )
    return read_manifest(source / BACKUPS / (name or known[-1]))


def _bring_back(content: Content, manifest: Manifest, draft: Path, identity: Path | None) -> None:
    identities = identities_in(identity) if identity is not None else []
    draft.mkdir(parents=True, mode=0o700)
    for folder in sorted(manifest.folders):
        (draft / folder).mkdir(parents=True, exist_ok=True)
    problems = []
    for entry in manifest.files:
        path = draft / entry.path
        try:
            content.get(entry.sha256, path, identities)
        except Damaged as error:
            problems.append(f"{entry.path}: {error}")
            continue
        path.chmod(entry.mode)
        os.utime(path, ns=(entry.modified, entry.modified))
    if problems:
        more = f", and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        listed = "; ".join(problems[:SHOWN])
        raise ConsistencyError(f"backup {manifest.name} is damaged: {listed}{more}; take another backup")
    for link, end in manifest.links.items():
        (draft / link).symlink_to(end)
    for folder, mode in manifest.folders.items():
        (draft / folder).chmod(mode)
    os.sync()


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
