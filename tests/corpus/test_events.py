"""What happens around a file: still being written, dropped again, unreadable, no room, a contract that changed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.corpus.words import HEADER, PHONES, household
from tests.support.intake import everything_written, process_all, reference_lake, register_all, rows_of, take

from agrilake.contract.model import Dataset, LogicalType
from agrilake.errors import AgrilakeError, ConsistencyError
from agrilake.intake.landing import DiskFull
from agrilake.intake.manifest import manifest_path
from agrilake.pipeline import arriving, intake
from agrilake.pipeline.context import Lake
from agrilake.pipeline.run import left_in_inbox
from agrilake.tables.write import create_table, require_fit

NAME = "agri_farm_household__2024-01"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return reference_lake(tmp_path / "home")


def put(lake: Lake, name: str, *people: int, age: float = 100.0) -> Path:
    """A household file of those people in inbox/agri, changed `age` seconds ago."""
    path = lake.home.inbox / "agri" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join((HEADER, *map(household, people))) + "\n", encoding="utf-8")
    os.utime(path, (time.time() - age,) * 2)
    return path


# --- files that grow -------------------------------------------------------------------------------------------


def test_a_file_still_being_written_is_taken_later(lake: Lake) -> None:
    hasty = replace(lake.settings, limits=replace(lake.settings.limits, settle_seconds=0.3))
    lake = replace(lake, settings=hasty)
    path = put(lake, f"{NAME}.csv", 0)
    assert arriving.pending_files(lake) == []
    assert arriving.pending_files(lake, settle=False) == [path], "it is shown as waiting in the inbox"
    time.sleep(0.35)
    assert arriving.pending_files(lake) == [path]
    with path.open("a", encoding="utf-8") as more:
        more.write(household(1) + "\n")
    assert arriving.pending_files(lake) == [], "it grew: the quiet time begins again"
    time.sleep(0.35)
    assert arriving.pending_files(lake) == [path]
    assert take(lake)[f"agri/{NAME}.csv"].delivery.accepted == 2


def test_a_file_that_grows_while_it_is_copied_stays_in_the_inbox(lake: Lake) -> None:
    path = put(lake, f"{NAME}__{PHONES[0]}.csv", 0)
    other = put(lake, "agri_farm_household__2024-02.csv", 1)
    with path.open("ab") as target:
        target.write(b"x" * 40_000_000)
    stop = threading.Event()

    def write() -> None:
        with path.open("ab") as target:
            while not stop.is_set():
                target.write(b"more")
                target.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        outcomes = take(lake)
    finally:
        stop.set()
        writer.join()
    assert list(outcomes) == [f"agri/{other.name}"], "the other file of the drop went on"
    assert path.exists()
    (failure,) = lake.state.open_failures()
    assert "changed while it was copied" in failure.message
    assert PHONES[0].encode() not in everything_written(lake)
    put(lake, path.name, 0)
    assert take(lake)[f"agri/{path.name}"].delivery.status == "accepted"
    assert lake.state.open_failures() == []


# --- the same bytes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [True, False], ids=["in one drop", "one after the other"])
def test_the_same_bytes_under_another_name_are_a_repeat(lake: Lake, at_once: bool) -> None:
    put(lake, f"{NAME}.csv", 0, 1, age=200)
    first = {} if at_once else take(lake)
    put(lake, "农户__2024年1月__再报.csv", 0, 1)
    outcomes = first | take(lake)
    one, two = outcomes[f"agri/{NAME}.csv"], outcomes["agri/农户__2024年1月__再报.csv"]
    assert (one.delivery.status, one.repeat_of) == ("accepted", None)
    assert two.repeat_of == one.delivery.id
    assert two.receipt is not None
    assert two.receipt.html.name == f"农户__2024年1月__再报__{one.delivery.id[:8]}__重复.html"
    assert "没有改变任何数据" in two.receipt.html.read_text(encoding="utf-8")
    assert len(lake.state.deliveries("agri_farm_household")) == 1
    assert arriving.pending_files(lake, settle=False) == []


@pytest.mark.parametrize("at_once", [True, False], ids=["in one drop", "one after the other"])
def test_the_same_bytes_for_another_period_are_asked_about(lake: Lake, at_once: bool) -> None:
    put(lake, f"{NAME}.csv", 0, age=200)
    if not at_once:
        take(lake)
    second = "agri_farm_household__2024-02.csv"
    put(lake, second, 0)
    refused = take(lake)[f"agri/{second}"]
    assert (refused.delivery.status, refused.delivery.code) == ("refused", "same_bytes_other_period")
    assert (lake.home.inbox / "agri" / "退回" / second).exists()
    assert refused.receipt is not None
    assert "__确认" in refused.receipt.html.read_text(encoding="utf-8")
    confirmed = "agri_farm_household__2024-02__确认.csv"
    put(lake, confirmed, 0)
    assert take(lake)[f"agri/{confirmed}"].delivery.status == "accepted"


@pytest.mark.parametrize("at_once", [True, False], ids=["in one drop", "one after the other"])
def test_another_periods_rows_in_another_form_are_taken_and_asked_about(lake: Lake, at_once: bool) -> None:
    put(lake, f"{NAME}.csv", 0, 1, age=200)
    first = {} if at_once else take(lake)
    second = "agri_farm_household__2024-02__导出.csv"
    put(lake, second, 1, 0)  # other bytes, the same rows
    put(lake, "agri_farm_household__2024-03.csv", 1, 2)
    outcomes = first | take(lake)
    told = [item for name, item in outcomes.items() if item.delivery.reason]
    assert [item.delivery.file_name for item in told] in ([second], [f"{NAME}.csv"])
    [again] = told
    assert (again.delivery.status, again.delivery.code, again.delivery.accepted) == ("accepted", None, 2)
    other = next(item.delivery for name, item in outcomes.items() if name != f"agri/{again.delivery.file_name}")
    asked = f"收下的 2 行与 {other.period} 期（回执 {other.id[:8]}）收下的完全相同"
    assert again.receipt is not None
    for page in (again.receipt.html, again.receipt.csv):
        assert asked in page.read_text(encoding="utf-8-sig")
    assert str(intake.process(lake, again.delivery).delivery.reason).startswith(asked), "and when it is processed again"
    path = put(lake, second, 1, 0)
    assert str(intake.check_only(lake, path)[0].reason).startswith(asked), "and before it is sent"


def test_the_same_rows_for_the_same_period_are_a_correction(lake: Lake) -> None:
    put(lake, f"{NAME}.csv", 0, 1, age=200)
    put(lake, f"{NAME}__更正.csv", 1, 0)
    assert [item.delivery.reason for item in take(lake).values()] == [None, None]


def test_a_file_whose_registration_was_cut_off_is_no_repeat(lake: Lake) -> None:
    """The run ended after the delivery was recorded and before the file left the inbox; so it is there twice."""
    path = put(lake, f"{NAME}.csv", 0)
    content = path.read_bytes()
    first = register_all(lake)[f"agri/{NAME}.csv"].delivery
    path.write_bytes(content)
    again = take(lake)[f"agri/{NAME}.csv"]
    assert (again.delivery.id, again.delivery.status, again.repeat_of) == (first.id, "accepted", None)
    assert [receipt.name for receipt in (lake.home.outbox / "agri").glob("*重复*")] == []


def test_a_correction_can_be_taken_back(lake: Lake) -> None:
    """The first file's bytes again, as a correction of the correction: no repeat, for they change what counts."""
    put(lake, f"{NAME}.csv", 0, age=300)
    put(lake, f"{NAME}__更正.csv", 0, 1, age=200)
    put(lake, f"{NAME}__更正2.csv", 0, age=100)
    outcomes = take(lake)
    assert [outcome.repeat_of for outcome in outcomes.values()] == [None] * 3
    assert outcomes[f"agri/{NAME}__更正2.csv"].delivery.revision == 2
    put(lake, f"{NAME}__更正2.csv", 0)
    assert take(lake)[f"agri/{NAME}__更正2.csv"].repeat_of == outcomes[f"agri/{NAME}__更正2.csv"].delivery.id
    put(lake, f"{NAME}__更正3.csv", 0)
    assert take(lake)[f"agri/{NAME}__更正3.csv"].repeat_of is None, "a second correction may still come"


