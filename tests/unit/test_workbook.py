"""Workbooks made with the writers that departments use: xlsx (by two writers) and xls."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msoffcrypto
import openpyxl
import pytest
import xlsxwriter
import xlwt
from msoffcrypto.format.ooxml import OOXMLFile

from agrilake.contract.load import load_registry
from agrilake.contract.settings import Limits
from agrilake.errors import RefusedFile
from agrilake.intake.archive import check_archive
from agrilake.intake.celltext import cell_text
from agrilake.intake.raw import RawTable
from agrilake.intake.read import read_file
from agrilake.intake.sheets import xlsx_sheets

REGISTRY = load_registry()
HOUSEHOLD = REGISTRY.get("agri_farm_household")
LIMITS = Limits()
moment = datetime.fromisoformat
TITLES = ["农户编号", "所在村", "户主姓名", "户主身份证号", "联系电话", "家庭人口", "是否脱贫户"]
ROWS: list[list[Any]] = [
    ["H50011210001", 500112112206, "张三", "x", None, 4, True],
    ["H50011210002", 500112112206, "李四", "x", "13800000000", 2.5, "否"],
]
EXPECTED = [
    ("H50011210001", "500112112206", "张三", "x", None, "4", "是"),
    ("H50011210002", "500112112206", "李四", "x", "13800000000", "2.5", "否"),
]


def read(path: Path, limits: Limits = LIMITS) -> RawTable:
    return read_file(path, HOUSEHOLD, limits, REGISTRY)


def refusal(path: Path, limits: Limits = LIMITS) -> RefusedFile:
    with pytest.raises(RefusedFile) as caught:
        read(path, limits)
    return caught.value


def values(table: RawTable) -> list[tuple[str | None, ...]]:
    return table.frame.select(HOUSEHOLD.column(item.name).name for item in HOUSEHOLD.columns).rows()


def with_xlsxwriter(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
    return path


def with_openpyxl(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def with_xlwt(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    book = xlwt.Workbook()
    for name, rows in sheets.items():
        sheet = book.add_sheet(name)
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                if value is not None:
                    sheet.write(at, column, value)
    book.save(str(path))
    return path


WRITERS = [with_xlsxwriter, with_openpyxl, with_xlwt]


@pytest.mark.parametrize("write", WRITERS)
def test_all_writers_give_the_same_table(tmp_path: Path, write: Callable[..., Path]) -> None:
    rows = [["农户基本情况表"], [], TITLES, *ROWS, ["合计", None, None, None, None, 6.5], [], ["填表人：王五"]]
    table = read(write(tmp_path / "landed", {"农户": rows}))
    assert values(table) == EXPECTED
    assert table.frame["_line"].to_list() == [4, 5]
    assert table.frame["_sheet"].to_list() == ["农户", "农户"]
    assert [(item.line, item.kind) for item in table.set_aside] == [
        (1, "preamble"),
        (2, "blank"),
        (3, "header"),
        (6, "total"),
        (7, "blank"),
        (8, "note"),
    ]


@pytest.mark.parametrize("write", WRITERS)
def test_several_sheets_of_the_same_table_are_all_read(tmp_path: Path, write: Callable[..., Path]) -> None:
    turned = [[*row[::-1]] for row in (TITLES, *ROWS)]
    sheets = {"一社": [TITLES, ROWS[0]], "说明": [["填报说明"], ["请勿改动表头"]], "二社": turned, "空": []}
    table = read(write(tmp_path / "landed", sheets))
    assert values(table) == [EXPECTED[0], *EXPECTED]
    assert table.sheets == ("一社", "二社")
    assert [(item.sheet, item.lines) for item in table.set_aside if item.kind == "other_sheet"] == [("说明", 2)]


def test_a_sheet_that_was_meant_and_lacks_a_column_refuses_the_file(tmp_path: Path) -> None:
    path = with_xlsxwriter(tmp_path / "landed", {"一社": [TITLES, ROWS[0]], "二社": [TITLES[:5], ROWS[1][:5]]})
    found = refusal(path)
    assert found.code == "missing_columns"
    assert found.reason.startswith("工作表“二社”")


def test_hidden_sheets_are_reported_and_not_read(tmp_path: Path) -> None:
    path = with_openpyxl(tmp_path / "landed", {"农户": [TITLES, *ROWS], "旧": [TITLES, *ROWS], "更旧": [TITLES, *ROWS]})
    book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()))
    book["旧"].sheet_state, book["更旧"].sheet_state = "hidden", "veryHidden"
    book.save(path)
    table = read(path)
    assert values(table) == EXPECTED
    assert [item.sheet for item in table.set_aside if item.kind == "hidden_sheet"] == ["旧", "更旧"]
    old = xlwt.Workbook()
    for name in ("农户", "旧"):
        sheet = old.add_sheet(name)
        for at, row in enumerate((TITLES, ["H1", "c", "n", "x", "", 1, "是"])):
            for column, value in enumerate(row):
                sheet.write(at, column, value)
    old.get_sheet(1).visibility = 1
    old.save(str(path))
    assert read(path).sheets == ("农户",)


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_merged_headers_in_two_lines_and_cells_merged_over_records(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "landed"
    if kind == "xlsx":
        book = xlsxwriter.Workbook(str(path))
        sheet = book.add_worksheet("农户")
    else:
        old = xlwt.Workbook()
        sheet = old.add_sheet("农户")

    def merge(top: int, left: int, bottom: int, right: int, text: str) -> None:
        if kind == "xlsx":
            sheet.merge_range(top, left, bottom, right, text)
        else:
            sheet.write_merge(top, bottom, left, right, text)

    merge(0, 0, 0, 6, "农户基本情况表")
    for column, title in ((0, "农户编号"), (1, "所在村"), (5, "家庭人口"), (6, "是否脱贫户")):
        merge(1, column, 2, column, title)
    merge(1, 2, 1, 4, "户主")
    for column, title in ((2, "姓名"), (3, "身份证号"), (4, "联系电话")):
        sheet.write(2, column, title)
    merge(3, 1, 5, 1, "某村")
    for at in range(3):
        for column, text in ((0, f"H{at}"), (2, "张三"), (3, "x"), (5, 3), (6, "是")):
            sheet.write(3 + at, column, text)
    (book.close if kind == "xlsx" else lambda: old.save(str(path)))()
    table = read(path)
    assert table.headers["head_id_no"] == "户主身份证号"
    assert table.frame["division_code"].to_list() == ["某村"] * 3
    assert table.frame["_line"].to_list() == [4, 5, 6]


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (None, "General", ""),
        (500112112206, "General", "500112112206"),
        (500112112206.0, "0", "500112112206"),
        (0.1 + 0.2, "General", "0.3"),
        (1234567.5, "#,##0.00", "1234567.5"),
        (0.0000001, "General", "0.0000001"),
        (-3.0, "General", "-3"),
        (500112199001010010, "General", "5.00112E+17"),
        (5.0011219900101e17, "0", "5.00112E+17"),
        (999999999999999, "General", "999999999999999"),
        (123, "000000", "000123"),
        (0.85, "0%", "85%"),
        (0.8525, "0.00%", "85.25%"),
        (0.85, '0.00"%"', "0.85"),
        (True, "General", "是"),
        (False, "General", "否"),
        (moment("2024-05-01"), "yyyy-mm-dd", "2024-05-01"),
        (date(2024, 5, 1), "yyyy-mm-dd", "2024-05-01"),
        (moment("2024-05-01T08:30:00"), "yyyy-mm-dd hh:mm", "2024-05-01 08:30:00"),
        (moment("2024-05-01"), 'yyyy"年"m"月"', "2024-05"),
        (moment("2024-05-01"), "mmm-yy", "2024-05"),
        (moment("2024-05-01"), 'yyyy"年"m"月"d"日"', "2024-05-01"),
        ("#N/A", "General", "#N/A"),
        ("甲\r\n乙", "General", "甲\n乙"),
    ],
)
def test_text_of_a_cell(value: object, number_format: str, text: str) -> None:
    assert cell_text(value, number_format) == text


def rich(path: Path) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("农户")
        month = book.add_format({"num_format": 'yyyy"年"m"月"'})
        share = book.add_format({"num_format": "0%"})
        padded = book.add_format({"num_format": "0000"})
        sheet.write_row(0, 0, [*TITLES, "登记月", "比例"])
        sheet.write_row(1, 0, ["H1", 12, "张三", 500112199001010010, None, 4, True])
        sheet.write_number(1, 1, 12, padded)
        sheet.write_datetime(1, 7, moment("2024-05-01"), month)
        sheet.write_number(1, 8, 0.85, share)
        sheet.write_row(2, 0, ["H2", "村", "李四", "x"])
        sheet.write_formula(2, 5, "=1+2", None, 3)
        sheet.write_formula(2, 6, "=NA()", None, "#N/A")
    return path


def test_formats_formulas_and_errors_are_read_as_a_person_sees_them(tmp_path: Path) -> None:
    table = read(rich(tmp_path / "landed"))
    assert values(table) == [
        ("H1", "0012", "张三", "5.00112E+17", None, "4", "是"),
        ("H2", "村", "李四", "x", None, "3", "#N/A"),
    ]
    assert table.frame["_extra"][0] == '{"登记月":"2024-05","比例":"85%"}'


def test_formulas_that_were_never_calculated_break_their_record(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        [*TITLES, "序号"],
        [*ROWS[0], "=ROW()"],
        ["H2", "村", "李四", "x", None, "=F2+1", "是", 2],
        ["合计", None, None, None, None, "=SUM(F2:F3)"],
    ]
    table = read(with_openpyxl(tmp_path / "landed", {"农户": rows}))
    assert values(table) == [EXPECTED[0]]
    assert [(item.line, item.sheet, item.rule, item.column) for item in table.broken] == [
        (3, "农户", "formula_uncached", "家庭人口")
    ]
    assert [item.line for item in table.set_aside if item.kind == "total"] == [4]
    assert table.frame["_extra"].to_list() == ['{"序号":"=ROW()"}']


def test_both_readers_agree_where_both_can_read(tmp_path: Path) -> None:
    rows = [TITLES, *ROWS, [], [None, None, "张三", 0.1 + 0.2, date(2024, 5, 1), moment("2024-05-01T08:00:00"), 1e17]]
    path = with_openpyxl(tmp_path / "landed", {"农户": [[], *rows], "空": [], "二": rows})
    facts = check_archive(path, LIMITS)
    assert facts.plain
    facts_of_other = check_archive(rich(tmp_path / "rich"), LIMITS)
    assert not facts_of_other.plain
    fast = [(sheet.name, [_stripped(row) for row in sheet.rows]) for sheet in xlsx_sheets(path, facts)]
    forced = type(facts)(plain=False, sheets=facts.sheets)
    slow = [(sheet.name, [_stripped(row) for row in sheet.rows]) for sheet in xlsx_sheets(path, forced)]
    assert fast == slow


def _stripped(row: list[str]) -> list[str]:
    while row and not row[-1]:
        row = row[:-1]
    return row


def test_a_stray_cell_at_the_end_of_the_sheet_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("农户")
        for at, row in enumerate((TITLES, *ROWS)):
            sheet.write_row(at, 0, row)
        sheet.write_blank(50_000, 16_383, None, book.add_format({"bold": True}))
    assert values(read(path)) == EXPECTED


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def encrypted(path: Path) -> Path:
    plain = io.BytesIO(with_xlsxwriter(path, {"农户": [TITLES, *ROWS]}).read_bytes())
    with path.open("wb") as target:
        OOXMLFile(plain).encrypt("made-up", target)
    with path.open("rb") as source:
        assert msoffcrypto.OfficeFile(source).is_encrypted()
    return path


BASE = {"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}


def bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    good = with_xlsxwriter(folder / "good", {"农户": [TITLES, *ROWS]}).read_bytes()
    old = with_xlwt(folder / "old", {"农户": [TITLES, *ROWS]}).read_bytes()

    def file(name: str, data: bytes) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    bomb = zipped(folder / "bomb", {**BASE, "xl/worksheets/sheet1.xml": b" " * 30_000_000})
    return {
        "truncated xlsx": (file("a", good[: len(good) // 2]), "bad_workbook"),
        "damaged xlsx": (file("b", good.replace(good[200:230], b"?" * 30)), "bad_workbook"),
        "truncated xls": (file("c", old[:700]), "bad_workbook"),
        "half an xls": (file("c2", old[: len(old) // 2]), "bad_workbook"),
        "encrypted": (encrypted(folder / "d"), "encrypted_workbook"),
        "bomb": (bomb, "zip_bomb"),
        "many members": (zipped(folder / "m", {**BASE, **{f"x{n}": b"" for n in range(2_001)}}), "zip_bomb"),
        "entities": (
            zipped(folder / "e", {**BASE, "xl/styles.xml": b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>"}),
            "bad_workbook",
        ),
        "other zip": (zipped(folder / "z", {"word/document.xml": b"<x/>"}), "unsupported_format"),
        "no workbook": (zipped(folder / "n", BASE), "bad_workbook"),
        "web page": (file("h", b"<html><table><tr><td>x</td></tr></table></html>"), "unsupported_format"),
        "xml sheet": (file("x", b'<?xml version="1.0"?><Workbook/>'), "unsupported_format"),
        "pdf": (file("p", b"%PDF-1.7"), "unsupported_format"),
        "empty": (file("0", b""), "empty_file"),
        "blank sheets": (with_xlsxwriter(folder / "bl", {"a": [], "b": [[" "]]}), "empty_file"),
        "header only": (with_xlsxwriter(folder / "ho", {"a": [TITLES]}), "header_only"),
        "wide": (with_xlsxwriter(folder / "w", {"a": [[f"列{at}" for at in range(3_000)]]}), "too_many_columns"),
    }


def test_bad_workbooks_have_their_outcome(tmp_path: Path) -> None:
    outcomes = {name: refusal(path).code for name, (path, _) in bad_files(tmp_path).items()}
    assert outcomes == {name: code for name, (_, code) in bad_files(tmp_path).items()}


def test_text_that_was_renamed_to_xls_is_read_as_text(tmp_path: Path) -> None:
    path = tmp_path / "农户__2024-05.xls"
    lines = ["\t".join(TITLES), "\t".join(str(value) for value in ROWS[1])]
    path.write_bytes("\r\n".join(lines).encode("gb18030"))
    table = read(path)
    assert (table.encoding, table.delimiter, table.records) == ("gb18030", "\t", 1)
