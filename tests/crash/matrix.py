"""The kill matrix as data: the points of each step, and who dies there. A new step is named here by its tuple alone."""

from __future__ import annotations

from itertools import zip_longest

from tests.crash.driver import Kills
from tests.crash.wave import LARGE_GOLD, LARGE_SILVER

from agrilake.lake.failpoints import PUBLICATION_POINTS, SCHEDULER, SPARK, UPKEEP_POINTS, commit_points

INTAKE = (
    ("landing_drafted", "landing_renamed", "landed"),
    ("received", "manifest_cleared"),
    ("refused", "given_back"),
    *(commit_points(layer) for layer in ("bronze", "quarantine", "accepted")),
    ("recorded", "receipt_drafted", "receipt_written"),
)
SILVER = (
    ("table_created",),
    (*commit_points("silver"), "silver_applied"),
    tuple(f"{point}/{LARGE_SILVER}" for point in commit_points("silver")),
    ("suite_judged", "suite_recorded"),
)
GOLD = (
    commit_points("gold"),
    tuple(f"{point}/{LARGE_GOLD}" for point in commit_points("gold")),
    commit_points("indicators"),
)
STEPS = (*INTAKE, *SILVER, *GOLD, PUBLICATION_POINTS)
UPKEEP = ("maintain", "--keep-hours", "0")
FIRST = 3
_PUBLISH = ("publication_leader", "publication_made", "publication_swapped")
RARE = ("table_summed_up",)
"""Reached after twenty commits: tests/unit/test_upkeep.py kills there."""


def rows(*steps: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The first points of all steps, in order, then the second ones, the third ones, and what is left."""
    found = [tuple(point for point in row if point) for row in zip_longest(*(step[:FIRST] for step in steps))]
    rest = tuple(point for step in steps for point in step[FIRST:])
    return [*found, rest] if rest else found


COMMAND = [
    *(Kills(row) for row in rows(*STEPS)),
    Kills(tuple(point for point in UPKEEP_POINTS if point not in RARE), command=UPKEEP),
]
"""The command's own process dies: of a row at one point after the other, a run for each."""
SERVER = [Kills(row, SPARK) for row in rows(*GOLD, PUBLICATION_POINTS[:1])]
"""The Spark server dies under the command."""
TASKS = [
    Kills(("landing_drafted", "bronze_committed", f"silver_committed/{LARGE_SILVER}", "gold_committed", *_PUBLISH[:1])),
    Kills(("received", "recorded", "silver_writing", "suite_judged", "indicators_committed", *_PUBLISH[1:2])),
    Kills(("refused", "accepted_committed", "silver_applied", f"gold_written/{LARGE_GOLD}", *_PUBLISH[2:])),
]
"""Tasks of Airflow die, about one of a kind in a wave of files: each is tried again by Airflow itself."""
SERVICES = [
    Kills(("accepted_committed",), SCHEDULER),
    Kills((f"silver_committed/{LARGE_SILVER}",), SCHEDULER),
    Kills(("gold_committed", "publication_described"), SCHEDULER),
    Kills((f"gold_writing/{LARGE_GOLD}", "indicators_committed"), SPARK),
]
"""Under Airflow a service dies."""
ALL = (*COMMAND, *SERVER, *TASKS, *SERVICES)
PAIRS = sum(len(kills.points) for kills in ALL)
