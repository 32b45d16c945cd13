"""Whether the lake is whole: one check after the other, each with what it looked at and what it found."""

from __future__ import annotations

import time
from dataclasses import dataclass

from agrilake.pipeline.context import Lake
from agrilake.pipeline.steps import lake_tables, readable
from agrilake.publish import current_publication
from agrilake.recovery.deliveries import check_landing, check_receipts, check_registry, check_rows
from agrilake.recovery.folders import check_audit, check_folders
from agrilake.recovery.looking import Check, Finding, Found, Looking
from agrilake.recovery.shown import check_publications, check_records
from agrilake.recovery.stored import check_gold, check_logs, check_silver

CHECKS = (
    Check("registry", "the registry is sound, counts of deliveries add up", check_registry),
    Check("landing", "every file that came is there, unaltered", check_landing),
    Check("rows", "bronze, accepted and quarantine hold what was counted", check_rows),
    Check("silver", "silver is what its deliveries add up to", check_silver),
    Check("gold", "gold rows lead to accepted lines", check_gold),
    Check("logs", "every kept version has its files, no log has a gap", check_logs),
    Check("publications", "publications are as they were made", check_publications),
    Check("records", "what stays of publications is unaltered", check_records),
    Check("receipts", "every delivery has its receipt", check_receipts),
    Check("folders", "restricted files are closed to others, nothing lies about", check_folders),
    Check("audit", "the audit log is whole", check_audit),
)
TRIES = 3
PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class Checked:
    """One check's outcome: how many things it looked at, what it found, and how long it took."""

    id: str
    title: str
    looked: int
    findings: list[Finding]
    seconds: float


def verify(lake: Lake, deep: bool = False) -> list[Checked]:
    """Run all checks; nothing is changed.

    The lake may be running: a check that finds something while the lake moved on looks again, so what was only on its
    way is no finding. A check that fails itself is a finding too, and the others go on.
    """
    done = []
    looking, mark = Looking(lake, deep), _mark(lake)
    for check in CHECKS:
        started = time.monotonic()
        for attempt in range(1, TRIES + 1):
            found = _run(check, looking)
            after = _mark(lake) if found.findings else mark
            if after == mark or attempt == TRIES:
                break
            time.sleep(PAUSE_SECONDS)
            looking, mark = Looking(lake, deep), _mark(lake)
        seconds = round(time.monotonic() - started, 2)
        done.append(Checked(check.id, check.title, found.looked, found.findings, seconds))
    return done


def _run(check: Check, looking: Looking) -> Found:
    found = Found()
    try:
        check.run(looking, found)
    except Exception as error:  # one broken part must not keep the others from being looked at
        remedy = "mend what the other checks name, then look again"
        found.add(f"it could not be checked: {readable(error)}", check.id, remedy)
    return found


def _mark(lake: Lake) -> object:
    """Changes whenever the lake does; a lake that is too broken to tell does not move."""
    try:
        current = current_publication(lake.home)
        return lake.state.deliveries(), lake_tables(lake), current and current.version
    except Exception:
        return None
