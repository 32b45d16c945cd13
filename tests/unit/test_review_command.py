"""`agrilake review`: the list, a decision, and errors in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.stations import station, store
from tests.unit.test_place_build import INFO, INFO_ID, OFFICE, OFFICE_ID, build
from typer.testing import CliRunner, Result

from agrilake.commands.main import app
from agrilake.commands.output import console
from agrilake.paths import Home

FAR = {**OFFICE, "address": "8组党群服务中心", "lat": 29.99}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A lake with one doubtful pair."""
    monkeypatch.setenv("AGRILAKE_HOME", str(tmp_path))
    monkeypatch.delenv("AGRILAKE_STEWARD", raising=False)
    monkeypatch.setattr(console, "width", 240)
    home = Home.at(tmp_path).prepare()
    store(home, {**INFO, "address": "3组"}, station("DS00900001", "龙门电商站", "3组", north=70), FAR)
    build(home)
    return home


def review(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["review", *arguments])


def pairs() -> list[dict[str, object]]:
    found = json.loads(review("--json").stdout)
    assert isinstance(found, list)
    return found


def test_the_list_shows_both_records_and_why(home: Home) -> None:
    shown = review().stdout
    for words in ("龙门村益农信息社", "龙门电商站", "区农业农村委", "相距约 70 米", "同组（社）", "概率居中"):
        assert words in shown
    (pair,) = pairs()
    assert pair["linked"] in (True, False)
    assert pair["left"]["address"] == "3组"


def test_a_decision_is_kept_and_leaves_the_list_with_the_next_run(home: Home) -> None:
    number = str(pairs()[0]["pair_id"])
    done = review(number, "--refuse", "--by", "核对员", "--reason", "隔壁两家")
    assert done.exit_code == 0, done.output
    assert "不是同一处所" in done.stdout
    build(home)
    assert pairs() == []
    (decision,) = json.loads(review("--decided", "--json").stdout)
    assert (decision["verdict"], decision["decided_by"], decision["reason"]) == ("different", "核对员", "隔壁两家")
    assert "隔壁两家" in review("--decided").stdout


def test_two_stations_that_are_not_on_the_list(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGRILAKE_STEWARD", "核对员")
    done = review(OFFICE_ID, INFO_ID, "--accept", "--reason", "搬到一处", "--json")
    assert json.loads(done.stdout)["decided_by"] == "核对员"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("00000000", "--accept", "--by", "甲", "--reason", "乙"), "no pair"),
        (("00000000",), "a decision needs a pair and one of"),
        (("--accept",), "a decision needs a pair and one of"),
        (("00000000", "--accept", "--refuse"), "choose one of"),
        (("--township", "没有镇"), "no township"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(home: Home, arguments: tuple[str, ...], words: str) -> None:
    done = review(*arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_before_the_first_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGRILAKE_HOME", str(tmp_path))
    done = review()
    assert done.exit_code == 2
    assert "agrilake run" in done.stderr
