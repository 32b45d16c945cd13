"""After a whole run: no personal number outside the restricted zones, nor in what the Spark server left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.leaks import leaks, personal_numbers

pytestmark = pytest.mark.spark


def test_no_personal_number_left_the_restricted_zones(small_lake: Path) -> None:
    numbers = personal_numbers(small_lake)
    assert len(numbers) > 100
    assert leaks(small_lake, numbers) == []
    assert leaks(small_lake / "bronze", numbers, ()), "the search finds them where they are"


def test_no_personal_number_in_the_servers_log_and_scratch(small_lake: Path, spark_home: Path) -> None:
    assert list(spark_home.rglob("*.log")), "its log is searched"
    assert leaks(spark_home, personal_numbers(small_lake)) == []
