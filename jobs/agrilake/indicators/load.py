"""Reading indicator declarations, strictly: every error names file and place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

from agrilake.contract.load import Registry, load_registry
from agrilake.contract.order import datasets_behind, in_order
from agrilake.contract.yamlfile import YamlFile, read_yaml
from agrilake.errors import ContractError
from agrilake.indicators.model import DIRECTIONS, LEVELS, TIMES, Indicator, Measure
from agrilake.paths import project_root

PARTS = ("numerator", "denominator", "value")


@cache
def load_indicators(folder: Path | None = None) -> tuple[Indicator, ...]:
    """All declarations in order of `sort` and id; raises ContractError for anything unknown or circular."""
    registry = load_registry()
    folder = folder or project_root() / "schemas" / "indicators"
    found = [load_indicator(path, registry) for path in sorted(folder.glob("*.yaml"))]
    _check_growth({item.id: item for item in found})
    return tuple(sorted(found, key=lambda item: (item.sort, item.id)))


def load_indicator(path: Path, registry: Registry) -> Indicator:
    """One declaration; its measures' columns must exist in the gold contract that they read."""
    source = read_yaml(path)
    data: dict[str, Any] = dict(source.data)
    known = [item.name for item in fields(Indicator) if item.name != "path"]
    source.only(data, known, ())
    for item in fields(Indicator):
        if item.default is MISSING and item.default_factory is MISSING and item.name not in (*data, "path"):
            raise source.error((), f"{item.name} is missing")
    if data["id"] != path.stem:
        raise source.error(("id",), f"{data['id']!r} differs from the file's name {path.stem!r}")
    source.one_of(data["direction"], DIRECTIONS, ("direction",))
    source.one_of(data["time"], TIMES, ("time",))
    for level in data["grain"]:
        source.one_of(level, LEVELS, ("grain",))
    for part in PARTS:
        if part in data:
            data[part] = _measure(source, part, data[part], data["time"], registry)
    if data.get("targets") and data["direction"] == "none":
        raise source.error(("targets",), "a target needs a direction", "up or down")
    data["grain"] = tuple(data["grain"])
    indicator = Indicator(path=path, **data)
    ways = [bool(indicator.numerator), bool(indicator.value), bool(indicator.growth_of), bool(indicator.awaits)]
    if sum(ways) != 1:
        raise source.error((), "exactly one of numerator, value, growth_of and awaits is needed")
    return indicator


def _measure(source: YamlFile, part: str, data: dict[str, Any], time: str, registry: Registry) -> Measure:
    source.only(data, [item.name for item in fields(Measure)], (part,))
    known = [table.id for table in in_order(registry)]
    if data.get("source") not in known:
        raise source.error((part, "source"), f"no gold table {data.get('source')!r}", ", ".join(known))
    measure = Measure(**data | {"rests_on": tuple(data.get("rests_on", ()))})
    if measure.time:
        source.one_of(measure.time, TIMES, (part, "time"))
    columns = {column.name for column in registry.gold[measure.source].columns}
    for place, name in _columns(source, part, measure):
        if name not in columns:
            raise source.error((part, place), f"{measure.source} has no column {name!r}", ", ".join(sorted(columns)))
    if (measure.time or time) == "as_of" and not {"valid_from", "valid_to"} <= columns:
        raise source.error((part, "source"), f"{measure.source} keeps no states", "as_of needs valid_from and valid_to")
    behind = [dataset.id for dataset in datasets_behind([measure.source], registry)]
    for name in measure.rests_on:
        if name not in behind:
            raise source.error((part, "rests_on"), f"{name!r} is not behind {measure.source}", ", ".join(behind))
    lineage = registry.gold[measure.source].lineage
    if measure.evidence and measure.evidence not in lineage:
        raise source.error((part, "evidence"), f"{measure.evidence!r} is no lineage of it", ", ".join(sorted(lineage)))
    return measure


def _columns(source: YamlFile, part: str, measure: Measure) -> Iterator[tuple[str, str]]:
    for place, text in (("expression", measure.expression), ("where", measure.where)):
        if not text:
            continue
        try:
            tree = sqlglot.parse_one(text, read="spark")
        except sqlglot.errors.ParseError as error:
            raise source.error((part, place), f"not SQL: {text!r}") from error
        yield from ((place, column.name) for column in tree.find_all(exp.Column))


def _check_growth(indicators: dict[str, Indicator]) -> None:
    for item in indicators.values():
        seen, current = [item.id], item
        while current.growth_of:
            if current.growth_of not in indicators:
                raise ContractError(str(current.path), "growth_of", f"no indicator {current.growth_of!r}")
            current = indicators[current.growth_of]
            if current.id in seen:
                raise ContractError(str(item.path), "growth_of", "a circle: " + " → ".join([*seen, current.id]))
            seen.append(current.id)
