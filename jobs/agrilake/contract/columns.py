"""Reading one column of a contract."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any

import re2
from open_data_contract_standard.model import CustomProperty, SchemaProperty

from agrilake.contract.counts import require_quantity
from agrilake.contract.model import Check, Column, EnumValue, Feed, LogicalType, Privacy, Reference
from agrilake.contract.signatures import SIGNATURES
from agrilake.contract.units import shown_unit
from agrilake.contract.yamlfile import YamlFile

PROPERTY_KEYS = frozenset(
    {"name", "businessName", "description", "logicalType", "physicalType", "logicalTypeOptions", "required"}
    | {"primaryKey", "unique", "enum", "synonyms", "examples", "classification", "relationships"}
    | {"customProperties", "quality"}
)
COLUMN_KEYS = frozenset({"unit", "division", "pii", "privacy", "words", "requiredSince", "feeds", "counts"})
OPTION_KEYS = frozenset({"minimum", "maximum", "minLength", "maxLength", "pattern", "format"})
LEVELS = frozenset({"county", "township", "village", "any"})
PII_KINDS = frozenset({"id_no", "name", "phone", "bank_card", "address"})
DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")
# Back-references and look-around could run for ever on a hostile cell, so RE2 does not know them.
QUIET = re2.Options()
QUIET.log_errors = False

Place = tuple[str | int, ...]


def custom(
    source: YamlFile, items: list[CustomProperty] | None, allowed: frozenset[str], place: Place
) -> dict[str, Any]:
    """customProperties as a dict; ContractError for a name that is not allowed."""
    found: dict[str, Any] = {}
    for index, item in enumerate(items or []):
        source.only({item.property or "": None}, allowed, (*place, index))
        found[str(item.property)] = item.value
    return found


def column_from(source: YamlFile, item: SchemaProperty, place: Place) -> Column:
    """The column; ContractError at its place for an unknown type, option, level, privacy or unsafe pattern."""
    name = item.name or ""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise source.error((*place, "name"), f"{name!r} is not snake_case")
    for field in ("businessName", "logicalType"):
        if not getattr(item, field):
            raise source.error((*place, field), f"missing for column {name}")
    options = item.logicalTypeOptions or {}
    source.only(options, OPTION_KEYS, (*place, "logicalTypeOptions"))
    properties = custom(source, item.customProperties, COLUMN_KEYS, (*place, "customProperties"))
    level, pii = properties.get("division"), properties.get("pii")
    for key, value, allowed in (("division", level, LEVELS), ("pii", pii, PII_KINDS)):
        if value is not None:
            source.one_of(value, sorted(allowed), (*place, "customProperties", key))
    kind = _logical_type(source, item, place)
    precision, scale = _decimal(source, item, kind, place)
    return Column(
        name=name,
        title=item.businessName or "",
        description=item.description or "",
        type=kind,
        required=bool(item.required) or bool(item.primaryKey),
        required_since=_required_since(source, item, properties.get("requiredSince"), place),
        primary_key=bool(item.primaryKey),
        unique=bool(item.unique),
        precision=precision,
        scale=scale,
        unit=shown_unit(properties.get("unit")),
        words=_words(source, properties.get("words"), kind, place),
        synonyms=tuple(synonym.synonym or "" for synonym in item.synonyms or []),
        enum=tuple(_enum(value.value, value.label, value.description) for value in item.enum or []),
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        min_length=options.get("minLength"),
        max_length=options.get("maxLength"),
        pattern=_pattern(source, options.get("pattern"), place),
        division_level=level,
        pii=pii,
        privacy=_privacy(source, properties.get("privacy"), pii, place),
        reference=_reference(source, item, place),
        checks=tuple(_checks(source, item, place)),
        example=str((item.examples or [""])[0]),
        feeds=_feeds(source, properties.get("feeds", name), place),
        counts=require_quantity(source, properties.get("counts"), (*place, "customProperties", "counts")),
    )


def _required_since(source: YamlFile, item: SchemaProperty, period: Any, place: Place) -> str | None:
    """The first period in which a required column must be filled; a key must be, always."""
    if period is not None and (not item.required or item.primaryKey):
        where = (*place, "customProperties", "requiredSince")
        raise source.error(where, "only a required column that is no key may be empty in earlier periods")
    return None if period is None else str(period)


def _feeds(source: YamlFile, value: Any, place: Place) -> tuple[Feed, ...]:
    """The columns of today that a column of an earlier layout fills: one by name, or several with their codes."""
    where = (*place, "customProperties", "feeds")
    if isinstance(value, str):
        return (Feed(value),)
    if not isinstance(value, dict) or not all(isinstance(codes, dict | None) for codes in value.values()):
        raise source.error(where, f"{value!r}", "a column's name, or a mapping from columns to code: code (or nothing)")
    return tuple(Feed(target, tuple(_meanings(codes or {}))) for target, codes in value.items())


def _meanings(codes: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    for code, meaning in codes.items():
        yield code, None if meaning is None else str(meaning)


def _logical_type(source: YamlFile, item: SchemaProperty, place: Place) -> LogicalType:
    try:
        return LogicalType(item.logicalType or "")
    except ValueError:
        allowed = ", ".join(LogicalType)
        raise source.error((*place, "logicalType"), f"{item.logicalType!r} is unknown", f"one of {allowed}") from None


def _decimal(source: YamlFile, item: SchemaProperty, kind: LogicalType, place: Place) -> tuple[int | None, int | None]:
    """Precision and scale of a number; (None, None) for doubles and for what is not a number."""
    if kind is not LogicalType.NUMBER or item.physicalType == "double":
        return None, None
    match = DECIMAL.fullmatch(item.physicalType or "decimal(18,4)")
    if match is None:
        raise source.error((*place, "physicalType"), f"{item.physicalType!r}", "decimal(precision,scale) or double")
    return int(match[1]), int(match[2])


def _enum(value: Any, label: str | None, spellings: str | None) -> EnumValue:
    return EnumValue(str(value), label or str(value), tuple(part for part in (spellings or "").split("|") if part))


def _pattern(source: YamlFile, pattern: str | None, place: Place) -> str | None:
    if pattern is None:
        return None
    where = (*place, "logicalTypeOptions", "pattern")
    try:
        re.compile(pattern)
    except re.error as error:
        raise source.error(where, f"not a regular expression: {error}") from error
    try:
        re2.compile(f"^(?:{pattern})$", options=QUIET)
    except re2.error as error:
        remedy = "rewrite it without back-references, look-around and counts above 1000"
        raise source.error(where, "not a pattern that runs in linear time", remedy) from error
    return pattern


def _words(source: YamlFile, value: Any, kind: LogicalType, place: Place) -> tuple[tuple[str, str], ...]:
    """Words that stand for a value (未检出: 0), as pairs of texts."""
    if value is None:
        return ()
    where = (*place, "customProperties", "words")
    types: dict[LogicalType, tuple[type, ...]] = {
        LogicalType.INTEGER: (int,),
        LogicalType.NUMBER: (int, float),
        LogicalType.BOOLEAN: (bool,),
    }
    if kind not in types or not isinstance(value, dict):
        raise source.error(where, "words are a mapping from text to the value of a number or boolean")
    for word, meaning in value.items():
        if not isinstance(meaning, types[kind]) or (isinstance(meaning, bool) and kind is not LogicalType.BOOLEAN):
            raise source.error(where, f"{word}: {meaning!r} is no {kind}")
    return tuple((str(word), str(meaning)) for word, meaning in value.items())


def _privacy(source: YamlFile, value: str | None, pii: str | None, place: Place) -> Privacy:
    where = (*place, "customProperties", "privacy")
    try:
        privacy = Privacy(value or "open")
    except ValueError:
        raise source.error(where, f"{value!r} is unknown", "one of " + ", ".join(Privacy)) from None
    if pii is not None and privacy is Privacy.OPEN:
        raise source.error(where, "a personal column needs its treatment", "pseudonym or drop")
    if pii is None and privacy is not Privacy.OPEN:
        raise source.error(where, "only a column with pii has a treatment", "add pii or remove privacy")
    return privacy


def _reference(source: YamlFile, item: SchemaProperty, place: Place) -> Reference | None:
    if not item.relationships:
        return None
    target = item.relationships[0].to
    if not isinstance(target, str) or target.count(".") != 1:
        raise source.error((*place, "relationships", 0), f"{target!r}", "expected dataset.column")
    return Reference(*target.split("."))


def _checks(source: YamlFile, item: SchemaProperty, place: Place) -> list[Check]:
    found = []
    for index, rule in enumerate(item.quality or []):
        if rule.type != "custom" or rule.engine != "agrilake" or not isinstance(rule.implementation, str):
            where = (*place, "quality", index)
            raise source.error(where, "a column's check is type custom, engine agrilake, implementation <name>")
        check = Check(rule.implementation, rule.severity or "error", rule.arguments or {}, rule.description or "")
        require_known(source, check, (*place, "quality", index))
        found.append(check)
    return found


def require_known(source: YamlFile, check: Check, place: Place) -> None:
    """Raise ContractError where no check has that name, or it takes other arguments."""
    signature = SIGNATURES.get(check.name)
    if signature is None:
        near = difflib.get_close_matches(check.name, SIGNATURES, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else "one of " + ", ".join(SIGNATURES)
        raise source.error((*place, "implementation"), f"unknown check {check.name!r}", remedy)
    problem = signature.problem(check.name, check.arguments)
    if problem:
        raise source.error((*place, "arguments"), problem)
