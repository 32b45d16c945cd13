"""A contract proposed from a department's file: it loads, it guesses well, and it copies nothing personal."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter

from agrilake.catalog.naming import english_name
from agrilake.catalog.propose import propose_contract
from agrilake.catalog.sample import read_sample, table_of
from agrilake.catalog.shape import division_level, looks_like_names, pattern_of, pii_of, shape_of, type_of
from agrilake.checks.identifiers import CREDIT_CODE_ALPHABET
from agrilake.contract.load import load_dataset
from agrilake.contract.model import Dataset, Frequency, Load, LogicalType, Privacy
from agrilake.contract.settings import load_settings
from agrilake.errors import RefusedFile

HEADERS = (
    "农机编号*,所在村,农机类型,功率（千瓦）,是否适宜丘陵山区,智能终端,购置日期,"
    "购置金额（万元）,机主姓名,联系电话,所有人统一社会信用代码,状态"
)
NAMES = ("王小一", "李小二", "张小三", "刘小四", "陈小五", "杨小六")  # made up


def credit_code(number: int) -> str:
    """A made-up code of a cooperative with its right check character (GB 32100)."""
    body = f"N2500112MA{number:07d}"
    total = sum(CREDIT_CODE_ALPHABET.index(sign) * pow(3, place, 31) for place, sign in enumerate(body))
    return body + CREDIT_CODE_ALPHABET[(31 - total % 31) % 31]


def machine(number: int) -> list[str]:
    return [
        f"NJ{5001120000 + number}",
        ("古路镇古路村", "统景镇江口村", "大湾镇拱桥村")[number % 3],
        ("拖拉机", "微耕机", "植保无人机")[number % 3],
        f"{number + 3}.5",
        "是否"[number % 2],
        "有无"[number % 2],
        f"2023/{number + 1}/5",
        f"{number + 1}.25",
        NAMES[number % 6],
        f"1390000{1000 + number}",
        credit_code(number),
        ("在用", "报废")[number % 2],
    ]


TOTAL = ["合计", "", "", "99", *[""] * 8]


@pytest.fixture(scope="module")
def sample_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = ["渝北区农机装备台账（2024年）", HEADERS, *(",".join(machine(number)) for number in range(12))]
    lines += [",".join(TOTAL), "注：本表由农机站填报"]
    path = tmp_path_factory.mktemp("agri") / "农机装备__2024-05.csv"
    path.write_text("\n".join(lines), encoding="gb18030")
    return path


@pytest.fixture(scope="module")
def text(sample_file: Path) -> str:
    return propose_contract(sample_file, "agri")


@pytest.fixture(scope="module")
def dataset(text: str, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    path = tmp_path_factory.mktemp("contracts") / "machinery.yaml"
    path.write_text(text, encoding="utf-8")
    return load_dataset(path)


def test_the_proposal_loads(dataset: Dataset) -> None:
    assert dataset.id.startswith("agri_machinery")
    assert (dataset.title, dataset.owner, dataset.status) == ("农机装备", "区农业农村委", "draft")
    assert dataset.frequency is Frequency.MONTH
    assert dataset.load is Load.UPSERT
    assert dataset.key == ("machinery_no",)
    assert dataset.division_column == "division_code"
    assert dataset.encoding == "gb18030"


def test_names_types_units_and_rules_are_told_from_headers_and_values(dataset: Dataset) -> None:
    found = {column.title: column for column in dataset.columns}
    assert found["农机编号"].pattern == "NJ[0-9]{10}"
    assert found["所在村"].division_level == "village"
    assert [item.label for item in found["农机类型"].enum] == ["拖拉机", "微耕机", "植保无人机"]
    assert (found["功率"].name, found["功率"].unit, found["功率"].minimum) == ("power_kw", "千瓦", 0)
    assert found["是否适宜丘陵山区"].type is LogicalType.BOOLEAN
    assert found["智能终端"].name == "smart_terminal"
    assert found["购置日期"].type is LogicalType.DATE
    amount = found["购置金额"]
    assert (amount.unit, amount.scale, amount.name) == ("元", 2, "purchased_amount_yuan")
    assert [check.name for check in found["所有人统一社会信用代码"].checks] == ["credit_code"]
    assert all(column.required for column in dataset.columns)


def test_personal_columns_get_a_treatment_and_nothing_of_them_is_copied(text: str, dataset: Dataset) -> None:
    found = {column.title: column for column in dataset.columns}
    assert (found["机主姓名"].pii, found["机主姓名"].privacy) == ("name", Privacy.DROP)
    assert (found["联系电话"].pii, found["联系电话"].privacy) == ("phone", Privacy.DROP)
    assert not any(name in text for name in NAMES)
    assert "1390000" not in text
    assert not any(credit_code(number) in text for number in range(12))


def test_what_a_person_must_decide_is_marked(text: str) -> None:
    assert "# TODO：期末后几日内报送" in text
    assert "疑似个人信息" in text
    marked = [line for line in text.splitlines() if "- name: power_kw" in line]
    assert marked
    assert "TODO" not in marked[0]


def test_a_workbook_gives_the_same_columns(tmp_path: Path, dataset: Dataset) -> None:
    path = tmp_path / "农机台账（2024年5月）.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("封面").write_row(0, 0, ["农机装备", "农机站"])
        sheet = book.add_worksheet("台账")
        sheet.merge_range(0, 0, 0, 11, "渝北区农机装备台账")
        for place, row in enumerate([HEADERS.split(","), *(machine(number) for number in range(12)), TOTAL]):
            sheet.write_row(place + 2, 0, row)
    proposed = tmp_path / "proposed.yaml"
    proposed.write_text(propose_contract(path), encoding="utf-8")
    found = load_dataset(proposed)
    assert [column.name for column in found.columns] == [column.name for column in dataset.columns]
    assert found.id.startswith("department_")  # nobody said whose file it is
    assert found.title == "农机"
    assert "TODO：报送部门" in proposed.read_text(encoding="utf-8")


def test_a_monthly_table_is_a_snapshot_with_a_key_of_several_columns(tmp_path: Path) -> None:
    rows = [f"2024-05,{village},{kind},{at}" for at, village in enumerate(("古路村", "江口村")) for kind in "甲乙"]
    path = tmp_path / "agri" / "农资供应__2024-05.csv"
    path.parent.mkdir()
    path.write_text("\n".join(["月份,村,类别,数量（吨）", *rows]), encoding="utf-8")
    proposed = tmp_path / "proposed.yaml"
    proposed.write_text(propose_contract(path), encoding="utf-8")
    found = load_dataset(proposed)
    assert found.load is Load.SNAPSHOT
    assert found.period_column == "month"
    assert found.department == "agri"
    assert len(found.key) == 2


def test_a_file_without_a_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "通知__2024.txt"
    path.write_text("请于月底前报送\n谢谢\n", encoding="utf-8")
    with pytest.raises(RefusedFile):
        propose_contract(path)


@pytest.mark.parametrize(
    ("header", "values", "kind"),
    [
        ("户主", ["某某"], "name"),
        ("身份证号码", ["x"], "id_no"),
        ("列一", ["13900001234", "13900001235"], "phone"),
        ("经手", ["王小一", "李小二", "张小三"], "name"),
        ("负责人", ["重庆某某农业开发有限公司"], None),
        ("产品", ["柑橘", "李子", "大米"], None),
        ("编号", ["0001", "0002"], None),
    ],
)
def test_personal_columns_are_found_by_header_or_values(header: str, values: list[str], kind: str | None) -> None:
    assert pii_of(shape_of(header, values)) == kind


@pytest.mark.parametrize(
    ("header", "values", "kind"),
    [
        ("数量", ["1", "2,300"], LogicalType.INTEGER),
        ("数量", ["1", "2.5"], LogicalType.NUMBER),
        ("站点编号", ["1001", "1002"], LogicalType.STRING),
        ("数量", ["0012", "13"], LogicalType.STRING),
        ("建成日期", ["2023年5月1日", "20230502"], LogicalType.DATE),
        ("时间", ["2024-05-01 08:30:00"], LogicalType.TIMESTAMP),
        ("联网", ["是", "否"], LogicalType.BOOLEAN),
        ("是否联网", ["1", "0"], LogicalType.BOOLEAN),
        ("数量", ["1", "0"], LogicalType.INTEGER),
        ("备注", ["1", "甲"], LogicalType.STRING),
        ("备注", ["", ""], LogicalType.STRING),
    ],
)
def test_types(header: str, values: list[str], kind: LogicalType) -> None:
    assert type_of(shape_of(header, values)) is kind


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (["NJ01", "NJ22", "NJ13"], "NJ[0-9]{2}"),
        (["A-1", "B-2", "C-3"], "[A-Z]\\-[0-9]"),
        (["1", "22", "333"], None),
        (["AB1", "A12", "123"], None),
        (["甲1", "甲2", "甲3"], None),
    ],
)
def test_patterns_of_identifiers(values: list[str], pattern: str | None) -> None:
    assert pattern_of(shape_of("编号", values)) == pattern


@pytest.mark.parametrize(
    ("values", "level"),
    [
        (["500112112206", "500112112207"], "village"),
        (["500112112000"], "township"),
        (["500112112000", "500112112207"], "any"),
        (["石船镇", "回兴街道"], "township"),
        (["石龙村", "某社区居民委员会"], "village"),
        (["柑橘"], None),
        ([], None),
    ],
)
def test_divisions_are_told_by_content(values: list[str], level: str | None) -> None:
    assert division_level(shape_of("列", values), load_settings().district_code) == level


def test_words_that_begin_like_surnames_are_no_names_if_few_do() -> None:
    assert not looks_like_names(shape_of("列", ["高粱", "大豆", "小麦", "油菜"]))


@pytest.mark.parametrize(
    ("title", "unit", "name", "sure"),
    [
        ("功率", "千瓦", "power_kw", True),
        ("播种面积", "亩", "bozhong_area_mu", False),
        ("登记日期", None, "registered_on", True),
        ("power_kw", None, "power_kw", True),
        ("5G基站", None, "c_5gjizhan", False),
    ],
)
def test_english_names(title: str, unit: str | None, name: str, sure: bool) -> None:
    found = english_name(title, unit)
    assert (found.text, found.sure) == (name, sure)


def test_preamble_totals_notes_and_blank_columns_are_no_data() -> None:
    rows = [["某表", "", ""], [], ["编号", "名称", ""], ["1", "甲", ""], ["合计", "1", ""], ["注：略", "", ""]]
    sample = table_of(rows, "utf-8")
    assert sample.headers == ("编号", "名称")
    assert sample.rows == (("1", "甲"),)


def test_the_delimiter_is_the_regular_one(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("编号;名称,全称;数量\n1;甲;2\n2;乙,丙;3\n", encoding="utf-8")
    assert read_sample(path, load_settings().limits).headers == ("编号", "名称,全称", "数量")
