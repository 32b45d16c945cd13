"""Every spelling of point 5 of the intake, and that the fast paths say what the slow ones say."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.tables import dataset

from agrilake.contract.conversion import conversion
from agrilake.contract.model import Dataset
from agrilake.intake.bulk import numbers_in_bulk
from agrilake.intake.numbers import Broken, NumberColumn, parse_number
from agrilake.intake.text import unescape
from agrilake.intake.values import type_column

YUAN = {"type": "number", "precision": 18, "scale": 2, "unit": "元"}


def typed(
    values: list[str | None], header: str | None = None, of: Dataset | None = None, **column: Any
) -> list[object]:
    """The column's values, with the broken rule's name in the place of a cell that breaks one."""
    of = of or dataset([{"name": "x", **column}])
    result = type_column(pl.Series(values, dtype=pl.String), of.columns[0], of, header)
    cells: list[object] = result.values.to_list()
    for row, rule, _ in result.problems.iter_rows():
        assert cells[row] is None
        cells[row] = rule
    return cells


moment = datetime.fromisoformat


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1234.5", "1234.50"),
        ("１，２３４．５", "1234.50"),
        ("1,234.5 万元", "12345000.00"),
        ("3.2亿元", "320000000.00"),
        ("1.2万", "12000.00"),
        ("¥ 12", "12.00"),
        ("￥1,200.50元", "1200.50"),
        ("(1,234.5)", "-1234.50"),
        ("（12）", "-12.00"),
        ("−3", "-3.00"),
        ("+3", "3.00"),
        ("1 234", "1234.00"),
        (".5", "0.50"),
        ("1.500", "1.50"),
        ("1.2e3", "1200.00"),
        ("1234.5600000000002", "1234.56"),
        ("1000000000.000001 万元", "10000000000000.00"),
        ("'-5", "-5.00"),
        ('="12"', "12.00"),
        ("1.555", "scale"),
        ("1,23", "type_number"),
        ("1-2", "type_number"),
        ("12.5.3", "type_number"),
        ("约好", "type_number"),
        ("12亩", "unit_unknown"),
        ("50%", "unit_unknown"),
        ("1.23457E+11", "excel_spoilt"),
        ("#REF!", "excel_spoilt"),
        ("12345678901234567", "overflow"),
        ("9" * 5000, "overflow"),
    ],
)
def test_money(text: str, value: str) -> None:
    expected = value if value[-1].isalpha() else Decimal(value)
    assert typed([text], **YUAN) == [expected]


def test_header_in_wan_yuan() -> None:
    assert typed(["1.5", "1,000", "3元", "2 万元", "1.2万"], "万元", **YUAN) == [
        Decimal(15000),
        Decimal(10_000_000),
        Decimal(3),
        Decimal(20000),
        "unit_unknown",
    ]


def test_header_with_a_unit_that_measures_something_else() -> None:
    assert typed(["1.5", None], "公斤", **YUAN) == ["unit_unknown", None]


DEGREE = {"type": "number", "unit": "度"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("106°48′45″", 106.8125),
        ("106°48′45.0″", 106.8125),
        ("１０６度４８分４５秒", 106.8125),
        ("106° 48' 45\"", 106.8125),
        ("29°30′", 29.5),
        ("106.8125°", 106.8125),
        ("106°61′00″", "type_number"),
        ("106°48′61″", "type_number"),
    ],
)
def test_degrees_minutes_seconds(text: str, value: float | str) -> None:
    assert typed([text], **DEGREE) == [value]


def test_minutes_mean_something_to_degrees_alone() -> None:
    assert typed(["106°48′45″"], **YUAN) == ["type_number"]


def test_words_that_stand_for_a_value() -> None:
    content = {"type": "number", "precision": 18, "scale": 6, "unit": "mg/kg", "words": (("未检出", "0"), ("ND", "0"))}
    assert typed(["未检出", " nd", "ＮＤ", "0.02", "40 μg/kg", "检出"], **content) == [
        Decimal(0),
        Decimal(0),
        Decimal(0),
        Decimal("0.02"),
        Decimal("0.04"),
        "type_number",
    ]
    assert typed(["合格", "不合格", "是", "未知"], type="boolean", words=(("合格", "True"), ("不合格", "False"))) == [
        True,
        False,
        True,
        "type_boolean",
    ]


@pytest.mark.parametrize(
    ("written", "column_unit", "factor"),
    [
        ("马力", "千瓦", Fraction(735, 1000)),
        ("μg/kg", "mg/kg", Fraction(1, 1000)),
        ("万只", "头只", 10_000),
        ("万斤", "吨", 5),
        ("公顷", "亩", 15),
        ("亩", "mu", 1),
        ("万亩", "亩", 10_000),
        ("平方米", "亩", Fraction(3, 2000)),
        ("吨", "千克", 1000),
        ("斤", "公斤", Fraction(1, 2)),
        ("公斤", "t", Fraction(1, 1000)),
        ("万元", "wan_yuan", 1),
        ("公里", "km", 1),
        ("万人", "人", 10_000),
        ("万单", "单", 10_000),
        ("%", None, Fraction(1, 100)),
        ("%", "%", 1),
        ("台次", "台次", 1),
        ("万台次", "台次", 10_000),
        ("人", "户", None),
        ("元", None, None),
    ],
)
def test_units_convert_exactly(written: str, column_unit: str | None, factor: int | None) -> None:
    assert conversion(written, column_unit) == factor


def test_no_silent_rounding_in_conversion() -> None:
    assert typed(["1亩", "3亩"], type="number", precision=18, scale=4, unit="m2") == ["scale", Decimal(2000)]


def test_integers() -> None:
    assert typed(["12", "12.0", "１２", "1,200", "1.2万人", "12.5", "12元", "007"], type="integer", unit="人") == [
        *(12, 12, 12, 1200, 12000),
        *("type_integer", "unit_unknown", 7),
    ]


def test_doubles() -> None:
    assert typed(["106.812345", "106.8°", "1e-3", "x"], type="number", unit="度") == [
        106.812345,
        106.8,
        0.001,
        "type_number",
    ]


def test_nothing_is_nothing_only_where_it_may_be() -> None:
    assert typed(["—", "-", "/", "无", "", "  ", "N/A", None, "0"], **YUAN) == [None] * 8 + [Decimal(0)]
    assert typed(["—", "无"], required=True) == [None, "无"]
    assert typed(["—", "无"]) == [None, None]
    assert typed(["无", "-"], type="boolean") == [False, None]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2023-05-01", date(2023, 5, 1)),
        ("2023年5月1日", date(2023, 5, 1)),
        ("2023 年 5 月 1 日", date(2023, 5, 1)),
        ("2023/5/1", date(2023, 5, 1)),
        ("20230501", date(2023, 5, 1)),
        ("2023.05.01", date(2023, 5, 1)),
        ("２０２３．５．１", date(2023, 5, 1)),
        ("45047", date(2023, 5, 1)),
        ("45047.0", date(2023, 5, 1)),
        ("2023-05-01 00:00:00", date(2023, 5, 1)),
        ("2023-05", "date_precision"),
        ("2023.05", "date_precision"),
        ("2023年5月", "date_precision"),
        ("2023年", "date_precision"),
        ("2023-02-29", "type_date"),
        ("23/5/1", "type_date"),
        ("5/1/2023", "type_date"),
        ("2023-05-01 08:30", "type_date"),
        ("99999", "type_date"),
        ("0023-05-01", "type_date"),
    ],
)
def test_dates(text: str, value: object) -> None:
    assert typed([text], type="date") == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2023-05-01 08:05:09", moment("2023-05-01 08:05:09")),
        ("2023-05-01T08:05:09.123", moment("2023-05-01 08:05:09")),
        ("2023/5/1 8:05", moment("2023-05-01 08:05:00")),
        ("2023年5月1日 8时5分", moment("2023-05-01 08:05:00")),
        ("2023-5-1 下午 3:05", moment("2023-05-01 15:05:00")),
        ("20230501080509", moment("2023-05-01 08:05:09")),
        ("45047.3368055556", moment("2023-05-01 08:05:00")),
        ("2023-05-01T00:05:09Z", moment("2023-05-01 08:05:09")),
        ("2023-05-01", "date_precision"),
        ("2023-05-01 25:00", "type_timestamp"),
        ("08:05", "type_timestamp"),
    ],
)
def test_timestamps(text: str, value: object) -> None:
    assert typed([text], type="timestamp") == [value]


def test_booleans() -> None:
    yes, no = ["是", "有", "√", "1", "TRUE", "Y"], ["否", "无", "×", "0", "false", "N"]
    assert typed([*yes, *no, "也许"], type="boolean") == [True] * 6 + [False] * 6 + ["type_boolean"]


def test_enums_by_code_label_and_other_spellings() -> None:
    platform = [{"value": "taobao", "label": "淘宝", "synonyms": ["天猫", "淘宝网"]}, {"value": "2", "label": "京东"}]
    assert typed(["taobao", " 淘宝 ", "天猫", "淘 宝", "2.0", "２", "拼多多"], enum=platform) == [
        *("taobao", "taobao", "taobao", "taobao", "2", "2"),
        "enum",
    ]


def test_a_label_that_says_nothing_is_still_a_label() -> None:
    assert typed(["无", "-"], enum=[{"value": "none", "label": "无"}]) == ["none", None]


@pytest.mark.parametrize(
    ("pattern", "text", "value"),
    [
        ("[0-9]{8}", "00120035", "00120035"),
        ("[0-9]{8}", "120035", "excel_spoilt"),
        ("[0-9]{8}", '="00120035"', "00120035"),
        ("[0-9]{8}", "'00120035", "00120035"),
        ("[0-9]{8}", "１２３４５６７８", "12345678"),
        ("[1-9][0-9]{11}", "5.00112E+11", "excel_spoilt"),
        ("[1-9][0-9]{11}", "500112129206.0", "excel_spoilt"),
        ("[1-9][0-9]{11}", "120035", "120035"),
        ("[1-9][0-9]{18}", "5001121292060100000", "excel_spoilt"),
        ("[0-9]-[0-9]", "3月5日", "excel_spoilt"),
        ("[0-9A-Z]{10,20}", "1234567890", "1234567890"),
        ("[0-9A-Z]{10,20}", "YL12345678900000", "YL12345678900000"),
    ],
)
def test_identifiers_that_excel_spoilt(pattern: str, text: str, value: str) -> None:
    assert typed([text], pattern=pattern) == [value]


def test_zero_tailed_numbers_may_be_right() -> None:
    """One 18-digit id that ends in zeros and has the right check digit stays; a column full of them does not."""
    ids = {"checks": [{"name": "resident_id"}]}
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    right = next(
        body + "0"
        for body in (f"50011219{year}0101{sequence}00" for year in range(50, 99) for sequence in range(1, 10))
        if sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11 == 1
    )
    assert typed([right, "11010519491231002X"], **ids) == [right, "11010519491231002X"]
    assert typed(["500112199001010000"], **ids) == ["excel_spoilt"]
    assert typed([right, "500112199001010000"], **ids) == ["excel_spoilt", "excel_spoilt"]


def test_phones_and_codes_lose_what_is_for_the_eye() -> None:
    assert (
        typed(["138 0013-8000", "+86 13800138000", "１３８００１３８０００"], pii="phone", privacy="drop")
        == ["13800138000"] * 3
    )
    assert typed(["11010519491231002x"], pii="id_no", privacy="drop") == ["11010519491231002X"]


def test_period_columns_take_every_spelling() -> None:
    of = dataset([{"name": "month", "pattern": "[0-9]{4}-[0-9]{2}"}], period_column="month")
    spelt = ["2024-05", "202405", "2024年5月", "2024.5", "2024-05-01", "45413", "五月"]
    assert typed(spelt, of=of) == ["2024-05"] * 6 + ["五月"]
    first = dataset([{"name": "month", "type": "date"}], period_column="month")
    assert typed(["2024-05", "2024年5月"], of=first) == [date(2024, 5, 1)] * 2
    year = dataset([{"name": "year", "type": "integer"}], period_column="year", frequency="year")
    assert typed(["2024年", "2024"], of=year) == [2024, 2024]


def test_escaped_cells_come_back() -> None:
    escaped = pl.Series(["'=1+1", "'-a", "'@x", "'名", '="0012"', " x\u3000", "\ufeffy", ""])
    assert unescape(escaped).to_list() == ["=1+1", "-a", "@x", "'名", "0012", "x", "y", None]


def test_typing_leaves_the_raw_column_alone() -> None:
    raw = pl.Series([" 1 ", "'=x", "-", "1,234.5 万元"])
    before = raw.to_list()
    for kind in ({"type": "string"}, YUAN, {"pattern": "[0-9]{8}"}, {"type": "date"}):
        type_column(raw, dataset([{"name": "x", **kind}]).columns[0], dataset([{"name": "x"}]))
    assert raw.to_list() == before


AMOUNTS = st.tuples(
    st.sampled_from(["", "-"]),
    st.integers(0, 10**13),
    st.sampled_from(["", ".5", ".25", ".125", ".0", ".000001"]),
    st.sampled_from(["", "元", " 万元", "亿元", "亩", "万"]),
    st.booleans(),
)


@settings(deadline=None, max_examples=50)
@given(st.lists(AMOUNTS, min_size=1, max_size=8), st.sampled_from([None, "万元", "元", "千元"]))
def test_bulk_numbers_are_those_of_the_parser(amounts: list[tuple[str, int, str, str, bool]], unit: str | None) -> None:
    texts = [
        f"{sign}{whole:,}{part}{end}" if comma else f"{sign}{whole}{part}{end}"
        for sign, whole, part, end, comma in amounts
    ]
    spec = NumberColumn("type_number", 18, 2, "元", unit)
    for text, value in zip(texts, numbers_in_bulk(pl.Series(texts), spec, pl.Decimal(18, 2)), strict=True):
        exact = parse_number(text, spec)
        assert value is None or value == exact, (text, value, exact)
        if not isinstance(exact, Broken):
            assert typed([text], unit, **YUAN) == [exact]
