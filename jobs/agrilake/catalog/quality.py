"""The quality score of a dataset: one number from 0 to 100, made of four parts that are each easy to explain.

| part | weight | 1 means |
|---|---|---|
| accepted share | 50 | every record of the files in force was accepted (mended rows count as accepted) |
| completeness | 15 | no record of them lacked a required value |
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

from agrilake.contract.model import Dataset, Load
from agrilake.intake.schedule import periods_due
from agrilake.lake.state import Delivery

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
    bases = deliveries_in_force(dataset, final)
    mends = [item for item in final if item.kind == "mend"]
    return Quality(
        accepted_share=_accepted_share(bases, mends),
        completeness=_completeness(dataset, bases),
        suite=SUITE_VALUE.get(suite["decision"]) if suite else None,
        timeliness=_timeliness(dataset, final, as_of),
    )


def deliveries_in_force(dataset: Dataset, final: Sequence[Delivery]) -> list[Delivery]:
    """Base deliveries that the dataset stands on: a snapshot's winning file of each period, else all of them."""
    bases = [item for item in final if item.kind == "base"]
    if dataset.load is not Load.SNAPSHOT:
        return bases
    winners: dict[str, Delivery] = {}
    for item in sorted(bases, key=lambda item: (item.revision, item.sequence)):
        winners[item.period] = item
    return list(winners.values())


def _accepted_share(bases: Sequence[Delivery], mends: Sequence[Delivery]) -> Fraction | None:
    """Accepted records, those that a mend brought in afterwards among them, of all that are not mere repeats."""
    accepted = total = 0
    for base in bases:
        distinct = base.accepted + base.quarantined
        mended = sum(item.accepted for item in mends if item.mends and base.id.startswith(item.mends))
        accepted += min(distinct, base.accepted + mended)
        total += distinct
    return Fraction(accepted, total) if total else None


def _completeness(dataset: Dataset, bases: Sequence[Delivery]) -> Fraction | None:
    """Share of required cells that were filled in, over all records of the files in force."""
    required = sum(column.required for column in dataset.columns)
    cells = required * sum(item.accepted + item.quarantined for item in bases)
    empty = sum(item.details.get("rules", {}).get(REQUIRED_RULE, 0) for item in bases)
    return Fraction(max(0, cells - empty), cells) if cells else None


def _timeliness(dataset: Dataset, final: Sequence[Delivery], as_of: date) -> Fraction | None:
    """Share of the periods due since the first delivered one that are there; no clock, so a reload counts alike."""
    delivered = {item.period for item in final}
    due = periods_due(dataset, min(delivered), as_of) if delivered else []
    return Fraction(len(delivered & set(due)), len(due)) if due else None
