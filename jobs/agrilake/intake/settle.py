"""Whether a file in the inbox may be taken: in its place, a regular file, and completely written."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from agrilake.errors import RefusedFile
from agrilake.intake.landing import sha256_of
from agrilake.intake.limits import unreadable
from agrilake.intake.manifest import SUFFIX, manifest_path, read_manifest
from agrilake.intake.privacy import mask_file_name

UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".download", ".filepart", SUFFIX)
SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini"})
REFUSED_FOLDER = "退回"
"""inbox/<department>/退回: where a department finds its refused files; never looked into again."""
AHEAD_SECONDS = 3600.0
"""A change that lies further ahead than any server's clock may be was made before this clock was set back: since then
nothing changed, or the change would lie behind."""
PATIENCE = 10
"""A file shorter than its manifest says is waited for this many times longer before it is refused."""


log = logging.getLogger("agrilake")


def ignorable(path: Path) -> bool:
    """Names that are no deliveries: manifests, hidden and system files, Office's lock files, unfinished downloads."""
    name = path.name.lower()
    hidden = name.startswith((".", "~$")) and not name.startswith("..")  # which is no hiding, but an attempt
    return hidden or name.endswith(UNFINISHED) or name in SYSTEM_FILES


def candidates(inbox: Path) -> list[Path]:
    """Everything in the inbox that may be a delivery, however deep, links included: what lies in the wrong place
    gets its refusal too, or nobody would ever learn of it. Links are not followed, 退回 is not looked into."""
    return sorted(path for path in _entries(inbox) if not ignorable(path))


def _entries(folder: Path) -> Iterator[Path]:
    """All but folders under `folder`; a folder that cannot be opened is logged, and the others go on."""
    try:
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        log.warning("inbox folder %s cannot be opened: %s", mask_file_name(folder.name), error.strerror)
        return
    for entry in entries:
        if entry.is_symlink() or not entry.is_dir():
            yield entry
        elif entry.name != REFUSED_FOLDER and not entry.name.startswith("."):
            yield from _entries(entry)


def check_place(path: Path, inbox: Path) -> None:
    """Only a regular file directly within inbox/<department>/; links are never followed.

    Raises RefusedFile bad_name, symlink or unreadable.
    """
    try:
        inside = Path(os.path.abspath(path)).relative_to(Path(os.path.abspath(inbox)))  # noqa: PTH100 -- no links resolved
    except ValueError:
        inside = Path()
    if ".." in path.parts or len(inside.parts) != 2:
        where = "放在了部门文件夹里的子文件夹中" if len(inside.parts) > 2 else "没有放在部门的文件夹里"
        raise RefusedFile("bad_name", f"文件{where}。", "请直接放入收件箱（inbox）下本部门的文件夹，不要再建子文件夹。")
    for place in (inbox / inside.parts[0], path):
        if place.is_symlink():
            raise RefusedFile("symlink", "这是一个链接，不是文件。", "请把文件本身复制到收件箱。")
    try:
        kind = path.lstat().st_mode
    except OSError as error:
        raise unreadable(error) from error
    if not stat.S_ISREG(kind):
        raise RefusedFile("unreadable", "这不是普通文件。", "请只放入表格文件。")


Identity = tuple[int, int, int]
"""Inode, bytes and time of the last change of a file's content."""


def identity(path: Path) -> Identity | None:
    """What tells the file from another one that was put in its place, or from itself before it was written to; None
    where there is none."""
    try:
        state = path.lstat()
    except FileNotFoundError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns


def settled(path: Path, seconds: float, now: float) -> bool:
    """Whether the file is complete: a manifest matches, or nothing changed for `seconds` before `now` (epoch).

    The change time is asked, not the modification time: programs that copy set the latter to the past.
    A file that has vanished is not settled; a link counts as settled, so that it gets its refusal.
    """
    try:
        state = path.lstat()
        quiet = now - state.st_ctime
        place = manifest_path(path)
        if place.exists():
            quiet = min(quiet, now - place.lstat().st_ctime)
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(state.st_mode):
        return True
    quiet = abs(quiet) if quiet < -AHEAD_SECONDS else quiet
    stated = _stated(path)
    if stated is None:
        return quiet >= seconds
    size, sha256 = stated
    if size == state.st_size and sha256 is not None and _sum(path) == sha256:
        return True
    if size is not None and state.st_size < size:
        return quiet >= seconds * PATIENCE
    return quiet >= seconds


def _sum(path: Path) -> str | None:
    """None for a file that may not be read: it is refused when it is taken, not while it is looked at."""
    try:
        return sha256_of(path)
    except RefusedFile:
        return None


def _stated(path: Path) -> tuple[int | None, str | None] | None:
    """Size and sum of the manifest; None without one, or where it is unreadable (it may still be written)."""
    try:
        manifest = read_manifest(path)
    except RefusedFile:
        return None
    return (manifest.size, manifest.sha256) if manifest else None
