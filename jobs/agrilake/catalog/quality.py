"""The quality score of a dataset: one number from 0 to 100, made of four parts that are each easy to explain.

| part | weight | 1 means |
|---|---|---|
| accepted share | 50 | every record of the files in force was accepted (mended rows count as accepted) |
| completeness | 15 | no record of them lacks a required value (mended rows lack none) |
| suite | 20 | the last expectation suite passed (0.5: warnings, 0: it stopped the tables downstream) |
| timeliness | 15 | every period due since the first delivery is there |

A part that nothing is known about (a suite that has not run, no period due yet) is left out, its weight is
shared by the others; a dataset without an accepted delivery has no score. The score depends on the deliveries
and on the given day alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from agrilake.contract.model import Dataset
from agrilake.intake.dates import period_bounds
from agrilake.intake.schedule import periods_due
from agrilake.lake.state import Delivery
from agrilake.tables.order import in_force, refs

WEIGHTS = {"accepted_share": 50, "completeness": 15, "suite": 20, "timeliness": 15}
SUITE_VALUE = {"pass": Fraction(1), "warn": Fraction(1, 2), "stop": Fraction(0)}
REQUIRED_RULE = "required"


@dataclass(frozen=True)
class Quality:
    """The four parts, each from 0 to 1 or None where nothing is known, and the score."""

    accepted_share: Fraction | None
    completeness: Fraction | None
    suite: Fraction | None
    timeliness: Fraction | None

    @property
    def score(self) -> Decimal | None:
        """0 to 100 with two decimals; None without any record."""
        if self.accepted_share is None:
            return None
        known = {name: getattr(self, name) for name in WEIGHTS if getattr(self, name) is not None}
        total = sum((WEIGHTS[name] * value for name, value in known.items()), Fraction(0))
        value = 100 * total / sum(WEIGHTS[name] for name in known)
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


def quality(dataset: Dataset, deliveries: Sequence[Delivery], suite: Mapping[str, Any] | None, as_of: date) -> Quality:
    """Quality from the dataset's deliveries, its last suite result (`State.suites()[id]`) and the day."""
    final = [item for item in deliveries if item.is_final]
    records = [_records(dataset, group) for group in groups_in_force(dataset, final)]
    return Quality(
        accepted_share=_accepted_share(records),
        completeness=_completeness(records),
        suite=SUITE_VALUE.get(suite["decision"]) if suite else None,
        timeliness=_timeliness(dataset, final, as_of),
    )


@dataclass(frozen=True)
class _Records:
    """Records of one base delivery that are no mere repeats, those of them that were accepted (mended ones among
    them), the required cells that the file itself left empty, and the columns that its layout requires."""

    distinct: int
    accepted: int
    empty: int
    required: int


def groups_in_force(dataset: Dataset, final: Sequence[Delivery]) -> list[list[Delivery]]:
    """The deliveries that the dataset stands on (as silver does): each base followed by its mends and theirs."""
    known = {item.id: item for item in final}
    return [[known[name] for name in group] for group in in_force(dataset.load, refs(final))]


def quality_by_period(dataset: Dataset, deliveries: Sequence[Delivery]) -> dict[str, Quality]:
    """Accepted share and completeness of each period's files in force, oldest period first.

    Suite and timeliness judge the dataset as a whole and are left out. The order in which files came does not matter,
    so a lake that was built anew has the same trend.
    """
    groups: dict[str, list[_Records]] = {}
    for group in groups_in_force(dataset, [item for item in deliveries if item.is_final]):
        groups.setdefault(group[0].period, []).append(_records(dataset, group))
    return {
        period: Quality(_accepted_share(records), _completeness(records), None, None)
        for period, records in sorted(groups.items(), key=lambda item: period_bounds(item[0]))
    }


def _records(dataset: Dataset, group: Sequence[Delivery]) -> _Records:
    base = group[0]
    distinct = base.accepted + base.quarantined
    accepted = min(distinct, sum(item.accepted for item in group))
    required = sum(column.required for column in dataset.layout(base.period).columns)
    return _Records(distinct, accepted, base.details.get("rules", {}).get(REQUIRED_RULE, 0), required)


def _accepted_share(records: Sequence[_Records]) -> Fraction | None:
    """Accepted records, those that a mend brought in afterwards among them, of all that are not mere repeats."""
    total = sum(item.distinct for item in records)
    return Fraction(sum(item.accepted for item in records), total) if total else None


def _completeness(records: Sequence[_Records]) -> Fraction | None:
    """Share of required cells that are filled in, over all records of the files in force.

    What is still empty is at most what the file left empty, and what the records not yet mended can lack.
    """
    cells = sum(item.required * item.distinct for item in records)
    empty = sum(min(item.empty, item.required * (item.distinct - item.accepted)) for item in records)
    return Fraction(cells - empty, cells) if cells else None


def _timeliness(dataset: Dataset, final: Sequence[Delivery], as_of: date) -> Fraction | None:
    """Share of the periods due since the first delivered one that are there; no clock, so a reload counts alike."""
    delivered = {item.period for item in final}
    due = periods_due(dataset, min(delivered), as_of) if delivered else []
    return Fraction(len(delivered & set(due)), len(due)) if due else None
