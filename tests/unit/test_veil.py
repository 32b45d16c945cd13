"""Persons in the cells of a file: masked where the lake keeps a text, refused where a code should be, never shown."""

from __future__ import annotations

from typing import Any

import polars as pl
from tests.support.tables import PSEUDONYMISER, SETTINGS, dataset, division_index, raw_table

from agrilake.contract.load import load_registry
from agrilake.contract.model import Dataset, LogicalType
from agrilake.intake.names import DeliveryName
from agrilake.intake.privacy import VEIL
from agrilake.intake.raw import SetAside
from agrilake.intake.receipt_table import mending_table
from agrilake.intake.rows import Checked, check_rows
from agrilake.intake.veil import distinct, without_names

ID, PHONE, CARD = "11010519491231002X", "13812345678", "6222021234567890128"
ROW = {"no": "A1", "name": "张小三", "phone": "13800138000", "address": "玉峰山镇龙门村3社12号"}
OF = dataset(
    [
        {"name": "no", "pattern": "[0-9A-Z]{2,20}", "primary_key": True, "required": True},
        {"name": "name", "pii": "name", "privacy": "drop", "required": True},
        {"name": "phone", "pii": "phone", "privacy": "drop"},
        {"name": "address", "pii": "address", "privacy": "drop"},
        {"name": "site", "title": "站点名称"},
        {"name": "remark"},
        {"name": "kind", "enum": [{"value": "a", "label": "高粱"}]},
        {"name": "members", "type": "integer"},
        {"name": "area", "type": "number", "precision": 18, "scale": 2},
        {"name": "born", "type": "date"},
    ]
)


def check(rows: list[dict[str, Any]], of: Dataset = OF, original: pl.DataFrame | None = None) -> Checked:
    name = DeliveryName("agri_case", "2024-05")
    return check_rows(raw_table(of, rows), of, name, division_index(), PSEUDONYMISER, SETTINGS, original)


def rules(checked: Checked) -> list[tuple[int, str, str]]:
    return checked.findings.select("line", "column", "rule").rows()


def test_a_text_is_kept_without_the_person_and_the_department_is_told() -> None:
    checked = check([{**ROW, "remark": f"补{ID}"}, {**ROW, "no": "A2", "remark": "无事"}])
    assert checked.accepted["remark"].to_list() == [f"补{VEIL}", "无事"]
    assert rules(checked) == [(2, "remark", "person_in_text")]
    (finding,) = checked.findings.to_dicts()
    assert finding["severity"] == "warn" and ID not in str(finding)
    assert checked.source["remark"][0] == f"补{ID}"


def test_the_rows_own_name_and_address_are_known_in_its_texts_but_the_title_of_a_place_stays() -> None:
    row = {**ROW, "remark": "找张小三，住玉峰山镇龙门村3社12号", "site": "张小三便民店"}
    checked = check([row, {**ROW, "no": "A2", "name": "李四", "remark": "找张小三"}])
    assert checked.accepted["remark"].to_list() == ["找张**，住玉峰山镇龙门***", "找张小三"]
    assert checked.accepted["site"].to_list() == ["张小三便民店", None]
    assert check([{**ROW, "site": f"店{PHONE}"}]).accepted["site"].to_list() == [f"店{VEIL}"]
    assert check([{**ROW, "site": "李小四"}]).accepted["site"].to_list() == ["李**"]


def test_a_number_of_a_person_in_another_column_waits_for_its_department() -> None:
    wrong = [
        {"no": PHONE},
        {"no": ID},
        {"members": PHONE},
        {"members": "500112196303118513"},
        {"area": f"{PHONE}.00"},
        {"born": PHONE},
        {"kind": "张小三"},
        {"born": "欧阳修"},
    ]
    checked = check([{**ROW, "no": f"B{at}", **row} for at, row in enumerate(wrong)])
    assert [rule for _, _, rule in rules(checked)] == [*["personal_number"] * 5, "type_date", "enum", "type_date"]
    assert checked.accepted.height == 0
    said = str(checked.findings.to_dicts())
    assert not any(person in said for person in (PHONE, ID, "500112196303118513", "张小三", "欧阳修"))


