"""Refused files go back to where their department finds them: inbox/<department>/退回."""

from __future__ import annotations

import filecmp
import os
import shutil
from pathlib import Path
from secrets import token_hex

from agrilake.intake.leaving import gone, name_as, put_back, set_aside
from agrilake.intake.manifest import manifest_path
from agrilake.intake.settle import REFUSED_FOLDER, Identity
from agrilake.paths import RECEIPT_MODE, Home, make_folder


def give_back(
    home: Home, department: str, name: str, file: Path, landed: bool = False, seen: Identity | None = None
) -> None:
    """Move the file out of the inbox (a link as it is, never followed), if it is still the one that was `seen`, or copy
    a landed one under `name`.

    An earlier refused file of that name is kept, unless it is the same. A file that lies elsewhere is left alone.
    """
    folder = home.inbox / department / REFUSED_FOLDER
    for each in (folder.parent, folder):
        make_folder(each, 0o750)
    if landed:
        draft = folder / f".{token_hex(4)}.{os.getpid()}.tmp"
        try:
            shutil.copyfile(file, draft)
            draft.chmod(RECEIPT_MODE)
            _put(draft, folder, name)
        finally:
            draft.unlink(missing_ok=True)
    elif file.is_relative_to(home.inbox) and os.pardir not in file.parts:
        aside = set_aside(file, seen)
        if aside is None:
            return
        try:
            _put(aside, folder, file.name)
        except OSError:
            put_back(aside)
            raise
        gone(aside)
        manifest_path(file).unlink(missing_ok=True)


def _put(file: Path, folder: Path, name: str) -> None:
    """Give the file a name in the folder that no other file has, also where another process does so at the same moment;
    where the same lies there already, nothing is to be done."""
    while True:
        place = _free_place(folder, name, file)
        if os.path.lexists(place):
            return
        try:
            name_as(file, place)
        except FileExistsError:
            continue
        return


def _free_place(folder: Path, name: str, file: Path) -> Path:
    place, number = folder / name, 1
    while os.path.lexists(place) and not _same(place, file):
        number += 1
        place = folder / f"{Path(name).stem}（{number}）{Path(name).suffix}"
    return place


def _same(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    try:
        return filecmp.cmp(one, other, shallow=False)
    except OSError:  # one that may not be read is kept
        return False
