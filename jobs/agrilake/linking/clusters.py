"""From pairs to places: the strongest links first, none that a person or a department's own register speaks against.

Splink's own clustering joins whatever is connected; it knows neither decisions nor that a department has one number a
place, so a chain of likely links would unite a whole village.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

Key = tuple[str, str]
LIKELIEST = ("probability", "left_id", "right_id")


class Ruling(NamedTuple):
    """What a person said of two stations: one place or not."""

    left_id: str
    right_id: str
    same: bool


@dataclass(frozen=True)
class Clusters:
    """`members` gives each place's stations, sorted, by its first one; `refused` the likely pairs that were not linked,
    with the reason: person (somebody said no to two of their stations), department (it has one number a place),
    contradiction (other stations of the two places differ clearly)."""

    members: dict[str, tuple[str, ...]]
    refused: dict[Key, str]

    def of(self) -> dict[str, str]:
        """The first station of each station's place."""
        return {site: first for first, sites in self.members.items() for site in sites}


@dataclass
class _Groups:
    """Stations that are already one place; `of` leads from a station to its group's name."""

    dataset: Mapping[str, str]
    apart: set[Key]
    odds: Mapping[Key, float]
    contradiction: float
    of: dict[str, str] = field(default_factory=dict)
    sites: dict[str, list[str]] = field(default_factory=dict)

    def unite(self, one: str, other: str) -> None:
        keep, gone = sorted((self.of[one], self.of[other]))
        if keep != gone:
            for site in self.sites.pop(gone):
                self.of[site] = keep
                self.sites[keep].append(site)

    def objection(self, one: str, other: str) -> str:
        """Why the places of two stations cannot be one; empty where they can."""
        left, right = self.sites[self.of[one]], self.sites[self.of[other]]
        across = [key_of(a, b) for a in left for b in right]
        if any(key in self.apart for key in across):
            return "person"
        if {self.dataset[site] for site in left} & {self.dataset[site] for site in right}:
            return "department"
        known = [self.odds[key] for key in across if key in self.odds]
        return "contradiction" if known and sum(known) / len(known) < self.contradiction else ""


def key_of(one: str, other: str) -> Key:
    """Two stations in the order in which a pair names them."""
    return (one, other) if one <= other else (other, one)


def cluster(
    stations: pl.DataFrame, pairs: pl.DataFrame, rulings: Iterable[Ruling], link: float, contradiction: float
) -> Clusters:
    """Places from stations (site_id, dataset) and scored pairs (left_id, right_id, probability, has_evidence).

    What people decided comes first. Then pairs with evidence from the probability `link` on, the likeliest first (equal
    ones by their ids, so that the result is the same each time), unless there is an objection. Two places whose
    stations' pairs have a mean log-odds below `contradiction` stay two. Stations without a link are places of their
    own.
    """
    dataset = dict(stations.select("site_id", "dataset").iter_rows())
    rulings = [ruling for ruling in rulings if ruling.left_id in dataset and ruling.right_id in dataset]
    scored = {(left, right): odds for left, right, odds in pairs.select("left_id", "right_id", log_odds()).iter_rows()}
    apart = {key_of(ruling.left_id, ruling.right_id) for ruling in rulings if not ruling.same}
    groups = _Groups(dataset, apart, scored, contradiction)
    for site in sorted(dataset):
        groups.of[site], groups.sites[site] = site, [site]
    for key in sorted(key_of(ruling.left_id, ruling.right_id) for ruling in rulings if ruling.same):
        if groups.objection(*key) != "person":
            groups.unite(*key)
    refused: dict[Key, str] = {}
    likely = pairs.filter(pl.col("probability") >= link, "has_evidence").sort(
        LIKELIEST, descending=[True, False, False]
    )
    for left, right in likely.select("left_id", "right_id").iter_rows():
        if groups.of[left] == groups.of[right]:
            continue
        objection = groups.objection(left, right)
        if objection:
            refused[left, right] = objection
        else:
            groups.unite(left, right)
    members = {min(sites): tuple(sorted(sites)) for sites in groups.sites.values()}
    apart_still = {key: why for key, why in refused.items() if groups.of[key[0]] != groups.of[key[1]]}
    return Clusters(dict(sorted(members.items())), apart_still)


def log_odds() -> pl.Expr:
    """The base-2 log-odds of a probability (Splink's match weight with the prior), kept finite."""
    bounded = pl.col("probability").clip(1e-6, 1 - 1e-6)
    return (bounded / (1 - bounded)).log(2).alias("odds")
