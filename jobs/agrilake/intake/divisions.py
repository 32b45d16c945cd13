"""Divisions as departments write them -> 12-digit statistics codes; ambiguity is reported, never guessed away."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from agrilake.intake.numbers import tidy

LEVELS = ("county", "township", "village")
LEVEL_TITLES = {"county": "区县", "township": "镇（街道）", "village": "村（社区）", "any": "区划"}
COMMITTEE = re.compile(r"(村民委员会|居民委员会|村委会|居委会|村委|居委)$")
KIND = re.compile(r"(社区|村)$")
TOWNSHIP = re.compile(r"(街道办事处|街道办|街道|镇人民政府|镇政府|镇|乡人民政府|乡政府|乡)$")
NOISE = re.compile(r"[\s·・、,，;；:：>→+\-_/|()（）\"“”]+")
VARIANTS = re.compile(r"[、,，;；|/\s]+")
LONGEST_NAME = 200
PROBLEMS = {"text": pl.String, "code": pl.String, "rule": pl.String, "detail": pl.String}


@dataclass(frozen=True)
class Division:
    """One row of the division table."""

    code: str
    name: str
    level: str
    parent_code: str


def _key(name: str) -> str:
    return NOISE.sub("", tidy(name))


def _village_forms(name: str) -> Iterator[tuple[int, str]]:
    """(tier, spelling) of a village: its name, the name without committee, the bare stem (weakest)."""
    key = _key(name)
    yield 0, key
    committee = COMMITTEE.search(key)
    short = COMMITTEE.sub("", key)
    kind = "村" if committee and committee[1].startswith("村") else "社区" if committee else ""
    stem = KIND.sub("", short) or short
    bare = stem + (KIND.search(short) or [""])[0]
    kinds = (kind, "村民委员会", "村委会", "村委", "村村民委员会", "村村委会", "村村委")
    if kind == "社区":
        kinds = (kind, "居民委员会", "居委会", "居委", "社区居民委员会", "社区居委会", "社区居委")
    if committee or KIND.search(short):
        yield 1, bare
        if kind:
            for ending in kinds:
                yield 1, stem + ending
    yield 2, stem


def _township_forms(name: str) -> Iterator[str]:
    key = _key(name)
    yield key
    ending = TOWNSHIP.search(key)
    if ending:
        stem = key[: ending.start()]
        if len(stem) > 1:
            yield stem
        if ending[1] == "街道":
            yield from (key + "办事处", key + "办")
        else:
            yield from (key + "人民政府", key + "政府")


Names = dict[str, dict[int, set[str]]]


@dataclass(frozen=True)
class DivisionIndex:
    """Everything needed to resolve a cell; made by `from_frames`, equal inputs give equal `version`."""

    divisions: Mapping[str, Division]
    civil: Mapping[str, str]
    version: str
    villages: Names = field(repr=False)
    townships: dict[str, set[str]] = field(repr=False)
    counties: dict[str, set[str]] = field(repr=False)

    @classmethod
    def from_frames(cls, divisions: pl.DataFrame, crosswalk: pl.DataFrame | None = None) -> DivisionIndex:
        """From division rows (code, name, level, parent_code) and crosswalk rows (civil_code, statistics_code,
        name_variants); crosswalk rows to codes that are no divisions are left out."""
        columns = ["code", "name", "level", "parent_code"]
        rows = divisions.select(columns).unique("code", keep="last").sort("code")
        known = {row[0]: Division(*(value or "" for value in row)) for row in rows.iter_rows()}
        pairs = _crosswalk_rows(crosswalk, known)
        digest = hashlib.sha256(repr((list(known.values()), pairs)).encode()).hexdigest()[:16]
        villages: Names = defaultdict(lambda: defaultdict(set))
        townships: dict[str, set[str]] = defaultdict(set)
        counties: dict[str, set[str]] = defaultdict(set)
        for division, name in _all_names(known, pairs):
            if division.level == "village":
                for tier, form in _village_forms(name):
                    villages[form][tier].add(division.code)
            elif division.level == "township":
                for form in _township_forms(name):
                    townships[form].add(division.code)
            elif division.level == "county":
                counties[_key(name)].add(division.code)
        civil = {civil: code for civil, code, _ in pairs}
        return cls(known, civil, digest, dict(villages), dict(townships), dict(counties))

    @property
    def codes(self) -> frozenset[str]:
        """All known statistics codes."""
        return frozenset(self.divisions)

    def resolve(self, text: pl.Series, level: str) -> pl.DataFrame:
        """Resolve the distinct texts of a column: text, code, rule, detail.

        `level` is county, township, village or any. Rules: division_known (not found), division_ambiguous
        (several places of that name; detail: their number), division_level (detail: the level found), and the
        warning division_two_systems: the code stands in both code systems for different places; the other
        codes of the same column tell which system the file uses, else the statistics code counts.
        """
        distinct = text.drop_nulls().unique().sort()
        civil_file = self._speaks_civil(distinct)
        found = [(value, *self._one(value, level, civil_file)) for value in distinct]
        return pl.DataFrame(found, schema=PROBLEMS, orient="row")

    def _speaks_civil(self, values: Iterable[str]) -> bool:
        """Whether codes that only the civil-affairs system has outnumber those that only statistics has."""
        moved = {code for civil, code in self.civil.items() if civil != code}
        codes = {_padded(value) for value in values}
        only_civil = sum(code in self.civil and code not in self.divisions for code in codes if code)
        only_statistics = sum(code in moved and code not in self.civil for code in codes if code)
        return only_civil > only_statistics

    def _one(self, text: str, level: str, civil_file: bool) -> tuple[str | None, str | None, str | None]:
        if len(text) > LONGEST_NAME:
            return None, "division_known", ""
        code = _padded(text)
        if code is None:
            return self._judge(self._named(text, level), level)
        statistics = code if code in self.divisions else None
        other = self.civil.get(code)
        if statistics and other and other != statistics:
            chosen = other if civil_file else statistics
            value, rule, detail = self._judge({chosen}, level)
            warning = f"民政代码为{self.title(other)}，统计代码为{self.title(statistics)}"
            return (value, rule, detail) if rule else (value, "division_two_systems", warning)
        return self._judge({statistics or other or ""} - {""}, level)

    def _judge(self, found: set[str], level: str) -> tuple[str | None, str | None, str | None]:
        if not found:
            return None, "division_known", ""
        fitting = {code for code in found if level in ("any", self.divisions[code].level)}
        if not fitting:
            levels = {LEVEL_TITLES.get(self.divisions[code].level, "") for code in found}
            return None, "division_level", "、".join(sorted(levels))
        if len(fitting) > 1:
            return None, "division_ambiguous", str(len(fitting))
        return fitting.pop(), None, None

    def _named(self, text: str, level: str) -> set[str]:
        """Codes that a name may mean: with its township, alone, or as township or county."""
        name = self._without_county(_key(text))
        higher = self.townships.get(name, set()) | self.counties.get(_key(text), set())
        villages = self._best(name, None)
        if not villages:
            villages = self._within_township(name)
        if level == "any":
            return higher | villages
        return (villages or higher) if level == "village" else (higher or villages)

    def _within_township(self, name: str) -> set[str]:
        for end in range(len(name) - 1, 1, -1):
            towns = self.townships.get(name[:end])
            if towns:
                found = self._best(name[end:], towns)
                if found:
                    return found
        return set()

    def _best(self, name: str, towns: set[str] | None) -> set[str]:
        """Villages of the strongest tier that has any, within the townships where given."""
        for _, codes in sorted(self.villages.get(name, {}).items()):
            found = {code for code in codes if towns is None or self.divisions[code].parent_code in towns}
            if found:
                return found
        return set()

    def _without_county(self, key: str) -> str:
        for county in self.counties:
            _, mark, rest = key.partition(county)
            if mark and rest:
                return rest
        return key

    def title(self, code: str) -> str:
        """Name of a division with that of its township before a village's."""
        division = self.divisions[code]
        parent = self.divisions.get(division.parent_code)
        return (parent.name if parent and division.level == "village" else "") + division.name


def _padded(text: str) -> str | None:
    """A 12, 9 or 6-digit code as 12 digits; None for what is no code (then it may be a name)."""
    compact = re.sub(r"\s", "", tidy(text))
    if not re.fullmatch(r"[0-9]+", compact):
        return None
    return compact.ljust(12, "0") if len(compact) in (6, 9, 12) else compact


def _crosswalk_rows(crosswalk: pl.DataFrame | None, known: Mapping[str, Division]) -> list[tuple[str, str, str]]:
    if crosswalk is None:
        return []
    columns = ["civil_code", "statistics_code", "name_variants"]
    rows = crosswalk.select(pl.col(columns).fill_null("")).unique().sort(columns)
    return [(civil, code, names) for civil, code, names in rows.iter_rows() if code in known]


def _all_names(known: Mapping[str, Division], pairs: Iterable[tuple[str, str, str]]) -> Iterator[tuple[Division, str]]:
    for division in known.values():
        yield division, division.name
    for _, code, variants in pairs:
        yield from ((known[code], name) for name in VARIANTS.split(variants) if name)
