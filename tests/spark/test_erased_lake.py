"""A person who is erased from a published lake: gold, old versions and publications lose them, figures say why."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from tests.conftest import open_lake
from tests.support.lakes import agrilake
from tests.support.searching import Searcher

from agrilake.errors import ConsistencyError, UsageError
from agrilake.lake.bronze import bronze_rows
from agrilake.lake.erasures import erasures
from agrilake.lake.failpoints import VARIABLE
from agrilake.lake.files import scan
from agrilake.pipeline import erasure, publishing
from agrilake.pipeline.context import Lake
from agrilake.pipeline.erasure import erase
from agrilake.pipeline.rebuild import rebuild
from agrilake.pipeline.run import run_all
from agrilake.publish import current_publication
from agrilake.publish.opening import read_only
from agrilake.publish.persons import earlier_persons
from agrilake.recovery.verify import verify
from agrilake.tables.asof import lake_sql

pytestmark = pytest.mark.spark
ELDERS, VISITS = "civil_elder", "civil_elder_visit"
VISITED = "select count(*) from gold.elder_visit"


@dataclass(frozen=True)
class Published:
    """A lake from which somebody was erased after it was published, and what told that person before."""

    lake: Lake
    traces: Searcher
    before: frozenset[str]
    visits: int


def somebody(lake: Lake) -> tuple[str, str, int]:
    """Identity number, register number and accepted visits of an elder who was visited."""
    visits, register = (scan(lake.home.table("silver", name)) for name in (VISITS, ELDERS))
    assert visits is not None
    assert register is not None
    counts = visits.join(register, on="elder_id").group_by("elder_id", "id_no").len().sort("len", "elder_id")
    for elder, token, count in reversed(counts.collect().rows()):
        for delivery in lake.state.deliveries(ELDERS):
            rows = bronze_rows(lake.home, ELDERS, delivery.id)
            assert rows is not None
            numbers = rows.filter(elder_id=elder)["id_no"].drop_nulls()
            told = numbers.filter(lake.pseudonymiser.tokens(numbers, "id_no") == token)
            if len(told):
                return told[0], elder, count
    raise AssertionError("who was visited is in no register")


@pytest.fixture(scope="module")
def published(small_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """The small lake, published twice: as built, and after the erasure, whose end was cut off at each of its points."""
    root = tmp_path_factory.mktemp("erased") / "home"
    shutil.copytree(small_lake, root, symlinks=True)
    lake = open_lake(root)
    number, elder, visits = somebody(lake)
    token = lake.pseudonymiser.tokens(pl.Series([number]), "id_no")[0]
    (persons,) = earlier_persons(lake.registry, lake.ring, read_scope(lake))
    shown = persons.apart("civil").tokens(pl.Series([elder])).item()
    traces = Searcher({"id": number, "token": token, "elder": elder, "published": shown})
    before = frozenset(found(lake, traces))
    erase(lake, [number], "王某", "本人要求")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGRILAKE_HOME", str(root))
        for point in ("erasure_gold_purged", "erasure_publications_removed"):
            assert agrilake(root, "run", env={VARIABLE: point}).returncode == -signal.SIGKILL
            assert [act.stage for act in erasures(lake.home)] == ["stored"]
        assert run_all(lake).failures == []
        yield Published(lake, traces, before, visits)


def read_scope(lake: Lake) -> str:
    """The scope of the publication's tokens, such as y2026."""
    current = current_publication(lake.home)
    assert current is not None
    return current.person_tokens.rpartition(" ")[2]


def found(lake: Lake, traces: Searcher) -> set[str]:
    """Which traces lie in the home; the inbox is the departments'."""
    return {line.rpartition(": ")[2] for line in traces.in_tree(lake.home.root, leave_out=("inbox",))}


def test_nothing_in_the_home_tells_the_person_any_more(published: Published) -> None:
    assert published.before >= {"id", "token", "elder", "published"}, "else the search proves nothing"
    assert found(published.lake, published.traces) == set()
    assert [act.stage for act in erasures(published.lake.home)] == ["published"]
    kept = sorted(path.name for path in published.lake.home.publications.iterdir() if path.name.isdigit())
    assert kept == ["000002"]


def test_gold_has_all_other_rows_and_the_lake_is_whole(published: Published, small_lake: Path) -> None:
    lake, was = published.lake, open_lake(small_lake)
    counts = [lake_sql(one.home, VISITED).to_pylist()[0]["count_star()"] for one in (was, lake)]
    assert counts[0] - counts[1] == published.visits > 0
    assert [check.findings for check in verify(lake) if check.findings] == []
    assert publishing.publication_is_current(lake)
    assert erasure.finish(lake) == erasure.finish_published(lake) == []


def test_figures_that_were_published_are_stated_as_revised(published: Published) -> None:
    current = current_publication(published.lake.home)
    assert current is not None
    with closing(read_only(current.database("leader"))) as connection:
        rows = connection.execute("SELECT DISTINCT reason FROM indicator_revision").fetchall()
    assert rows
    assert all("依法删除个人信息" in reason for (reason,) in rows)


def test_what_was_published_before_cannot_be_computed_again_and_says_why(published: Published) -> None:
    with pytest.raises(ConsistencyError, match="was taken away when a person was erased"):
        rebuild(published.lake, 1)
    versions = published.lake.state.lake_versions()[0].tables
    with pytest.raises(UsageError, match="was taken away when a person was erased"):
        lake_sql(published.lake.home, VISITED, versions)
    assert all(item.is_same for item in rebuild(published.lake, 2))
