"""Departments that share no number, from their files to the links: a name leads to its entity, a pseudonym to its
household, and the register of gold knows the lines."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.support.intake import everything_written, reference_lake, take

from agrilake.lake.files import scan
from agrilake.linking.build import build_linked
from agrilake.pipeline import steps
from agrilake.pipeline.context import Lake
from agrilake.sample.identifiers import credit_code, resident_id, stream
from agrilake.suites import check_rules, load_rules

VILLAGE, NEXT, FAR = "500112129201", "500112129202", "500112138201"
IDS = [resident_id(stream(4, "link", name), date(1950, 5, 8)) for name in ("甲", "乙", "丙")]
COMPANY, FARM, TWIN = credit_code("91", 1), credit_code("93", 2), credit_code("N2", 3)
FILES: dict[str, Sequence[Sequence[Any]]] = {
    "agri/agri_business_entity__2024Q1.csv": [
        ("统一社会信用代码", "主体名称", "所在村", "主体类型"),
        (COMPANY, "桐桷丰兴农业发展有限公司", VILLAGE, "龙头企业"),
        (FARM, "石岩禾和家庭农场", NEXT, "家庭农场"),
        (TWIN, "石岩禾和专业合作社", FAR, "合作社"),
    ],
    "commerce/commerce_cold_chain__2024Q1.csv": [
        ("设施编号", "设施名称", "经营主体统一社会信用代码", "所在村", "设施类型", "库容（吨）"),
        ("LL20240001", "桐桷丰兴产地冷库", "", NEXT, "产地", 100),
        ("LL20240002", "石岩禾和（二号）冷库", "", VILLAGE, "产地", 100),
        ("LL20240003", "石岩禾和冷库", COMPANY, VILLAGE, "产地", 100),
        ("LL20240004", "无名冷库", "", VILLAGE, "产地", 100),
    ],
    "agri/agri_farm_household__2024-01.csv": [
        ("农户编号", "所在村", "户主姓名", "户主身份证号", "联系电话", "家庭人口", "是否脱贫户"),
        ("H50011210000", VILLAGE, "欧阳砚秋", IDS[0], "", 2, "是"),
        ("H50011210001", VILLAGE, "司徒砚冬", IDS[1], "", 3, "否"),
    ],
    "civil/civil_elder__2024-01.csv": [
        ("老人编号", "所在村", "姓名", "身份证号", "出生日期", "是否独居", "失能等级"),
        ("E0000000001", VILLAGE, "欧阳砚秋", f"'{IDS[0].lower()}", "1950-05-08", "是", "能力完好"),
        ("E0000000002", NEXT, "司徒砚冬", f" {IDS[1][:6]} {IDS[1][6:]}", "1950-05-08", "否", "能力完好"),
        ("E0000000003", NEXT, "上官砚春", IDS[2], "1950-05-08", "否", "能力完好"),
    ],
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = reference_lake(tmp_path_factory.mktemp("links") / "home")
    for name, rows in FILES.items():
        path = lake.home.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    assert {(item.delivery.status, item.delivery.quarantined) for item in take(lake).values()} == {("accepted", 0)}
    for name in FILES:
        steps.update_silver(lake, Path(name).name.partition("__")[0])
    for table in ("business_entity_link", "household_link"):
        build_linked(lake.home, lake.registry.gold[table], lake.registry)
    return lake


def links(lake: Lake, table: str, *columns: str) -> list[tuple[Any, ...]]:
    frame = scan(lake.home.table("gold", table))
    assert frame is not None
    return frame.select(columns).sort(columns[0]).collect().rows()


def test_a_cold_store_without_a_code_leads_to_the_entity_in_its_name(lake: Lake) -> None:
    assert links(lake, "business_entity_link", "record_no", "credit_code", "entity_name", "linked_by", "line") == [
        ("LL20240001", COMPANY, "桐桷丰兴农业发展有限公司", "name", 2),
        ("LL20240002", FARM, "石岩禾和家庭农场", "name", 3),  # its namesake is of another township
        ("LL20240003", COMPANY, "桐桷丰兴农业发展有限公司", "credit_code", 4),
        ("LL20240004", None, None, "none", 5),
    ]


def test_an_elder_leads_to_the_household_that_bears_the_same_number(lake: Lake) -> None:
    columns = ("household_id", "record_no", "linked_by", "same_division", "source_dataset", "line")
    assert links(lake, "household_link", *columns) == [
        ("H50011210000", "E0000000001", "pseudonym", True, "civil_elder", 2),
        ("H50011210001", "E0000000002", "pseudonym", False, "civil_elder", 3),
    ]


def test_the_steward_is_told_where_the_two_departments_disagree_and_of_no_person(lake: Lake) -> None:
    rules = [rule for rule in load_rules() if rule.id == "household_village"]
    result = check_rules(lake.home, rules, steps.lake_tables(lake), version=1)
    assert [(item.unexpected_count, item.element_count) for item in result.results] == [(1, 2)]
    found = pl.read_csv(lake.home.docs / "quality" / "cross_table.csv")
    assert found.select("数据集", "行号").rows() == [("civil_elder", 3)]
    written = everything_written(lake, ("gold", "docs", "outbox", "state", "quarantine"))
    assert [number for number in IDS if number.encode() in written] == []
