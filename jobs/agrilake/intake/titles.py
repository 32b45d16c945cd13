"""Header cells as departments write them, brought to one form and matched with a contract's columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from agrilake.contract.model import Column, Dataset

UNIT_FAMILIES = (
    frozenset({"元", "千元", "万元", "亿元"}),
    frozenset({"亩", "万亩", "公顷", "平方米", "m2", "平方公里", "km2"}),
    frozenset({"克", "g", "斤", "万斤", "公斤", "万公斤", "千克", "kg", "吨", "t", "万吨"}),
    frozenset({"米", "m", "公里", "千米", "km"}),
    frozenset({"人", "万人", "户", "万户", "人次", "万人次"}),
    frozenset({"个", "件", "万件", "单", "万单", "台", "辆", "张", "床", "批", "次", "头", "万头", "只", "万只", "羽"}),
    frozenset({"%", "‰"}),
    frozenset({"分钟", "小时", "天", "年", "岁", "元/亩", "元/吨", "元/公斤", "吨/日", "吨/天", "度"}),
    frozenset({"头", "万头", "只", "万只", "羽", "万羽", "头只", "万头只"}),
    frozenset({"千瓦", "kw", "瓦", "马力"}),
    frozenset({"mg/kg", "毫克/千克", "μg/kg", "ug/kg", "微克/千克", "g/kg", "ppm", "ppb"}),
)
UNITS = frozenset().union(*UNIT_FAMILIES)
RECEIPT_COLUMNS = {"原行号": "_origin_line", "原工作表": "_origin_sheet", "问题": "", "改法": ""}
INVISIBLE = re.compile(r"[\s\u200b-\u200f\u2028-\u202e\u2060\ufeff]+")
MARKS = re.compile(r"^[*★※●]+|[*★※●]+$|\((?:必填|选填|可选|可不填|必填项|选填项)\)")
NUMBERING = re.compile(
    r"^(?:\d{1,3}[.、)](?!\d)|\(\d{1,3}\)|[一二三四五六七八九十]{1,3}、|\([一二三四五六七八九十]{1,3}\))"
)
BRACKETS = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]|【([^【】]*)】")
TAIL_UNIT = re.compile(r"^(.+)[/_-]([^/_-]+)$")
UNIT_WORD = re.compile(r"^(?:单位|计量单位)[:：]?")

LONGEST_TITLE = 1_000
REMEMBERED = 512
_ALIASES: dict[int, tuple[Dataset, dict[str, str]]] = {}


@dataclass(frozen=True)
class Title:
    """A header cell: `full` is its normal form, `bare` the same without brackets, `unit` what they held."""

    full: str
    bare: str
    unit: str | None


@dataclass(frozen=True)
class Match:
    """A header cell that names a contract column, with the unit that it states."""

    column: str
    unit: str | None


def squeeze(text: str) -> str:
    """NFKC without any white space or invisible characters, lower case."""
    return INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).lower()


def unit_of(text: str) -> str | None:
    """The unit that a bracket or a line 单位：万元 states; None if it is no known unit."""
    word = UNIT_WORD.sub("", squeeze(text))
    return word if word in UNITS else None


@lru_cache(maxsize=4096)
def title_of(text: str) -> Title:
    """Normal form of a header cell."""
    full = MARKS.sub("", squeeze(text))
    full = NUMBERING.sub("", full) or full
    full = MARKS.sub("", full)
    unit = next((found for group in _brackets(full) if (found := unit_of(group))), None)
    bare = BRACKETS.sub("", full).strip(":：")
    return Title(full.strip(":："), bare, unit)


def _brackets(text: str) -> Iterator[str]:
    for groups in BRACKETS.findall(text):
        yield from (group for group in groups if group)


def aliases(dataset: Dataset) -> dict[str, str]:
    """Normal form of every spelling -> column name; titles and names go before synonyms."""
    # datasets hold dicts and cannot be hashed: remembered by identity, and held so that no other gets it
    remembered = _ALIASES.get(id(dataset))
    if remembered is None or remembered[0] is not dataset:
        if len(_ALIASES) >= REMEMBERED:
            _ALIASES.clear()
        remembered = _ALIASES[id(dataset)] = (dataset, _aliases(dataset))
    return remembered[1]


def _aliases(dataset: Dataset) -> dict[str, str]:
    known: dict[str, str] = {}
    for spellings in (_names, _synonyms):
        for column in dataset.columns:
            for spelling in spellings(column):
                title = title_of(spelling)
                known.setdefault(title.full, column.name)
    for spellings in (_names, _synonyms):
        for column in dataset.columns:
            for spelling in spellings(column):
                known.setdefault(title_of(spelling).bare, column.name)
    known.pop("", None)
    return known


def _names(column: Column) -> tuple[str, ...]:
    return (column.title, column.name)


def _synonyms(column: Column) -> tuple[str, ...]:
    return column.synonyms


def match(text: str, dataset: Dataset) -> Match | None:
    """The column that a header cell names, or None."""
    if len(text) > LONGEST_TITLE:
        return None
    title, known = title_of(text), aliases(dataset)
    if not title.full:
        return None
    for spelling in (title.full, title.bare):
        if spelling in known:
            return Match(known[spelling], title.unit)
    tail = TAIL_UNIT.match(title.full)
    if tail and tail[1] in known and (unit := unit_of(tail[2])):
        return Match(known[tail[1]], unit)
    return None


def same_family(unit: str, other: str | None) -> bool:
    """Whether two units measure the same thing."""
    return any(unit in family and other in family for family in UNIT_FAMILIES)
