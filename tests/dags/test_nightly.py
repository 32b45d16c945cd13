"""What the maintenance DAG does after its upkeep: the lake is looked through and backed up."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.intake import open_lake, reference_lake

from agrilake.errors import UsageError
from agrilake.pipeline import endings
from agrilake.pipeline.context import Lake
from agrilake.recovery import nightly
from agrilake.recovery.backup import backups


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    found = reference_lake(tmp_path / "home")
    found.ensure_key()
    monkeypatch.setattr(endings, "open_lake", lambda: open_lake(found.home.root))
    return found


def test_what_is_not_whole_is_a_line_of_the_status_until_it_is(lake: Lake) -> None:
    assert nightly.verify() > 0
    landed = next(path for path in lake.home.landing.glob("*/*") if path.is_file())
    content = landed.read_bytes()
    landed.chmod(0o600)
    landed.write_bytes(content[:-1])
    with pytest.raises(endings.SomeFailed, match=r"not whole \(landing\)"):
        nightly.verify()
    (line,) = [item.line for item in lake.state.open_failures()]
    assert line.startswith("verify landing: 1 found, the first: landing/")
    landed.write_bytes(content)
    nightly.verify()
    assert lake.state.open_failures() == []


def test_a_backup_is_made_where_a_target_is_set(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert nightly.back_up() is None
    target = tmp_path / "elsewhere"
    monkeypatch.setenv(nightly.TARGET, str(target))
    monkeypatch.setenv(nightly.KEEP, "1")
    names = [nightly.back_up() for _ in range(2)]
    assert [item.name for item in backups(target)] == names[1:]
    monkeypatch.setenv(nightly.KEEP, "all")
    with pytest.raises(UsageError, match="expected how many"):
        nightly.back_up()
