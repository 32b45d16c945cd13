"""Which deliveries count, by load mode: decided by what they say of themselves, not by when they came."""

from __future__ import annotations

import itertools

import pytest

from agrilake.contract.model import Load
from agrilake.tables.order import DeliveryRef, winners

FIRST = DeliveryRef("a1", "2024-01", sequence=1)
SECOND = DeliveryRef("b1", "2024-02", sequence=2)
CORRECTED = DeliveryRef("a2", "2024-01", revision=1, sequence=3)
MEND_OF_FIRST = DeliveryRef("m1", "2024-01", "mend", 1, 4, mends="a1")
MEND_OF_CORRECTED = DeliveryRef("m2", "2024-01", "mend", 1, 5, mends="a2")
MEND_OF_MEND = DeliveryRef("m3", "2024-01", "mend", 1, 6, mends="m2")


@pytest.mark.parametrize("load", [Load.SNAPSHOT, Load.APPEND])
def test_a_correction_replaces_its_period_and_its_mends_stay(load: Load) -> None:
    assert winners(load, [FIRST, SECOND, CORRECTED, MEND_OF_FIRST, MEND_OF_CORRECTED]) == ["a2", "m2", "b1"]


def test_upsert_keeps_all_in_order_each_mend_after_what_it_mends() -> None:
    found = winners(Load.UPSERT, [FIRST, SECOND, CORRECTED, MEND_OF_FIRST, MEND_OF_CORRECTED, MEND_OF_MEND])
    assert found == ["a1", "m1", "a2", "m2", "m3", "b1"]


def test_events_of_one_period_add_up_until_a_correction_comes() -> None:
    more = DeliveryRef("a9", "2024-01", sequence=7)
    assert winners(Load.APPEND, [FIRST, more, SECOND]) == ["a1", "a9", "b1"]
    assert winners(Load.APPEND, [FIRST, more, SECOND, CORRECTED]) == ["a2", "b1"]


def test_a_snapshot_takes_the_later_of_two_files_of_the_same_revision() -> None:
    assert winners(Load.SNAPSHOT, [DeliveryRef("z", "2024", sequence=1), DeliveryRef("a", "2024", sequence=2)]) == ["a"]


@pytest.mark.parametrize("load", list(Load))
def test_the_list_s_order_does_not_matter(load: Load) -> None:
    deliveries = [FIRST, SECOND, CORRECTED, MEND_OF_CORRECTED, MEND_OF_MEND]
    results = {tuple(winners(load, list(order))) for order in itertools.permutations(deliveries)}
    assert len(results) == 1


def test_a_mend_of_an_unknown_delivery_counts_nowhere() -> None:
    assert winners(Load.UPSERT, [FIRST, DeliveryRef("m9", "2024-01", "mend", 1, 9, mends="ffff")]) == ["a1"]
