"""Earlier layouts of a dataset: a contract with `validUntil` says how files looked up to that period, and what its
columns fill of today's contract. Nothing here needs code: a column is renamed, converted to today's unit, or its codes
are mapped; what no column fills is null."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from open_data_contract_standard.model import SchemaObject

from agrilake.contract.conversion import conversion
from agrilake.contract.model import Column, Dataset, Feed, Frequency, LogicalType
from agrilake.contract.yamlfile import YamlFile, read_yaml
from agrilake.errors import ContractError

PERIODS = {
    Frequency.YEAR: re.compile(r"\d{4}"),
    Frequency.QUARTER: re.compile(r"\d{4}Q[1-4]"),
    Frequency.MONTH: re.compile(r"\d{4}-(?:0[1-9]|1[0-2])"),
    Frequency.DAY: re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"),
}
EXAMPLES = {
    Frequency.YEAR: "2022",
    Frequency.QUARTER: "2022Q4",
    Frequency.MONTH: "2022-12",
    Frequency.DAY: "2022-12-31",
}
NUMBERS = (LogicalType.INTEGER, LogicalType.NUMBER)
BOOLEANS = ("True", "False")
Place = tuple[str | int, ...]


def check_periods(
    source: YamlFile, table: SchemaObject, frequency: Frequency, valid_until: Any, department: str
) -> None:
    """Raise ContractError where a period is none of the dataset's frequency, and where today's contract says what
    belongs into an earlier layout, or the other way round."""
    if valid_until is not None:
        _check_period(source, valid_until, frequency, ("customProperties", "validUntil"), department)
        if source.data.get("status") != "deprecated":
            raise source.error(("status",), f"{source.data.get('status')!r} for an earlier layout", "deprecated")
    for index, item in enumerate(table.properties or []):
        for at, extra in enumerate(item.customProperties or []):
            where: Place = ("schema", 0, "properties", index, "customProperties", at)
            if extra.property == "requiredSince":
                _check_period(source, extra.value, frequency, where, department)
            if extra.property == ("requiredSince" if valid_until else "feeds"):
                owner = "today's contract" if valid_until else "an earlier layout, which says validUntil"
                raise source.error(where, f"{extra.property} stands in the wrong contract", f"it belongs into {owner}")


def _check_period(source: YamlFile, value: Any, frequency: Frequency, where: Place, department: str) -> None:
    if department == "gold":
        raise source.error(where, "a gold table has no deliveries of a period", "remove it")
    if not PERIODS[frequency].fullmatch(str(value)):
        raise source.error(where, f"{value!r} is no {frequency} of a delivery", f"such as {EXAMPLES[frequency]}")


def joined(datasets: Mapping[str, Dataset], layouts: Sequence[Dataset]) -> dict[str, Dataset]:
    """The datasets with their earlier layouts, oldest first.

    Raises ContractError for a layout without today's contract, with a version or last period that does not lie before
    the next one's, of another load or frequency, or whose columns do not lead to today's (see `_check_feeds`).
    """
    for layout in layouts:
        if layout.id not in datasets:
            raise _error(layout, ("id",), f"no contract of today declares {layout.id}", "only an earlier layout does")
    result = {}
    for name, dataset in datasets.items():
        earlier = sorted((item for item in layouts if item.id == name), key=lambda item: _number(item.version))
        for layout, following in zip(earlier, [*earlier, dataset][1:], strict=True):
            _check_order(layout, following)
            _check_same(layout, dataset)
            _check_feeds(layout, dataset)
        dated = tuple(replace(item, fingerprint=_fingerprint(item, dataset)) for item in earlier)
        result[name] = replace(dataset, earlier=dated) if dated else dataset
    return result


def feeding(layout: Dataset) -> dict[str, tuple[Column, Feed]]:
    """What fills each of today's columns: the layout's column, and how."""
    return {feed.column: (column, feed) for column in layout.columns for feed in column.feeds}


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _check_order(layout: Dataset, following: Dataset) -> None:
    if _number(layout.version) >= _number(following.version):
        problem = f"version {layout.version} is not below {following.version} of {following.path.name}"
        raise _error(layout, ("version",), problem, "an earlier layout has a lower version")
    if following.valid_until is not None and str(layout.valid_until) >= following.valid_until:
        problem = f"{layout.valid_until} overlaps with {following.path.name}, which holds until {following.valid_until}"
        raise _error(layout, ("customProperties",), problem, "validUntil of a lower version lies before it")


def _check_same(layout: Dataset, dataset: Dataset) -> None:
    places: dict[str, Place] = {"load": ("customProperties",), "frequency": ("slaProperties",), "domain": ("domain",)}
    pairs = {
        "load": (layout.load, dataset.load),
        "frequency": (layout.frequency, dataset.frequency),
        "domain": (layout.department, dataset.department),
    }
    for what, (then, now) in pairs.items():
        if then != now:
            raise _error(layout, places[what], f"{what} is {then}", f"{now}, as in {dataset.path.name}")


def _check_feeds(layout: Dataset, dataset: Dataset) -> None:
    """Each feed names a column of today that it can fill, no two the same; what rows of those periods must have is
    filled from a required column, or is required only since a later period."""
    counts = Counter(feed.column for column in layout.columns for feed in column.feeds)
    for column in layout.columns:
        for feed in column.feeds:
            if found := _feed_problem(column, feed, dataset, counts[feed.column]):
                raise _error(layout, _place(layout, column), *found)
    filled = feeding(layout)
    for target in dataset.silver_columns:
        if not target.required or (target.required_since or "") > str(layout.valid_until):
            continue
        advice = f"feed it, or say requiredSince for it in {dataset.path.name}: the first period that has it"
        if target.name not in filled:
            raise _error(layout, ("schema", 0, "properties"), f"nothing fills the required {target.name}", advice)
        column, feed = filled[target.name]
        if not column.required or any(meaning is None for _, meaning in feed.codes):
            problem = f"{column.name} may be empty, but fills the required {target.name}"
            raise _error(layout, _place(layout, column), problem, advice)


def _feed_problem(column: Column, feed: Feed, dataset: Dataset, count: int) -> tuple[str, str] | None:
    known = {item.name: item for item in dataset.columns}
    target = known.get(feed.column)
    if target is None:
        return f"feeds {feed.column!r}, no column of {dataset.path.name}", "one of " + ", ".join(known)
    if count > 1:
        return f"{feed.column} is fed twice", "one column of the earlier layout fills it"
    if (column.pii, column.privacy) != (target.pii, target.privacy):
        return f"pii and privacy differ from those of {target.name}", f"{target.pii or 'none'}, {target.privacy}"
    if column.division_level != target.division_level:
        return f"division differs from that of {target.name}", target.division_level or "none"
    return _code_problem(column, feed, target) or (None if feed.codes else _value_problem(column, target))


def _code_problem(column: Column, feed: Feed, target: Column) -> tuple[str, str] | None:
    """Every code of then means one of today: the same, or one that the feed maps it to."""
    codes = [item.value for item in column.enum]
    if not (feed.codes or codes or target.enum):
        return None
    unknown = [code for code, _ in feed.codes if code not in codes]
    if not codes or unknown:
        return f"no code {', '.join(unknown) or 'list'} in {column.name}", "list in enum what files said then"
    allowed = [item.value for item in target.enum] or list(BOOLEANS if target.type is LogicalType.BOOLEAN else ())
    meanings = {code: code for code in codes} | dict(feed.codes)
    for code, meaning in meanings.items():
        if meaning is not None and allowed and meaning not in allowed:
            return f"code {code} means {meaning!r}, no value of {target.name}", "one of " + ", ".join(allowed)
    if target.primary_key and len(set(meanings.values())) < len(meanings):
        return f"two codes mean the same in the key column {target.name}", "rows of both could not be told apart"
    return None


def _value_problem(column: Column, target: Column) -> tuple[str, str] | None:
    if column.type is not target.type and (column.type, target.type) != NUMBERS:
        return f"{column.type} cannot become {target.type} of {target.name}", "map codes, or keep the type"
    if column.type not in NUMBERS or column.unit == target.unit:
        return None
    if column.unit is None or conversion(column.unit, target.unit) is None:
        return f"unit {column.unit} does not convert to {target.unit} of {target.name}", "state the unit of then"
    if column.name == target.name:
        return f"{column.name} has another unit than today's", "a name of its own, and feeds"
    return None


def _fingerprint(layout: Dataset, dataset: Dataset) -> str:
    """Changes with whatever decides how rows are read and what they become."""
    targets = [
        (item.name, item.type, item.precision, item.scale, item.unit, item.enum, item.minimum, item.maximum)
        for item in dataset.columns
    ]
    rules = (layout.version, layout.valid_until, layout.columns, layout.checks, layout.period_column, layout.crs)
    return f"{layout.version}+{hashlib.sha256(repr((rules, targets)).encode()).hexdigest()[:8]}"


def _place(layout: Dataset, column: Column) -> Place:
    return ("schema", 0, "properties", [item.name for item in layout.columns].index(column.name), column.name)


def _error(layout: Dataset, place: Place, problem: str, remedy: str) -> ContractError:
    return read_yaml(layout.path).error(place, problem, remedy)
