"""Numbers of places last: through new stations, merges, splits and stations that leave, by the written rule."""

from __future__ import annotations

import polars as pl

from agrilake.linking.clusters import Clusters
from agrilake.linking.identity import CHANGE, changed, identified, remembered


def clusters(*groups: str) -> Clusters:
    """Places of single-letter stations: "abc" is one of three."""
    return Clusters({group[0]: tuple(group) for group in sorted("".join(sorted(group)) for group in groups)}, {})


class Memory:
    """The table of changes over several runs."""

    def __init__(self) -> None:
        self.changes = pl.DataFrame(schema=CHANGE)

    def run(self, *groups: str) -> list[tuple[str, str]]:
        """A run with these places; (station, change) of what changed."""
        new = changed(clusters(*groups), self.changes)
        self.changes = pl.concat([self.changes, new])
        return [(site, kind) for site, kind in new.select("site_id", "change").iter_rows()]

    def number(self, site: str) -> str | None:
        return dict(remembered(self.changes).select("site_id", "place_id").iter_rows()).get(site)


def test_the_same_places_change_nothing() -> None:
    memory = Memory()
    assert memory.run("ab", "c") == [("a", "created"), ("b", "created"), ("c", "created")]
    assert memory.number("a") == memory.number("b") != memory.number("c")
    assert memory.run("ab", "c") == []


def test_a_station_that_joins_takes_the_places_number_even_if_it_comes_first() -> None:
    memory = Memory()
    memory.run("bc")
    before = memory.number("b")
    assert memory.run("abc") == [("a", "joined")]
    assert memory.number("a") == memory.number("b") == before


def test_where_two_places_merge_the_larger_ones_number_stays() -> None:
    memory = Memory()
    memory.run("a", "bc")
    larger = memory.number("b")
    assert memory.run("abc") == [("a", "merged")]
    assert memory.number("a") == larger
    gone = memory.changes.row(-1, named=True)
    assert gone["previous_place_id"] != gone["place_id"] == larger


def test_where_a_place_splits_the_larger_part_keeps_the_number() -> None:
    memory = Memory()
    memory.run("abc")
    before = memory.number("a")
    assert memory.run("a", "bc") == [("a", "split")]
    assert memory.number("b") == memory.number("c") == before != memory.number("a")


def test_a_split_that_is_undone_gives_the_number_back_and_none_is_used_twice() -> None:
    memory = Memory()
    memory.run("abc")
    before = memory.number("a")
    memory.run("a", "bc")
    alone = memory.number("a")
    assert memory.run("abc") == [("a", "merged")]
    assert memory.number("a") == before
    memory.run("a", "bc")
    assert memory.number("a") not in (before, alone), "the number of a place that ended is not given again"


def test_a_station_moves_from_one_place_to_another() -> None:
    memory = Memory()
    memory.run("abc", "de")
    assert memory.run("ab", "cde") == [("c", "moved")]


def test_a_station_that_leaves_and_returns_has_its_number_again() -> None:
    memory = Memory()
    memory.run("a", "bc")
    before = memory.number("a")
    assert memory.run("bc") == [("a", "left")]
    assert memory.number("a") is None
    assert memory.run("bc") == []
    memory.run("a", "bc")
    assert memory.number("a") == before


def test_the_same_numbers_come_again_where_the_memory_was_lost() -> None:
    nothing = pl.DataFrame(schema=CHANGE)
    assert identified(clusters("ab", "c"), nothing) == identified(clusters("abd", "c"), nothing)


def test_changes_are_numbered_on_and_batches_counted() -> None:
    memory = Memory()
    memory.run("a", "b")
    memory.run("ab")
    assert memory.changes["change_no"].to_list() == [1, 2, 3]
    assert memory.changes["batch"].to_list() == [1, 1, 2]


def test_no_station_at_all() -> None:
    memory = Memory()
    assert memory.run() == []
    memory.run("a")
    assert memory.run() == [("a", "left")]
