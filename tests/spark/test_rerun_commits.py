"""The run again: nothing new commits nothing, a small file commits to what is made from it and to nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from benchmarks.harness.commits import commits, versions
from benchmarks.workloads.rerun import FILE, TRAINING
from tests.conftest import open_lake
from tests.support.samples import drop

from agrilake.pipeline.run import run_all

MADE_FROM_TRAINING = {
    "accepted/commerce_training",
    "bronze/commerce_training",
    "silver/commerce_training",
    "gold/training",
    "gold/indicator_value",
}


@pytest.fixture(scope="module")
def lake_again(small_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("again") / "home"
    shutil.copytree(small_lake, root, symlinks=True)
    return root


@pytest.mark.spark
def test_nothing_new_is_no_commit(lake_again: Path) -> None:
    lake = open_lake(lake_again)
    before = versions(lake.home)
    report = run_all(lake)
    assert not report.failures
    assert len(before) > 60
    assert commits(before, versions(lake.home)) == {}
    assert report.publication == "1"


@pytest.mark.spark
def test_a_small_file_commits_to_what_is_made_from_it(lake_again: Path, tmp_path: Path) -> None:
    lake = open_lake(lake_again)
    before = versions(lake.home)
    (tmp_path / FILE).write_bytes(TRAINING.encode("gb18030"))
    drop(tmp_path / FILE, lake.home.root, department="commerce")
    report = run_all(lake)
    assert (report.files, report.rows_accepted, report.failures) == (1, 1, [])
    assert commits(before, versions(lake.home)) == dict.fromkeys(MADE_FROM_TRAINING, 1)
