"""Who is killed where: the kill matrix as data. A new step's points are named here by their tuple alone."""

from __future__ import annotations

from tests.crash.driver import Kill
from tests.crash.wave import LARGE_GOLD, LARGE_SILVER

from agrilake.lake.failpoints import (
    POINTS,
    PUBLICATION_POINTS,
    SCHEDULER,
    SELF,
    SPARK,
    TABLE_POINTS,
    UPKEEP_POINTS,
    commit_points,
)

UPKEEP = ("maintain", "--keep-hours", "0")
OF_LARGE = (
    *(f"{point}/{LARGE_SILVER}" for point in commit_points("silver")),
    *(f"{point}/{LARGE_GOLD}" for point in commit_points("gold")),
)
RARE = ("table_summed_up",)
"""Reached after twenty commits: tests/unit/test_upkeep.py kills there."""

COMMAND = [
    *(Kill(point) for point in (*POINTS, *OF_LARGE)),
    *(Kill(point, command=UPKEEP) for point in UPKEEP_POINTS if point not in RARE),
]
"""The command line's process dies."""
SERVER = [Kill(point, SPARK) for point in (*OF_LARGE, *TABLE_POINTS, *PUBLICATION_POINTS[:1])]
"""The Spark server dies under the command."""
TASKS = [
    ("landing_drafted", "bronze_committed", "silver_writing", "gold_committed", "publication_leader"),
    ("landing_renamed", "quarantine_committed", "silver_committed", "suite_judged", "indicators_committed"),
    ("landed", "accepted_committed", f"silver_committed/{LARGE_SILVER}", f"gold_committed/{LARGE_GOLD}"),
    ("received", "recorded", "silver_applied", "gold_written", "publication_made"),
    ("refused", "receipt_drafted", "suite_recorded", "indicators_written", "publication_swapped"),
]
"""Tasks of Airflow die, each at its first point: a wave of files for each line."""
SERVICES = [
    ("accepted_committed", SCHEDULER),
    (f"silver_committed/{LARGE_SILVER}", SCHEDULER),
    ("gold_writing", SCHEDULER),
    ("publication_described", SCHEDULER),
    (f"silver_committed/{LARGE_SILVER}", SPARK),
    (f"gold_writing/{LARGE_GOLD}", SPARK),
]
"""Under Airflow a service dies: a wave of files for each line."""
PAIRS = len(COMMAND) + len(SERVER) + sum(map(len, TASKS)) + len(SERVICES)

__all__ = ["COMMAND", "PAIRS", "SELF", "SERVER", "SERVICES", "TASKS", "UPKEEP"]
