"""Several processes at the same lake: no file is lost or taken twice, and readers see one version of everything."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake
from tests.support.intake import reference_lake, take
from tests.support.samples import SAMPLE, drop
from tests.unit.test_withdraw import contents

from agrilake.errors import ConsistencyError
from agrilake.intake import landing
from agrilake.intake.returned import give_back
from agrilake.lake.locks import shared_lock
from agrilake.notebook import open_lake as open_notebook
from agrilake.paths import Home
from agrilake.pipeline import arriving, steps
from agrilake.pipeline.context import Lake

FULL = bool(os.environ.get("AGRILAKE_FULL"))
FILES = (
    *("commerce/commerce_ecommerce_sales__2023-01.csv", "commerce/commerce_ecommerce_sales__2024-02.csv"),
    *("commerce/commerce_ecommerce_sales__2024-02__更正.csv", "commerce/农产品网络零售__2024-01.xlsx"),
    *(
        "agri/agri_farm_household__2024-01.csv",
        "agri/农户__2024-02.xlsx",
        "agri/agri_farm_household__2024-02__缺列.csv",
    ),
    *("civil/civil_elder__2024-01.csv", "civil/civil_elder_visit__2024-01.csv"),
    "coop/coop_service_site__2024Q1.csv",
    *("postal/三级寄递节点__2024年第1季度.xlsx", "stats/人口户数__2024年.xlsx"),
)
TAKER = """
import sys
from pathlib import Path
from tests.support.take_once import open_lake, take_once
take_once(open_lake(Path(sys.argv[1])))
"""
OPENER = """
import sys
from pathlib import Path
from agrilake.lake.state import State
State(Path(sys.argv[1])).lake_versions()
"""
DROPPER = """
import sys, time, random
from pathlib import Path
folder, stem, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
chance = random.Random(stem)
for number in range(rounds):
    draft = folder / f".{stem}.part"
    draft.write_text(f"# {stem} {number}\\n" + "a,b\\n1,2\\n", encoding="utf-8")
    draft.rename(folder / f"{stem}.csv")
    time.sleep(chance.random() / 10)
