"""A lake that is brought back from before an erasure: the person is erased in it again."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.intake import open_lake, reference_lake, take
from tests.support.searching import Searcher
from tests.support.two_registers import ELDERS, HOUSEHOLDS, IDS, NAMES, elders, households, put
from typer.testing import CliRunner

from agrilake.commands.main import app
from agrilake.errors import UsageError
from agrilake.intake.keys import KEY_VARIABLE, create_key
from agrilake.lake import audit
from agrilake.lake.erasures import STORED, erasures
from agrilake.lake.files import scan
from agrilake.pipeline import steps
from agrilake.pipeline.context import Lake
from agrilake.pipeline.erasure import erase, finish
from agrilake.recovery.backup import backup
from agrilake.recovery.restore import restore

BY, WHY = "王某", "本人撤回同意"
WHO, OTHER = 1, 2
TRACES = {"id": IDS[WHO], "name": NAMES[WHO], "elder": f"E000000000{WHO}"}


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = create_key(tmp_path / "keys" / "own.key")
    monkeypatch.setenv(KEY_VARIABLE, str(path))
    return path


@pytest.fixture
def lake(tmp_path: Path, key: Path) -> Lake:
    """A lake that was backed up, and then somebody was erased in it."""
    lake = reference_lake(tmp_path / "home")
    lake.ensure_key()
    put(lake, {"agri_farm_household__2024-01": households(0, WHO, OTHER), "civil_elder__2024-01": elders(0, WHO)})
    take(lake)
    for name in (HOUSEHOLDS, ELDERS):
        steps.update_silver(lake, name)
    backup(lake, tmp_path / "tape")
    erase(lake, [IDS[WHO]], BY, WHY)
    return lake


def found(root: Path) -> list[str]:
    return Searcher(TRACES).in_tree(root, leave_out=("inbox",))


def household_ids(lake: Lake) -> list[str]:
    table = scan(lake.home.table("silver", HOUSEHOLDS))
    assert table is not None
    found = sorted(table.select("household_id").collect()["household_id"])
    assert found
    return found


def test_who_was_erased_since_is_erased_again(lake: Lake, tmp_path: Path) -> None:
    done = restore(tmp_path / "tape", tmp_path / "back", erased_in=lake.home.root)
    assert (done.erasures, done.erased) == (1, True)
    assert found(tmp_path / "back") == []
    assert [check.findings for check in done.checks if check.findings] == []
    back = open_lake(tmp_path / "back")
    (act,) = erasures(back.home)
    (before,) = erasures(lake.home)
    assert (act.by, act.reason, act.at, act.marks, act.stage) == (BY, WHY, before.at, before.marks, STORED)
    told = [item.act for item in audit.entries(back.home) if isinstance(item, audit.Entry) and item.act != "ran"]
    assert told[-3:] == ["restored", "erased", "erased"]
    assert household_ids(back) == household_ids(lake)

    put(back, {"agri_farm_household__2024-02": households(WHO, OTHER)})
    take(back)
    assert found(tmp_path / "back") == []


def test_without_the_key_it_is_noted_and_the_first_step_with_it_erases(
    lake: Lake, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "keys" / "none.key"))
    done = restore(tmp_path / "tape", tmp_path / "back", erased_in=lake.home.root)
    assert (done.erasures, done.erased) == (1, False)
    monkeypatch.setenv(KEY_VARIABLE, str(key))
    assert finish(open_lake(tmp_path / "back")) == [1]
    assert found(tmp_path / "back") == []


def test_what_a_backup_knows_already_is_not_done_twice(lake: Lake, tmp_path: Path) -> None:
    backup(lake, tmp_path / "target")
    done = restore(tmp_path / "target", tmp_path / "back", erased_in=lake.home.root)
    assert (done.erasures, done.erased) == (0, False)
    assert len(erasures(open_lake(tmp_path / "back").home)) == 1


def test_the_command_says_what_is_not_known(lake: Lake, tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["restore", str(tmp_path / "tape"), "--to", str(tmp_path / "one")])
    assert said.exit_code == 0, said.output
    assert "is in this lake again; give --erasures HOME" in " ".join(said.output.split())
    wanted = ["restore", str(tmp_path / "tape"), "--to", str(tmp_path / "two"), "--erasures", str(lake.home.root)]
    said = CliRunner().invoke(app, wanted)
    assert said.exit_code == 0, said.output
    assert "1 that the backup did not know are done again" in " ".join(said.output.split())
    with pytest.raises(UsageError, match="is no lake's home"):
        restore(tmp_path / "tape", tmp_path / "three", erased_in=tmp_path / "keys")
    assert not (tmp_path / "three").exists()
