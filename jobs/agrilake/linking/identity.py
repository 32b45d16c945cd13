"""Identifiers of places that last: a place keeps its number while its stations come, go and are linked anew.

The rule, also in docs/linking.md:

1. A number belongs to the place that holds most of the stations which had it; of equals, to the one whose first station
   comes first. A place that could have several numbers takes the one that most of its stations had; of
   equals, the smallest. So where two places merge the larger one's number stays, where one splits the larger part
   keeps it.
2. A place that gets none is given a new number, made from the first of its stations; a number once given is never
   given to another place.
3. Each change of a station's number is a row of gold/service_place_change, appended and never rewritten. That table is
   the memory: the number that a station has is that of its newest row.
"""

from __future__ import annotations

import hashlib
from collections import Counter

import polars as pl

from agrilake.linking.clusters import Clusters

CHANGE = {
    "change_no": pl.Int64,
    "batch": pl.Int64,
    "site_id": pl.String,
    "change": pl.String,
    "place_id": pl.String,
    "previous_place_id": pl.String,
}
"""Columns of the memory. `batch` counts the runs that changed anything; `place_id` is null where a station left."""


def remembered(changes: pl.DataFrame) -> pl.DataFrame:
    """The newest row of each station: what number it has, or had before it left."""
    return changes.sort("change_no").unique("site_id", keep="last", maintain_order=True)


def identified(places: Clusters, changes: pl.DataFrame) -> dict[str, str]:
    """The number of each place, by its first station."""
    newest = remembered(changes)
    had = {
        site: place or before
        for site, place, before in newest.select("site_id", "place_id", "previous_place_id").iter_rows()
    }
    shared = Counter((had[site], first) for first, sites in places.members.items() for site in sites if site in had)
    given: dict[str, str] = {}
    passed_on: set[str] = set()
    for (number, first), _ in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        if first not in given and number not in passed_on:
            given[first] = number
            passed_on.add(number)
    taken = {*changes["place_id"].drop_nulls(), *passed_on}
    for first in places.members:
        if first not in given:
            given[first] = _new(first, taken)
            taken.add(given[first])
    return given


def _new(first: str, taken: set[str]) -> str:
    """A number from the place's first station: the same again where the memory was lost."""
    attempt = 0
    while True:
        number = "P" + hashlib.sha256(f"{first}#{attempt}".encode()).hexdigest()[:10].upper()
        if number not in taken:
            return number
        attempt += 1


def changed(places: Clusters, changes: pl.DataFrame) -> pl.DataFrame:
    """The rows to append to the memory for these places; none where nothing changed."""
    given = identified(places, changes)
    now = {site: given[first] for first, sites in places.members.items() for site in sites}
    newest = remembered(changes)
    before = dict(newest.select("site_id", "place_id").iter_rows())
    last = dict(newest.select("site_id", pl.coalesce("place_id", "previous_place_id")).iter_rows())
    alive, old = set(now.values()), {place for place in before.values() if place}
    rows = []
    for site in sorted({*now, *before}):
        after, earlier = now.get(site), before.get(site)
        if after != earlier:
            rows.append((site, _kind(after, earlier, alive, old), after, earlier or last.get(site)))
    start, batch = changes.height, int(changes.select(pl.col("batch").max().fill_null(0)).item()) + 1
    numbered = [(start + number, batch, *row) for number, row in enumerate(rows, 1)]
    return pl.DataFrame(numbered, schema=CHANGE, orient="row")


def _kind(after: str | None, earlier: str | None, alive: set[str], old: set[str]) -> str:
    """The change in a word: created (a new place), joined (a place that was there), merged (its place ended in
    another), split (its place goes on without it), moved (to another place that was there), left (no register has
    it any more)."""
    if after is None:
        return "left"
    if earlier is None:
        return "joined" if after in old else "created"
    if earlier not in alive:
        return "merged" if after in old else "created"
    return "moved" if after in old else "split"
