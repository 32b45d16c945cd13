"""A publication is one version of everything, though silver is loaded while gold is built and published."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from benchmarks.workloads.rerun import FILE, TRAINING
from tests.conftest import open_lake
from tests.support.intake import register_all
from tests.support.samples import drop
from tests.support.two_registers import HOUSEHOLDS, households, put

from agrilake.lake.files import table_version
from agrilake.pipeline import intake, publishing, steps
from agrilake.pipeline.context import Lake
from agrilake.tables.asof import lake_sql
from agrilake.tables.write import commit_note

pytestmark = pytest.mark.spark
SESSIONS = "commerce_training"


@pytest.fixture
def lake(small_lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    root = Path(shutil.copytree(small_lake, tmp_path / "home", symlinks=True))
    monkeypatch.setenv("AGRILAKE_HOME", str(root))
    return open_lake(root)


def load(lake: Lake, dataset: str) -> None:
    """What lies in the inbox goes to silver, which no suite has seen then."""
    register_all(lake)
    for delivery in intake.stale_deliveries(lake):
        intake.process(lake, delivery)
    written = steps.update_silver(lake, dataset)
    assert written is not None
    assert written.changed


def deliver(lake: Lake, folder: Path) -> None:
    """One more training session, as far as silver."""
    (folder / FILE).write_bytes(TRAINING.encode("gb18030"))
    drop(folder / FILE, lake.home.root, department="commerce")
    load(lake, SESSIONS)


def counts(lake: Lake) -> list[int]:
    """Sessions of silver and of gold at the newest lake version."""
    tables = lake.state.lake_versions()[-1].tables
    asked = [f"select count(*) as n from {table}" for table in (f"silver.{SESSIONS}", "gold.training")]
    return [lake_sql(lake.home, sql, tables).to_pylist()[0]["n"] for sql in asked]


@pytest.mark.parametrize("checked", [False, True])
def test_silver_that_was_loaded_after_gold_waits_for_the_next_publication(
    lake: Lake, checked: bool, tmp_path: Path
) -> None:
    (before, gold) = counts(lake)
    assert before == gold
    deliver(lake, tmp_path)
    if checked:
        steps.check_suite(lake, SESSIONS)
    publishing.update_publication(lake)
    assert counts(lake) == [before, before]
    assert not publishing.publication_is_current(lake)

    steps.check_suite(lake, SESSIONS)
    for name in steps.stale_gold(lake):
        steps.update_gold(lake, name)
    steps.update_indicators(lake)
    publishing.update_publication(lake)
    assert counts(lake) == [before + 1, before + 1]
    assert publishing.publication_is_current(lake)


def test_gold_of_two_versions_of_silver_is_brought_to_one_before_it_is_published(lake: Lake) -> None:
    put(lake, {"agri_farm_household__2024-09": households(1, 2)})
    load(lake, HOUSEHOLDS)
    steps.check_suite(lake, HOUSEHOLDS)
    steps.update_gold(lake, "household")
    assert len(made_from(lake)) > 1
    publishing.update_publication(lake)
    newest = table_version(lake.home.table("silver", HOUSEHOLDS))
    assert made_from(lake) == {newest}
    assert lake.state.lake_versions()[-1].tables[f"silver/{HOUSEHOLDS}"] == newest
    assert publishing.publication_is_current(lake)


def made_from(lake: Lake) -> set[int]:
    """Versions of the household register that gold tables were made from."""
    notes = (commit_note(path).get("inputs", {}) for path in lake.home.table("gold").iterdir() if path.is_dir())
    return {note[HOUSEHOLDS] for note in notes if HOUSEHOLDS in note}
