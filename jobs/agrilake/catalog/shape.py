"""What the values of one column look like: type, length, pattern, and whether they may be personal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from agrilake.checks import CHECKS
from agrilake.contract.model import LogicalType
from agrilake.intake.dates import canonical_period, parse_date, parse_timestamp
from agrilake.intake.numbers import Broken, tidy

YES_NO = frozenset({"是", "否", "有", "无", "√", "×", "对", "错"})
DATE_HEADER = re.compile(r"日期|时间|日$|年月日")
PERIOD_HEADER = re.compile(r"年月|月份|季度|报告期|统计期|所属期|年度$|年份$|^年$|^月$")
ID_HEADER = re.compile(r"编号|号$|号码|编码|代码|证$|^id$|序列")
PLAIN_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?%?")
VILLAGE_NAME = re.compile(r"(?:村|社区|村民委员会|居民委员会|村委会|居委会)$")
TOWNSHIP_NAME = re.compile(r"(?:镇|乡|街道|街道办事处)$")
PII_HEADERS = (
    ("id_no", re.compile(r"身份证|证件号|公民身份")),
    ("bank_card", re.compile(r"银行卡|银行账|卡号|开户账号")),
    ("phone", re.compile(r"手机|电话|联系方式")),
    ("address", re.compile(r"住址|家庭地址|户籍地址|居住地址")),
    ("name", re.compile(r"姓名|户主|机主|法定代表人|法人$|法人代表|联系人|经办人")),
    ("name", re.compile(r"负责人|管理员|站长|所有人$|业主|申请人|承包人")),
)
SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪"
    "范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤冉牟"
)
MOSTLY = 0.8
LONG_NUMBER = 12
DAY_LENGTH = 10


@dataclass(frozen=True)
class Shape:
    """One column's values in short. `filled` are the values that say something, as written but tidied."""

    header: str
    filled: tuple[str, ...]
    empty: int

    @property
    def distinct(self) -> tuple[str, ...]:
        """Distinct values in order of first appearance."""
        return tuple(dict.fromkeys(self.filled))


def shape_of(header: str, values: Sequence[str]) -> Shape:
    """The shape of a column; NFKC form, without spaces around."""
    tidied = [tidy(value) for value in values]
    filled = tuple(value for value in tidied if value not in ("", "-", "/", "—"))
    return Shape(header, filled, len(tidied) - len(filled))


def share(shape: Shape, check: str) -> float:
    """Share of the filled values for which a named check holds."""
    if not shape.filled:
        return 0.0
    held = CHECKS[check].holds(pl.Series(shape.filled, dtype=pl.String).str.to_uppercase())
    return float(held.fill_null(False).mean() or 0.0)  # type: ignore[arg-type]


def pii_of(shape: Shape) -> str | None:
    """The kind of personal data that header or values suggest: rather once too often than once too few."""
    for kind, pattern in PII_HEADERS:
        if pattern.search(shape.header):
            return None if kind == "name" and _organisations(shape) else kind
    for kind, check in (("id_no", "resident_id"), ("phone", "mobile_phone"), ("bank_card", "bank_card")):
        if share(shape, check) >= MOSTLY / 2:
            return kind
    return "name" if looks_like_names(shape) else None


def _organisations(shape: Shape) -> bool:
    """负责人 and the like may hold a company; then the values are long."""
    return bool(shape.filled) and sum(len(value) > 5 for value in shape.filled) / len(shape.filled) > MOSTLY


def looks_like_names(shape: Shape) -> bool:
    """Most distinct values are two to four characters that begin with a common surname."""
    names = [v for v in shape.distinct if re.fullmatch(r"[\u4e00-\u9fff]{2,4}", v) and v[0] in SURNAMES]
    return len(shape.distinct) >= 3 and len(names) / len(shape.distinct) >= MOSTLY


