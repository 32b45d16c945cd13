"""The kill matrix (`make test-full`): whoever dies wherever, a rerun ends like a run that nobody disturbed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.crash import driver, matrix
from tests.crash.conftest import Undisturbed
from tests.crash.driver import RUN, Kills

from agrilake.lake.failpoints import POINTS, SCHEDULER, SELF, SPARK, UPKEEP_POINTS
from agrilake.pipeline.up import bring_down

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(not os.environ.get("AGRILAKE_FULL"), reason="make test-full kills everybody everywhere"),
]


@pytest.mark.parametrize("kills", [*matrix.COMMAND, *matrix.SERVER], ids=str)
def test_whoever_dies_a_rerun_ends_alike(kills: Kills, base: Path, undisturbed: Undisturbed, tmp_path: Path) -> None:
    home = driver.copied(base if kills.command == RUN else undisturbed(RUN), tmp_path / "home")
    try:
        driver.kill(home, kills)
        driver.run_again(home, kills)
    finally:
        bring_down(home)
    driver.assert_same_lake(home, undisturbed(kills.command))
    driver.assert_nothing_left(home)


def test_the_matrix_is_as_large_as_it_claims() -> None:
    assert {point.partition("/")[0] for row in matrix.COMMAND for point in row.points} == {*POINTS, *UPKEEP_POINTS} - {
        *matrix.RARE
    }
    assert len(matrix.STEPS) >= 14
    assert {kills.victim for kills in matrix.ALL} == {SELF, SPARK, SCHEDULER}
