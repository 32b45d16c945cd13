"""What Airflow's tasks do by night: look whether the lake is whole, and copy it elsewhere.

Heavy modules are imported inside the functions, as in agrilake.pipeline.tasks.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from agrilake.errors import UsageError
from agrilake.pipeline import endings

log = logging.getLogger("agrilake")
VERIFY = "verify"
"""The step under which `agrilake status` shows a check of `agrilake verify` that found something."""
TARGET, KEEP, RECIPIENT = "AGRILAKE_BACKUP_TARGET", "AGRILAKE_BACKUP_KEEP", "AGRILAKE_BACKUP_RECIPIENT"
KEPT = "14"


def verify() -> int:
    """Look whether the lake is whole; how many things were looked at. Raises SomeFailed where something is found: each
    check then has a line of its own in the status, until it finds nothing."""
    from agrilake.recovery.verify import verify as verify_lake

    lake, wrong = endings.open_lake(), []
    checks = verify_lake(lake)
    for check in checks:
        lake.state.resolve_failures(VERIFY, check.id)
        if check.findings:
            first = check.findings[0]
            said = f"{len(check.findings)} found, the first: {first.where}: {first.what}; agrilake verify names all"
            lake.state.record_failure(VERIFY, check.id, said)
            wrong.append(check.id)
    if wrong:
        raise endings.SomeFailed(f"the lake is not whole ({', '.join(wrong)}); agrilake verify says what and where")
    return sum(check.looked for check in checks)


def back_up() -> str | None:
    """Back the lake up to AGRILAKE_BACKUP_TARGET; the backup's name, None where no target is set. Raises UsageError
    for settings that cannot be meant, and as `backup`."""
    from agrilake.recovery.backup import backup

    target = os.environ.get(TARGET)
    if not target:
        log.info("no backup: %s is not set", TARGET)
        return None
    keep = os.environ.get(KEEP) or KEPT
    if not keep.isdigit() or int(keep) < 1:
        raise UsageError(f"{KEEP} is {keep!r}; expected how many backups stay, such as {KEPT}")
    recipient = os.environ.get(RECIPIENT) or None
    return backup(endings.open_lake(), Path(target), int(keep), recipient).manifest.name
