"""From the registry of deliveries to what the indicators need to know of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from agrilake.contract.model import Dataset
from agrilake.indicators.arrivals import Arrivals
from agrilake.intake.dates import period_bounds
from agrilake.intake.schedule import due_date, last_period_due, previous_period
from agrilake.lake.state import Delivery


def arrivals(
    datasets: Iterable[Dataset],
    deliveries: Iterable[Delivery],
    as_of: date,
    timezone: str,
    judge_lateness: bool = True,
) -> dict[str, Arrivals]:
    """Arrivals by dataset, from deliveries that were taken.

    A delivery that reaches back has delivered the periods before its own too. A period is late when the first file
    that was taken of it came, by the district's clock, after its due day. Without `judge_lateness` none is: samples of
    past years all arrive on one day.
    """
    zone, came = ZoneInfo(timezone), defaultdict[str, dict[str, date]](dict)
    for item in deliveries:
        if item.is_final:
            day = datetime.fromisoformat(item.received_at).astimezone(zone).date()
            first = came[item.dataset].get(item.period, day)
            came[item.dataset][item.period] = min(first, day)
    found = {}
    for dataset in datasets:
        first_days = came.get(dataset.id, {})
        held = {one for period in first_days for one in _held(period, dataset)}
        late = [period for period, day in first_days.items() if judge_lateness and day > due_date(period, dataset)]
        found[dataset.id] = Arrivals(
            dataset.title,
            dataset.frequency,
            tuple(sorted(held, key=period_bounds)),
            tuple(sorted(late, key=period_bounds)),
            last_period_due(dataset, as_of),
        )
    return found


def _held(period: str, dataset: Dataset) -> Iterator[str]:
    """The periods that a delivery of a period holds."""
    for _ in range(dataset.reaches_back + 1):
        yield period
        period = previous_period(period, dataset.frequency)
