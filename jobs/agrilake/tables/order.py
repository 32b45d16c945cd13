"""Which deliveries count, and in which order, decided by what they say of themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agrilake.contract.model import Load
from agrilake.lake.state import Delivery


@dataclass(frozen=True)
class DeliveryRef:
    """A final delivery: `kind` base or mend, `revision` of a 更正 or 补正, `sequence` of first arrival, and
    for a mend the first characters of the id that it mends."""

    id: str
    period: str
    kind: str = "base"
    revision: int = 0
    sequence: int = 0
    mends: str | None = None


def refs(deliveries: Iterable[Delivery]) -> list[DeliveryRef]:
    """What decides about the place of each final delivery."""
    return [
        DeliveryRef(item.id, item.period, item.kind, item.revision, item.sequence, item.mends)
        for item in deliveries
        if item.is_final
    ]


def winners(load: Load, deliveries: Sequence[DeliveryRef]) -> list[str]:
    """Ids of the deliveries whose rows count, oldest first: where keys meet, the last one wins."""
    return [name for group in in_force(load, deliveries) for name in group]


def in_force(load: Load, deliveries: Sequence[DeliveryRef]) -> list[list[str]]:
    """Ids of the deliveries that count, oldest first, each base with its mends after it.

    snapshot: of each period the base of the highest revision. append: all bases of a period, or from the first
    更正 on only the highest revision. upsert: all bases. Mends follow the base that they mend, and count only
    where it does. Arrival decides between two files that claim the same place.
    """
    periods: defaultdict[str, list[DeliveryRef]] = defaultdict(list)
    for item in deliveries:
        if item.kind == "base":
            periods[item.period].append(item)
    mends = [item for item in deliveries if item.kind == "mend"]
    return [
        [base.id, *(mend.id for mend in _mending(base, mends))]
        for period in sorted(periods)
        for base in _counting(load, sorted(periods[period], key=_place))
    ]


def _place(item: DeliveryRef) -> tuple[int, int, str]:
    return item.revision, item.sequence, item.id


def _counting(load: Load, bases: list[DeliveryRef]) -> list[DeliveryRef]:
    replaced = load is Load.SNAPSHOT or (load is Load.APPEND and bases[-1].revision > 0)
    return bases[-1:] if replaced else bases


def _mending(base: DeliveryRef, mends: Iterable[DeliveryRef]) -> list[DeliveryRef]:
    """Mends of the base, and mends of those mends, each after what it mends."""
    found = []
    for mend in sorted((m for m in mends if m.mends and base.id.startswith(m.mends)), key=_place):
        found += [mend, *_mending(mend, mends)]
    return found
