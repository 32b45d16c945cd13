"""Receipts: totals that add up, nothing personal, nothing that runs, and a CSV that comes back."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.support.persons import PERSONAL_NUMBERS
from tests.support.tables import PSEUDONYMISER, SETTINGS, dataset, division_index, raw_table

from agrilake.contract.model import Dataset
from agrilake.contract.settings import Limits
from agrilake.intake.names import DeliveryName
from agrilake.intake.raw import BrokenRecord, RawTable, SetAside
from agrilake.intake.read import read_file
from agrilake.intake.receipt import ReceiptPaths, receipt_paths, write_receipt
from agrilake.intake.receipt_table import csv_bytes, safe_cell
from agrilake.intake.rows import Checked, check_rows
from agrilake.lake.state import Delivery
from agrilake.paths import Home

COLUMNS: list[dict[str, Any]] = [
    {"name": "site_no", "title": "站点编号", "primary_key": True, "required": True, "pattern": "[0-9]{8}"},
    {"name": "division_code", "title": "所在村", "required": True, "division_level": "village"},
    {"name": "manager", "title": "负责人", "pii": "name", "privacy": "drop"},
    {"name": "id_no", "title": "身份证号", "pii": "id_no", "privacy": "pseudonym", "checks": [{"name": "resident_id"}]},
    {"name": "amount_yuan", "title": "金额", "type": "number", "precision": 18, "scale": 2, "unit": "元"},
    {"name": "balance", "title": "差额", "type": "integer", "required": True},
    {"name": "remark", "title": "备注"},
]
SITES = dataset(COLUMNS)
GOOD = {
    "site_no": "00120035",
    "division_code": "500112129207",
    "manager": "张三",
    "id_no": "11010519491231002X",
    "amount_yuan": "1.5",
    "balance": "-3",
    "remark": "见13800138000",
}
BAD = {**GOOD, "site_no": "00120036", "balance": "无此数", "remark": "=HYPERLINK(1)"}
HOSTILE = {**GOOD, "site_no": "<script>alert(1)</script>", "remark": "@x"}
DELIVERY = Delivery(
    id="abcdef0123456789",
    dataset=SITES.id,
    department="agri",
    period="2024-05",
    file_name="样例__2024-05__13800138000.csv",
    sha256="0f" * 32,
    bytes=123_456,
    status="partial",
    contract_version="1.0.0",
    received_at="2024-06-03T02:00:00+00:00",
)


def checked_of(raw: RawTable, of: Dataset = SITES, original: pl.DataFrame | None = None) -> Checked:
    name = DeliveryName(of.id, "2024-05")
    return check_rows(raw, of, name, division_index(), PSEUDONYMISER, SETTINGS, original)


def received(home: Home, rows: list[dict[str, Any]], **raw: Any) -> tuple[ReceiptPaths, RawTable, Checked, Delivery]:
    table = replace(raw_table(SITES, rows), **raw)
    checked = checked_of(table)
    counts = {
        "records": checked.records,
        "accepted": checked.accepted_count,
        "quarantined": checked.quarantined_count,
        "duplicate": checked.duplicate_count,
        "status": "partial" if checked.quarantined_count else "accepted",
    }
    delivery = replace(DELIVERY, **counts)
    return write_receipt(home, delivery, checked, table, SITES), table, checked, delivery


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


class Page(HTMLParser):
    """Text and tags of a page; every tag that is opened must be closed."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not {"src", "href"} & {name for name, _ in attrs}, "no outside resource"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += " ".join(data.split())


