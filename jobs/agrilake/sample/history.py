"""What a sample of several years tells beside seasons and trends: who began, who stopped, what was corrected late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from agrilake.sample.periods import years_in

BEGUN = {
    "agri_iot_reading": "2024-01",
    "civil_elder_visit": "2023-01",
    "civil_assistance": "2023-01",
    "commerce_training": "2023-01",
}
"""The month from which a department delivers; all others do so from the first month on."""

STOPPED = {"coop_agri_supply": "2024-08"}
"""The last month that a department delivered."""


def reported(dataset: str, months: Sequence[str]) -> list[str]:
    """The months that are delivered of a dataset. In a sample of one year departments neither begin nor stop."""
    if years_in(months) == 1:
        return list(months)
    return [month for month in months if BEGUN.get(dataset, month) <= month <= STOPPED.get(dataset, month)]


CORRECTED = {
    ("agri_crop_production", "2022Q3"): date(2023, 3, 20),
    ("postal_parcel", "2022-05"): date(2023, 6, 12),
}
"""Deliveries that were wrong at first, and the day on which the correction (更正) came, months later."""


def corrected_on(dataset: str, period: str) -> date | None:
    """The day of a late correction; None for what was right."""
    return CORRECTED.get((dataset, period))
