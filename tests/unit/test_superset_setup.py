"""What a setup of Superset that was cut off leaves behind: the next one begins again (tests/crash kills Superset's)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agrilake.errors import ServiceError
from agrilake.paths import project_root
from agrilake.superset.setup import EXPORTS, setup

SCRIPT = """
import os, sqlite3, sys
database = sqlite3.connect(os.path.join(os.environ["AGRILAKE_HOME"], "superset", "superset.db"))
database.execute("CREATE TABLE made_once (n)")
if os.environ.get("CUT_OFF"):
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose setup script makes a table that can be made only once, as a migration does."""
    folder = tmp_path / "project"
    (folder / EXPORTS).mkdir(parents=True)
    (folder / EXPORTS / "setup_superset.py").write_text(SCRIPT, encoding="utf-8")
    (folder / EXPORTS / "superset_config.py").touch()
    (folder / ".venv-superset" / "bin").mkdir(parents=True)
    (folder / "schemas").symlink_to(project_root() / "schemas")
    for name in ("python", "superset"):
        (folder / ".venv-superset" / "bin" / name).symlink_to(sys.executable)
    monkeypatch.setenv("AGRILAKE_PROJECT", str(folder))
    return folder


def test_a_first_setup_that_was_cut_off_begins_again(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "superset").mkdir(parents=True)
    monkeypatch.setenv("CUT_OFF", "1")
    with pytest.raises(ServiceError, match="exit code -9"):
        setup(home, project)
    monkeypatch.delenv("CUT_OFF")
    assert setup(home, project) is True
    assert setup(home, project) is False
    assert sorted(path.name for path in (home / "superset").iterdir()) == ["imported.json", "superset.db"]


def test_a_database_that_was_once_ready_is_never_thrown_away(project: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert setup(home, project) is True
    (project / EXPORTS / "more.yaml").write_text("a: 1", encoding="utf-8")
    with pytest.raises(ServiceError, match="already exists"):
        setup(home, project)
    assert (home / "superset" / "superset.db").stat().st_size > 0


def test_a_mark_that_was_cut_off_is_no_mark(project: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    setup(home, project)
    mark = home / "superset" / "imported.json"
    mark.write_text(mark.read_text(encoding="utf-8")[:9], encoding="utf-8")
    (project / EXPORTS / "setup_superset.py").write_text("", encoding="utf-8")
    assert setup(home, project) is True
