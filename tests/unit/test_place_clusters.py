"""From scored pairs to places: what people say first, one number a department, no chain against the evidence."""

from __future__ import annotations

from itertools import permutations

import polars as pl

from agrilake.linking.clusters import Clusters, Ruling, cluster

STATIONS = pl.DataFrame(
    {"site_id": ["a:1", "b:1", "c:1", "a:2", "d:1"], "dataset": ["a", "b", "c", "a", "d"]},
)


def places(*pairs: tuple[str, str, float], rulings: tuple[Ruling, ...] = (), evidence: bool = True) -> Clusters:
    schema = {"left_id": pl.String, "right_id": pl.String, "probability": pl.Float64}
    frame = pl.DataFrame(list(pairs), schema=schema, orient="row").with_columns(has_evidence=pl.lit(evidence))
    return cluster(STATIONS, frame, rulings, link=0.5, contradiction=-2.0)


def groups(found: Clusters) -> list[tuple[str, ...]]:
    return [sites for sites in found.members.values() if len(sites) > 1]


def test_likely_pairs_make_a_place_and_the_rest_stands_alone() -> None:
    found = places(("a:1", "b:1", 0.9), ("b:1", "c:1", 0.8), ("a:1", "d:1", 0.4))
    assert groups(found) == [("a:1", "b:1", "c:1")]
    assert len(found.members) == 3
    assert found.of()["c:1"] == "a:1"


def test_a_department_has_one_station_a_place() -> None:
    found = places(("a:1", "b:1", 0.99), ("a:2", "b:1", 0.98))
    assert groups(found) == [("a:1", "b:1")]
    assert found.refused == {("a:2", "b:1"): "department"}


def test_a_chain_is_not_followed_where_its_ends_differ() -> None:
    found = places(("a:1", "b:1", 0.99), ("b:1", "c:1", 0.6), ("a:1", "c:1", 0.001))
    assert groups(found) == [("a:1", "b:1")]
    assert found.refused == {("b:1", "c:1"): "contradiction"}


def test_without_evidence_there_is_no_link() -> None:
    assert groups(places(("a:1", "b:1", 0.9), evidence=False)) == []


def test_a_persons_yes_counts_more_than_the_model_and_the_departments_numbers() -> None:
    yes = (Ruling("a:1", "a:2", True), Ruling("a:1", "d:1", True))
    found = places(("a:1", "b:1", 0.9), ("a:1", "d:1", 0.01), rulings=yes)
    assert groups(found) == [("a:1", "a:2", "b:1", "d:1")]


def test_a_persons_no_holds_through_a_third_station() -> None:
    found = places(
        ("a:1", "b:1", 0.99), ("b:1", "c:1", 0.98), ("a:1", "c:1", 0.97), rulings=(Ruling("a:1", "c:1", False),)
    )
    assert groups(found) == [("a:1", "b:1")]
    assert found.refused == {("a:1", "c:1"): "person", ("b:1", "c:1"): "person"}


def test_a_ruling_about_a_station_that_is_gone_is_left_aside() -> None:
    assert groups(places(("a:1", "b:1", 0.9), rulings=(Ruling("a:1", "x:9", True),))) == [("a:1", "b:1")]


def test_the_order_of_pairs_does_not_matter() -> None:
    pairs = [("a:1", "b:1", 0.9), ("a:2", "b:1", 0.9), ("b:1", "c:1", 0.7), ("c:1", "d:1", 0.9)]
    assert len({repr(places(*order)) for order in permutations(pairs)}) == 1
