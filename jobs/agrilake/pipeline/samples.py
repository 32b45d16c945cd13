"""Dropping made extracts into the inbox, as the departments would."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from agrilake.paths import Home

if TYPE_CHECKING:
    from agrilake.sample import SampleManifest

DAY_FILE, DAY = "today", 6


def drop_sample(home: Home, **arguments: object) -> SampleManifest:
    """Make a sample under <home>/sample (the truth stays there) and copy its files into the inbox.

    `arguments` are those of `agrilake.sample.generate`. Raises FileExistsError where a sample was made before.
    """
    from agrilake.sample import generate  # slow to import, and each step asks for the sample's day alone

    made = generate(home.root / "sample", **arguments)  # type: ignore[arg-type]
    months = json.loads((made.truth / "summary.json").read_text(encoding="utf-8"))["months"]
    (home.root / "sample" / DAY_FILE).write_text(_day_after(months[-1]).isoformat(), encoding="ascii")
    drop(made.inbox, home.inbox)
    return made


def sample_day(home: Home) -> date | None:
    """The day on which a lake of samples lives; None for a lake that has real deliveries alone."""
    file = home.root / "sample" / DAY_FILE
    return date.fromisoformat(file.read_text(encoding="ascii").strip()) if file.exists() else None


def _day_after(month: str) -> date:
    """The sixth day of the month after: everything is delivered, nothing new is due yet."""
    year, number = (int(part) for part in month.split("-"))
    return date(year + number // 12, number % 12 + 1, DAY)


def drop(source: Path, inbox: Path) -> None:
    """Copy `source`/<department>/<file> into the inbox, in the order of their modification times."""
    files = [path for path in source.rglob("*") if path.is_file()]
    for path in sorted(files, key=lambda item: (item.stat().st_mtime, item.name)):
        target = inbox / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.part")
        shutil.copy2(path, draft)
        draft.rename(target)
