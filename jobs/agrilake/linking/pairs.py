"""Splink at work: the probability of each compared pair of stations, and the levels that speak for and against it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from agrilake.linking.model import LEVELS, Model, level_names, settings

if TYPE_CHECKING:
    from splink import Linker

PAIR = {
    "left_id": pl.String,
    "right_id": pl.String,
    "probability": pl.Float64,
    "has_evidence": pl.Boolean,
    **{f"{name}_level": pl.String for name in LEVELS},
}
DIGITS = 6
EVIDENCE = ("distance", "mark", "group", "door")
"""Comparisons that tell one door of a village from another. Where none could be made, two stations of one village are
no link, however few the village has: `has_evidence` is false."""


def score(stations: pl.DataFrame, model: Model | None = None) -> pl.DataFrame:
    """Every compared pair once, left_id before right_id, by its ids: columns PAIR. Without a model the probability
    means nothing, and the levels are what training counts. Equal input gives equal output."""
    if stations.height < 2:
        return pl.DataFrame(schema=PAIR)
    connection = duckdb.connect()
    try:
        linker = _linker(connection, stations, model)
        predicted = linker.inference.predict().as_duckdbpyrelation().pl()
    finally:
        connection.close()
    return _ordered(predicted)


def _linker(connection: duckdb.DuckDBPyConnection, stations: pl.DataFrame, model: Model | None) -> Linker:
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI(connection)
    return Linker(api.register(stations.to_arrow()), settings(model), log_level=None)


def _ordered(predicted: pl.DataFrame) -> pl.DataFrame:
    left, right = pl.col("site_id_l"), pl.col("site_id_r")
    levels = [
        pl.col(f"gamma_{name}").replace_strict(level_names(name), return_dtype=pl.String).alias(f"{name}_level")
        for name in LEVELS
    ]
    named = predicted.select(
        pl.min_horizontal(left, right).alias("left_id"),
        pl.max_horizontal(left, right).alias("right_id"),
        pl.col("match_probability").round(DIGITS).alias("probability"),
        *levels,
    )
    compared = pl.any_horizontal(pl.col(f"{name}_level") != "null" for name in EVIDENCE)
    return named.with_columns(has_evidence=compared).select(list(PAIR)).sort("left_id", "right_id")