def test_the_page_adds_up_and_names_every_line(home: Home) -> None:
    broken = (BrokenRecord(9, None, "field_count", "这一行有 9 列，表头有 7 列。", "请检查逗号。"),)
    aside = (SetAside(1, None, "header"), SetAside(10, None, "total"), SetAside(None, "旧表", "hidden_sheet", 0))
    paths, _, checked, delivery = received(home, [GOOD, GOOD, BAD], broken=broken, set_aside=aside)
    page = Page(paths.html.read_text(encoding="utf-8"))
    assert delivery.records == 4 == checked.accepted_count + checked.quarantined_count + checked.duplicate_count
    assert "读到4=接收1+退回2+重复1" in page.words
    assert "表头行 1，合计、小计行 1。" in page.words
    assert "未取用的工作表旧表（隐藏）" in page.words
    assert "“差额”填的是“无此数”，应为整数。" in page.words
    assert "第 3 行同第 2 行" in page.words
    assert "这一行有 9 列" in page.words
    assert "样例（agri_case）" in page.words and "区农业农村委" in page.words and "120.6 KB" in page.words
    assert "2024-06-03 10:00:00" in page.words
    assert paths.csv.name in page.words


def test_nothing_personal_and_nothing_that_runs(home: Home) -> None:
    paths, *_ = received(home, [BAD, HOSTILE, {**BAD, "site_no": "00120037", "id_no": "110105194912310021"}])
    html, table = paths.html.read_text(encoding="utf-8"), paths.csv.read_text(encoding="utf-8-sig")
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert "script" not in Page(html).tags
    for text in (html, table, paths.html.name, paths.csv.name):
        assert not PERSONAL_NUMBERS.search(re.sub("SHA-256 [0-9a-f]+", "", text))
        assert "张三" not in text
    assert "http" not in html.replace("http-equiv", "")


def test_csv_is_for_excel_and_for_the_inbox(home: Home) -> None:
    paths, *_ = received(home, [GOOD, BAD, HOSTILE])
    assert paths.csv.name == "agri_case__2024-05__补正-abcdef01-1.csv"
    content = paths.csv.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf") and content.count(b"\r\n") == content.count(b"\n") == 3
    one, two = rows_of(paths.csv)
    assert list(one) == ["原行号", "问题", "改法", "站点编号", "所在村", "负责人", "身份证号", "金额", "差额", "备注"]
    assert one["原行号"] == "3" and one["问题"] == "“差额”填的是“无此数”，应为整数。"
    assert one["负责人"] == "张*" and one["身份证号"] == "110**************X"
    assert one["备注"] == "'=HYPERLINK(1)" and two["备注"] == "'@x"
    assert one["站点编号"] == "'00120036" and one["所在村"] == "'500112129207"
    assert two["差额"] == "-3"


def test_mended_rows_come_back_whole(home: Home, tmp_path: Path) -> None:
    """The department mends one cell of the receipt's CSV, drops it, and nothing is left in quarantine."""
    paths, raw, _, _ = received(home, [GOOD, BAD])
    text = paths.csv.read_text(encoding="utf-8-sig").replace("无此数", "-7", 2)
    mended = tmp_path / paths.csv.name
    mended.write_text(text.replace("“差额”填的是“-7”", "已改"), encoding="utf-8-sig")
    again = read_file(mended, SITES, Limits())
    second = checked_of(again, original=raw.frame)
    assert second.findings.height == 0 and second.accepted_count == 1
    row = second.accepted.to_dicts()[0]
    whole = checked_of(raw_table(SITES, [{**BAD, "balance": "-7"}])).accepted.to_dicts()[0]
    for name in ("site_no", "division_code", "id_no", "amount_yuan", "balance", "remark"):
        assert row[name] == whole[name], name


def test_the_unit_above_the_table_goes_into_the_header(home: Home) -> None:
    paths, *_ = received(home, [BAD], header_units={"amount_yuan": "万元"})
    assert rows_of(paths.csv)[0]["金额（万元）"] == "1.5"


def test_long_lists_are_cut_on_the_page_only(home: Home) -> None:
    paths, *_ = received(home, [{**BAD, "site_no": f"{number:08d}"} for number in range(620)])
    page = Page(paths.html.read_text(encoding="utf-8"))
    assert "共 620 处，这里列出前 500 处" in page.words
    assert page.tags.count("tr") < 520
    assert len(rows_of(paths.csv)) == 620


