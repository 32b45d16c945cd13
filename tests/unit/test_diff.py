"""What differs between two versions of a table, and between two publications; nothing personal is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.conftest import open_lake
from typer.testing import CliRunner

from agrilake.commands.main import app
from agrilake.contract.load import load_registry
from agrilake.errors import UsageError
from agrilake.pipeline.compare import compare_versions
from agrilake.pipeline.context import Lake
from agrilake.tables.diff import RowChange, Shape, diff, shape_of

REGISTRY = load_registry()
NAMES = ("版本 0", "版本 1")
SITE = Shape("gold/site", "站点", ("site_no",), frozenset({"phone"}), frozenset({"note"}))


def frame(*rows: dict[str, Any]) -> Any:
    """Sites; what a row does not say is as usual."""
    usual = {"site_no": "S1", "name": "一站", "phone": "k1:aa", "note": None, "delivery_id": "d1", "line": 2}
    kinds = {name: pl.Int64 if name == "line" else pl.String for name in usual}
    return pl.DataFrame([usual | row for row in rows], schema=kinds).to_arrow()


def test_rows_are_matched_by_key() -> None:
    before = frame({}, {"site_no": "S2"}, {"site_no": "S3"}, {"site_no": "S4"})
    after = frame(
        {"name": "新名"}, {"site_no": "S3", "line": 9}, {"site_no": "S4"}, {"site_no": None}, {"site_no": "S5"}
    )
    found = diff(SITE, before, after, NAMES)
    counts = (found.rows_before, found.rows_after, found.changed, found.added, found.removed, found.moved)
    assert counts == (4, 5, 1, 2, 1, 1)
    assert found.columns == {"name": 1}
    assert found.sample == (
        RowChange("changed", {"site_no": "S1"}, {"name": ("一站", "新名")}),
        RowChange("added", {"site_no": "S5"}, {}),
        RowChange("added", {"site_no": None}, {}),
        RowChange("removed", {"site_no": "S2"}, {}),
    )
    assert not found.is_same
    assert diff(SITE, before, before, NAMES).is_same


def test_nothing_personal_is_shown() -> None:
    """A personal column's changes are counted; numbers that were written into free text are masked."""
    made_up = "13900000001"
    found = diff(SITE, frame({}), frame({"phone": "k1:bb", "note": f"电话{made_up}"}), NAMES)
    assert found.columns == {"phone": 1, "note": 1}
    assert list(found.sample[0].columns) == ["note"]
    assert made_up not in str(found)
    assert "k1:" not in str(found)


def test_a_personal_key_is_shown_as_the_way_back_to_the_line() -> None:
    elder = Shape("silver/elder", "老人", ("site_no",), frozenset({"site_no", "phone"}))
    found = diff(elder, frame({}), frame({"name": "甲"}), NAMES)
    assert found.sample[0].key == {"delivery_id": "d1", "line": 2}


def test_without_a_key_whole_rows_are_compared_as_often_as_they_stand() -> None:
    rows = Shape("gold/x", "表", ())
    found = diff(rows, frame({}, {}, {"name": "乙"}), frame({}, {"name": "丙"}), NAMES)
    assert (found.removed, found.added, found.changed) == (2, 1, 0)


def test_a_table_that_was_not_there_had_no_rows() -> None:
    found = diff(SITE, None, frame({}, {"site_no": "S2"}), NAMES)
    assert (found.rows_before, found.added) == (0, 2)
    gone = diff(Shape("gold/x", "表", ()), frame({}), None, NAMES)
    assert (gone.rows_after, gone.removed) == (0, 1)


def test_keys_are_those_of_the_contracts() -> None:
    assert shape_of("silver/stats_population", REGISTRY).key == ("_period", "division_code", "year")
    assert shape_of("silver/civil_elder_history", REGISTRY).key[-1] == "valid_from"
    assert "id_no" in str(shape_of("silver/civil_elder", REGISTRY).personal)
    with pytest.raises(UsageError, match="no contract for 'gold/nonsense'"):
        shape_of("gold/nonsense", REGISTRY)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake with one table in three versions, and two lake versions."""
    lake = open_lake(tmp_path)
    path = str(lake.home.table("gold", "training"))
    for number in range(3):
        rows = [{"session_no": f"T{n}", "attendees": n + number} for n in range(number + 1)]
        pl.DataFrame(rows).write_delta(path, mode="overwrite")
        if number != 1:
            lake.state.record_lake_version({"gold/training": number})
    return lake


def test_versions_are_deltas_or_the_lakes(lake: Lake) -> None:
    newest = compare_versions(lake, "gold.training", None, None)
    assert (newest.before, newest.after, newest.changed, newest.added) == ("版本 1", "版本 2", 2, 1)
    whole = compare_versions(lake, "gold.training", 1, 2, of_lake=True)
    assert (whole.before, whole.rows_before, whole.rows_after) == ("湖版本 1", 1, 3)
    with pytest.raises(UsageError, match="gold/training has versions 0 to 2, not 7"):
        compare_versions(lake, "gold.training", 0, 7)
    with pytest.raises(UsageError, match="gold/elder has no version yet"):
        compare_versions(lake, "gold.elder", None, None)


def test_the_command_speaks_to_people_and_scripts(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGRILAKE_HOME", str(lake.home.root))
    run = CliRunner().invoke
    said = run(app, ["diff", "gold.training", "--from", "0", "--to", "2"]).output
    assert "版本 0 1 行，版本 2 3 行；改动 1 行，新增 2 行" in said
    assert "改动 session_no=T0：attendees 0 → 2" in said
    found = json.loads(run(app, ["diff", "gold.training", "--json", "--limit", "0"]).output)
    assert (found["changed"], found["sample"]) == (2, [])
    assert run(app, ["diff"]).exit_code == UsageError.exit_code
    assert run(app, ["diff", "gold.training", "--published", "1", "2"]).exit_code == UsageError.exit_code
