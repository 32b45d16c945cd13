"""Finding persons in text: identity, card and phone numbers however they are written, and names beside them.

Rules with check digits and dates, for the numbers that people write into notes: GB 11643 resident ids of 18 and 15
digits, the 20 digits of a disability certificate, GB/T 19584 bank cards, mobile and fixed lines; what stands after a
word such as 身份证号 or 账号; and names (a common surname and one or two characters) after 联系人 or beside a number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from agrilake.checks import CHECKS

UNSEEN = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\u20e3"
"""Characters without a shape that may stand between digits."""
CHINESE_DIGITS = {
    character: str(value)
    for spellings in ("零一二三四五六七八九", "〇壹贰叁肆伍陆柒捌玖", "○幺两叁肆伍陆柒捌玖")
    for value, character in enumerate(spellings)
}
_CHINESE = "".join(CHINESE_DIGITS)
GROUP = re.compile(rf"(?P<digits>\d[\d{UNSEEN}]*)|(?P<chinese>[{_CHINESE}]{{3,}})")
SEPARATOR = r"[\s.．·•\-\u2010-\u2015\u2212\uff0d—]"
GAP = re.compile(rf"{SEPARATOR}{{0,3}}")
CHECK_CHARACTER = re.compile(rf"{SEPARATOR}{{0,3}}[XxＸｘ×](?![A-Za-z0-9])")
DOTS = frozenset(".．·•")
MOST_GROUPS = 5
LONGEST = 20
PROVINCES = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])"
DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
RESIDENT_ID = re.compile(rf"[1-9]\d{{5}}(?:18|19|20)\d\d{DAY}\d{{3}}[\dX]")
OLD_ID = re.compile(rf"{PROVINCES}\d{{6}}{DAY}\d{{3}}")
MOBILE = re.compile(r"(?:0086|86)?(1[3-9]\d{9})")
LANDLINE = re.compile(
    rf"(?<!\d)[(（]?0(?:10|2\d|[3-9]\d\d)(?:[)）]|{SEPARATOR}){{1,2}}[2-8]\d{{2,3}}{SEPARATOR}?\d{{4}}(?!\d)"
)
NUMBER_WORD = "身份证|证件|护照|通行证|回乡证|台胞证|残疾证|军官证|银行卡|存折|卡号|账号|帐号|账户|帐户"
AFTER_WORD = re.compile(
    rf"(?:{NUMBER_WORD})[号码编]*\s*[:：为是]?\s*"
    r"(?P<number>[A-Za-z]{0,3}\d(?:[ \-]?[\dA-Za-z]){5,23})(?![\dA-Za-z])"
)
HAN = r"\u4e00-\u9fff"
SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪"
    "范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤冉牟"
)
COMPOUND = "欧阳|司马|上官|诸葛|皇甫|尉迟|公孙|慕容|令狐|夏侯|东方|端木"
NAME = rf"(?:(?:{COMPOUND})[{HAN}]{{1,2}}?|[{''.join(sorted(SURNAMES))}][{HAN}]{{1,2}}?)"
ROLE = (
    r"(?:联系人|联络人|姓名|户主|经办人|负责人|法人代表|法定代表人|法人|代表人|监护人|申请人|承包人|信息员|站长|店主|业主|老板"
    r"|收件人|寄件人|户名|开户人|填报人|填表人|制表人|审核人|老人|村民|农户|社员)"
)
NEXT_WORD = r"电话|手机|联系|身份|证件|住址|地址|银行|卡号|账号|签|同志|先生|女士|老师|家"
NAME_AFTER_ROLE = re.compile(rf"{ROLE}[:：\s]*(?P<name>{NAME})(?=[^{HAN}]|$|{NEXT_WORD})")
NAME_BEFORE = re.compile(rf"(?:^|[^{HAN}]|联系|电话|找|由|{ROLE})(?P<name>{NAME})[\s(（:：,，]{{0,2}}$")
NAME_BEHIND = re.compile(rf"[\s)）(（:：,，]{{0,2}}(?P<name>{NAME})(?=[^{HAN}]|$|{NEXT_WORD})")
WHOLE_NAME = re.compile(NAME)
PREFILTER = rf"(?:[\d{_CHINESE}][{UNSEEN}]*{SEPARATOR}{{0,3}}){{9}}|\d{SEPARATOR}{{0,3}}[)）]|{NUMBER_WORD}|{ROLE}"
"""Matches every text in which `find` finds something, and few others."""
PLACES = "村镇乡组社街道区县市路号楼栋店站厂部所院校湾坝坪山河湖沟桥"
"""Last characters of places and houses, which begin with surnames as well."""


@dataclass(frozen=True)
class Found:
    """A place in a text: half-open range of characters, and the kind of personal value (as a contract's `pii`)."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class _Group:
    start: int
    end: int
    digits: str
    chinese: bool


def find(text: str, strict: bool = True) -> list[Found]:
    """Persons in the text, in order, without overlaps.

    `strict` asks card numbers for their check digit and resident ids for a date; otherwise any number as long as these
    counts, which is right for what people read and wrong for what is kept.
    """
    numbers = [*_numbers(text, strict)]
    for pattern, kind in ((LANDLINE, "phone"), (AFTER_WORD, "number")):
        for match in pattern.finditer(text):
            start, end = match.span("number") if kind == "number" else match.span()
            if not any(start < item.end and item.start < end for item in numbers):
                numbers.append(Found(start, end, kind))
    names = [item for item in _names(text, numbers) if _is_name(text[item.start : item.end])]
    return sorted({*numbers, *names}, key=lambda item: item.start)


def plain_number(text: str, kind: str) -> str:
    """A found number without what stands between its digits; a name as it is."""
    if kind == "name":
        return text
    plain = unicodedata.normalize("NFKC", text).upper().replace("×", "X")
    return "".join(CHINESE_DIGITS.get(character, character) for character in plain if character.isalnum())


def is_name(text: str) -> bool:
    """Whether a text is a person's name by its shape: a common surname and one or two characters, and no place."""
    return WHOLE_NAME.fullmatch(text) is not None and _is_name(text)


def _is_name(text: str) -> bool:
    return text[-1] not in PLACES


def _names(text: str, numbers: Sequence[Found]) -> Iterator[Found]:
    taken: list[tuple[int, int]] = []
    spans = [match.span("name") for match in NAME_AFTER_ROLE.finditer(text)]
    for number in numbers:
        before = NAME_BEFORE.search(text[: number.start])
        behind = NAME_BEHIND.match(text, number.end)
        spans += [match.span("name") for match in (before, behind) if match]
    for start, end in spans:
        if not any(start < other[1] and other[0] < end for other in taken):
            taken.append((start, end))
            yield Found(start, end, "name")


def _numbers(text: str, strict: bool) -> Iterator[Found]:
    groups = [_group(match) for match in GROUP.finditer(text)]
    at = 0
    while at < len(groups):
        found = _longest(text, groups, at, strict)
        if found is None:
            yield from _glued(groups[at])
            at += 1
        else:
            number, at = found
            yield number


def _group(match: re.Match[str]) -> _Group:
    chinese = match["chinese"]
    if chinese:
        return _Group(*match.span(), "".join(CHINESE_DIGITS[character] for character in chinese), True)
    digits = "".join(str(int(character)) for character in match["digits"] if character.isdecimal())
    return _Group(*match.span(), digits, False)


def _longest(text: str, groups: Sequence[_Group], at: int, strict: bool) -> tuple[Found, int] | None:
    """The longest number that begins with the group `at`, and the index of the group after it."""
    best = None
    sizes: list[int] = []
    gaps: list[str] = []
    digits = ""
    for stop in range(at, min(len(groups), at + LONGEST)):
        group = groups[stop]
        if stop > at:
            gap = text[groups[stop - 1].end : group.start]
            if not gap or group.chinese != groups[at].chinese or GAP.fullmatch(gap) is None:
                break
            gaps.append(gap)
        digits += group.digits
        sizes.append(len(group.digits))
        end = group.end
        kind = _kind(digits, sizes, gaps, strict)
        check = CHECK_CHARACTER.match(text, end) if len(digits) == 17 else None
        if check and _resident(digits + "X", strict, whole=not gaps):
            kind, end = "id_no", check.end()
        if kind:
            best = Found(groups[at].start, end, kind), stop + 1
        if len(digits) >= LONGEST:
            break
    return best


def _kind(digits: str, sizes: Sequence[int], gaps: Sequence[str], strict: bool) -> str | None:
    length, whole = len(digits), not gaps
    if length == 18 and _resident(digits, strict, whole):
        return "id_no"
    if length == 20 and _checked("resident_id", digits[:18]):
        return "id_no"
    if 16 <= length <= 19 and digits[0] != "0" and _card(digits, sizes, strict):
        return "bank_card"
    if length == 15 and OLD_ID.fullmatch(digits) and len(sizes) <= MOST_GROUPS:
        return "id_no"
    return "phone" if MOBILE.fullmatch(digits) and _phone_groups(digits, sizes, gaps) else None


def _resident(digits: str, strict: bool, whole: bool) -> bool:
    if not whole:
        return _checked("resident_id", digits)
    return RESIDENT_ID.fullmatch(digits) is not None or (not strict and digits[0] != "0")


def _card(digits: str, sizes: Sequence[int], strict: bool) -> bool:
    """Whole or in fours, in six and the rest, or digit by digit; unless it need not be, with its check digit."""
    fours = len(sizes) == 1 or (set(sizes[:-1]) == {4} and sizes[-1] <= 4)
    if fours and not strict:
        return True
    return (fours or set(sizes) == {1} or (len(sizes) == 2 and sizes[0] == 6)) and _checked("bank_card", digits)


def _phone_groups(digits: str, sizes: Sequence[int], gaps: Sequence[str]) -> bool:
    """Whether the parts may be one phone: no date, no amount with its thousands apart, no decimal number."""
    if not gaps:
        return True
    year = sizes[0] == 4 and sizes[1] <= 2 and digits.startswith(("18", "19"))
    thousands = sizes[0] < 3 and set(sizes[1:]) == {3}
    decimal = len(gaps) == 1 and gaps[0] in DOTS
    return not (year or thousands or decimal) and (len(sizes) <= MOST_GROUPS or set(sizes) == {1})


def _glued(group: _Group) -> Iterator[Found]:
    """Numbers with nothing between them: nothing but mobile numbers, else resident ids by their check digit."""
    size = group.end - group.start
    if len(group.digits) <= LONGEST or size != len(group.digits):
        return
    parts = [group.digits[at : at + 11] for at in range(0, size, 11)]
    if all(len(part) == 11 and MOBILE.fullmatch(part) for part in parts):
        yield Found(group.start, group.end, "phone")
        return
    at = 0
    while at + 18 <= size:
        found = _checked("resident_id", group.digits[at : at + 18])
        if found:
            yield Found(group.start + at, group.start + at + 18, "id_no")
        at += 18 if found else 1


@lru_cache(maxsize=4096)
def _checked(check: str, digits: str) -> bool:
    return bool(CHECKS[check].holds(pl.Series([digits])).item())
