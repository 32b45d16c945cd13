"""English names for Chinese headers: from the contracts that exist, then from a glossary, then in pinyin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml
from pypinyin import lazy_pinyin

from agrilake.contract.load import Registry
from agrilake.contract.model import Column
from agrilake.intake.titles import title_of

ASCII_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Name:
    """A proposed name; `sure` is False where pinyin had to be used, so that a person looks at it."""

    text: str
    sure: bool


@dataclass(frozen=True)
class Glossary:
    """Words, unit suffixes and canonical units of glossary.yaml."""

    words: dict[str, str]
    units: dict[str, str]
    canonical_units: dict[str, str]


@cache
def glossary() -> Glossary:
    """The glossary that ships with the package."""
    data = yaml.safe_load(files("agrilake.catalog").joinpath("glossary.yaml").read_text(encoding="utf-8"))
    return Glossary(data["words"], data["units"], data["canonical_units"])


def known_columns(registry: Registry) -> dict[str, Column]:
    """Columns of existing contracts by their title; one quantity has one name everywhere."""
    known: dict[str, Column] = {}
    for dataset in registry.datasets.values():
        for column in dataset.columns:
            known.setdefault(title_of(column.title).bare, column)
    return known


def english_name(text: str, unit: str | None = None) -> Name:
    """snake_case for a Chinese header or value, with the unit as suffix: 功率 in 千瓦 -> power_kw."""
    normal = title_of(text).bare
    if ASCII_NAME.fullmatch(normal):
        return Name(normal, True)
    parts, sure = _translate(normal)
    suffix = glossary().units.get((unit or "").lower())
    if suffix and (not parts or parts[-1] != suffix):
        parts.append(suffix)
    name = "_".join(part for part in parts if part) or "column"
    return Name(name if name[0].isalpha() else f"c_{name}", sure)


def _translate(text: str) -> tuple[list[str], bool]:
    words = glossary().words
    parts: list[str] = []
    sure, at, unknown = True, 0, ""
    while at < len(text):
        length = next((size for size in range(min(10, len(text) - at), 0, -1) if text[at : at + size] in words), 0)
        if length == 0:
            unknown += text[at]
            at += 1
            continue
        parts += _spelt(unknown)
        sure, unknown = sure and not unknown, ""
        parts.append(words[text[at : at + length]])
        at += length
    parts += _spelt(unknown)
    return parts, sure and not unknown


def _spelt(text: str) -> list[str]:
    """Pinyin without tones for what the glossary lacks; other signs fall away."""
    letters = "".join(lazy_pinyin(text)).lower()
    return [part for part in re.split(r"[^a-z0-9]+", letters.replace("ü", "v")) if part]
