"""A file leaves the inbox: the very one that was taken, and none that its department put in its place meanwhile.

Looking and removing are two acts between which a file can be replaced. So it is moved aside first, where nobody else
puts anything, and looked at there; another one goes back to its place.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from agrilake.intake.settle import REFUSED_FOLDER, Identity, identity

ASIDE = ".leaving-"


def set_aside(path: Path, seen: Identity | None) -> Path | None:
    """The file, moved to a folder of its own beside its place; None where it is not there, or is not the one that was
    `seen`: then it stays. Who holds it ends with `gone` or `put_back`."""
    if seen is None or identity(path) != seen:
        return None
    aside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=path.parent)) / path.name
    try:
        path.rename(aside)
    except FileNotFoundError:
        aside.parent.rmdir()
        return None
    except OSError:
        aside.parent.rmdir()
        raise
    if identity(aside) == seen:
        return aside
    put_back(aside)
    return None


def put_back(aside: Path) -> None:
    """To its place again, unless its department has put another one there, which would have replaced it."""
    with suppress(FileExistsError):
        name_as(aside, aside.parent.parent / aside.name)
    gone(aside)


def gone(aside: Path) -> None:
    """The file leaves for good."""
    aside.unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        aside.parent.rmdir()


def put_all_back(inbox: Path) -> None:
    """What those who died on the way have left aside."""
    for folder in list(_left(inbox)):
        for aside in folder.iterdir():
            put_back(aside)
        with suppress(FileNotFoundError):
            folder.rmdir()


def _left(inbox: Path) -> Iterator[Path]:
    for folder, names, _ in os.walk(inbox):
        yield from (Path(folder) / name for name in names if name.startswith(ASIDE))
        names[:] = [name for name in names if not name.startswith(".") and name != REFUSED_FOLDER]


def name_as(file: Path, place: Path) -> None:
    """Give the file (a link as it is) a second name, or move it where there are no second names.

    Raises FileExistsError where the name is taken.
    """
    try:
        os.link(file, place, follow_symlinks=False)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # a file system without hard links, such as a share of another system
        if os.path.lexists(place):
            raise FileExistsError(place) from None
        file.rename(place)
