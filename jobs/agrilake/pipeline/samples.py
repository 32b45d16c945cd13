"""Dropping made extracts into the inbox, as the departments would."""

from __future__ import annotations

import shutil
from pathlib import Path

from agrilake.paths import Home
from agrilake.sample import SampleManifest, generate


def drop_sample(home: Home, **arguments: object) -> SampleManifest:
    """Make a sample under <home>/sample (the truth stays there) and copy its files into the inbox.

    `arguments` are those of `agrilake.sample.generate`. Raises FileExistsError where a sample was made before.
    """
    made = generate(home.root / "sample", **arguments)  # type: ignore[arg-type]
    drop(made.inbox, home.inbox)
    return made


def drop(source: Path, inbox: Path) -> None:
    """Copy `source`/<department>/<file> into the inbox, in the order of their modification times."""
    files = [path for path in source.rglob("*") if path.is_file()]
    for path in sorted(files, key=lambda item: (item.stat().st_mtime, item.name)):
        target = inbox / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.part")
        shutil.copy2(path, draft)
        draft.rename(target)
