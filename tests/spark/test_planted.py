"""Made-up persons hide in every place that a department could leave them; nothing that the lake writes or says has one.

Only landing and bronze (restricted), and the inbox, which is the department's own, hold them. The lake is published
without gold; `make test-full` (AGRILAKE_FULL=1) builds gold and the indicators too, and asks every file of `check` and
`new`. What services leave behind is searched in tests/dags and tests/browser.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.intake import open_lake, take
from tests.support.planted import drop_planted
from tests.support.searching import Searcher
from typer.testing import CliRunner

from agrilake.commands.main import app
from agrilake.pipeline import publishing, steps
from agrilake.pipeline.context import Lake
from agrilake.pipeline.run import run_all

pytestmark = pytest.mark.spark

RESTRICTED = ("landing", "bronze")
THEIR_OWN = "inbox"
FULL = bool(os.environ.get("AGRILAKE_FULL"))
SAID = 0, 4
"""Exit codes of commands that did what they were asked, or said why a file would be refused."""


@dataclass(frozen=True)
class PlantedLake:
    lake: Lake
    searcher: Searcher
    files: tuple[Path, ...]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory, spark_remote: str) -> PlantedLake:
    """A lake up to the publication; large silver tables are Spark's."""
    home = tmp_path_factory.mktemp("planted") / "home"
    searcher = Searcher(drop_planted(home))
    drop_planted(home.with_name("again"))
    files = sorted(path for path in home.with_name("again").rglob("*") if path.is_file())
    lake = open_lake(home)
    for _ in range(2):
        take(lake)
        for name in lake.registry.datasets:
            steps.update_silver(lake, name)
            steps.check_suite(lake, name)
    if FULL:
        assert run_all(lake).failures == []
    publishing.update_publication(lake)
    return PlantedLake(lake, searcher, tuple(files if FULL else files[::4]))


def test_nothing_that_the_lake_wrote_has_a_person(planted: PlantedLake) -> None:
    home = planted.lake.home.root
    assert planted.searcher.in_tree(home, (*RESTRICTED, THEIR_OWN)) == []
    for written in ("outbox", "state", "accepted", "quarantine", "silver", "publications", "docs", "audit"):
        assert any(path.is_file() for path in (home / written).rglob("*")), f"nothing lies in {written}"


def test_the_search_sees_them_where_they_may_be(planted: PlantedLake) -> None:
    """So a search that finds none has looked. Some of what was planted stands in parts, in names of files, in links."""
    home = planted.lake.home.root
    for zone, least in (("landing", 150), ("bronze", 30)):
        others = {item.name for item in home.iterdir()} - {zone}
        found = {place.partition(": ")[2] for place in planted.searcher.in_tree(home, others)}
        assert len(found & planted.searcher.wanted.keys()) > least, zone


def test_persons_are_refused_or_masked_and_no_row_is_lost(planted: PlantedLake) -> None:
    taken = [item for item in planted.lake.state.deliveries() if item.is_final]
    assert len(taken) > 5
    assert sum(item.accepted for item in taken) > 10
    for item in taken:
        assert item.records == item.accepted + item.quarantined + item.duplicate


def commands(lake: Lake, files: tuple[Path, ...]) -> list[list[str]]:
    some = [item for item in lake.state.deliveries() if item.quarantined]
    queries = [f"SELECT * FROM silver.{name} LIMIT 50" for name in ("agri_farm_household", "civil_elder")]
    return [
        ["status"],
        ["status", "--json"],
        ["receipts"],
        ["receipts", "--json"],
        *(["receipt", item.id] for item in some),
        ["quarantine"],
        *(["quarantine", "--lines", name] for name in sorted({item.dataset for item in some})),
        *(["check", str(file)] for file in files),
        *(["new", str(file)] for file in files),
        *(["sql", query] for query in queries),
        ["datasets"],
        ["catalogue", "--json"],
        ["audit", "list", "--json", "--limit", "500"],
        ["publications"],
        *([["trace", "online_retail_amount"]] if FULL else []),
    ]


def test_no_command_says_a_person(planted: PlantedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGRILAKE_HOME", str(planted.lake.home.root))
    monkeypatch.chdir(planted.lake.home.tmp)
    monkeypatch.setenv("COLUMNS", "500")
    found, failed = [], []
    for arguments in commands(planted.lake, planted.files):
        done = CliRunner().invoke(app, arguments)
        said = f"{done.output}\n{done.exception or ''}"
        failed += [f"{arguments[0]}: {done.exit_code}"] if done.exit_code not in SAID else []
        asked = planted.searcher.in_text(" ".join(arguments))  # the shell has what was typed
        found += [f"{arguments[0]}: {name}" for name in planted.searcher.in_text(said) if name not in asked]
    assert (found, failed) == ([], [])
