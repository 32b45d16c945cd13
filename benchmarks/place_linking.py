"""How well stations are linked to places: precision, recall, the threshold's curve, calibration, errors.

    python benchmarks/place_linking.py

Everything is made from seeds and the committed model, so the figures are the same on every machine; docs/linking.md
states them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

import polars as pl

from agrilake.linking.clusters import Ruling, cluster
from agrilake.linking.evaluation import Labelled, Quality, curve, pairs_within, quality
from agrilake.linking.model import Model, load_model
from agrilake.linking.pairs import score
from agrilake.sample.labelled_sites import SEED, divisions, labelled_sites, parts
from agrilake.sample.registers import year_sites

MONTHS = [f"2024-{month:02d}" for month in range(1, 13)]
OTHER_SEEDS = range(21, 27)
"""Samples that nobody looked at while the comparisons were settled."""
THRESHOLDS = [0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]


def table(title: str, head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table as Markdown."""
    head = list(head)
    print(f"\n### {title}\n")
    for line in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in line) + " |")


def linked(labelled: Labelled, model: Model) -> tuple[pl.DataFrame, Quality]:
    """The scored pairs and the quality at the model's own threshold."""
    pairs = score(labelled.stations, model)
    return pairs, quality(cluster(labelled.stations, pairs, (), model.link, model.contradiction), labelled.truth)


def row(name: str, labelled: Labelled, found: Quality) -> list[object]:
    """A line of the table of samples."""
    exact = f"{found.exact_places} of {found.places}"
    return [name, labelled.stations.height, found.right + found.missed, found.precision, found.recall, found.f1, exact]


def samples(model: Model) -> Labelled:
    """Print precision and recall on every sample; the held-out one is returned."""
    tuning, held = parts(labelled_sites())
    named = {"tuning part": tuning, "**held-out part**": held}
    named |= {f"another sample (seed {seed})": labelled_sites(seed) for seed in OTHER_SEEDS}
    named |= {"the year's extracts": year_sites(SEED, MONTHS)}
    known = {name: Labelled.of(sites, divisions()) for name, sites in named.items()}
    rows = [row(name, labelled, linked(labelled, model)[1]) for name, labelled in known.items()]
    head = ("sample", "stations", "pairs at one place", "precision", "recall", "F1", "places exactly right")
    table(f"Model {model.version}, threshold {model.link}", head, rows)
    return known["**held-out part**"]


def reviewed(name: str, labelled: Labelled, model: Model) -> list[object]:
    """A line of what the steward's list holds, and of the quality once every pair on it is decided rightly."""
    pairs, _ = linked(labelled, model)
    truth = labelled.truth
    same = pl.col("left_id").replace_strict(truth) == pl.col("right_id").replace_strict(truth)
    listed = pairs.filter(pl.col("probability").is_between(*model.doubtful, closed="left")).with_columns(same=same)
    rulings = [Ruling(*row) for row in listed.select("left_id", "right_id", "same").iter_rows()]
    found = quality(cluster(labelled.stations, pairs, rulings, model.link, model.contradiction), truth)
    return [name, listed.height, int(listed["same"].sum()), found.precision, found.recall]


def calibration(labelled: Labelled, pairs: pl.DataFrame) -> None:
    """Print for each band of the probability how many of its pairs really are one place."""
    truth = labelled.truth
    same = pl.col("left_id").replace_strict(truth) == pl.col("right_id").replace_strict(truth)
    bands = (
        pairs.with_columns(same=same, band=(pl.col("probability") * 10).floor().clip(0, 9).cast(pl.Int64))
        .group_by("band")
        .agg(pairs=pl.len(), stated=pl.col("probability").mean(), found=pl.col("same").mean())
        .sort("band")
    )
    rows = [(f"{band / 10:.1f} to {(band + 1) / 10:.1f}", *rest) for band, *rest in bands.iter_rows()]
    table("Calibration on the held-out part", ("probability", "pairs", "mean stated", "share at one place"), rows)


def errors(labelled: Labelled, pairs: pl.DataFrame, model: Model, difficulty: dict[str, str]) -> None:
    """Print what was different about the stations of wrong and missed pairs."""
    found = cluster(labelled.stations, pairs, (), model.link, model.contradiction)
    groups: dict[str, list[str]] = {}
    for site, place in labelled.truth.items():
        groups.setdefault(place, []).append(site)
    joined, same = pairs_within(found.members.values()), pairs_within(groups.values())
    missed, wrong = (
        Counter(part for key in keys for part in {note for site in key for note in difficulty[site].split(",")} if part)
        for keys in (same - joined, joined - same)
    )
    rows = [(name, missed[name], wrong[name]) for name in sorted(missed | wrong, key=lambda name: -missed[name])]
    rows.append(("pairs in all", len(same - joined), len(joined - same)))
    table("Errors on the held-out part", ("a station of the pair has", "missed", "wrong"), rows)


def main() -> None:
    """Print all tables."""
    model = load_model()
    start = time.perf_counter()
    held = samples(model)
    pairs, _ = linked(held, model)
    points = curve(held.stations, pairs, held.truth, THRESHOLDS, model.contradiction)
    rows = [(value, q.precision, q.recall, q.f1, q.wrong, q.missed) for value, q in points]
    table("Threshold on the held-out part", ("threshold", "precision", "recall", "F1", "wrong", "missed"), rows)
    calibration(held, pairs)
    year = Labelled.of(year_sites(SEED, MONTHS), divisions())
    rows = [reviewed("held-out part", held, model), reviewed("the year's extracts", year, model)]
    head = ("sample", "pairs on the list", "of them one place", "precision then", "recall then")
    table("When a steward has decided the list", head, rows)
    sites = labelled_sites().with_columns(site_id=pl.concat_str("dataset", pl.lit(":"), "site_no"))
    errors(held, pairs, model, dict(sites.select("site_id", "difficulty").iter_rows()))
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
