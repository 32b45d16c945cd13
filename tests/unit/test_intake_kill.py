"""The intake killed at its points, one after the other, and receipts that the outbox does not take."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.intake import open_lake, reference_lake, rows_of, take
from tests.support.lakes import files, tables
from tests.support.samples import SAMPLE, drop
from tests.support.take_once import take_once

from agrilake.errors import AgrilakeError
from agrilake.intake.landing import landing_path, store
from agrilake.lake.failpoints import INTAKE_POINTS, VARIABLE
from agrilake.pipeline import intake
from agrilake.pipeline.context import Lake
from agrilake.pipeline.leftovers import tidy
from agrilake.pipeline.run import left_in_inbox

FILES = (
    *("postal/postal_parcel__2024-01.csv", "postal/postal_parcel__2024-01.csv.manifest.json"),
    *("commerce/commerce_training__2024-02.csv", "agri/agri_farm_household__2024-02__缺列.csv"),
)
SOME = ("landing_drafted", "manifest_cleared", "bronze_committed", "accepted_committed", "recorded", "refused")
"""`make test-full` takes all points."""


def drop_files(lake: Lake) -> None:
    for name in FILES:
        drop(SAMPLE / "inbox" / name, lake.home.root)


def shown(lake: Lake) -> dict[str, bytes]:
    """What the inbox, the outbox and landing hold."""
    folders = (lake.home.inbox, lake.home.outbox, lake.home.landing)
    return {f"{folder.name}/{name}": content for folder in folders for name, content in files(folder).items()}


def stored(lake: Lake) -> dict[str, list[tuple[object, ...]]]:
    """Rows of bronze, accepted and quarantine, as they are, in a stable order."""
    layers = ("bronze", "accepted")
    found = {f"{layer}/{name}": one for layer in layers for name, one in tables(lake.home.table(layer)).items()}
    found["quarantine"] = tables(lake.home.root)["quarantine"]
    return {name: sorted(table.rows(), key=str) for name, table in found.items()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = reference_lake(tmp_path_factory.mktemp("undisturbed") / "home")
    drop_files(lake)
    take_once(lake)
    return lake


def test_killed_at_its_points_the_intake_ends_like_one_that_nobody_disturbed(undisturbed: Lake, tmp_path: Path) -> None:
    lake = reference_lake(tmp_path / "home")
    drop_files(lake)
    points = INTAKE_POINTS if os.environ.get("AGRILAKE_FULL") else SOME
    armed = tmp_path / "armed"
    armed.write_text("\n".join(points), encoding="utf-8")
    command = [sys.executable, "-m", "tests.support.take_once", str(lake.home.root)]
    env = {**os.environ, VARIABLE: f"@{armed}"}
    ends = [1]
    while ends[-1] != 0 and len(ends) < 40:
        ends.append(subprocess.run(command, env=env, check=False, timeout=120, capture_output=True).returncode)
    assert ends[1:] == [-signal.SIGKILL] * len(points) + [0]
    assert armed.read_text(encoding="utf-8") == ""
    assert shown(lake) == shown(undisturbed)
    assert stored(lake) == stored(undisturbed)
    assert lake.state.owed_receipts() == []
    (parcels,) = lake.state.deliveries("postal_parcel")
    assert parcels.details["rows_stated"], "the manifest went first, and what it said is still known"


@pytest.fixture
def closed_outbox(tmp_path: Path) -> Iterator[Lake]:
    """A lake whose outbox is a file system that is mounted read-only."""
    lake = reference_lake(tmp_path / "home")
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "agrilake-test", str(lake.home.outbox)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield lake
    finally:
        subprocess.run(["umount", "--lazy", str(lake.home.outbox)], check=False, capture_output=True)


def test_a_read_only_outbox_loses_nothing_and_the_receipts_come_later(closed_outbox: Lake, undisturbed: Lake) -> None:
    lake = closed_outbox
    drop_files(lake)
    found = {outcome.delivery.dataset: outcome for outcome in take(lake).values()}
    assert (found["postal_parcel"].delivery.status, found["postal_parcel"].receipt) == ("partial", None)
    assert rows_of(lake, "accepted", found["postal_parcel"].delivery).height == found["postal_parcel"].delivery.accepted
    assert [item.delivery.status for item in found.values()].count("refused") == 1
    lines = [item.line for item in lake.state.open_failures()]
    assert len(lines) == 3
    assert all("Read-only file system" in line and "the next run writes its receipt" in line for line in lines)
    for owed in lake.state.owed_receipts():
        with pytest.raises(AgrilakeError, match="does not take it"):
            intake.give_owed_receipt(lake, owed)
    assert intake.stale_deliveries(lake) == [], "nothing is done twice for it"
    subprocess.run(["umount", str(lake.home.outbox)], check=True)
    take_once(lake)
    assert shown(lake) == shown(undisturbed)
    assert (lake.state.owed_receipts(), lake.state.open_failures(), left_in_inbox(lake)) == ([], [], [])


def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    lake = reference_lake(tmp_path / "home")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    outbox, returned = lake.home.outbox / "agri", lake.home.inbox / "agri" / "退回"
    for folder in (outbox, returned):
        folder.mkdir(parents=True, exist_ok=True)
    dead = [lake.home.landing / ".taking-x1", outbox / f".a.csv.{gone.pid}.tmp", returned / f".{gone.pid}.tmp"]
    living = outbox / f".b.csv.{os.getpid()}.tmp"
    for draft in (*dead, living):
        draft.write_bytes(b"half")
    tidy(lake)
    assert [draft.exists() for draft in (*dead, living)] == [False, False, False, True]


def test_the_landed_name_is_on_disk_before_the_file_leaves_the_inbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the bytes are there already: whoever landed them may have died before that."""
    lake = reference_lake(tmp_path / "home")
    source = drop(SAMPLE / "inbox" / FILES[2], lake.home.root)
    copy = source.read_bytes()
    synced: list[Path] = []
    real = os.fsync

    def recorded(handle: int) -> None:
        assert source.exists()
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())
        real(handle)

    monkeypatch.setattr(os, "fsync", recorded)
    for _ in range(2):
        synced.clear()
        landed = store(source, lake.home, lake.settings.limits)
        assert {landed.path.parent, lake.home.landing} <= set(synced)
    assert landed.path == landing_path(lake.home, landed.sha256)
    assert landed.path.read_bytes() == copy


def test_rows_are_on_disk_before_the_registry_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = reference_lake(tmp_path / "home")
    drop(SAMPLE / "inbox" / FILES[2], lake.home.root)
    known = {path for layer in ("bronze", "accepted", "quarantine") for path in (lake.home.root / layer).rglob("*")}
    synced: set[Path] = set()
    real, record = os.fsync, type(lake.state).record_delivery

    def recorded(handle: int) -> None:
        synced.add(Path(f"/proc/self/fd/{handle}").readlink())
        real(handle)

    def checked(state: object, delivery: object) -> object:
        if delivery.is_final:  # type: ignore[attr-defined]
            fresh = {p for layer in ("bronze", "accepted", "quarantine") for p in (lake.home.root / layer).rglob("*")}
            assert {path for path in fresh - known if path.suffix != ".lock"} - synced == set()
        return record(state, delivery)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "fsync", recorded)
    monkeypatch.setattr(type(lake.state), "record_delivery", checked)
    take_once(lake)
    assert [item.status for item in open_lake(lake.home.root).state.deliveries("commerce_training")] == ["partial"]
