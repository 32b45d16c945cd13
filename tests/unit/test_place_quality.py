"""Precision and recall on labelled stations that the model was not trained on, and that the model is reproducible."""

from __future__ import annotations

from functools import cache

import polars as pl
import pytest
from benchmarks.train_place_model import trained

from agrilake.linking.clusters import Clusters, cluster
from agrilake.linking.evaluation import Labelled, Quality, quality
from agrilake.linking.model import load_model, model_path
from agrilake.linking.pairs import score
from agrilake.linking.training import as_json
from agrilake.paths import project_root
from agrilake.sample.labelled_sites import divisions, labelled_sites, parts
from agrilake.sample.registers import year_sites


@cache
def held_out() -> Labelled:
    return Labelled.of(parts(labelled_sites())[1], divisions())


@cache
def scored() -> pl.DataFrame:
    return score(held_out().stations, load_model())


def linked(labelled: Labelled, pairs: pl.DataFrame) -> Clusters:
    model = load_model()
    return cluster(labelled.stations, pairs, (), model.link, model.contradiction)


def test_precision_and_recall_on_the_held_out_part() -> None:
    found = quality(linked(held_out(), scored()), held_out().truth)
    assert found.right + found.missed > 500
    assert found.precision >= 0.95
    assert found.recall >= 0.95


def test_the_documentation_states_these_figures() -> None:
    found = quality(linked(held_out(), scored()), held_out().truth)
    line = f"| **held-out part** | {held_out().stations.height} | {found.right + found.missed} | "
    line += f"{found.precision:.3f} | {found.recall:.3f} | {found.f1:.3f} |"
    text = (project_root() / "docs" / "linking.md").read_text(encoding="utf-8")
    assert line in text, f"docs/linking.md does not have {line}: see benchmarks/place_linking.py"


def test_the_labelled_sample_is_large_and_not_easy() -> None:
    """Exact names join little; near points alone and one name a village alone join much that is not one place."""
    sites = labelled_sites()
    assert sites.height >= 1500
    tuning, held = parts(sites)
    assert tuning.height + held.height == sites.height
    assert not set(tuning["place_id"]) & set(held["place_id"])
    pairs = _same_village(held)
    same = pl.col("place_id") == pl.col("place_id_right")
    by_name = pairs.filter(pl.col("name") == pl.col("name_right"))
    near = pairs.filter(_metres() < 100)
    assert by_name.filter(same).height / pairs.filter(same).height < 0.01
    assert near.filter(~same).height / near.height > 0.15
    assert near.filter(same).height / pairs.filter(same).height < 0.9
    wrong = ("no_address", "no_point", "moved_point", "village_point", "unconverted_point", "other_village", "typo")
    for difference in wrong:
        assert sites.filter(pl.col("difficulty").str.contains(difference)).height >= 8, difference


def _same_village(sites: pl.DataFrame) -> pl.DataFrame:
    return sites.join(sites, on="division_code").filter(pl.col("dataset") < pl.col("dataset_right"))


def _metres() -> pl.Expr:
    north = (pl.col("lat") - pl.col("lat_right")) * 111_320
    east = (pl.col("lon") - pl.col("lon_right")) * 96_500
    return (north**2 + east**2).sqrt()


def test_the_labelled_sample_comes_from_its_seed() -> None:
    assert labelled_sites().equals(labelled_sites())
    assert not labelled_sites(7).equals(labelled_sites())


def test_the_committed_model_is_what_training_makes() -> None:
    assert as_json(trained()) == model_path().read_text(encoding="utf-8"), "run benchmarks/train_place_model.py"


def test_scoring_is_the_same_each_time_and_for_any_order_of_rows() -> None:
    again = score(held_out().stations.sample(fraction=1, shuffle=True, seed=3), load_model())
    assert again.equals(scored())


def test_probabilities_mean_what_they_say() -> None:
    """Of the pairs stated at 0.9 and more nearly all are one place, of those below 0.1 nearly none."""
    truth = held_out().truth
    same = pl.col("left_id").replace_strict(truth) == pl.col("right_id").replace_strict(truth)
    pairs = scored().with_columns(same=same)
    assert pairs.filter(pl.col("probability") >= 0.9)["same"].mean() > 0.95
    assert pairs.filter(pl.col("probability") < 0.1)["same"].mean() < 0.02


def test_the_years_extracts_which_other_code_made() -> None:
    """No sample that the model knows: one point in sixteen is missing there, and many addresses say nothing."""
    sites = year_sites(500112, [f"2024-{month:02d}" for month in range(1, 13)])
    labelled = Labelled.of(sites, divisions())
    found = quality(linked(labelled, score(labelled.stations, load_model())), labelled.truth)
    assert found.precision > 0.9
    assert found.recall > 0.9


@pytest.mark.parametrize(
    ("found", "precision", "recall"),
    [(Quality(8, 2, 0, 0, 0), 0.8, 1.0), (Quality(8, 0, 2, 0, 0), 1.0, 0.8), (Quality(0, 0, 0, 0, 0), 1.0, 1.0)],
)
def test_precision_and_recall_are_what_the_words_say(found: Quality, precision: float, recall: float) -> None:
    assert (found.precision, found.recall) == (precision, recall)
