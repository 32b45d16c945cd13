"""Named points at which the crash tests end the process, as a power cut would: SIGKILL, no clean-up.

Nothing happens unless AGRILAKE_FAILPOINT names the point.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "AGRILAKE_FAILPOINT"
POINTS = (
    "landed",
    "received",
    "bronze_written",
    "quarantine_written",
    "accepted_written",
    "recorded",
    "receipt_written",
    "silver_written",
    "silver_applied",
    "suite_recorded",
    "gold_written",
    "indicators_written",
    "publication_leader",
    "publication_analyst",
    "publication_roles",
    "publication_layers",
    "publication_made",
    "publication_swapped",
)
UPKEEP_POINTS = ("table_compacted", "table_cleaned")
"""Points of `agrilake maintain`; all others are points of `agrilake run`."""


def reach(point: str) -> None:
    """The process is at `point` (ValueError unless one of the lists): die here if the environment says so."""
    if point not in (*POINTS, *UPKEEP_POINTS):
        raise ValueError(f"{point!r} is not in failpoints.POINTS or UPKEEP_POINTS, so no crash test would try it")
    if os.environ.get(VARIABLE) == point:
        os.kill(os.getpid(), signal.SIGKILL)
