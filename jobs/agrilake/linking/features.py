"""What a station's name and address say, taken apart: village, group, road, door number, and the marks by which one
finds it. Pure text; the names of the town and of its villages are taken out of both in all their spellings.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agrilake.linking import words

DIGITS = {char: value for value, char in enumerate(words.ONES, 1)}


Forms = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class Town:
    """The spellings of a town and of its villages, the longest first: (spelling, code), no code for the town itself and
    for a spelling that two of its villages share. `stems` are the villages' names without 村 or 社区: a station's name
    has them, in an address they may as well be a part of a road or a building (幸福大道)."""

    full: Forms = ()
    stems: Forms = ()

    @classmethod
    def of(cls, name: str, villages: Iterable[tuple[str, str]]) -> Town:
        """From the town's name and the code and name of its villages; 村 and 社区 are both tried for each."""
        known = [(words.VILLAGE_ENDING.sub("", _plain(village)), code) for code, village in villages]
        full = [(stem + kind, code) for stem, code in known for kind in words.VILLAGE_KINDS]
        return cls(_forms([*full, *((form, None) for form in _town_forms(name))]), _forms(known))


def _forms(found: Iterable[tuple[str, str | None]]) -> Forms:
    codes: dict[str, set[str | None]] = {}
    for form, code in found:
        if len(form) > 1:
            codes.setdefault(form, set()).add(code)
    single = {form: next(iter(known)) if len(known) == 1 else None for form, known in codes.items()}
    return tuple(sorted(single.items(), key=lambda item: (-len(item[0]), item[0])))


@dataclass(frozen=True)
class Features:
    """`village` is the code of the village that the name (else the address) says; `group` the villagers' group (组,
    社), `road` with `door` a town's address; `marks` name the door itself (a sign, a building; the village's office as
    one word), `near` what it is beside (农贸市场旁)."""

    village: str | None
    group: int | None
    road: str | None
    door: int | None
    marks: tuple[str, ...]
    near: str | None

    @property
    def grams(self) -> tuple[str, ...]:
        """Pairs of neighbouring characters of the marks other than the office, without shops' common endings."""
        texts = [words.SHOP_ENDING.sub("", mark) or mark for mark in self.marks if mark != words.OFFICE]
        return tuple(sorted({pair for text in texts for pair in _pairs(text)}))


def features(name: str, address: str | None, town: Town) -> Features:
    """Take the name and address of a station in the town apart."""
    named, called = _village(_plain(name), town.full)
    stem, called = _village(words.DEPARTMENT_WORDS.sub("|", called), town.stems)
    addressed, said = _village(words.OFFICE_WORDS.sub(f"|{words.OFFICE}|", _plain(address or "")), town.full)
    group, said = _group(said)
    road, door, said = _road(said)
    own, near = _marks(said)
    named_group, called = _group(called)
    sign = _sign(called)
    return Features(
        village=named or stem or addressed,
        group=group if group is not None else named_group,
        road=road,
        door=door,
        marks=tuple(sorted({mark for mark in (sign, own) if mark})),
        near=near,
    )


def _plain(text: str) -> str:
    """Half-width (NFKC), without spaces, a bar for punctuation, numerals of groups and floors as digits."""
    bare = words.NOT_TEXT.sub("|", words.SPACE.sub("", unicodedata.normalize("NFKC", text)))
    return words.NUMERALS.sub(lambda found: str(_number(found[0])), bare)


def _number(spoken: str) -> int:
    """三 is 3, 十二 is 12, 二十 is 20."""
    tens, ten, ones = spoken.partition("十")
    if not ten:
        return DIGITS[spoken]
    return 10 * DIGITS.get(tens, 1) + DIGITS.get(ones, 0)


def _town_forms(township: str) -> Iterator[str]:
    plain = _plain(township)
    yield plain
    stem = words.TOWNSHIP_ENDING.sub("", plain)
    if len(stem) > 1:
        yield stem


def _village(text: str, forms: Forms) -> tuple[str | None, str]:
    """The village that the text names, and the text without the names of the town and its villages; what stood around
    each does not grow together into a new word."""
    found: str | None = None
    for form, code in forms:
        if form in text:
            found = found or code
            text = text.replace(form, "|")
    return found, text


def _group(text: str) -> tuple[int | None, str]:
    found = words.GROUP.search(text)
    return (int(found[1]), text[: found.start()] + "|" + text[found.end() :]) if found else (None, text)


def _road(text: str) -> tuple[str | None, int | None, str]:
    found = words.ROAD.search(text)
    if found and not words.ASIDE.match(text[found.end() :]) and not text[found.end() :].startswith("边"):
        return found[1], int(found[2]) if found[2] else None, text[: found.start()] + "|" + text[found.end() :]
    door = words.DOOR.search(text)
    return (None, int(door[1]), text[: door.start()] + "|" + text[door.end() :]) if door else (None, None, text)


def _marks(text: str) -> tuple[str | None, str | None]:
    """The building itself, and the one that it is beside: 佳佳店隔壁大众药房 names both, 村委会旁 only the other."""
    aside = words.ASIDE.search(text)
    if aside is None:
        return _building(text), None
    return _building(text[aside.end() :]), _building(text[: aside.start()])


def _building(text: str) -> str | None:
    """The longest run of text that may name a building; the village's office comes before all."""
    runs = words.INSIDE.sub("", text).split("|")
    longest = words.OFFICE if words.OFFICE in runs else max(runs, key=len)
    return longest if len(longest) >= words.SHORTEST_MARK else None


def _sign(text: str) -> str | None:
    """The sign in a station's name, unless it is a department's word with a character wrong (宜农信息社)."""
    sign = _building(text)
    if sign is None or sign == words.OFFICE:
        return None
    pairs = _pairs(sign)
    known = (_pairs(word) for word in words.DEPARTMENT_WORDS.pattern.split("|"))
    return None if any(len(pairs & word) * 2 >= len(pairs) for word in known) else sign


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}
