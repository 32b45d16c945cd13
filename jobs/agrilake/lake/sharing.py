"""Files and folders for one group of the operating system, where the machine has it; else for their owner alone."""

from __future__ import annotations

import grp
import os
from pathlib import Path


def give(path: Path, group: str, mode: int = 0o640) -> bool:
    """Let `group` have the part of `mode` that is the group's; without such a group, or without the right to give,
    nobody but the owner has anything. Others never have anything. Returns whether the group has it."""
    alone = mode & 0o700
    path.chmod(alone)
    try:
        number = grp.getgrnam(group).gr_gid
        os.chown(path, -1, number)
    except (KeyError, PermissionError):
        return False
    path.chmod(mode & 0o2770)
    return True
