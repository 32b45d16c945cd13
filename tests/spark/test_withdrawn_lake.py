"""A wrong delivery is withdrawn from a published lake: gold and the publication are those of a lake that never saw it,
and figures that were published are stated as revised."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.conftest import open_lake
from tests.support.lakes import assert_same_gold
from tests.support.samples import SAMPLE, drop

from agrilake.pipeline.context import Lake
from agrilake.pipeline.run import run_all
from agrilake.pipeline.withdrawal import withdraw
from agrilake.publish import current_publication
from agrilake.publish.opening import read_only
from agrilake.recovery.verify import verify

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(not os.environ.get("AGRILAKE_FULL"), reason="make test-full: three whole runs"),
]
BASE = (
    *("stats/stats_division__2023.csv", "stats/行政区划__2024.xlsx", "stats/区划代码对照__2024.txt"),
    *("stats/人口户数__2024年.xlsx", "commerce/commerce_ecommerce_sales__2023-01.csv"),
    *("commerce/农产品网络零售__2024-01.xlsx", "agri/agri_farm_household__2024-01.csv"),
)
WRONG = "commerce/commerce_ecommerce_sales__2024-02.csv"
VALUES = (
    "SELECT indicator_id, division_code, period, value, numerator, denominator, flag FROM indicator_value ORDER BY ALL"
)


def published(lake: Lake, query: str) -> list[tuple[object, ...]]:
    current = current_publication(lake.home)
    assert current is not None
    with closing(read_only(current.database("leader"))) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory, spark_remote: str) -> Iterator[tuple[Lake, Lake]]:
    """A lake that took the wrong file, published it and took it back; and one that never saw it."""
    never = tmp_path_factory.mktemp("never") / "home"
    for name in BASE:
        drop(SAMPLE / "inbox" / name, never)
    assert run_all(open_lake(never)).failures == []
    root = tmp_path_factory.mktemp("withdrawn") / "home"
    shutil.copytree(never, root, symlinks=True)
    lake = open_lake(root)
    drop(SAMPLE / "inbox" / WRONG, root)
    assert run_all(lake).failures == []
    (wrong,) = [item for item in lake.state.deliveries() if item.file_name == Path(WRONG).name]
    withdraw(lake, wrong.id, "王某", "报错了期")
    assert run_all(lake).failures == []
    yield lake, open_lake(never)


def test_gold_and_the_published_figures_are_those_of_a_lake_that_never_saw_it(lakes: tuple[Lake, Lake]) -> None:
    lake, never = lakes
    assert_same_gold(lake.home.root, never.home.root)
    assert published(lake, VALUES) == published(never, VALUES) != []


def test_figures_that_were_published_are_stated_as_revised(lakes: tuple[Lake, Lake]) -> None:
    lake, _ = lakes
    rows = published(
        lake,
        "SELECT reason, value_before, value_after FROM indicator_revision "
        "WHERE published_after = 3 AND indicator_id = 'online_retail_amount' AND period = '2024-02'",
    )
    assert rows
    assert all("撤回" in str(reason) for reason, *_ in rows)
    assert all(before is not None for _, before, _ in rows)
    assert {after for *_, after in rows} == {None}


def test_the_lake_is_whole(lakes: tuple[Lake, Lake]) -> None:
    assert [check.findings for check in verify(lakes[0]) if check.findings] == []