"""


def in_process(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)])


def told(lake: Lake) -> list[tuple[object, ...]]:
    """What the registry says of each file."""
    counts = ((i.file_name, i.status, i.records, i.accepted, i.quarantined) for i in lake.state.deliveries())
    return sorted(counts)


def ended(processes: Sequence[subprocess.Popen[bytes]]) -> list[int]:
    return [process.wait(timeout=300) for process in processes]


def test_two_that_take_the_same_inbox_leave_what_one_leaves(tmp_path: Path) -> None:
    one, other = reference_lake(tmp_path / "one"), reference_lake(tmp_path / "other")
    for name in FILES:
        for lake in (one, other):
            drop(SAMPLE / "inbox" / name, lake.home.root)
    take(one)
    assert ended([in_process(TAKER, other.home.root) for _ in range(3 if FULL else 2)]) == [0] * (3 if FULL else 2)
    assert other.state.open_failures() == []
    left, right = contents(one), contents(other)
    assert left.keys() == right.keys()
    for name, rows in left.items():
        assert rows.equals(right[name].select(rows.columns)), name
    said = [
        sorted(
            (item.file_name, item.status, item.records, item.accepted, item.quarantined)
            for item in lake.state.deliveries()
        )
        for lake in (one, other)
    ]
    assert said[0] == said[1]
    pages = [sorted(path.name for path in lake.home.outbox.rglob("*")) for lake in (one, other)]
    assert pages[0] == pages[1]
    assert not [path for path in other.home.inbox.rglob("*") if path.is_file() and "退回" not in path.parts]


def test_departments_that_drop_and_replace_files_lose_none(tmp_path: Path) -> None:
    """Ten at once, each with a name of its own, several times; each content is a delivery, also the last."""
    lake, rounds = reference_lake(tmp_path / "home"), 12 if FULL else 4
    folders = ["agri", "civil", "commerce", "coop", "postal"]
    names = [(folders[at % 5], f"{folders[at % 5]}_quelle__2024-0{1 + at // 5}") for at in range(10)]
    for folder, _ in names:
        (lake.home.inbox / folder).mkdir(parents=True, exist_ok=True)
    droppers = [in_process(DROPPER, lake.home.inbox / folder, stem, rounds) for folder, stem in names]
    takers = []
    while any(process.poll() is None for process in droppers):
        takers = [process for process in takers if process.poll() is None]
        if len(takers) < 2:
            takers.append(in_process(TAKER, lake.home.root))
        time.sleep(0.05)
    assert ended([*droppers, *takers]) == [0] * (len(droppers) + len(takers))
    assert ended([in_process(TAKER, lake.home.root)]) == [0]
    back = sorted(path.read_text(encoding="utf-8").splitlines()[0] for path in lake.home.inbox.glob("*/退回/*.csv"))
    assert {f"# {stem} {rounds - 1}" for _, stem in names} <= set(back), (
        "the last of each is back in its department's folder"
    )
    assert len(back) == len(set(back))
    assert lake.state.open_failures() == []
    assert not [path for path in lake.home.inbox.glob("*/*") if path.is_file()]


def test_a_file_that_is_replaced_while_it_is_taken_is_another_delivery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = reference_lake(tmp_path / "home")
    first, second = "commerce_ecommerce_sales__2024-02.csv", "commerce_ecommerce_sales__2023-01.csv"
    drop(SAMPLE / "inbox" / "commerce" / first, lake.home.root)
    path = lake.home.inbox / "commerce" / first
    real = landing.store

    def replaced(*arguments: object) -> landing.Landed:
        landed = real(*arguments)  # type: ignore[arg-type]
        fresh = path.with_name(".fresh")
        fresh.write_bytes((SAMPLE / "inbox" / "commerce" / second).read_bytes())
        fresh.replace(path)
        monkeypatch.setattr(arriving, "store", real)
        return landed

    monkeypatch.setattr(arriving, "store", replaced)
    take(lake)
    assert path.is_file()
    take(lake)
    assert not path.exists()
    sums = {item.sha256 for item in lake.state.deliveries("commerce_ecommerce_sales")}
    assert sums == {landing.sha256_of(SAMPLE / "inbox" / "commerce" / name) for name in (first, second)}


def test_a_file_that_is_replaced_while_another_process_takes_files_waits_for_the_next_run(tmp_path: Path) -> None:
    lake = reference_lake(tmp_path / "home")
    name = "commerce_ecommerce_sales__2024-02.csv"
    drop(SAMPLE / "inbox" / "commerce" / name, lake.home.root)
    path, outcomes = lake.home.inbox / "commerce" / name, []
    with arriving.table_lock(lake.home.root / "run" / "inbox"):
        waiting = threading.Thread(target=lambda: outcomes.append(arriving.register(lake, path)))
        waiting.start()
        time.sleep(0.3)
        path.write_bytes(path.read_bytes()[:200])  # half of the next one
    waiting.join()
    assert outcomes == [None]
    assert path.is_file()


def test_a_mend_that_comes_with_what_it_mends_is_taken_after_it(tmp_path: Path) -> None:
    lake, fresh = reference_lake(tmp_path / "home"), reference_lake(tmp_path / "fresh")
    name = "农产品网络零售__2024-01.xlsx"
    drop(SAMPLE / "inbox" / "commerce" / name, lake.home.root)
    take(lake)
    (base,) = lake.state.deliveries("commerce_ecommerce_sales")
    (mend,) = lake.home.outbox.rglob(f"*补正-{base.id[:8]}-1.csv")
    drop(mend, fresh.home.root, department="commerce")
    drop(SAMPLE / "inbox" / "commerce" / name, fresh.home.root)
    os.utime(fresh.home.inbox / "commerce" / name, (1_800_000_000, 1_800_000_000))
    take(fresh)
    assert [item.kind for item in fresh.state.deliveries("commerce_ecommerce_sales")] == ["base", "mend"]
    assert "refused" not in {item.status for item in fresh.state.deliveries("commerce_ecommerce_sales")}


def test_files_given_back_at_the_same_moment_are_all_there(tmp_path: Path) -> None:
    home = Home.at(tmp_path).prepare()
    contents_of = [f"a,b\n{number}\n" for number in range(8)]
    sources = [tmp_path / f"{number}" for number in range(8)]
    for source, text in zip(sources, contents_of, strict=True):
        source.write_text(text)
    together([lambda source=source: give_back(home, "agri", "表.csv", source, landed=True) for source in sources * 2])
    folder = home.inbox / "agri" / "退回"
    assert sorted(path.read_text() for path in folder.iterdir()) == contents_of


def test_a_registry_that_several_open_first_is_made_once(tmp_path: Path) -> None:
    assert ended([in_process(OPENER, tmp_path / "state" / "lake.sqlite") for _ in range(6)]) == [0] * 6


def together(work: Sequence[Callable[[], None]]) -> None:
    failed: list[BaseException] = []

    def run(one: Callable[[], None]) -> None:
        try:
            one()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_who_publishes_waits_for_all_who_build_gold(tmp_path: Path) -> None:
    place = tmp_path / "gold"
    with shared_lock(place, alone=False), shared_lock(place, alone=False), pytest.raises(ConsistencyError) as said:
        shared_lock(place, alone=True, seconds=0.2).__enter__()
    assert "others held it" in str(said.value)
    with shared_lock(place, alone=True), pytest.raises(ConsistencyError):
        shared_lock(place, alone=False, seconds=0.2).__enter__()


WRITER = """
import sys
from pathlib import Path
import polars as pl
from deltalake import write_deltalake
from agrilake.lake.state import State
from agrilake.paths import Home
from agrilake.pipeline.context import Lake
from agrilake.pipeline.steps import lake_tables
lake = Lake.open(Home.at(Path(sys.argv[1])))
for number in range(1, int(sys.argv[2])):
    for name in ("one", "two"):
        frame = pl.DataFrame({"number": [number] * 3})
        write_deltalake(str(lake.home.table("silver", name)), frame.to_arrow(), mode="overwrite")
    lake.state.record_lake_version(lake_tables(lake))
"""
BOTH = "SELECT (SELECT max(number) FROM silver.one) AS one, (SELECT max(number) FROM silver.two) AS two"


def test_a_notebook_sees_one_version_of_all_tables_while_they_are_written(tmp_path: Path) -> None:
    lake = Lake.open(Home.at(tmp_path))
    for name in ("one", "two"):
        write_deltalake(str(lake.home.table("silver", name)), pl.DataFrame({"number": [0]}).to_arrow())
    lake.state.record_lake_version(steps.lake_tables(lake))
    writer, seen = in_process(WRITER, tmp_path, 200 if FULL else 40), []
    while writer.poll() is None:
        notebook = open_notebook(tmp_path)
        for _ in range(3):
            row = notebook.sql(BOTH).iloc[0]
            seen.append((int(row["one"]), int(row["two"])))
            assert seen[-1][0] == seen[-1][1]
        assert len(set(seen[-3:])) == 1, "a notebook that is open does not move"
    assert writer.returncode == 0
    assert len(set(seen)) > 3
    assert seen == sorted(seen)
