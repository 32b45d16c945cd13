"""Each way of damaging a lake is found, named and comes with what to do; a whole lake has no finding."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from tests.support.damages import FILES, Damage
from tests.support.intake import open_lake, reference_lake, take
from tests.support.samples import SAMPLE, drop

from agrilake.intake.receipt import receipt_paths
from agrilake.pipeline import steps
from agrilake.pipeline.context import Lake
from agrilake.recovery import verify as verifying
from agrilake.recovery.looking import Finding, Found, Looking
from agrilake.recovery.verify import CHECKS, verify

TAKEN = (
    "commerce/commerce_ecommerce_sales__2024-02.csv",
    "commerce/commerce_ecommerce_sales__2024-02__更正.csv",
    "civil/civil_elder__2024-01.csv",
    "civil/老人数据库__2024-02.xlsx",
    "agri/agri_farm_household__2024-02__列太多.csv",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with files up to silver and a recorded version. Read only."""
    lake = reference_lake(tmp_path_factory.mktemp("verify") / "home")
    for name in TAKEN:
        drop(SAMPLE / "inbox" / name, lake.home.root)
    take(lake)
    for name in lake.registry.datasets:
        steps.update_silver(lake, name)
    lake.state.record_lake_version(steps.lake_tables(lake))
    return lake.home.root


def found_by(check: str, lake: Lake, deep: bool) -> list[Finding]:
    (chosen,) = [item for item in CHECKS if item.id == check]
    return verifying._run(chosen, Looking(lake, deep)).findings


@pytest.mark.parametrize("deep", [False, True])
def test_a_whole_lake_has_no_finding(whole: Path, deep: bool) -> None:
    checks = verify(open_lake(whole), deep)
    assert [item for check in checks for item in check.findings] == []
    assert {check.id for check in checks if not check.looked} == {"gold", "publications", "records"}


@pytest.mark.parametrize("damage", FILES, ids=lambda damage: damage.name)
def test_a_damage_is_found_and_named(damage: Damage, whole: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(whole, tmp_path / "home"))
    lake = open_lake(home)
    damage.do(home)
    findings = found_by(damage.check, lake, damage.deep)
    assert any(re.search(damage.said, item.what) for item in findings), findings
    assert all(item.where and item.remedy for item in findings)
    if damage.deep:
        assert found_by(damage.check, lake, deep=False) == []


def test_a_receipt_that_is_owed_is_not_missing(whole: Path, tmp_path: Path) -> None:
    """Of a process that died between the record and the receipt; whoever looks next writes it."""
    home = Path(shutil.copytree(whole, tmp_path / "home"))
    lake = open_lake(home)
    item = next(item for item in lake.state.deliveries() if item.status == "refused")
    receipt_paths(lake.home, item).html.unlink()
    assert found_by("receipts", lake, deep=False)
    lake.state.owe_receipt(item.id)
    assert found_by("receipts", lake, deep=False) == []


def test_every_check_has_its_damage() -> None:
    from tests.support.damages import PUBLISHED

    assert {damage.check for damage in (*FILES, *PUBLISHED)} == {check.id for check in CHECKS}


def test_a_check_that_fails_itself_is_a_finding_and_the_others_go_on(whole: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(whole, tmp_path / "home"))
    lake = open_lake(home)
    (home / "published" / "000001").mkdir(mode=0o700)
    (home / "published" / "000001" / "manifest.json").write_text('{"tables": 7}', encoding="ascii")
    found = {check.id: check.findings for check in verify(lake)}
    assert found["landing"] == []
    assert any("it could not be checked" in item.what for item in found["logs"])


def test_what_was_only_on_its_way_is_no_finding(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lake moved on while it was looked at: what was found is looked for again."""
    lake = open_lake(Path(shutil.copytree(whole, tmp_path / "home")))
    seen: list[int] = []

    def check(looking: Looking, found: Found) -> None:
        seen.append(len(looking.deliveries))
        if len(seen) == 1:
            found.add("rows without a delivery", "bronze", "wait")
            drop(SAMPLE / "inbox" / "stats" / "人口户数__2024年.xlsx", lake.home.root)
            take(lake)

    monkeypatch.setattr(verifying, "CHECKS", (verifying.Check("it", "moves", check),))
    monkeypatch.setattr(verifying, "PAUSE_SECONDS", 0)
    (checked,) = verify(lake)
    assert checked.findings == []
    assert seen == [8, 9]
