"""File modes: what is restricted is its owner's alone, whatever the umask was, and receipts reach their department."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.intake import open_lake, reference_lake, take
from tests.support.modes import reachable
from tests.support.two_registers import elders, households, put, to_silver

from agrilake.lake import audit
from agrilake.paths import RESTRICTED, Home
from agrilake.services import process
from agrilake.suites.docs import quality_folder, write_quality_docs


@pytest.fixture(autouse=True)
def careless() -> Iterator[None]:
    """A umask by which everybody could read."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_after_an_intake_nothing_restricted_is_open_to_others(tmp_path: Path) -> None:
    lake = reference_lake(tmp_path / "home")
    put(lake, {"agri_farm_household__2024-01": households(0, 1, 2), "civil_elder__2024-01": [*elders(0, 1), ["E1"]]})
    take(lake)
    to_silver(lake)
    audit.record(lake.home, "ran", "test")
    assert list(reachable(lake.home.root)) == []
    for name in RESTRICTED:
        assert mode(lake.home.root / name) == 0o700, name
    written = [path for path in lake.home.root.rglob("*") if path.is_file()]
    assert {"landing", "bronze", "accepted", "silver", "quarantine", "state", "audit", "outbox"} <= {
        path.relative_to(lake.home.root).parts[0] for path in written
    }


def test_receipts_are_for_the_group_of_their_folder(tmp_path: Path) -> None:
    lake = reference_lake(tmp_path / "home")
    (lake.home.outbox / "agri").mkdir()
    (lake.home.outbox / "agri").chmod(0o2750)  # as an administrator has set it, with the department's group
    put(lake, {"agri_farm_household__2024-01": households(0), "civil_elder__2024-01": elders(0)})
    take(lake)
    assert mode(lake.home.outbox / "agri") == 0o2750
    assert mode(lake.home.outbox / "civil") == 0o750
    receipts = [path for path in lake.home.outbox.rglob("*") if path.is_file()]
    assert {mode(path) for path in receipts} == {0o640}
    assert len({path.parent.name for path in receipts} & {"agri", "civil"}) == 2


def test_a_refused_file_comes_back_readable_for_its_department(tmp_path: Path) -> None:
    lake = reference_lake(tmp_path / "home")
    put(lake, {"agri_farm_household__2024-01": [["农户编号", "所在村"]]})
    take(lake)
    back = [path for path in (lake.home.inbox / "agri" / "退回").iterdir() if path.is_file()]
    assert [mode(path) for path in back] == [0o640]


def test_folders_that_are_there_keep_their_modes_but_the_restricted_ones(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home").prepare()
    home.inbox.chmod(0o1777)
    home.publications.chmod(0o750)
    for name in RESTRICTED:
        (home.root / name).chmod(0o755)
    open_lake(home.root)
    assert (mode(home.inbox), mode(home.publications), mode(home.root)) == (0o1777, 0o750, 0o711)
    assert {mode(home.root / name) for name in RESTRICTED} == {0o700}


def test_quality_pages_are_for_everybody(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home").prepare()
    index = write_quality_docs(home, [])
    assert (mode(index), mode(quality_folder(home)), mode(home.docs)) == (0o644, 0o755, 0o755)


def test_what_a_service_writes_is_its_owners_alone(tmp_path: Path) -> None:
    argv = ("/bin/sh", "-c", "echo secret > made; mkdir folder")
    process.start(tmp_path, process.Command("writer", argv, dict(os.environ), tmp_path))
    for _ in range(100):
        if (tmp_path / "folder").is_dir():
            break
        process.time.sleep(0.05)
    process.stop(tmp_path, "writer")
    assert (mode(tmp_path / "made"), mode(tmp_path / "folder")) == (0o600, 0o700)
