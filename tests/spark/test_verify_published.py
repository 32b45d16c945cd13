"""Damages of a lake that was built and published are found and named; as it was made it has no finding."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from tests.conftest import open_lake
from tests.support.damages import PUBLISHED, Damage

from agrilake.recovery import verify as verifying
from agrilake.recovery.looking import Looking
from agrilake.recovery.verify import CHECKS, verify

pytestmark = pytest.mark.spark


@pytest.mark.parametrize("deep", [False, True])
def test_a_published_lake_has_no_finding(small_lake: Path, deep: bool) -> None:
    checks = verify(open_lake(small_lake), deep)
    assert [(check.id, item) for check in checks for item in check.findings] == []
    assert [check.id for check in checks if not check.looked] == []


@pytest.mark.parametrize("damage", PUBLISHED, ids=lambda damage: damage.name)
def test_a_damage_is_found_and_named(damage: Damage, small_lake: Path, tmp_path: Path) -> None:
    lake = open_lake(Path(shutil.copytree(small_lake, tmp_path / "home", symlinks=True)))
    damage.do(lake.home.root)
    (check,) = [item for item in CHECKS if item.id == damage.check]
    findings = verifying._run(check, Looking(lake, damage.deep)).findings
    assert any(re.search(damage.said, item.what) for item in findings), findings
    assert all(item.where and item.remedy for item in findings)
