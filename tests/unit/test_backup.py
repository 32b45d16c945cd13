"""Backups: what is in them, what they share, that a kill or a damage is no loss, and the lake that comes back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest
from tests.support.intake import open_lake, reference_lake, take
from tests.support.samples import SAMPLE, drop

from agrilake.errors import ConsistencyError, SecretError, UsageError
from agrilake.intake.keys import create_key, key_path
from agrilake.lake.failpoints import BACKUP_POINTS, VARIABLE
from agrilake.pipeline import steps
from agrilake.pipeline.context import Lake
from agrilake.recovery.backup import backup, backups, damaged
from agrilake.recovery.restore import restore
from agrilake.recovery.verify import verify

FIRST = ("commerce/commerce_ecommerce_sales__2024-02.csv", "civil/civil_elder__2024-01.csv")
LATER = "civil/老人数据库__2024-02.xlsx"
KILLED = """
import sys
from pathlib import Path
from tests.support.intake import open_lake
from agrilake.recovery.backup import backup
backup(open_lake(Path(sys.argv[1])), Path(sys.argv[2]), keep=1)
"""


def grow(lake: Lake, *names: str) -> None:
    for name in names:
        drop(SAMPLE / "inbox" / name, lake.home.root)
    take(lake)
    for name in lake.registry.datasets:
        steps.update_silver(lake, name)
    lake.state.record_lake_version(steps.lake_tables(lake))


@pytest.fixture(scope="module", params=["0", "1"], ids=["plain", "sealed"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake, plain or encrypted at rest. Read only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGRILAKE_ENCRYPT", request.param)
        lake = reference_lake(tmp_path_factory.mktemp("backup") / "home")
        grow(lake, *FIRST)
    return lake.home.root


@pytest.fixture
def lake(made: Path, tmp_path: Path) -> Lake:
    return open_lake(Path(shutil.copytree(made, tmp_path / "home", symlinks=True)))


def findings(lake: Lake) -> list[object]:
    return [item for check in verify(lake, deep=True) for item in check.findings]


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_lake_comes_back_whole_and_goes_on(lake: Lake, tmp_path: Path) -> None:
    target = tmp_path / "target"
    done = backup(lake, target)
    assert not done.manifest.missing
    shutil.rmtree(lake.home.root)
    back = restore(target, tmp_path / "elsewhere")
    assert [item for check in back.checks for item in check.findings] == []
    assert back.key == ""
    again = open_lake(tmp_path / "elsewhere")
    assert len(again.state.deliveries()) == done.manifest.deliveries
    grow(again, LATER)
    assert again.state.deliveries("civil_elder")[-1].is_final
    assert findings(again) == []


def test_a_second_backup_costs_what_changed(lake: Lake, tmp_path: Path) -> None:
    target = tmp_path / "target"
    first = backup(lake, target).manifest
    unchanged = backup(lake, target).manifest
    grow(lake, LATER)
    third = backup(lake, target).manifest
    assert first.copied_bytes == first.bytes
    assert unchanged.copied_bytes < 0.3 * first.bytes, "the registry and the audit log alone"
    assert unchanged.copied_bytes < third.copied_bytes < first.copied_bytes
    assert bytes_in(target / "content") == sum(item.copied_bytes for item in (first, unchanged, third))
    assert [item.name for item in backups(target)] == [first.name, unchanged.name, third.name]
    restore(target, tmp_path / "then", first.name)
    assert len(open_lake(tmp_path / "then").state.deliveries()) == first.deliveries


def test_old_backups_go_and_what_others_share_stays(lake: Lake, tmp_path: Path) -> None:
    target = tmp_path / "target"
    backup(lake, target)
    grow(lake, LATER)
    done = backup(lake, target, keep=1)
    assert done.removed == 1
    assert done.freed_bytes > 0
    assert len(backups(target)) == 1
    assert damaged(target) == []
    restore(target, tmp_path / "back")


def test_the_key_is_not_in_it_and_the_lake_says_which_it_needs(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "target"
    backup(lake, target)
    secret = key_path().read_text(encoding="ascii").split(":")[2][:64].strip()
    assert not [path for path in target.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    listed = json.loads(next(target.rglob("manifest.json")).read_text(encoding="utf-8"))["files"]
    assert not [item for item in listed if "secret" in str(item)]
    monkeypatch.setenv("AGRILAKE_KEY_FILE", str(create_key(tmp_path / "keys" / "other.key")))
    back = restore(target, tmp_path / "back")
    assert "needs key k1" in back.key


def test_what_is_damaged_is_named_and_nothing_is_left(lake: Lake, tmp_path: Path) -> None:
    target = tmp_path / "target"
    manifest = backup(lake, target).manifest
    entry = max(manifest.files, key=lambda item: item.bytes)
    file = next(path for path in (target / "content").rglob(f"{entry.sha256}*"))
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert any(entry.path in line for line in damaged(target))
    with pytest.raises(ConsistencyError, match="is damaged") as error:
        restore(target, tmp_path / "back")
    assert entry.path in str(error.value)
    assert not (tmp_path / "back").exists()
    assert not list(tmp_path.glob(".back*"))


@pytest.mark.parametrize("point", BACKUP_POINTS if os.environ.get("AGRILAKE_FULL") else BACKUP_POINTS[1:2])
def test_a_killed_backup_leaves_the_earlier_and_is_run_again(point: str, lake: Lake, tmp_path: Path) -> None:
    target = tmp_path / "target"
    first = backup(lake, target).manifest
    grow(lake, LATER)
    code = [sys.executable, "-c", KILLED, str(lake.home.root), str(target)]
    done = subprocess.run(code, env={**os.environ, VARIABLE: point}, capture_output=True, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    if point in BACKUP_POINTS[:2]:
        assert [item.name for item in backups(target)] == [first.name]
    assert damaged(target) == []
    backup(lake, target, keep=1)
    restore(target, tmp_path / "back")
    assert findings(open_lake(tmp_path / "back")) == []
    assert not [path for path in target.rglob("*") if path.name.endswith((".tmp", ".part"))]


def test_content_encrypted_to_a_recipient_needs_the_identity(lake: Lake, tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    target, file = tmp_path / "target", tmp_path / "identity.txt"
    file.write_text(f"{identity}\n", encoding="ascii")
    backup(lake, target, recipient=str(identity.to_public()))
    raw = b"".join(path.read_bytes() for path in (target / "content").rglob("*") if path.is_file())
    assert "电商".encode() not in raw
    assert b"PAR1" not in raw
    with pytest.raises(SecretError, match="--identity"):
        restore(target, tmp_path / "back")
    restore(target, tmp_path / "back", identity=file)
    assert findings(open_lake(tmp_path / "back")) == []


def test_places_that_would_lose_something_are_refused(lake: Lake, tmp_path: Path) -> None:
    target = tmp_path / "target"
    backup(lake, target)
    with pytest.raises(UsageError, match="not empty"):
        restore(target, lake.home.root)
    with pytest.raises(UsageError, match="inside the lake"):
        backup(lake, lake.home.root / "backups")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        backup(lake, tmp_path / "other")
    with pytest.raises(UsageError, match="no backup"):
        restore(target, tmp_path / "back", "20200101T000000Z")
