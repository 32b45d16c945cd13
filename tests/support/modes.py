"""Who may read what of a home: everything that others may do, found by walking it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

OTHERS = 0o077
OPENED = {"publications": 0o755, "docs": 0o755, "outbox": 0o755, "inbox": 0o755}
"""What others may at most do with what lies in these folders of a home; elsewhere nothing."""


def reachable(home: Path) -> Iterator[tuple[str, str]]:
    """Files and folders below the home on which others have a right that they should not have: (path, mode)."""
    for path in sorted(home.rglob("*")):
        if path.is_symlink():
            continue
        top = path.relative_to(home).parts[0]
        allowed = OPENED.get(top, 0o700)
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & ~allowed & OTHERS:
            yield path.relative_to(home).as_posix(), oct(mode)
