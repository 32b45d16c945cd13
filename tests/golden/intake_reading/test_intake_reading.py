"""Golden cases of the intake's reading: see cases.yaml beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
import xlwt
import yaml

from agrilake.contract.load import load_registry
from agrilake.contract.settings import Limits
from agrilake.errors import RefusedFile
from agrilake.intake.raw import RawTable
from agrilake.intake.read import read_file

CASES = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text(encoding="utf-8"))
REGISTRY = load_registry()


def written(case: dict[str, Any], path: Path) -> Path:
    if "text" in case:
        path.write_bytes(case["text"].encode(case.get("encoding", "gb18030")))
    elif case["format"] == "xls":
        _write_xls(path, case["sheets"])
    else:
        with xlsxwriter.Workbook(str(path)) as book:
            for name, rows in case["sheets"].items():
                sheet = book.add_worksheet(name)
                for at, row in enumerate(rows):
                    sheet.write_row(at, 0, row)
    return path


def _write_xls(path: Path, sheets: dict[str, list[list[Any]]]) -> None:
    book = xlwt.Workbook()
    for name, rows in sheets.items():
        sheet = book.add_sheet(name)
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                sheet.write(at, column, value)
    book.save(str(path))


def _compare(case: dict[str, Any], table: RawTable) -> None:
    rows = table.frame.select("_line", "household_id", "head_name", "members").rows()
    assert [list(row) for row in rows] == case["rows"]
    assert [[item.line, item.kind] for item in table.set_aside] == case["aside"]
    assert [[item.line, item.rule] for item in table.broken] == case.get("broken", [])
    for name, found in (
        ("encoding_read", table.encoding),
        ("delimiter", table.delimiter),
        ("units", table.header_units),
        ("unmatched", list(table.unmatched)),
        ("ignored", list(table.ignored)),
        ("origin_lines", table.frame["_origin_line"].to_list()),
    ):
        assert name not in case or case[name] == found


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_reading(case: dict[str, Any], tmp_path: Path) -> None:
    path = written(case, tmp_path / "landed")
    dataset = REGISTRY.get(case.get("dataset", "agri_farm_household"))
    if "refused" not in case:
        _compare(case, read_file(path, dataset, Limits(), REGISTRY))
        return
    with pytest.raises(RefusedFile) as caught:
        read_file(path, dataset, Limits(), REGISTRY)
    assert caught.value.code == case["refused"]
    assert caught.value.line == case.get("line", caught.value.line)
