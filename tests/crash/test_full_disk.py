"""A disk that is full at one step after the other (`make test-full`): a line each, nothing lost, the work ends."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.crash import driver
from tests.crash.driver import Kills
from tests.support.lakes import agrilake

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(not os.environ.get("AGRILAKE_FULL"), reason="make test-full fills a disk"),
]
LEFT = (0, 200_000, 500_000, 1_000_000, 2_000_000, 4_000_000)
"""Bytes that are free: too few to land a file, for bronze, for silver, for gold, for a publication."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160m", "agrilake-test", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Fill the disk up to `leave` bytes."""
    status, filler = os.statvfs(disk), disk / "filler"
    filler.write_bytes(bytes(max(0, status.f_bavail * status.f_frsize - leave)))
    return filler


def test_a_full_disk_is_a_line_and_nothing_is_lost(base: Path, reference: Path, small_disk: Path) -> None:
    home = driver.copied(base, small_disk / "home")
    ends = []
    for leave in LEFT:
        filler = fill(small_disk, leave)
        ended = agrilake(home, "run")
        ends.append(ended.returncode)
        assert "Traceback" not in ended.stderr, f"{leave}: {ended.stderr[-3000:]}"
        if ended.returncode:
            assert ended.returncode == 1, f"{leave}: {ended.stderr[-2000:]}"
            said = (ended.stdout + ended.stderr).replace("\n", "")
            assert "no room in" in said or "disk full" in said or "disk is full" in said, f"{leave}: {said}"
        filler.unlink()
        driver.assert_publication_whole(home)
    assert ends[:3] == [1, 1, 1]
    driver.run_again(home, Kills(()))
    driver.assert_same_lake(home, reference, same_order=False)  # what was too large for a while came later
    driver.assert_nothing_left(home)
