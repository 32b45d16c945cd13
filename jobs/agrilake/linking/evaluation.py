"""Precision and recall against labels: of pairs at one place as linked, and of those that really are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from agrilake.linking.clusters import Clusters, Key, cluster
from agrilake.linking.stations import stations, with_features


@dataclass(frozen=True)
class Quality:
    """Pairs of stations: linked rightly, linked wrongly, missed; and places found exactly, of how many."""

    right: int
    wrong: int
    missed: int
    exact_places: int
    places: int

    @property
    def precision(self) -> float:
        """Of the linked pairs, the share that is one place; 1 without any."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Of the pairs at one place, the share that was linked; 1 without any."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def pairs_within(groups: Iterable[Iterable[str]]) -> set[Key]:
    """All pairs of stations that stand in one group."""
    return {pair for group in groups for pair in combinations(sorted(group), 2)}


def quality(found: Clusters, truth: Mapping[str, str]) -> Quality:
    """The clusters against the true place of each station (`truth`, by site_id); pairs count after closure, so a pair
    that was linked through a third station counts like any other."""
    true_groups: dict[str, list[str]] = {}
    for site in (site for sites in found.members.values() for site in sites):
        true_groups.setdefault(truth[site], []).append(site)
    linked, same = pairs_within(found.members.values()), pairs_within(true_groups.values())
    exact = {tuple(sorted(sites)) for sites in true_groups.values()} & set(found.members.values())
    return Quality(len(linked & same), len(linked - same), len(same - linked), len(exact), len(true_groups))


def curve(
    compared: pl.DataFrame,
    pairs: pl.DataFrame,
    truth: Mapping[str, str],
    thresholds: Iterable[float],
    contradiction: float,
) -> list[tuple[float, Quality]]:
    """Quality at each threshold of the probability from which a pair is linked."""
    return [(value, quality(cluster(compared, pairs, (), value, contradiction), truth)) for value in thresholds]


@dataclass(frozen=True)
class Labelled:
    """Stations with features, ready to be compared, and the true place of each by site_id."""

    stations: pl.DataFrame
    truth: dict[str, str]

    @classmethod
    def of(cls, sites: pl.DataFrame, divisions: pl.DataFrame) -> Labelled:
        """From labelled sites (as agrilake.sample.labelled_sites has them) and divisions (code, name)."""
        registers = {str(name): rows for (name,), rows in sites.group_by("dataset", maintain_order=True)}
        labels = sites.select(pl.concat_str("dataset", pl.lit(":"), "site_no"), "place_id")
        return cls(with_features(stations(registers), divisions), dict(labels.iter_rows()))
