"""The named checks as the suite runs them: the very functions of `agrilake.checks`, on a stored table's rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
import polars as pl

from agrilake.checks import CHECKS, CheckContext
from agrilake.intake.dates import period_bounds
from agrilake.suites.build import PERIOD

LISTED, MATCHES = "listed", "matches"


@dataclass(frozen=True)
class Surroundings:
    """What checks compare with: the district's bounds, and lists of known codes by lookup name.

    Kept beside the expectations and not in them: hundreds of codes do not belong into every result document.
    """

    context: CheckContext = field(default_factory=CheckContext)
    lookups: Mapping[str, frozenset[str]] = field(default_factory=dict)


_SURROUNDINGS: ContextVar[Surroundings] = ContextVar("surroundings")


@contextmanager
def surrounded_by(surroundings: Surroundings) -> Iterator[None]:
    """Let the checks that run inside compare with these."""
    token = _SURROUNDINGS.set(surroundings)
    try:
        yield
    finally:
        _SURROUNDINGS.reset(token)


def present() -> Surroundings:
    """The surroundings of the running suite."""
    return _SURROUNDINGS.get(Surroundings())


def judge(
    frame: pl.DataFrame,
    check: str,
    subject: str,
    arguments: Mapping[str, object],
    lookup: str | None,
    surroundings: Surroundings,
    regex: str | None = None,
) -> pl.Series:
    """Boolean series of the frame's height: False where the check fails; what cannot be judged is True.

    A pattern (`matches`) is tried by Polars' engine, as at the intake: its time is linear in the text's length, which
    that of Python's and Java's engines is not.
    """
    if check == MATCHES:
        return frame[subject].cast(pl.Utf8).str.contains(regex or "").fill_null(True)
    if check == LISTED:
        known = pl.Series(sorted(surroundings.lookups[lookup or ""]), dtype=pl.Utf8)
        return frame[subject].cast(pl.Utf8).is_in(known.implode()).fill_null(True)
    context = surroundings.context
    if lookup is not None:
        context = replace(context, division_codes=surroundings.lookups[lookup])
    if check == "not_future" and PERIOD in frame.columns:
        return _by_period(frame, subject, context)
    return CHECKS[check].valid(frame, subject, arguments, context).fill_null(True)


def judge_pandas(frame: pd.DataFrame, surroundings: Surroundings, rule: Mapping[str, Any], subject: str) -> pd.Series:
    """`judge` for Great Expectations' engines, which hold pandas. Stands here, as Spark's workers import its module."""
    judged = judge(
        pl.from_pandas(frame.reset_index(drop=True)),
        rule["check"],
        subject,
        rule.get("arguments") or {},
        rule.get("lookup"),
        surroundings,
        rule.get("regex"),
    )
    return pd.Series(judged.to_numpy(), index=frame.index, dtype=bool)


def _by_period(frame: pl.DataFrame, subject: str, context: CheckContext) -> pl.Series:
    """`not_future` for rows of several deliveries, each against the last day of its own period."""
    result = pl.repeat(True, frame.height, dtype=pl.Boolean, eager=True)
    rows = frame.with_row_index("_row")
    for (period,), part in rows.partition_by(PERIOD, as_dict=True).items():
        if period is not None:
            here = replace(context, period_end=period_bounds(str(period))[1])
            valid = CHECKS["not_future"].valid(part, subject, {}, here).fill_null(True)
            result = result.scatter(part["_row"], valid)
    return result
