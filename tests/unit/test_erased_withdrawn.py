"""A person who stands in what was taken back or refused, or who has no number: erased all the same."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.support.intake import reference_lake, take
from tests.support.searching import Searcher
from tests.support.two_registers import ELDERS, HOUSEHOLDS, IDS, NAMES, elders, households, put

from agrilake.intake.keys import KEY_VARIABLE, create_key
from agrilake.pipeline import steps
from agrilake.pipeline.context import Lake
from agrilake.pipeline.erasure import erase
from agrilake.pipeline.withdrawal import withdraw
from agrilake.recovery.verify import verify

BY, WHY = "王某", "本人撤回同意"
WHO, OTHER = 1, 2
VISITS = "civil_elder_visit"
ELDER = f"E000000000{WHO}"
HEAD = ("探访编号", "老人编号", "所在村", "探访日期", "探访结果")


def visits(*numbers: int) -> list[tuple[str, ...]]:
    return [HEAD, *((f"TF20240100000{n}", f"E000000000{n}", "500112129201", "2024-01-15", "情况正常") for n in numbers)]


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv(KEY_VARIABLE, str(create_key(tmp_path / "keys" / "own.key")))
    monkeypatch.setenv("AGRILAKE_HOME", str(tmp_path / "home"))
    lake = reference_lake(tmp_path / "home")
    lake.ensure_key()
    return lake


def took(lake: Lake, name: str, rows: object) -> str:
    """Deliver one file and bring silver up to date; the delivery."""
    put(lake, {name: rows})
    (outcome,) = take(lake).values()
    for dataset in (HOUSEHOLDS, ELDERS, VISITS):
        steps.update_silver(lake, dataset)
    return outcome.delivery.id


def found(lake: Lake, **traces: str) -> list[str]:
    return Searcher(traces).in_tree(lake.home.root, leave_out=("inbox",))


def findings(lake: Lake) -> list[object]:
    return [check.findings for check in verify(lake) if check.findings]


def test_a_person_of_a_withdrawn_delivery_alone_leaves_its_old_versions(lake: Lake) -> None:
    took(lake, "agri_farm_household__2024-01", households(0, OTHER))
    withdraw(lake, took(lake, "agri_farm_household__2024-02", households(0, WHO, OTHER)), BY, "报错了")
    token = lake.pseudonymiser.tokens(pl.Series([IDS[WHO]]), "id_no")[0]
    traces = {"id": IDS[WHO], "name": NAMES[WHO], "token": token}
    assert found(lake, **traces)
    erase(lake, [IDS[WHO]], BY, WHY)
    assert found(lake, **traces) == []
    assert findings(lake) == []


def test_a_withdrawn_file_that_names_the_person_by_the_registers_number_goes(lake: Lake) -> None:
    took(lake, "civil_elder__2024-01", elders(0, WHO, OTHER))
    withdraw(lake, took(lake, "civil_elder_visit__2024-01", visits(WHO, OTHER)), BY, "报错了")
    assert found(lake, elder=ELDER)
    erase(lake, [IDS[WHO]], BY, WHY)
    assert found(lake, elder=ELDER) == []
    assert findings(lake) == []


def test_a_refused_file_that_names_the_person_by_the_registers_number_goes(lake: Lake) -> None:
    took(lake, "civil_elder__2024-01", elders(0, WHO, OTHER))
    took(lake, "civil_elder_visit__2024-02", [["坏", "表"], [ELDER, "x"]])
    assert found(lake, elder=ELDER)
    erase(lake, [IDS[WHO]], BY, WHY)
    assert found(lake, elder=ELDER) == []


def test_visits_go_with_an_elder_who_has_no_number_and_is_erased_by_a_line(lake: Lake) -> None:
    nameless = [list(row) for row in elders(WHO, OTHER)]
    nameless[1][3] = "不详"
    register = took(lake, "civil_elder__2024-01", nameless)
    took(lake, "civil_elder_visit__2024-01", visits(WHO, OTHER))
    assert found(lake, elder=ELDER)
    erase(lake, [], BY, WHY, [f"{register[:8]}:2"])
    assert found(lake, elder=ELDER) == []
    assert findings(lake) == []
