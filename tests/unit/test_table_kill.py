"""A table whose writer dies while it is made, or emptied for a changed contract: never one that nobody can mend."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from tests.support.tables import dataset

from agrilake.lake.failpoints import VARIABLE
from agrilake.lake.files import table_version
from agrilake.tables.small import overwrite
from agrilake.tables.write import create_table, give_back_rows, require_fit

OF = dataset(
    [
        {"name": "id", "primary_key": True, "required": True},
        {"name": "n", "type": "integer", "minimum": 1, "maximum": 500},
        {"name": "area_mu", "type": "number", "precision": 18, "scale": 4},
    ]
)
GOLD = replace(OF, id="case", department="gold", path=Path("gold/case.yaml"))
NARROWER = replace(GOLD, columns=(*GOLD.columns[:1], replace(GOLD.columns[1], maximum=50), GOLD.columns[2]))


def rows(n: int) -> pl.DataFrame:
    return pl.DataFrame({"id": ["a"], "n": [n], "area_mu": [Decimal("0.42")]})


def make(path: Path) -> None:
    create_table(path, OF)


def write(path: Path) -> None:
    overwrite(rows(4), path, NARROWER, {"rule": "new"})


def killed(work: Callable[..., None], point: str, *arguments: Any) -> None:
    """Run in a process of its own that dies at the point."""
    os.environ[VARIABLE] = point
    try:
        child = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
        child.start()
        child.join(60)
    finally:
        del os.environ[VARIABLE]
    assert child.exitcode == -signal.SIGKILL


def test_a_table_that_was_not_made_to_its_end_is_made_anew(tmp_path: Path) -> None:
    """Without its constraints it would stand there for ever as one that differs from its contract."""
    path = tmp_path / "agri_case"
    killed(make, "table_created", path)
    assert table_version(path) is None
    require_fit(path, OF)
    create_table(path, OF)
    require_fit(path, OF)
    assert [item.name for item in tmp_path.iterdir()] == ["agri_case"]


def test_a_table_whose_only_commit_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "agri_case"
    (path / "_delta_log").mkdir(parents=True)
    create_table(path, OF)
    require_fit(path, OF)


def test_a_gold_table_that_was_emptied_gets_its_rows_back_before_anything_else(tmp_path: Path) -> None:
    path = tmp_path / "case"
    overwrite(rows(40), path, GOLD, {"rule": "old"})
    killed(write, "table_emptied", path)
    assert pl.read_delta(str(path)).is_empty()
    give_back_rows(path)
    held = table_version(path)
    assert pl.read_delta(str(path))["n"].to_list() == [40], "also where it cannot be built now"
    give_back_rows(path)
    assert table_version(path) == held
    write(path)
    assert pl.read_delta(str(path))["n"].to_list() == [4]


def test_a_gold_table_without_rows_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "case"
    create_table(path, GOLD)
    give_back_rows(path)
    overwrite(rows(1).clear(), path, GOLD, {"rule": "none"})
    held = table_version(path)
    give_back_rows(path)
    assert table_version(path) == held
    assert json.loads((path / "_delta_log" / f"{0:020d}.json").read_text().splitlines()[0])
