"""Cells and sums behind the numbers of persons and households that a publication shows.

One quantity of one place and period is one cell, whatever table shows it. Places add up along the divisions (and a
session or facility to its village), flows along the calendar as well, parts to what holds them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from agrilake.contract.counts import Quantity
from agrilake.intake.dates import period_bounds
from agrilake.publish.attack import Cell, Problem, Relation

UNIT_COST, TOWNSHIP_COST, DISTRICT_COST = 1.0, 4.0, 100.0
PERIOD_COST = {7: 1.0, 6: 2.0, 4: 3.0}
"""Loss of hiding a month, quarter, year, by the length of its name (2024-05, 2024Q2, 2024)."""
VALUE_COST = 1e-6
"""Of two cells alike, the smaller number is hidden."""
KEPT = 0.05
"""What hiding costs where the period before hid the same: patterns that change give hints."""


@dataclass(frozen=True)
class Sighting:
    """A number that a table shows: where it stands (`row` of the table, `column`) and what it counts.

    `period` is empty for a number of today; `since` and `until` bound a number that held from day to day. `unit` names
    the part of the division that the row is of.
    """

    table: str
    row: int
    column: str
    quantity: str
    division: str
    period: str
    value: int
    unit: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, order=True)
class Key:
    """A cell's name in parts; `variant` tells apart numbers that ought to be the same and are not."""

    quantity: str
    period: str
    place: str
    variant: int = 0

    @property
    def name(self) -> str:
        """The name, which sorts by quantity, period and place."""
        return f"{self.quantity} {self.period} {self.place}" + (f" #{self.variant}" if self.variant else "")


@dataclass(frozen=True)
class Counts:
    """The cells that sightings make: the problem to be solved, and the cells that each sighting shows (several where a
    number held for months)."""

    problem: Problem
    shown_by: Mapping[Sighting, tuple[str, ...]]
    keys: Mapping[str, Key]

    def before(self, name: str) -> str:
        """The name of the same place's cell in the period before; of a cell that may not exist."""
        key = self.keys[name]
        return replace(key, period=_before(key.period)).name


def counts_of(sightings: Sequence[Sighting], quantities: Mapping[str, Quantity], k: int) -> Counts:
    """Cells and relations of all that is shown."""
    months = _months(sightings)
    values: dict[Key, dict[int, Key]] = defaultdict(dict)
    shown_by: dict[Sighting, tuple[str, ...]] = {}
    cells: dict[str, Cell] = {}
    keys: dict[str, Key] = {}
    of_unit: dict[tuple[str, str], str] = {}
    for item in sightings:
        quantity = quantities[item.quantity]
        names = []
        periods = _periods(item, quantity, months[item.quantity])
        if item.unit and quantity.time == "flow":  # the same session, whatever period another table files it under
            periods = [of_unit.setdefault((item.quantity, item.unit), periods[0])]
        for period in periods:
            base = Key(item.quantity, period, item.division + (f"/{item.unit}" if item.unit else ""))
            key = values[base].setdefault(item.value, replace(base, variant=len(values[base])))
            keys[key.name] = key
            cells[key.name] = Cell(item.value, _cost(key, item.value), True, quantity.is_sensitive)
            names.append(key.name)
        shown_by[item] = tuple(names)
    relations = [*_variants(values), *_by_place(values), *_by_time(values, quantities)]
    for relation, rest in _by_part(values, quantities):
        relations.append(relation)
        cells |= rest
    return Counts(Problem(cells, relations, k), shown_by, keys)


