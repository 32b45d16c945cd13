"""Settling and landing: complete files only, never through links, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import stat
import threading
import time
from pathlib import Path

import pytest

from agrilake.contract.settings import Limits
from agrilake.errors import RefusedFile
from agrilake.intake.landing import DiskFull, StillChanging, landing_path, store
from agrilake.intake.manifest import manifest_path
from agrilake.intake.settle import candidates, check_place, settled
from agrilake.paths import Home

LIMITS = Limits()
DATA = "农户编号,户主姓名\n".encode("gb18030") * 1000


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("AGRILAKE_INBOX", "AGRILAKE_OUTBOX"):
        monkeypatch.delenv(name, raising=False)
    made = Home.at(tmp_path / "home").prepare()
    (made.inbox / "agri").mkdir()
    return made


def dropped(home: Home, name: str = "农户__2024-05.csv", data: bytes = DATA) -> Path:
    path = home.inbox / "agri" / name
    path.write_bytes(data)
    return path


def left_over(home: Home) -> list[str]:
    return [path.name for path in home.landing.rglob("*") if path.is_file()]


def test_a_file_lands_under_its_sum_and_cannot_be_written(home: Home) -> None:
    landed = store(dropped(home), home, LIMITS)
    digest = hashlib.sha256(DATA).hexdigest()
    assert (landed.sha256, landed.bytes, landed.path) == (digest, len(DATA), landing_path(home, digest))
    assert landed.path.read_bytes() == DATA
    assert stat.S_IMODE(landed.path.stat().st_mode) == 0o400
    for folder in (landed.path.parent, home.landing):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_same_bytes_land_once(home: Home) -> None:
    first = store(dropped(home), home, LIMITS)
    inode = first.path.stat().st_ino
    assert store(dropped(home, "another.csv"), home, LIMITS) == first
    assert first.path.stat().st_ino == inode
    assert left_over(home) == [first.sha256]


def test_links_pipes_and_folders_are_refused(home: Home) -> None:
    target = dropped(home)
    link, pipe = home.inbox / "agri" / "link.csv", home.inbox / "agri" / "pipe.csv"
    link.symlink_to(target)
    os.mkfifo(pipe)
    for path, code in ((link, "symlink"), (pipe, "unreadable"), (home.inbox / "agri", "unreadable")):
        with pytest.raises(RefusedFile) as caught:
            store(path, home, LIMITS)
        assert caught.value.code == code
    assert left_over(home) == []
    assert candidates(home.inbox) == sorted([target, link, pipe])


def test_a_file_that_may_not_be_read(home: Home) -> None:
    path = dropped(home)
    path.chmod(0)
    home.inbox.parent.parent.chmod(0o755)
    child = os.fork()
    if child == 0:  # root reads everything: ask as nobody
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            store(path, home, LIMITS)
        except RefusedFile as refusal:
            os._exit(0 if refusal.code == "unreadable" else 1)
        except BaseException:
            os._exit(2)
        os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_full_disk_leaves_nothing_half_written(home: Home) -> None:
    """The limit on file size stands for the end of the disk: the same error path, from the real system call."""
    path = dropped(home, data=b"x" * 3_000_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, before[1]))
    try:
        with pytest.raises(DiskFull, match="no room"):
            store(path, home, LIMITS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert left_over(home) == []
    assert path.exists()
    store(path, home, LIMITS)


def test_too_large(home: Home) -> None:
    with pytest.raises(RefusedFile, match="too_large"):
        store(dropped(home), home, Limits(max_bytes=100))
    assert left_over(home) == []


def test_a_file_that_grows_while_it_is_copied_is_not_taken(home: Home) -> None:
    path = dropped(home, data=b"x" * 40_000_000)
    stop = threading.Event()

    def write() -> None:
        with path.open("ab") as target:
            while not stop.is_set():
                target.write(b"more")
                target.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(StillChanging):
            store(path, home, LIMITS)
    finally:
        stop.set()
        writer.join()
    assert left_over(home) == []


def manifest(path: Path, data: bytes, **changes: object) -> None:
    content = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), **changes}
    manifest_path(path).write_text(json.dumps(content), encoding="utf-8")


def test_settled_after_the_quiet_time(home: Home) -> None:
    path, now = dropped(home), time.time()
    os.utime(path, (0, 0))  # a program that copies sets the modification time to that of the original
    assert not settled(path, 5, now)
    assert settled(path, 5, now + 6)
    assert not settled(path.with_name("gone.csv"), 5, now)


def test_settled_at_once_with_a_matching_manifest(home: Home) -> None:
    path = dropped(home)
    manifest(path, DATA)
    assert settled(path, 60, time.time())
    store(path, home, LIMITS)


def test_a_file_shorter_than_its_manifest_is_waited_for(home: Home) -> None:
    path = dropped(home, data=DATA[:100])
    manifest(path, DATA)
    now = time.time()
    assert not settled(path, 5, now + 20)
    assert settled(path, 5, now + 60)
    with pytest.raises(RefusedFile, match="manifest_mismatch"):
        store(path, home, LIMITS)
    assert left_over(home) == []


def test_a_manifest_of_other_bytes_is_refused(home: Home) -> None:
    path = dropped(home)
    manifest(path, DATA, sha256="0" * 64)
    assert not settled(path, 5, time.time())
    with pytest.raises(RefusedFile, match="manifest_mismatch"):
        store(path, home, LIMITS)


def test_candidates_leave_out_what_is_no_delivery(home: Home) -> None:
    wanted = dropped(home)
    manifest(wanted, DATA)
    for name in (".hidden.csv", "~$农户__2024-05.xlsx", "农户__2024-05.csv.part", "x.tmp"):
        dropped(home, name)
    (home.inbox / "agri" / "退回").mkdir()
    (home.inbox / "agri" / "退回" / "old.csv").write_bytes(b"x")
    assert candidates(home.inbox) == [wanted]
    assert candidates(home.root / "nowhere") == []


def test_places_outside_a_departments_folder(home: Home, tmp_path: Path) -> None:
    good = dropped(home)
    check_place(good, home.inbox)
    deep = home.inbox / "agri" / "deep" / "x.csv"
    deep.parent.mkdir()
    deep.write_bytes(b"x")
    (home.inbox / "link").symlink_to(tmp_path)
    (tmp_path / "x.csv").write_bytes(b"x")
    cases = (
        (deep, "bad_name"),
        (home.inbox / "agri" / ".." / "agri" / good.name, "bad_name"),
        (tmp_path / "x.csv", "bad_name"),
        (home.inbox / "link" / "x.csv", "symlink"),
        (home.inbox / "agri" / "nothing.csv", "unreadable"),
    )
    for path, code in cases:
        with pytest.raises(RefusedFile) as caught:
            check_place(path, home.inbox)
        assert caught.value.code == code
