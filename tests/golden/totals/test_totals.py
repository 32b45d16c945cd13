"""Golden cases of an extract's own totals: see cases.yaml beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter
import yaml
from tests.support.tables import PSEUDONYMISER, SETTINGS, division_index

from agrilake.contract.load import load_registry
from agrilake.contract.settings import Limits
from agrilake.intake.findings import WARN
from agrilake.intake.names import DeliveryName
from agrilake.intake.read import read_file
from agrilake.intake.rows import Checked, check_rows
from agrilake.intake.totals import RULE

CASES = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text(encoding="utf-8"))
REGISTRY = load_registry()
DATASET = REGISTRY.get("commerce_online_purchase")


def checked(text: str, path: Path) -> Checked:
    path.write_text(text, encoding="gb18030")
    raw = read_file(path, DATASET, Limits(), REGISTRY)
    return check_rows(raw, DATASET, DeliveryName(DATASET.id, "2024-05"), division_index(), PSEUDONYMISER, SETTINGS)


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_totals(case: dict[str, Any], tmp_path: Path) -> None:
    found = checked(case["text"], tmp_path / "landed")
    assert found.accepted_count == case["accepted"]
    warned = found.findings.filter(pl.col("rule") == RULE)
    assert [list(row) for row in warned.select("line", "column", "found").rows()] == [row[:3] for row in case["warned"]]
    for reason, row in zip(warned["reason"], case["warned"], strict=True):
        assert f"是 {row[2]}，" in reason and f"之和是 {row[3]}。" in reason
    assert set(warned["severity"]) <= {WARN}


def test_each_sheet_has_totals_of_its_own(tmp_path: Path) -> None:
    head = ["月份", "所在村", "商品类别", "订单数", "金额（元）"]
    sheets = {
        "玉峰山镇": [head, ["2024-05", "龙门村", "化肥", 10, 900], ["小计", "", "", 10, 900]],
        "龙兴镇": [head, ["2024-05", "石坪村", "化肥", 7, 800], ["小计", "", "", 9, 800], ["总计", "", "", 17, 1700]],
    }
    with xlsxwriter.Workbook(str(tmp_path / "landed")) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
    raw = read_file(tmp_path / "landed", DATASET, Limits(), REGISTRY)
    name = DeliveryName(DATASET.id, "2024-05")
    found = check_rows(raw, DATASET, name, division_index(), PSEUDONYMISER, SETTINGS).findings
    assert found.select("sheet", "line", "column", "rule").rows() == [("龙兴镇", 3, "orders", RULE)]