def test_amounts_and_codes_that_are_nobodys_pass() -> None:
    right = [
        {"no": "YT24050000123"},
        {"no": "500112129206"},
        {"area": "13,812,345,678"},
        {"area": "13800000000"},
        {"members": "1381234567"},
        {"kind": "高粱"},
    ]
    checked = check([{**ROW, "no": f"B{at}", **row} for at, row in enumerate(right)])
    assert rules(checked) == [] and checked.accepted.height == len(right)


def test_keys_that_become_the_same_are_a_conflict_and_no_row_is_lost() -> None:
    of = dataset([{"name": "product", "primary_key": True, "required": True}, {"name": "sold", "type": "integer"}])
    rows = [
        {"product": f"脐橙{PHONE}", "sold": "1"},
        {"product": "脐橙15800138000", "sold": "1"},
        {"product": "李子", "sold": "1"},
    ]
    checked = check(rows, of)
    assert checked.accepted["product"].to_list() == ["李子"]
    assert (checked.quarantined_count, checked.duplicate_count) == (2, 0)
    assert {rule for _, _, rule in rules(checked)} == {"key_conflict"}


def test_what_goes_back_is_masked_in_every_column_and_comes_back_whole() -> None:
    row = {**ROW, "remark": f"张小三说{PHONE}", "kind": "张小三", "members": "x"}
    raw = raw_table(OF, [row])
    first = check([row])
    table = mending_table(first, raw, OF)
    said = str(table.to_dicts())
    assert not any(person in said for person in (PHONE, "张小三", "13800138000", "3社12号"))
    assert table["remark"].to_list() == ["张**说138****5678"]
    mended = {**{name: table[raw.headers[name]][0] for name in raw.headers}, "members": "4", "_origin_line": "2"}
    second = check([{**mended, "kind": "高粱"}], original=raw.frame)
    assert second.source.row(0, named=True)["remark"] == row["remark"]
    assert second.accepted["remark"].to_list() == [f"张**说{VEIL}"]
    assert check([mended], original=raw.frame).source["kind"].to_list() == ["张小三"]


def test_names_of_sheets_and_headers_are_masked_and_sheets_stay_apart() -> None:
    raw = raw_table(OF, [ROW], sheet="张小三")
    raw = without_names(
        type(raw)(
            raw.frame,
            {**raw.headers, "remark": "备注（张小三）"},
            unmatched=(f"{PHONE}李四",),
            set_aside=(SetAside(None, "张小三的户", "hidden_sheet", 0),),
            sheets=("张小三",),
        ),
        OF,
    )
    assert raw.sheets == ("张**",) and raw.frame["_sheet"].to_list() == ["张**"]
    assert raw.headers["remark"] == "备注（张**）" and raw.unmatched == ("138****5678李*",)
    assert raw.set_aside[0].sheet == "张**的户"
    assert distinct(["张三", "张四"], lambda _: "张*") == {"张三": "张*", "张四": "张*（2）"}


def test_every_text_column_of_the_contracts_is_told_by_a_code_a_check_or_is_looked_through() -> None:
    free = {
        f"{item.id}.{column.name}"
        for item in load_registry().datasets.values()
        for column in item.columns
        if column.is_free_text
    }
    assert {
        "agri_business_entity.main_products",
        "coop_service_site.services",
        "commerce_ecommerce_sales.product",
    } < free
    for item in load_registry().datasets.values():
        for column in item.columns:
            if column.type is LogicalType.STRING and f"{item.id}.{column.name}" not in free:
                told = column.enum or column.pattern or column.division_level or column.reference or column.checks
                assert told or column.pii, column.name