def _months(sightings: Iterable[Sighting]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for item in sightings:
        if len(item.period) == len("2024-05"):
            found[item.quantity].add(item.period)
    return defaultdict(list, {name: sorted(periods) for name, periods in found.items()})


def _periods(item: Sighting, quantity: Quantity, months: Sequence[str]) -> list[str]:
    """The canonical periods of a sighting: a state's quarter and year are their newest month."""
    if item.since is not None:
        days = [(month, period_bounds(month)[1]) for month in months]
        held = [month for month, day in days if item.since <= day and (item.until is None or day < item.until)]
        return held or [item.since.isoformat()]
    if not item.period:
        return list(months[-1:]) or ["today"]
    if quantity.time != "state" or item.period in months:
        return [item.period]
    first, last = period_bounds(item.period)
    within = [month for month in months if first <= period_bounds(month)[0] <= last]
    return [within[-1] if within else item.period]


def _cost(key: Key, value: int) -> float:
    level = UNIT_COST
    if key.place.endswith("000") and "/" not in key.place:
        level = DISTRICT_COST if key.place.endswith("000000") else TOWNSHIP_COST
    return level * PERIOD_COST.get(len(key.period), 1.0) + value * VALUE_COST


def _before(period: str) -> str:
    """The month, quarter or year before; the period itself where it is none of these."""
    if len(period) == len("2024-05"):
        year, month = int(period[:4]), int(period[5:])
        return f"{year - 1}-12" if month == 1 else f"{year}-{month - 1:02d}"
    if len(period) == len("2024Q2"):
        year, quarter = int(period[:4]), int(period[5:])
        return f"{year - 1}Q4" if quarter == 1 else f"{year}Q{quarter - 1}"
    return str(int(period) - 1) if period.isdigit() else period


def _value(found: Mapping[int, Key]) -> int:
    return next(iter(found))


def _name(found: Mapping[int, Key]) -> str:
    return next(iter(found.values())).name


def _sum(total: Mapping[int, Key] | None, parts: Sequence[Mapping[int, Key]]) -> Relation:
    """What the parts lack of the total counts as known: a reader may know it."""
    names, added = tuple(_name(part) for part in parts), sum(map(_value, parts))
    if total is None:
        return Relation(None, names, -added)
    return Relation(_name(total), names, _value(total) - added)


def _variants(values: Mapping[Key, Mapping[int, Key]]) -> Iterator[Relation]:
    for found in values.values():
        (first, base), *others = found.items()
        for value, key in others:
            yield Relation(key.name, (base.name,), value - first)


def _by_place(values: Mapping[Key, Mapping[int, Key]]) -> Iterator[Relation]:
    """A place and those below it; what no shown place holds adds up to what is known of the district."""
    below: dict[Key, list[Key]] = defaultdict(list)
    for key in values:
        above = next((one for one in _above(key) if one in values), replace(key, place=""))
        below[above].append(key)
    for above, parts in sorted(below.items()):
        if above.place or len(parts) > 1:
            yield _sum(values.get(above), [values[part] for part in sorted(parts)])


def _above(key: Key) -> Iterator[Key]:
    """The places that hold it, the nearest first."""
    division, _, unit = key.place.partition("/")
    places = [*([division] if unit else []), f"{division[:9]}000", f"{division[:6]}000000"]
    yield from (replace(key, place=place) for place in places if place != key.place)


def _by_time(values: Mapping[Key, Mapping[int, Key]], quantities: Mapping[str, Quantity]) -> Iterator[Relation]:
    """A flow's quarters and years, and the shorter periods in them."""
    spans: dict[tuple[str, str, str, int], list[Key]] = defaultdict(list)
    for key in values:
        if quantities[key.quantity].time != "flow":
            continue
        year, length = key.period[:4], len(key.period)
        if length == len("2024-05"):
            quarter = f"{year}Q{(int(key.period[5:]) + 2) // 3}"
            spans[key.quantity, key.place, quarter, length].append(key)
        if length > len(year):
            spans[key.quantity, key.place, year, length].append(key)
    for (quantity, place, span, _), parts in sorted(spans.items()):
        total = values.get(Key(quantity, span, place))
        if total is not None:
            yield _sum(total, [values[part] for part in sorted(parts)])


def _by_part(
    values: Mapping[Key, Mapping[int, Key]], quantities: Mapping[str, Quantity]
) -> Iterator[tuple[Relation, dict[str, Cell]]]:
    """Part and whole, with what is left, which no table shows. A part that exceeds its whole bounds nothing."""
    for key in sorted(values):
        for whole in quantities[key.quantity].part_of:
            total = values.get(replace(key, quantity=whole))
            left = None if total is None else _value(total) - _value(values[key])
            if total is None or left is None or left < 0:
                continue
            rest = f"{whole} - {key.name}"
            is_sensitive = quantities[whole].is_sensitive and quantities[key.quantity].is_sensitive
            yield (
                Relation(_name(total), (_name(values[key]), rest)),
                {rest: Cell(left, 0.0, is_shown=False, is_sensitive=is_sensitive)},
            )
