"""The import into Superset, killed at its points (`make test-full`): the next one ends as if nothing had been."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agrilake.errors import ServiceError
from agrilake.lake.failpoints import SUPERSET_POINTS, VARIABLE
from agrilake.paths import project_root
from agrilake.superset.setup import setup

pytestmark = [
    pytest.mark.superset,
    pytest.mark.skipif(not os.environ.get("AGRILAKE_FULL"), reason="make test-full kills everybody everywhere"),
]
HELD = {
    "dashboards": "SELECT slug, dashboard_title FROM dashboards ORDER BY slug",
    "slices": "SELECT slice_name, viz_type FROM slices ORDER BY uuid",
    "tables": "SELECT table_name FROM tables ORDER BY uuid",
    "dashboard_slices": "SELECT count(*) FROM dashboard_slices",
    "dbs": "SELECT database_name FROM dbs ORDER BY uuid",
    "ab_user": "SELECT username FROM ab_user ORDER BY username",
    "ab_role": "SELECT name FROM ab_role ORDER BY name",
    "grants": "SELECT count(*) FROM ab_permission_view_role",
}


def held(home: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(home / "superset" / "superset.db")) as connection:
        return {name: connection.execute(query).fetchall() for name, query in HELD.items()}


def test_an_import_that_was_killed_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, killed, armed = tmp_path / "whole", tmp_path / "killed", tmp_path / "armed"
    assert setup(whole, project_root()) is True
    armed.write_text("\n".join(SUPERSET_POINTS), encoding="utf-8")
    monkeypatch.setenv(VARIABLE, f"@{armed}")
    for number in range(1, len(SUPERSET_POINTS) + 1):
        with pytest.raises(ServiceError, match="exit code -9"):
            setup(killed, project_root())
        assert len(armed.read_text(encoding="utf-8").split()) == len(SUPERSET_POINTS) - number
    assert setup(killed, project_root()) is True
    assert held(killed) == held(whole)
    assert setup(killed, project_root()) is False
    assert sorted(path.name for path in (killed / "superset").iterdir()) == sorted(
        path.name for path in (whole / "superset").iterdir()
    )
