"""The home itself: who may read what, what killed processes left behind, the audit log."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from pathlib import Path

from agrilake.paths import RESTRICTED
from agrilake.pipeline.audited import audit_findings
from agrilake.publish.model import ANALYST, LEADER
from agrilake.recovery.looking import AGAIN, FROM_BACKUP, Found, Looking

MODES = {f"{LEADER}.duckdb": 0o640, f"{ANALYST}.duckdb": 0o600}
LEFT = (".tmp", ".part", ".old")
AT_WORK_SECONDS = 3600
"""What is younger may belong to a process that is at work."""


def check_folders(looking: Looking, found: Found) -> None:
    """Restricted folders and files are for their owner alone; nothing half-made lies about."""
    home = looking.lake.home
    for name in RESTRICTED:
        path = home.root / name
        if path.is_dir():
            found.looked += 1
            _check_mode(path, 0o700, name, found)
    landed = (path for path in home.landing.rglob("*") if not path.name.startswith("."))
    published = (path for path in home.publications.rglob("*.duckdb"))
    for path in (*landed, *published):
        found.looked += 1
        allowed = 0o700 if path.is_dir() else MODES.get(path.name, 0o600)
        _check_mode(path, allowed, path.relative_to(home.root).as_posix(), found)
    for path in _left(looking):
        found.add("something half-made that no process is at work on", path.relative_to(home.root).as_posix(), AGAIN)


def check_audit(looking: Looking, found: Found) -> None:
    """The chain of the audit log holds, and all deliveries that came since it was opened stand in it."""
    found.looked += len(looking.deliveries)
    for line in audit_findings(looking.lake):
        found.add(line, "audit/audit.jsonl", f"find out who changed it; {FROM_BACKUP}")


def _check_mode(path: Path, allowed: int, where: str, found: Found) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & ~allowed & 0o077:
        found.add(f"others may read it (mode {mode:o}, at most {allowed:o})", where, f"chmod {allowed:o}")


def _left(looking: Looking) -> Iterator[Path]:
    """Half-made files and folders of the landing zone, the publications, their records and the outbox."""
    home, before = looking.lake.home, time.time() - AT_WORK_SECONDS
    for folder in (home.landing, home.publications, home.published, home.outbox):
        for path in sorted(folder.rglob("*")):
            half = path.name.endswith(LEFT) or path.name.startswith(".taking-")
            if half and path.lstat().st_mtime < before and path.is_relative_to(home.root):
                yield path
