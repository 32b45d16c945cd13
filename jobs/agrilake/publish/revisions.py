"""Revisions: figures that a publication shows otherwise than the one before.

A figure that never had a value before, or whose period is new, is published first and not revised. Each
publication keeps its own revisions beside its manifest, for ever; its table shows those of all before it too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from agrilake.contract.model import Dataset
from agrilake.indicators.recipe import kept_recipe
from agrilake.intake.values import silver_type
from agrilake.paths import Home
from agrilake.publish.content import INDICATOR_VALUE, Content, division_names
from agrilake.publish.figures import KEY, recipe_of, stored_figures
from agrilake.publish.metadata import local_time
from agrilake.publish.reasons import UNKNOWN, Between, taken_before, taken_of
from agrilake.publish.records import REVISIONS, Record

TABLE = "indicator_revision"
FROM, TO = "value_before", "value_after"
Why = Callable[[str, str], tuple[str, str | None]]


@dataclass(frozen=True)
class Secret:
    """Figures that this publication hides, and the one before."""

    now: frozenset[tuple[str, str, str]] = frozenset()
    before: frozenset[tuple[str, str, str]] = frozenset()


def revised(before: pl.DataFrame, after: pl.DataFrame, withdrawn: pl.DataFrame) -> pl.DataFrame:
    """Figures whose value differs, one row each: the columns of `before` that name it, value_before, value_after (null
    where it is missing now, or its division is shown no more), change, flag_before, flag_after.

    One that is missing in `before` counts where it is among the `withdrawn` (KEY): it had a value earlier.
    """
    now = after.select(*KEY, value_after="value", flag_after="flag")
    named = before.select(*KEY, "division_level", "period_type", value_before="value", flag_before="flag")
    return (
        named.join(withdrawn.select(*KEY, pl.lit(True).alias("_withdrawn")), on=KEY, how="left")
        .filter(pl.col("value_before").is_not_null() | pl.col("_withdrawn"))
        .drop("_withdrawn")
        .join(now, on=KEY, how="left")
        .filter(pl.col("value_before").ne_missing(pl.col("value_after")))
        .with_columns(change=pl.col("value_after") - pl.col("value_before"))
        .sort(KEY)
    )


def all_revisions(
    home: Home,
    content: Content,
    past: Sequence[Record],
    delta_version: int | None,
    version: int,
    made_at: str,
    secret: Secret,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Revisions of publication `version` over the last of the `past` ones as they are, and those of all publications
    as they are shown, the newest first; both in the contract's columns. Figures come from gold/indicator_value at
    `delta_version`."""
    contract = content.registry.gold[TABLE]
    files = [item.folder / REVISIONS for item in past]
    stored = pl.concat([pl.DataFrame(schema=_types(contract)), *(_read(f, contract) for f in files if f.is_file())])
    changed = _changed(home, content, past, delta_version, stored)
    fresh = pl.DataFrame(schema=_types(contract))
    if not changed.is_empty():
        moment = local_time(made_at, content.settings.timezone)
        whole = _explained(home, content, past, changed, int(delta_version or 0)).with_columns(
            published_before=pl.lit(past[-1].version), published_after=pl.lit(version), revised_at=pl.lit(moment)
        )
        either = secret.now | secret.before
        whole = whole.with_columns(hidden=_among(either))
        fresh = whole.select(pl.col(name).cast(kind) for name, kind in _types(contract).items())
    order = ["published_after", *KEY]
    every = stored.vstack(fresh).sort(order, descending=[True, False, False, False])
    return fresh, every.pipe(_shown, secret)


def _shown(revisions: pl.DataFrame, secret: Secret) -> pl.DataFrame:
    """Without the numbers of those that are hidden for good, and of figures that are hidden now."""
    hidden = pl.col("hidden").fill_null(False) | _among(secret.now)
    numbers = [pl.when(~pl.col("hidden")).then(name).alias(name) for name in (FROM, TO, "change")]
    return revisions.with_columns(hidden=hidden).with_columns(numbers)


def _among(figures: Collection[tuple[str, str, str]]) -> pl.Expr:
    return pl.concat_str(KEY, separator=" ").is_in([" ".join(key) for key in sorted(figures)])


def _changed(
    home: Home, content: Content, past: Sequence[Record], delta_version: int | None, stored: pl.DataFrame
) -> pl.DataFrame:
    """`revised` of indicators that both publications show; no rows where one has no figures, or both the same."""
    earlier = past[-1].sources.get(INDICATOR_VALUE) if past else None
    if earlier is None or earlier.delta_version in (None, delta_version) or delta_version is None:
        return pl.DataFrame()
    declared = {item.id for item in content.indicators}
    both = declared & past[-1].figures.get("seals", dict.fromkeys(declared)).keys()
    newest = stored.sort("published_after").unique(KEY, keep="last", maintain_order=True)
    old, new = (stored_figures(home, version or 0, both) for version in (earlier.delta_version, delta_version))
    return revised(old, new, newest.filter(pl.col(TO).is_null()))


def _explained(
    home: Home, content: Content, past: Sequence[Record], changed: pl.DataFrame, delta_version: int
) -> pl.DataFrame:
    """The changes with names, units and reasons."""
    why = _reasons(home, content, past, delta_version)
    pairs = changed.select("indicator_id", "period").unique().sort("indicator_id", "period")
    said = [(*pair, *why(*pair)) for pair in pairs.iter_rows()]
    labels = [(item.id, item.name, item.unit) for item in content.indicators]
    names = division_names(home, content.lake).rename({"code": "division_code", "name": "division_name"})
    return (
        changed.join(_text(said, "indicator_id", "period", "reason", "deliveries"), on=["indicator_id", "period"])
        .join(_text(labels, "indicator_id", "indicator_name", "unit"), on="indicator_id")
        .join(names, on="division_code", how="left")
    )


def _reasons(home: Home, content: Content, past: Sequence[Record], delta_version: int) -> Why:
    """Of an indicator and a period: the reason in Chinese, and the ids of the deliveries in it, if any."""
    digests = (past[-1].figures.get("recipe"), recipe_of(home, delta_version))
    before, after = (kept_recipe(home, digest) if digest else None for digest in digests)
    if after is None:
        return lambda indicator, period: (UNKNOWN, None)
    known = taken_before(past)
    touched = [item for item in content.deliveries if taken_of(item) != known.get(item.id, "")]
    return Between(home, content.registry, before, after, touched, known).why


def _read(path: Path, contract: Dataset) -> pl.DataFrame:
    frame, types = pl.read_parquet(path), _types(contract)
    lacking = [pl.lit(None).alias(name) for name in types if name not in frame.columns]
    return frame.with_columns(lacking).select(pl.col(name).cast(kind) for name, kind in types.items())


def _text(rows: Sequence[tuple[str | None, ...]], *columns: str) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def _types(contract: Dataset) -> dict[str, Any]:
    return {column.name: silver_type(column) for column in contract.columns}