def test_a_correction_that_comes_after_the_one_that_takes_it_back(lake: Lake) -> None:
    """The order of arrival does not decide which of three corrections is the last."""
    put(lake, f"{NAME}.csv", 0, age=300)
    take(lake)
    put(lake, f"{NAME}__更正2.csv", 0)
    assert take(lake)[f"agri/{NAME}__更正2.csv"].repeat_of is None
    put(lake, f"{NAME}__更正.csv", 0, 1)
    take(lake)
    assert {item.revision for item in lake.state.deliveries("agri_farm_household")} == {0, 1, 2}


def test_two_refused_files_of_one_name_are_both_kept(lake: Lake) -> None:
    for person in (0, 1, 1):
        put(lake, "农机__2024-01.csv", person)
        take(lake)
    returned = sorted((lake.home.inbox / "agri" / "退回").iterdir())
    assert [path.name for path in returned] == ["农机__2024-01.csv", "农机__2024-01（2）.csv"]


# --- manifests, names ------------------------------------------------------------------------------------------


def test_fewer_rows_than_the_manifest_states_are_refused(lake: Lake) -> None:
    for name, rows in ((f"{NAME}.csv", 3), ("agri_farm_household__2024-02.csv", 2)):
        manifest_path(put(lake, name, *((0, 1) if rows == 3 else (2, 3)))).write_text(json.dumps({"rows": rows}))
    outcomes = take(lake)
    short = outcomes[f"agri/{NAME}.csv"].delivery
    assert (short.status, short.code) == ("refused", "manifest_mismatch")
    assert short.reason is not None
    assert "清单写 3 行，文件有 2 行数据" in short.reason
    whole = outcomes["agri/agri_farm_household__2024-02.csv"].delivery
    assert (whole.status, whole.details["rows_stated"]) == ("accepted", 2)
    assert intake.process(lake, whole).delivery.details["rows_stated"] == 2, "still known when it is processed again"


