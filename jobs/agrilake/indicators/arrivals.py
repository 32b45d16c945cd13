"""What the deliveries say of a value: estimated where an input is not there yet, late where one came after its day.

| a value rests, for its period, on | flag |
|---|---|
| deliveries of all periods that are due | official |
| a period's delivery that is due and not there: the state is carried forward, the sum lacks it | estimated |
| no delivery of the period at all: the newest earlier state stands for it | estimated |

A period that is not due yet (the rest of a running year) takes nothing from a value that has others. A first delivery
after its due day leaves a value official and marks it late; a correction is no lateness.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from agrilake.contract.model import Frequency
from agrilake.indicators.model import FLAG_TITLES, STATE_TIMES, Indicator
from agrilake.intake.dates import period_bounds
from agrilake.intake.schedule import periods_within, year_before

SCHEMA = {"indicator_id": pl.String, "period": pl.String, "flag": pl.String, "late": pl.Boolean, "note": pl.String}
FLAGS = tuple(FLAG_TITLES)


@dataclass(frozen=True)
class Arrivals:
    """What has been delivered of a dataset: its periods, those whose first file came after its due day, and the
    newest period that is due (by the lake's day)."""

    title: str
    frequency: Frequency
    delivered: tuple[str, ...]
    late: tuple[str, ...] = ()
    due_until: str | None = None

    def is_due(self, period: str) -> bool:
        """Whether the period's delivery should be there."""
        return self.due_until is not None and period_bounds(period) <= period_bounds(self.due_until)


@dataclass(frozen=True)
class Mark:
    """Flag, lateness and what to say of them, in Chinese, of one value or one of its inputs."""

    flag: str = FLAGS[0]
    late: bool = False
    notes: tuple[str, ...] = ()


def weakest(marks: Iterable[Mark]) -> Mark:
    """The marks of all inputs as one: the weakest flag, late where any is, every note once."""
    taken = list(marks)
    flag = max((mark.flag for mark in taken), key=FLAGS.index, default=FLAGS[0])
    notes = dict.fromkeys(note for mark in taken for note in mark.notes)
    return Mark(flag, any(mark.late for mark in taken), tuple(notes))


def marks_of(
    indicators: Sequence[Indicator],
    periods: Iterable[str],
    arrivals: Mapping[str, Arrivals],
    datasets: Mapping[str, Sequence[str]],
) -> pl.DataFrame:
    """The mark of each indicator's value in each period, the same for every division (columns: SCHEMA).

    `datasets` names the department datasets behind each gold table, `arrivals` what has been delivered of them.
    """
    declared = {item.id: item for item in indicators}
    rows = []
    for item in indicators:
        for period in periods:
            mark = weakest(_marks(item, period, declared, arrivals, datasets))
            rows.append((item.id, period, mark.flag, mark.late, "；".join(mark.notes) or None))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _marks(
    item: Indicator,
    period: str,
    declared: Mapping[str, Indicator],
    arrivals: Mapping[str, Arrivals],
    datasets: Mapping[str, Sequence[str]],
) -> Iterator[Mark]:
    """Marks of all inputs; those of a growth rate are its base's in both years, of a combination those of all its
    indicators."""
    for name in item.derived_from:
        for when in (period, year_before(period, item.growth_years)) if item.growth_of else (period,):
            yield from _marks(declared[name], when, declared, arrivals, datasets)
    for measure in item.measures.values():
        for name in measure.rests_on or datasets.get(measure.source, ()):
            if name in arrivals and arrivals[name].delivered:
                yield _mark(arrivals[name], period, is_state=item.time_of(measure) in STATE_TIMES)


def _mark(of: Arrivals, period: str, is_state: bool) -> Mark:
    wanted = periods_within(period, of.frequency)
    there = [one for one in wanted if one in of.delivered]
    absent = [one for one in wanted if one not in of.delivered]
    if not there:
        return Mark("estimated", notes=(f"《{of.title}》本期尚未报送，按 {_nearest(of, period)} 的数据推算",))
    if is_state:  # only what is missing after the newest delivery is carried forward
        absent = [one for one in absent if period_bounds(one) > period_bounds(there[-1])]
    gaps = [one for one in absent if of.is_due(one)]
    late = [one for one in there if one in of.late]
    notes = [f"《{of.title}》{_listed(late)} 迟报"] if late else []
    if gaps:
        how = f"按 {there[-1]} 的数据推算" if is_state else "按已报各期计算"
        return Mark("estimated", bool(late), (f"《{of.title}》缺 {_listed(gaps)}，{how}", *notes))
    running = [f"《{of.title}》报至 {there[-1]}"] if absent else []
    return Mark(late=bool(late), notes=(*running, *notes))


def _nearest(of: Arrivals, period: str) -> str:
    """The delivered period that stands for one that is not there: the newest before it, else the first after it."""
    ordered = sorted(of.delivered, key=period_bounds)
    before = [one for one in ordered if period_bounds(one) < period_bounds(period)]
    return before[-1] if before else ordered[0]


def _listed(periods: Sequence[str]) -> str:
    return "、".join(periods) if len(periods) <= 3 else f"{periods[0]} 等 {len(periods)} 期"
