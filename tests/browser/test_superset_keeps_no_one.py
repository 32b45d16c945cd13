"""After the pages were looked at: no personal number in Superset's database, its caches and logs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.browser.dashboards import Dashboards
from tests.support.leaks import leaks, personal_numbers

pytestmark = [pytest.mark.browser, pytest.mark.superset, pytest.mark.slow]


def test_no_personal_number_in_what_superset_keeps(dashboards: Dashboards, lake_home: Path) -> None:
    numbers = personal_numbers(lake_home)
    assert len(numbers) > 100
    assert any((dashboards.home / "superset").rglob("*.db")), "its database is searched"
    assert leaks(dashboards.home, numbers) == []