def type_of(shape: Shape) -> LogicalType:
    """The logical type that holds for every filled value; text where in doubt, so that nothing is lost."""
    values = shape.distinct
    if not values:
        return LogicalType.STRING
    if set(values) <= YES_NO or (shape.header.startswith("是否") and set(values) <= YES_NO | {"0", "1"}):
        return LogicalType.BOOLEAN
    dated = DATE_HEADER.search(shape.header) or any(re.search(r"[-/.年]", value) for value in values)
    if dated and not PERIOD_HEADER.search(shape.header):
        if all(not isinstance(parse_date(value), Broken) for value in values):
            return LogicalType.DATE
        if all(not isinstance(parse_timestamp(value), Broken) for value in values):
            return LogicalType.TIMESTAMP
    if _is_identifier(shape) or any(PLAIN_NUMBER.fullmatch(value) is None for value in values):
        return LogicalType.STRING
    whole = all("." not in value and "%" not in value for value in values)
    return LogicalType.INTEGER if whole else LogicalType.NUMBER


def _is_identifier(shape: Shape) -> bool:
    zeros = any(value.isdigit() and value.startswith("0") and len(value) > 1 for value in shape.distinct)
    lengthy = any(len(value) >= LONG_NUMBER for value in shape.distinct)
    return zeros or lengthy or bool(ID_HEADER.search(shape.header))


def decimals(shape: Shape) -> int:
    """Most decimals that any value has."""
    found = (PLAIN_NUMBER.fullmatch(value) for value in shape.distinct)
    return max((len(match[1] or "") for match in found if match), default=0)


def has_negative(shape: Shape) -> bool:
    """Whether any value is below zero."""
    return any(value.startswith("-") for value in shape.filled)


def is_period(shape: Shape) -> bool:
    """Whether the column names a year, quarter or month (not a day) in every row."""
    periods = [canonical_period(value) for value in shape.distinct]
    coarse = bool(periods) and all(period is not None and len(period) < DAY_LENGTH for period in periods)
    return coarse and PERIOD_HEADER.search(shape.header) is not None


def division_level(shape: Shape, county: str) -> str | None:
    """village, township or any where most values are codes of the district or names of its kind of places."""
    if not shape.filled:
        return None
    prefix = county[:6]
    codes = [value for value in shape.distinct if re.fullmatch(rf"{prefix}(?:\d{{3}}|\d{{6}})", value)]
    if len(codes) / len(shape.distinct) >= MOSTLY:
        villages = [code for code in codes if len(code) == 12 and not code.endswith("000")]
        return "village" if len(villages) == len(codes) else "any" if villages else "township"
    for level, pattern in (("village", VILLAGE_NAME), ("township", TOWNSHIP_NAME)):
        named = [value for value in shape.distinct if pattern.search(value) and len(value) <= 24]
        if len(named) / len(shape.distinct) >= MOSTLY:
            return level
    return None


def pattern_of(shape: Shape) -> str | None:
    """A regular expression for identifiers of one length and layout, e.g. NJ[0-9]{8}; None where they differ.

    Letters that all values share stand as they are; digits are never copied.
    """
    values = shape.distinct
    if len(values) < 3 or len({len(value) for value in values}) != 1 or not all(_plain(value) for value in values):
        return None
    layout: list[str] = []
    for place in zip(*values, strict=True):
        kinds = {_kind(character) for character in place}
        if len(kinds) != 1:
            return None
        kind = kinds.pop()
        layout.append(re.escape(place[0]) if len(set(place)) == 1 and kind != "[0-9]" else kind)
    return _joined(layout)


def _plain(value: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_-]+", value) is not None and any(character.isdigit() for character in value)


def _kind(character: str) -> str:
    if character.isdigit():
        return "[0-9]"
    if character.isalpha():
        return "[A-Z]" if character.isupper() else "[a-z]"
    return character


def _joined(layout: Sequence[str]) -> str:
    """Repeated classes counted: [0-9][0-9] -> [0-9]{2}."""
    text, at = "", 0
    while at < len(layout):
        end = at
        while end < len(layout) and layout[end] == layout[at]:
            end += 1
        count = end - at
        text += layout[at] + (f"{{{count}}}" if count > 1 and len(layout[at]) > 1 else "")
        if count > 1 and len(layout[at]) == 1:
            text += layout[at] * (count - 1)
        at = end
    return text
