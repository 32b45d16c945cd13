"""The dictionary says in Chinese what the contracts say, escapes everything, and knows when it is stale."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from agrilake.catalog import words
from agrilake.catalog.dictionary import dictionary_html, dictionary_markdown, write_dictionary
from agrilake.contract.conversion import parse_unit
from agrilake.contract.load import Registry, load_registry
from agrilake.contract.model import Check, Column, Dataset, LogicalType
from agrilake.contract.settings import load_settings
from agrilake.contract.units import SHOWN, shown_unit
from agrilake.indicators.load import load_indicators
from agrilake.layers.load import load_layers

HOUSEHOLD = "agri_farm_household"


class Anchors(HTMLParser):
    """Ids, links and the nesting of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a":
            self.links.append(str(found.get("href")))
        self.outside += [name for name in ("src", "srcset") if name in found]
        if tag not in ("meta", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


@pytest.fixture(scope="module")
def html(registry: Registry) -> str:
    return dictionary_html(registry, load_settings())


def test_every_table_and_every_column_is_there(registry: Registry, html: str) -> None:
    markdown = dictionary_markdown(registry, load_settings())
    page = Anchors()
    page.feed(html)
    for dataset in (*registry.datasets.values(), *registry.gold.values()):
        assert dataset.id in page.ids
        assert f'<a id="{dataset.id}"></a>' in markdown
        for column in dataset.columns:
            assert f"{dataset.id}.{column.name}" in page.ids
            assert f"`{column.name}`" in markdown


def test_the_page_is_well_formed_and_stands_alone(html: str) -> None:
    page = Anchors()
    page.feed(html)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert page.outside == []
    assert "http" not in html
    assert "@media print" in html


def test_owner_period_privacy_and_rules_are_in_words(html: str) -> None:
    text = re.sub(r"<[^>]+>", " ", html.split(f'<article id="{HOUSEHOLD}"')[1].split("</article>", maxsplit=1)[0])
    for expected in (
        "区农业农村委",
        "每月，期末后 10 日内",
        "更新：按主键",
        "农户__2024-05.xlsx",
        "个人信息（身份证号）：入湖后以代号替换",
        "个人信息（姓名）：仅用于核对，入湖后不保留",
        "1 至 30 人",
        "须是有效的公民身份号码",
        "公民身份号码",
        "行数大于 0（不符合则暂停发布）",
    ):
        assert expected in text


def test_an_earlier_layout_stands_with_its_periods_and_what_became_of_it(registry: Registry, html: str) -> None:
    markdown = dictionary_markdown(registry, load_settings())
    for text in (html, markdown):
        assert "2.0.0；2022Q4 及以前 1.0.0" in text
        assert "数据规范 1.0.0（适用至 2022Q4）的列" in text
    row = next(line for line in markdown.splitlines() if "`species_code`" in line)
    assert "31→鱼类" in row
    assert next(line for line in markdown.splitlines() if "`output_kg`" in line).endswith(" 产量（吨） |")


def test_indicators_have_their_own_chapter(registry: Registry) -> None:
    indicators = load_indicators()
    html = dictionary_html(registry, load_settings(), indicators)
    page = Anchors()
    page.feed(html)
    assert {item.id for item in indicators} <= set(page.ids)
    text = re.sub(r"<[^>]+>", " ", html.split('<article id="village_five_a_week_rate"')[1].split("</article>")[0])
    for expected in ("建制村周五班率", "全区、镇街、村/社区", "越高越好", "区邮政管理局", "2025 年 95"):
        assert expected in text


def test_every_column_of_gold_is_described_beyond_its_title(registry: Registry) -> None:
    for table in registry.gold.values():
        assert len(table.description) > len(table.title) + 5, table.id
        for column in table.columns:
            assert column.description not in ("", column.title), f"{table.id}.{column.name}"


def test_units_are_shown_in_chinese_everywhere(registry: Registry) -> None:
    tables = (*registry.datasets.values(), *registry.gold.values())
    units = {column.unit for table in tables for column in table.columns if column.unit}
    assert {"元", "公斤", "小时"} <= units
    assert not [unit for unit in units if re.search("[A-Za-z]", unit)]
    assert "千克" not in units, "one word for one unit"
    assert shown_unit("kg") == shown_unit("千克") == "公斤"
    assert shown_unit("批") == "批"


@pytest.mark.parametrize(("written", "shown"), sorted(SHOWN.items()))
def test_a_unit_and_the_word_that_shows_it_are_the_same_to_the_intake(written: str, shown: str) -> None:
    assert parse_unit(written) == parse_unit(shown)


def test_the_indicators_own_table_is_in_the_dictionary(registry: Registry) -> None:
    html = dictionary_html(registry, load_settings())
    text = re.sub(r"<[^>]+>", " ", html.split('<article id="indicator_value"')[1].split("</article>")[0])
    for expected in (
        "指标引擎按各指标的声明计算",
        "优于目标的幅度",
        "是否含迟报数据",
        "一个指标、一个区划、一个期间一行",
    ):
        assert expected in text


def odd_dataset(registry: Registry) -> Dataset:
    dataset = registry.datasets[HOUSEHOLD]
    column = replace(dataset.columns[0], title="<b>编号</b>|甲", description="a & b\n`c`")
    return replace(dataset, columns=(column, *dataset.columns[1:]))


def test_text_of_contracts_stays_text(registry: Registry) -> None:
    odd = Registry({HOUSEHOLD: odd_dataset(registry)}, {})
    html = dictionary_html(odd, load_settings())
    assert "<b>" not in html
    assert "&lt;b&gt;编号&lt;/b&gt;|甲" in html
    row = next(line for line in dictionary_markdown(odd, load_settings()).splitlines() if "`household_id`" in line)
    assert row.count(" | ") == 8
    assert "\\<b>编号\\</b>\\|甲" in row


def test_personal_columns_show_no_example(registry: Registry) -> None:
    dataset = registry.datasets[HOUSEHOLD]
    shown = tuple(replace(c, example="MADE-UP-VALUE") if c.is_personal else c for c in dataset.columns)
    odd = Registry({HOUSEHOLD: replace(dataset, columns=shown)}, {})
    assert "MADE-UP-VALUE" not in dictionary_html(odd, load_settings())
    assert "MADE-UP-VALUE" not in dictionary_markdown(odd, load_settings())


def test_the_same_contracts_give_the_same_bytes(registry: Registry, tmp_path: Path) -> None:
    settings = load_settings()
    written = write_dictionary(registry, settings, tmp_path / "docs")
    assert [path.name for path in written] == ["dictionary.md", "dictionary.html"]
    first = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in write_dictionary(registry, settings, tmp_path / "docs")] == first
    odd = Registry({**registry.datasets, HOUSEHOLD: odd_dataset(registry)}, registry.gold)
    assert [path.read_bytes() for path in write_dictionary(odd, settings, tmp_path / "docs")] != first


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (Check("resident_id"), "须是有效的公民身份号码"),
        (Check("longitude"), "经度在本区范围内"),
        (Check("not_before", arguments={"column": "closed_on", "other": "opened_on"}), "“撤销”不早于“启用”"),
        (Check("not_before", arguments={"other": "opened_on"}), "不早于“启用”"),
        (Check("sum_equals", arguments={"columns": ["men", "women"], "total": "all"}), "“合计”等于 男、女 之和"),
        (Check("rowCount", arguments={"mustBeGreaterThan": 5}), "行数大于 5"),
        (Check("resident_id", description="与户口簿一致"), "与户口簿一致"),
    ],
)
def test_checks_in_words(check: Check, sentence: str) -> None:
    titles = {"closed_on": "撤销", "opened_on": "启用", "men": "男", "women": "女", "all": "合计"}
    assert words.check_words(check, titles) == sentence


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"minimum": 0.5, "unit": "亩"}, ["不小于 0.5 亩"]),
        ({"maximum": 10_000_000}, ["不大于 10000000"]),
        ({"minimum": 0, "maximum": 1}, ["0 至 1"]),
        ({"min_length": 8, "max_length": 8}, ["8 个字符"]),
        ({"max_length": 80}, ["至多 80 个字符"]),
        ({}, []),
    ],
)
def test_limits_in_words(limits: dict[str, object], sentence: list[str]) -> None:
    column = Column("x", "某列", "", LogicalType.STRING, **limits)  # type: ignore[arg-type]
    assert words.limit_words(column) == sentence


def test_layers_are_a_chapter_with_their_source_and_fields(registry: Registry) -> None:
    markdown = dictionary_markdown(registry, load_settings(), layers=load_layers())
    chapter = markdown.partition("## 地理图层")[2]
    assert "### 冷链物流设施 `layers/cold_chain.parquet`" in chapter
    assert "- 数据来源：涉农设施（facility）\n- 只取：设施大类为冷链物流设施\n" in chapter
    assert "- 数据来源：投递路线（logistics\\_route）\n- 只取：最近的季度\n" in chapter
    assert "设施类型、库容、启用日期" in chapter
    html = dictionary_html(registry, load_settings(), layers=load_layers())
    assert 'id="layers/villages.parquet"' in html