def test_all_accepted(home: Home) -> None:
    paths, *_ = received(home, [GOOD])
    assert paths.csv.name == "样例__2024-05__138____8000__abcdef01.csv"
    assert rows_of(paths.csv) == [{"原行号": "", "问题": "没有需要改的行。", "改法": "不需要处理。"}]
    assert "全部接收" in paths.html.read_text(encoding="utf-8")


def test_refused_file_says_where_and_what(home: Home) -> None:
    refused = replace(
        DELIVERY, dataset="", status="refused", code="no_header", reason="找不到表头。", remedy="请按模板填报。"
    )
    paths = write_receipt(home, replace(refused, details={"line": 3, "column": "金额"}), None, None, None)
    page = Page(paths.html.read_text(encoding="utf-8"))
    assert "未接收" in page.words and "第 3 行，“金额”列" in page.words
    assert "找不到表头。" in page.words and "请按模板填报。" in page.words
    assert rows_of(paths.csv) == [{"原行号": "3", "问题": "找不到表头。", "改法": "请按模板填报。"}]


def test_waiting_then_partial_leaves_one_csv(home: Home) -> None:
    waiting = replace(DELIVERY, status="waiting", reason="行政区划表尚未入湖。")
    first = write_receipt(home, waiting, None, None, SITES)
    assert "已收下，待处理" in first.html.read_text(encoding="utf-8")
    second, *_ = received(home, [BAD])
    assert second.html == first.html
    assert sorted(item.name for item in first.html.parent.iterdir()) == sorted([second.html.name, second.csv.name])


def test_repeat_keeps_the_first_receipt(home: Home) -> None:
    paths, _, _, delivery = received(home, [BAD])
    before = (paths.html.read_bytes(), paths.csv.read_bytes())
    again = write_receipt(home, delivery, None, None, SITES, repeated=True)
    assert again.html != paths.html
    assert (paths.html.read_bytes(), paths.csv.read_bytes()) == before
    assert "重复报送" in again.html.read_text(encoding="utf-8")
    assert again == receipt_paths(home, delivery, repeated=True)


def test_same_delivery_gives_the_same_bytes(home: Home) -> None:
    paths, *_ = received(home, [GOOD, BAD])
    before = (paths.html.read_bytes(), paths.csv.read_bytes())
    again, *_ = received(home, [GOOD, BAD])
    assert (again.html.read_bytes(), again.csv.read_bytes()) == before


def test_names_that_would_leave_the_folder(home: Home) -> None:
    hostile = replace(
        DELIVERY, department="../..", file_name="../../etc/passwd\u202e\n.csv", status="refused", reason="文件名不对。"
    )
    paths = write_receipt(home, hostile, None, None, None)
    for path in (paths.html, paths.csv):
        assert path.resolve().is_relative_to(home.outbox) and path.exists()


def test_very_long_names_still_get_a_receipt(home: Home) -> None:
    long = replace(DELIVERY, file_name="农" * 300 + ".csv", status="refused", reason="文件名过长。")
    assert write_receipt(home, long, None, None, None).html.exists()


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+86 138", "'+86 138"),
        ("-x", "'-x"),
        ("@sum", "'@sum"),
        ("\t=1", "'\t=1"),
        ("＝1", "'＝1"),
        ("-12.5", "-12.5"),
        ("+3", "+3"),
        ("-1,234.50", "-1,234.50"),
        ("平常", "平常"),
        (None, None),
    ],
)
def test_formulas_are_escaped_numbers_are_not(cell: str | None, written: str | None) -> None:
    table = pl.DataFrame({"a": pl.Series([cell], dtype=pl.String)}).select(safe_cell(pl.all()))
    assert table["a"].to_list() == [written]


def test_csv_bytes_quote_what_needs_it() -> None:
    content = csv_bytes(pl.DataFrame({"a": ['x,"y"\nz']})).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(content))) == [["a"], ['x,"y"\nz']]
