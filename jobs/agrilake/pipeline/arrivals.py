"""From the registry of deliveries to what the indicators need to know of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from agrilake.contract.model import Dataset
from agrilake.indicators.arrivals import Arrivals
from agrilake.intake.dates import period_bounds
from agrilake.intake.schedule import due_date, last_period_due
from agrilake.lake.state import Delivery


def arrivals(
    datasets: Iterable[Dataset],
    deliveries: Iterable[Delivery],
    as_of: date,
    timezone: str,
    judge_lateness: bool = True,
) -> dict[str, Arrivals]:
    """Arrivals by dataset, from deliveries that were taken.

    A period is late when the first file that was taken of it came, by the district's clock, after its due day. Without
    `judge_lateness` none is: samples of past years all arrive on one day.
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
        late = [period for period, day in first_days.items() if judge_lateness and day > due_date(period, dataset)]
        found[dataset.id] = Arrivals(
            dataset.title,
            dataset.frequency,
            tuple(sorted(first_days, key=period_bounds)),
            tuple(sorted(late, key=period_bounds)),
            last_period_due(dataset, as_of),
        )
    return found