def test_a_name_that_is_no_text(lake: Lake) -> None:
    put(lake, f"{NAME}.csv", 0)
    place = os.fsencode(lake.home.inbox / "agri") + b"/\xff\xfe__2024-01.csv"
    Path(os.fsdecode(place)).write_text("x", encoding="utf-8")
    outcomes = {outcome.delivery.status: outcome for outcome in take(lake).values()}
    assert outcomes["accepted"].delivery.accepted == 1
    assert outcomes["refused"].delivery.code == "bad_name"
    assert outcomes["refused"].receipt is not None
    assert outcomes["refused"].receipt.html.exists()
    assert [os.fsencode(path.name) for path in (lake.home.inbox / "agri" / "退回").iterdir()] == [
        b"\xff\xfe__2024-01.csv"
    ]


# --- rights and room -------------------------------------------------------------------------------------------


def test_unreadable_files_and_folders() -> None:
    with tempfile.TemporaryDirectory(prefix="agrilake-nobody-") as folder:
        base = Path(folder)
        base.chmod(0o777)
        inbox = base / "home" / "inbox"
        for department in ("agri", "civil"):
            (inbox / department).mkdir(parents=True)
        for at, name in enumerate((f"{NAME}.csv", "agri_farm_household__2024-02.csv", "农户__2024-03.csv")):
            (inbox / "agri" / name).write_text(f"{HEADER}\n{household(at)}\n", encoding="utf-8")
        closed = inbox / "agri" / "农户__2024-03.csv"
        manifest_path(closed).write_text(json.dumps({"size": closed.stat().st_size, "sha256": "0" * 64}))
        closed.chmod(0)
        (inbox / "civil").chmod(0)
        key = {"AGRILAKE_KEY_FILE": str(base / "key" / "pseudonym.key")}
        done = subprocess.run(
            [sys.executable, "-m", "tests.corpus.as_nobody", str(base / "home")],
            env={**os.environ, **key},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["outcomes"] == {
            "agri/agri_farm_household__2024-01.csv": ["accepted", None],
            "agri/agri_farm_household__2024-02.csv": ["received", None],
            "agri/农户__2024-03.csv": ["refused", "unreadable"],
        }
        assert "inbox folder civil cannot be opened" in done.stderr
        assert (inbox / "agri" / "退回" / "农户__2024-03.csv").stat().st_mode & 0o777 == 0
        assert list((base / "home" / "outbox" / "agri").glob("农户__2024-03__*.html"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 24 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "agrilake-test", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Fill the disk up to `leave` bytes."""
    status = os.statvfs(disk)
    filler = disk / "filler"
    with filler.open("wb") as target:
        target.write(bytes(max(0, status.f_bavail * status.f_frsize - leave)))
    return filler


def put_bulky(lake: Lake, name: str) -> Path:
    """A file of 2 MB that no compression makes small."""
    noise = random.Random(4)  # noqa: S311 (nothing is kept secret with it)
    lines = [f"{household(0, household_id=f'H{at:011d}')},{noise.randbytes(400).hex()}" for at in range(2500)]
    path = put(lake, name)
    path.write_text("\n".join((f"{HEADER},备注", *lines)) + "\n", encoding="utf-8")
    return path


def test_a_full_disk_keeps_the_file_in_the_inbox(small_disk: Path, tmp_path: Path) -> None:
    lake = reference_lake(small_disk / "home")
    lake = replace(lake, home=replace(lake.home, inbox=tmp_path / "inbox"))
    bulky = put_bulky(lake, f"{NAME}.csv")
    small = put(lake, "agri_farm_household__2024-02.csv", 1)
    filler = fill(small_disk, leave=1_500_000)
    outcomes = take(lake)
    assert outcomes[f"agri/{small.name}"].delivery.status == "accepted", "what fits goes on"
    assert bulky.exists()
    (failure,) = lake.state.open_failures()
    assert "no room" in failure.message
    assert left_in_inbox(lake) == [f"register {bulky.name}: {failure.message}"], "`agrilake run` says so and fails"
    assert [path.name for path in lake.home.landing.iterdir() if path.is_file()] == []
    filler.unlink()
    assert take(lake)[f"agri/{NAME}.csv"].delivery.status == "accepted"
    assert lake.state.open_failures() == []


def test_no_room_for_the_tables_leaves_the_delivery_for_the_next_run(small_disk: Path) -> None:
    lake = reference_lake(small_disk / "home")
    put_bulky(lake, f"{NAME}.csv")
    registered = register_all(lake)
    filler = fill(small_disk, leave=700_000)
    with pytest.raises(DiskFull, match="no room"):
        process_all(lake, registered)
    filler.unlink()
    (waiting,) = intake.stale_deliveries(lake)
    assert waiting.status == "received"
    final = process_all(lake, registered)[f"agri/{NAME}.csv"]
    assert (final.delivery.status, final.delivery.accepted) == ("accepted", 2500)
    assert final.receipt is not None
    assert final.receipt.html.exists()


def test_no_room_at_all_is_one_sentence(small_disk: Path) -> None:
    lake = reference_lake(small_disk / "home")
    path = put(lake, f"{NAME}.csv", 0)
    filler = fill(small_disk, leave=0)
    with pytest.raises(AgrilakeError, match="disk full"):
        take(lake)
    assert path.exists()
    filler.unlink()
    assert take(lake)[f"agri/{NAME}.csv"].delivery.status == "accepted"


# --- contracts that change -------------------------------------------------------------------------------------


def household_dataset(lake: Lake, version: str = "1.0.0", **changes: object) -> Dataset:
    """The contract of agri_farm_household at a version, 家庭人口 changed."""
    dataset = lake.registry.get("agri_farm_household")
    columns = tuple(
        replace(item, **changes)  # type: ignore[arg-type]
        if item.name == "members"
        else item
        for item in dataset.columns
    )
    return replace(dataset, version=version, columns=columns)


def under(lake: Lake, dataset: Dataset) -> Lake:
    """The lake under another contract of that dataset."""
    return replace(lake, registry=replace(lake.registry, datasets={**lake.registry.datasets, dataset.id: dataset}))


DECIMAL = {"type": LogicalType.NUMBER, "precision": 18, "scale": 2}


def test_rows_of_another_type_are_refused_until_the_version_is_raised(lake: Lake) -> None:
    put(lake, f"{NAME}.csv", 0, 1)
    before = take(lake)[f"agri/{NAME}.csv"].delivery
    path = put(lake, "agri_farm_household__2024-02.csv")
    path.write_text(f"{HEADER}\n{household(2, members='2.5')}\n", encoding="utf-8")
    with pytest.raises(ConsistencyError, match=r"members differs from what is stored.*raise the version"):
        take(under(lake, household_dataset(lake, "1.0.0", **DECIMAL)))
    assert rows_of(lake, "accepted", before)["members"].to_list() == [2, 3]
    raised = under(lake, household_dataset(lake, "2.0.0", **DECIMAL))
    process_all(raised)
    after = raised.state.deliveries("agri_farm_household")[-1]
    assert (after.status, after.contract_version) == ("accepted", "2.0.0")
    assert [str(value) for value in rows_of(raised, "accepted", after)["members"]] == ["2.50"]
    assert [str(value) for value in rows_of(raised, "accepted", before)["members"]] == ["2.00", "3.00"]


def test_a_type_in_which_stored_values_would_be_lost_is_refused(lake: Lake) -> None:
    put(lake, f"{NAME}.csv").write_text(f"{HEADER}\n{household(0, members='2.5')}\n", encoding="utf-8")
    take(under(lake, household_dataset(lake, "1.1.0", **DECIMAL)))
    put(lake, "agri_farm_household__2024-02.csv", 1)
    with pytest.raises(ConsistencyError, match="members do not fit the type"):
        take(under(lake, household_dataset(lake, "2.0.0")))


def test_silver_refuses_a_changed_contract_until_its_version_is_raised(lake: Lake) -> None:
    dataset, table = household_dataset(lake), lake.home.table("silver", "agri_farm_household")
    require_fit(table, dataset)
    create_table(table, dataset)
    require_fit(table, dataset)
    for changes in (DECIMAL, {"maximum": 20}):
        with pytest.raises(ConsistencyError, match="raise the contract's version"):
            require_fit(table, household_dataset(lake, **changes))
        require_fit(table, household_dataset(lake, "1.0.1", **changes))
