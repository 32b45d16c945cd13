"""Finding and matching headers; which rows of a table are no records."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agrilake.contract.load import load_registry
from agrilake.contract.model import Dataset
from agrilake.errors import RefusedFile
from agrilake.intake.header import Header, Row, find_header
from agrilake.intake.margins import NOTE, SIEVE, TOTAL, row_kind
from agrilake.intake.raw import ORIGIN_LINE
from agrilake.intake.titles import match, squeeze, title_of

REGISTRY = load_registry()
HOUSEHOLD = REGISTRY.get("agri_farm_household")
TITLES = ["农户编号", "所在村", "户主姓名", "户主身份证号", "联系电话", "家庭人口", "是否脱贫户"]
DATA = ["H50011210001", "500112112206", "张三", "x", "", "4", "是"]


def rows(*cells: list[str]) -> list[Row]:
    return [Row(at + 1, list(row)) for at, row in enumerate(cells)]


def find(*cells: list[str], dataset: Dataset = HOUSEHOLD) -> Header:
    return find_header(rows(*cells), dataset, tuple(REGISTRY.datasets.values()))


def refusal(*cells: list[str]) -> RefusedFile:
    with pytest.raises(RefusedFile) as caught:
        find(*cells)
    return caught.value


@pytest.mark.parametrize(
    ("text", "column", "unit"),
    [
        ("农户编号", "household_id", None),
        ("household_id", "household_id", None),
        ("HOUSEHOLD_ID ", "household_id", None),
        ("户编号", "household_id", None),
        ("*农户编号", "household_id", None),
        ("1.农户编号", "household_id", None),
        ("（一）农户编号", "household_id", None),
        ("农户编号（必填）", "household_id", None),
        ("农户\n编号", "household_id", None),
        ("农 户　编 号", "household_id", None),
        ("\ufeff农户编号", "household_id", None),
        ("村（社区）", "division_code", None),
        ("村(社区)", "division_code", None),
        ("所在村（12位代码）", "division_code", None),
        ("家庭人口（人）", "members", "人"),
        ("家庭人口【单位：人】", "members", "人"),
        ("家庭人口/人", "members", "人"),
        ("是否脱贫户（是/否）", "poverty_alleviated", None),
        ("备注", None, None),
        ("", None, None),
        ("（人）", None, None),
    ],
)
def test_spellings_of_a_title(text: str, column: str | None, unit: str | None) -> None:
    found = match(text, HOUSEHOLD)
    assert ((found.column, found.unit) if found else (None, None)) == (column, unit)


def test_a_number_that_belongs_to_the_title_is_no_numbering() -> None:
    assert title_of("2024.5月产量").full == "2024.5月产量"


def test_under_preamble_lines() -> None:
    header = find(["渝北区农户基本情况表", *[""] * 6], [""] * 7, ["填报单位：", "某镇", *[""] * 5], TITLES, DATA)
    assert (header.first, header.last, header.line) == (3, 3, 4)
    assert header.columns == {
        "household_id": 0,
        "division_code": 1,
        "head_name": 2,
        "head_id_no": 3,
        "phone": 4,
        "members": 5,
        "poverty_alleviated": 6,
    }


def test_two_lines_are_joined_parent_and_child() -> None:
    header = find(
        ["农户编号", "所在村", "户主", "", "", "家庭", "脱贫户"],
        ["", "", "姓名", "身份证号", "联系电话", "人口（人）", ""],
        DATA,
    )
    assert (header.first, header.last) == (0, 1)
    assert list(header.columns.values()) == list(range(7))
    assert header.titles[3] == "户主身份证号"
    assert header.units == {"members": "人"}


def test_a_merged_title_above_is_no_parent() -> None:
    header = find(["农户基本情况表", *[""] * 6], TITLES, DATA)
    assert (header.first, header.last) == (1, 1)


@pytest.mark.parametrize(
    "below",
    [
        ["household_id", "division_code", "head_name", "head_id_no", "phone", "members", "poverty_alleviated"],
        [column.description for column in HOUSEHOLD.columns],
        ["1", "2", "3", "4", "5", "6", "7"],
        ["甲", "乙", "1", "2", "3", "4", "5"],
        TITLES,
    ],
)
def test_rows_that_explain_the_header_belong_to_it(below: list[str]) -> None:
    assert find(TITLES, below, DATA).last == 1


def test_columns_of_our_receipt_are_known() -> None:
    header = find([*TITLES, "原行号", "问题", "改法", "备注"], [*DATA, "7", "x", "y", "z"])
    assert header.names[7:] == (ORIGIN_LINE, "", "", None)


def test_a_unit_above_the_table_holds_for_columns_of_its_kind() -> None:
    dataset = REGISTRY.get("commerce_ecommerce_sales")
    titles = [column.title.removesuffix("（元）") for column in dataset.columns]
    header = find(["网络零售额", "单位：万元"], titles, dataset=dataset)
    assert {dataset.column(name).unit for name in header.units} == {"元"}
    assert set(header.units.values()) == {"万元"}
    assert not find(["网络零售额", "单位：某公司"], titles, dataset=dataset).units


@pytest.mark.parametrize(
    ("line", "units"),
    [
        ("单位：公顷、公斤、元", {"sown_area_mu": "公顷", "output_t": "公斤", "value_wan_yuan": "元"}),
        ("（计量单位：公顷，吨）", {"sown_area_mu": "公顷"}),
        ("单位：亩、公顷、万斤", {"output_t": "万斤"}),
        ("填报单位：某镇、某村", {}),
        ("单位：公顷、某镇", {}),
    ],
)
def test_several_units_above_the_table(line: str, units: dict[str, str]) -> None:
    dataset = load_registry().get("agri_crop_production")
    titles = ["村", "季度", "作物", "播种面积", "产量", "产值"]
    found = find(["种植业生产", line], titles, dataset=dataset).units
    assert {
        name: unit for name, unit in found.items() if name in ("sown_area_mu", "output_t", "value_wan_yuan")
    } == units


def test_duplicates_name_both_headers() -> None:
    found = refusal([*TITLES, "手机号"], [*DATA, ""])
    assert (found.code, found.line, found.column) == ("duplicate_header", 1, "联系电话")
    assert "手机号" in found.reason
    assert refusal([*TITLES, "备注", "备注"], [*DATA, "", ""]).code == "duplicate_header"


def test_missing_required_columns_are_named() -> None:
    found = refusal(["农户编号", "所在村", "联系电话", "家庭人口"], DATA[:4])
    assert found.code == "missing_columns"
    assert "户主姓名、户主身份证号、是否脱贫户" in found.reason
    assert find([title for title in TITLES if title != "联系电话"], DATA).columns.get("phone") is None


def test_another_dataset_is_recognised() -> None:
    elder = REGISTRY.get("civil_elder")
    found = refusal([column.title for column in elder.columns], [""] * len(elder.columns))
    assert found.code == "wrong_dataset"
    assert elder.title in found.reason and elder.id in found.remedy


def test_no_header() -> None:
    assert refusal(DATA, DATA).code == "no_header"
    assert refusal(["x"] * 7, *[DATA] * 40, TITLES).code == "no_header"


HEADER = find(TITLES, DATA)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["", " ", "　", "", "", "", ""], "blank"),
        (["合计", "", "", "", "", "120", ""], "total"),
        (["合 计：", "", "", "", "", "120", ""], "total"),
        (["", "", "小计", "", "", "120", ""], "total"),
        (["玉峰山镇小计", "", "", "", "", "120", ""], "total"),
        (["总计", "—", "/", "", "", "120", "3户"], "total"),
        (["备注：本表由系统导出", "", "", "", "", "", ""], "note"),
        (["注: 1. 截至月底", "", "", "", "", "", ""], "note"),
        (["填表人：", "李某", "", "审核人：", "王某", "", ""], "note"),
        (["制表日期：2024-05-31", "", "", "", "", "", ""], "note"),
        (TITLES, "header"),
        (DATA, None),
        (["H50011210001", "合计", "合计", "x", "", "4", "是"], None),
        (["", "合计村", "合计", "x", "", "4", "是"], None),
        (["合计", "某村", "张三", "500112", "", "4", "是"], None),
        (["H50011210001", "", "", "", "", "", "备注：无"], None),
        (["", "", "", "", "", "4", ""], None),
    ],
)
def test_rows_that_are_no_records(cells: list[str], kind: str | None) -> None:
    assert row_kind(cells, HEADER, HOUSEHOLD) == kind


def test_a_total_of_a_table_whose_key_is_its_first_column_and_the_year() -> None:
    dataset = REGISTRY.get("stats_population")
    header = find([column.title for column in dataset.columns], dataset=dataset)
    total = ["" for _ in header.names]
    total[header.columns["division_code"]] = "合计"
    assert row_kind(total, header, dataset) == "total"
    if "year" in header.columns:
        total[header.columns["year"]] = "2024"
        assert row_kind(total, header, dataset) == "total"


LETTERS = st.sampled_from(list("合计小总数备注填表人负责制日期单位盖章本村：:()1 　"))


@given(st.lists(LETTERS, max_size=8))
@example(list("负 责 人："))
@example(list("　合　计："))
def test_the_sieve_lets_every_total_and_note_through(letters: list[str]) -> None:
    text = "".join(letters)
    if TOTAL.fullmatch(squeeze(text)) or NOTE.fullmatch(squeeze(text)):
        assert pl.Series([text]).str.contains(SIEVE).item()


def test_a_changed_contract_of_the_same_name_is_matched_anew() -> None:
    column = replace(HOUSEHOLD.columns[0], title="户号码")
    changed = replace(HOUSEHOLD, columns=(column, *HOUSEHOLD.columns[1:]))
    assert match("户号码", HOUSEHOLD) is None
    found = match("户号码", changed)
    assert found is not None and found.column == "household_id"
