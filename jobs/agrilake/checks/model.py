"""What a named check is: a vectorised predicate and the Chinese words for its failure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from agrilake.contract.settings import Settings
from agrilake.contract.signatures import SIGNATURES, Signature


@dataclass(frozen=True)
class CheckContext:
    """What a check may need besides the values.

    `period_end` is the last day of the delivery's period (never today: a repeat must give the same result);
    `longitudes` and `latitudes` are the district's bounds in degrees; `division_codes` the known 12-digit codes;
    `civil_codes` leads from codes of civil affairs to those of statistics (to several, where years are judged at once);
    `district_code` is the district's own.
    A check whose context is missing passes: it has nothing to compare with.
    """

    period_end: date | None = None
    longitudes: tuple[float, float] | None = None
    latitudes: tuple[float, float] | None = None
    division_codes: frozenset[str] | None = None
    civil_codes: Mapping[str, Collection[str]] | None = None
    district_code: str | None = None


def district_context(settings: Settings) -> CheckContext:
    """What the settings alone say: the district's bounds and its code."""
    box = settings.box
    return CheckContext(
        longitudes=(box.min_lon, box.max_lon),
        latitudes=(box.min_lat, box.max_lat),
        district_code=settings.district_code,
    )


Arguments = Mapping[str, object]
Valid = Callable[[pl.DataFrame, str, Arguments, CheckContext], pl.Series]
OfValues = Callable[[pl.Series, CheckContext], pl.Series]


@dataclass(frozen=True)
class NamedCheck:
    """A check by name.

    `valid(frame, column, arguments, context)` returns a Boolean series of the frame's height: False where the
    check fails, null where there is nothing to check. `frame` holds typed values (silver types, before
    pseudonyms). `reason` and `remedy` are templates with {title}, {found}, {detail} and the arguments' names
    (column names among them replaced by titles). `explain`, called like `valid`, gives the text for {detail} where
    the row's other values belong into the sentence.
    """

    name: str
    title: str
    reason: str
    remedy: str
    valid: Valid
    explain: Valid | None = None

    @property
    def signature(self) -> Signature:
        """The arguments that a contract gives it."""
        return SIGNATURES[self.name]

    def holds(self, values: pl.Series, context: CheckContext | None = None) -> pl.Series:
        """The check on a single series, for checks that look at one column only."""
        frame = values.alias("value").to_frame()
        return self.valid(frame, "value", {}, context or CheckContext())

    def argument_problem(self, arguments: Arguments) -> str | None:
        """What is wrong with a contract's arguments for this check, or None."""
        return self.signature.problem(self.name, arguments)


def of_values(check: OfValues) -> Valid:
    """Make a predicate over one series into a check's `valid`."""

    def valid(frame: pl.DataFrame, column: str, arguments: Arguments, context: CheckContext) -> pl.Series:
        return check(frame[column], context)

    return valid
