"""Reading indicator declarations, strictly: every error names file and place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

from agrilake.contract.counts import require_quantity
from agrilake.contract.load import Registry, load_registry
from agrilake.contract.model import Frequency
from agrilake.contract.order import datasets_behind, in_order
from agrilake.contract.settings import load_settings
from agrilake.contract.yamlfile import YamlFile, read_yaml
from agrilake.errors import ContractError
from agrilake.indicators.model import DIRECTIONS, LEVELS, PERIOD_TYPES, TIMES, Combination, Indicator, Measure
from agrilake.paths import project_root

PARTS = ("numerator", "denominator", "value")
LENGTHS = {Frequency.DAY: "month", Frequency.MONTH: "month", Frequency.QUARTER: "quarter", Frequency.YEAR: "year"}
ARITHMETIC = (exp.Column, exp.Identifier, exp.Literal, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.Paren)
"""What a combination is made of; a division by a number among it."""
COMPUTED = ("path", "periods")
"""What a declaration does not say itself."""


@cache
def load_indicators(folder: Path | None = None) -> tuple[Indicator, ...]:
    """All declarations in order of `sort` and id; raises ContractError for anything unknown or circular."""
    registry = load_registry()
    folder = folder or project_root() / "schemas" / "indicators"
    found = [load_indicator(path, registry) for path in sorted(folder.glob("*.yaml"))]
    by_id: dict[str, Indicator] = {}
    for item in in_depth({item.id: item for item in found}):
        by_id[item.id] = replace(item, periods=_periods(item, by_id, registry))
    return tuple(sorted(by_id.values(), key=lambda item: (item.sort, item.id)))


def load_indicator(path: Path, registry: Registry) -> Indicator:
    """One declaration; its measures' columns must exist in the gold contract that they read."""
    source = read_yaml(path)
    data: dict[str, Any] = dict(source.data)
    known = [item.name for item in fields(Indicator) if item.name not in COMPUTED]
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
    if "combined" in data:
        data["combined"] = _combination(source, data["combined"])
    if data.get("targets") and data["direction"] == "none":
        raise source.error(("targets",), "a target needs a direction", "up or down")
    data["grain"] = tuple(data["grain"])
    indicator = Indicator(path=path, **data)
    ways = [indicator.numerator, indicator.value, indicator.growth_of, indicator.combined, indicator.awaits]
    if sum(map(bool, ways)) != 1:
        raise source.error((), "exactly one of numerator, value, growth_of, combined and awaits is needed")
    if indicator.growth_years < 1 or (indicator.growth_years > 1 and not indicator.growth_of):
        raise source.error(("growth_years",), f"{indicator.growth_years} years", "a number of years, with growth_of")
    return indicator


def _combination(source: YamlFile, data: dict[str, Any]) -> Combination:
    place, said, constants = ("combined",), ("of", "numerator", "denominator"), load_settings().elasticities
    source.only(data, said, place)
    absent = [name for name in said if not data.get(name)]
    if absent:
        raise source.error(place, f"{', '.join(absent)} is missing")
    names = [*data["of"], *constants]
    for part in ("numerator", "denominator"):
        tree = _parsed(source, (*place, part), str(data[part]))
        wrong = next((node for node in tree.walk() if not isinstance(node, ARITHMETIC)), None)
        if wrong is not None:
            raise source.error((*place, part), f"{wrong.sql()} is no arithmetic", "names, numbers, + - * and brackets")
        for name in _names(tree):
            if name not in names:
                raise source.error((*place, part), f"no indicator or setting is called {name!r}", ", ".join(names))
    return Combination(dict(data["of"]), str(data["numerator"]), str(data["denominator"]), dict(constants))


def _measure(source: YamlFile, part: str, data: dict[str, Any], time: str, registry: Registry) -> Measure:
    source.only(data, [item.name for item in fields(Measure)], (part,))
    known = [table.id for table in in_order(registry)]
    if data.get("source") not in known:
        raise source.error((part, "source"), f"no gold table {data.get('source')!r}", ", ".join(known))
    measure = Measure(**data | {"rests_on": tuple(data.get("rests_on", ()))})
    require_quantity(source, measure.counts or None, (part, "counts"))
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
        if text:
            yield from ((place, name) for name in _names(_parsed(source, (part, place), text)))


def _parsed(source: YamlFile, place: tuple[str, ...], text: str) -> exp.Expr:
    """An SQL expression; ContractError where it is none, or divides by what may be zero: Spark would stop there, with
    the figures of all indicators."""
    try:
        tree = sqlglot.parse_one(text, read="spark")
    except sqlglot.errors.ParseError as error:
        raise source.error(place, f"not SQL: {text!r}") from error
    for division in tree.find_all(exp.Div, exp.IntDiv, exp.Mod):
        divisor = division.expression
        if not isinstance(divisor, exp.Literal) or divisor.is_string or not float(divisor.this):
            problem = f"divides by {divisor.sql()}, which may be zero"
            raise source.error(
                place, problem, "state the divisor as `denominator`: where it is zero, the value is missing"
            )
    return tree


def _names(tree: exp.Expr) -> list[str]:
    """The columns that an SQL expression names."""
    return [column.name for column in tree.find_all(exp.Column)]


def in_depth(indicators: Mapping[str, Indicator]) -> list[Indicator]:
    """All of them, each after those that it is made from; ContractError for one that is not declared or a circle."""
    done: dict[str, Indicator] = {}
    for item in indicators.values():
        _visit(item, indicators, done, ())
    return list(done.values())


def _visit(
    item: Indicator, known: Mapping[str, Indicator], done: dict[str, Indicator], above: tuple[Indicator, ...]
) -> None:
    if item.id in done:
        return
    way = "growth_of" if item.growth_of else "combined"
    path = (*above, item)
    for name in item.derived_from:
        if name not in known:
            raise ContractError(str(item.path), way, f"no indicator {name!r}")
        if name in [one.id for one in path]:
            circle = [one.id for one in path][[one.id for one in path].index(name) :]
            raise ContractError(str(item.path), way, "a circle: " + " → ".join([*circle, name]))
        _visit(known[name], known, done, path)
    done[item.id] = item


def _periods(item: Indicator, known: Mapping[str, Indicator], registry: Registry) -> tuple[str, ...]:
    """The lengths of period that all its sources can fill: a table of quarters has no months. States of a register
    can be counted on any day."""
    lengths = [known[name].periods for name in item.derived_from]
    for measure in item.measures.values():
        if item.time_of(measure) != "as_of":
            shortest = PERIOD_TYPES.index(LENGTHS[registry.gold[measure.source].frequency])
            lengths.append(PERIOD_TYPES[shortest:])
    return tuple(kind for kind in PERIOD_TYPES if all(kind in one for one in lengths))
