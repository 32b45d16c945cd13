"""The small committed sample, dropped into a home's inbox."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from agrilake.paths import project_root

SAMPLE = project_root() / "sample_data"


def drop_sample(home: Path) -> None:
    """Copy the committed extracts into the home's inbox, as if they had lain there for a while."""
    for source in sorted((SAMPLE / "inbox").rglob("*")):
        if source.is_file():
            drop(source, home)


def drop(source: Path, home: Path, name: str | None = None, department: str | None = None) -> Path:
    """Drop one file into inbox/<department>/ (default: the folder it comes from), complete and settled."""
    target = home / "inbox" / (department or source.parent.name) / (name or source.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    os.utime(target, (1_700_000_000, 1_700_000_000))
    return target
