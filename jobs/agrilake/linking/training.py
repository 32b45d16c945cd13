"""Training the model of stations from labelled pairs: counting how often each level occurs at one place and at two."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import polars as pl

from agrilake.linking.evaluation import curve
from agrilake.linking.model import LEVELS, Model
from agrilake.linking.pairs import score

SMOOTHING = 0.5
"""Added to each count (Jeffreys): a level that was never seen at one place is unlikely there, not impossible."""
THRESHOLDS = tuple(round(step * 0.05, 2) for step in range(2, 20))
RECALL = 0.95
DIGITS = 6


def train(stations: pl.DataFrame, truth: Mapping[str, str], version: str, source: Mapping[str, Any]) -> Model:
    """A model from stations with features and the true place of each (by site_id), over the pairs that are compared.

    Missing values count in no level: they speak neither for nor against. A wrong link is worse than a missed one, so
    the threshold is the highest of THRESHOLDS at which RECALL of these very stations' pairs is still found (the lowest
    where none is).
    """
    labelled = score(stations).with_columns(
        same=pl.col("left_id").replace_strict(truth) == pl.col("right_id").replace_strict(truth)
    )
    at_one = int(labelled["same"].sum())
    trained_on = {**source, "stations": stations.height, "pairs": labelled.height, "pairs_at_one_place": at_one}
    levels = {name: _weights(labelled, name) for name in LEVELS}
    model = Model(version, round(at_one / labelled.height, DIGITS), levels, trained_on=trained_on)
    found = curve(stations, score(stations, model), truth, THRESHOLDS, model.contradiction)
    enough = [threshold for threshold, quality in found if quality.recall >= RECALL]
    return replace(model, link=max(enough, default=THRESHOLDS[0]))


def _weights(labelled: pl.DataFrame, comparison: str) -> dict[str, tuple[float, float]]:
    names = [name for name, _ in LEVELS[comparison] if name != "null"]
    shares = []
    for same in (True, False):
        found = labelled.filter(same=same)[f"{comparison}_level"]
        counts = [float(found.eq(name).sum()) + SMOOTHING for name in names]
        shares.append([round(count / sum(counts), DIGITS) for count in counts])
    return {name: (m, u) for name, m, u in zip(names, *shares, strict=True)}


def as_json(model: Model) -> str:
    """The committed file: readable, a level a line, in stable order."""
    text = json.dumps(asdict(model), ensure_ascii=False, indent=1)
    return re.sub(r"\[\s+([0-9.]+),\s+([0-9.]+)\s+\]", r"[\1, \2]", text) + "\n"
