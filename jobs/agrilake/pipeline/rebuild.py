"""Published figures computed again from what they were computed from, and compared bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from agrilake.errors import ConsistencyError, UsageError
from agrilake.indicators.engine import computed, engine
from agrilake.indicators.model import Indicator
from agrilake.indicators.recipe import Engine, Recipe, kept_recipe
from agrilake.lake.erasures import oldest_versions
from agrilake.paths import Home
from agrilake.pipeline.context import Lake
from agrilake.publish.figures import KEY, TABLE, seals, stored_figures
from agrilake.publish.metadata import local_time
from agrilake.publish.records import Record, records

SHOWN_DIFFERENCES = 20
COUNTED = "_row"


@dataclass(frozen=True)
class Difference:
    """One row that did not come out the same: `columns` gives the published and the rebuilt value of each that differs;
    empty where the row stands on one side alone, which `only` names."""

    division_code: str
    period: str
    columns: dict[str, tuple[Any, Any]]
    only: str = ""

    def text(self, titles: dict[str, str]) -> str:
        """The row as one line in Chinese."""
        place = f"{self.division_code} {self.period}"
        if self.only:
            return f"{place}：{'只在发布的数据里' if self.only == 'published' else '只在重算的结果里'}"
        parts = (f"{titles.get(name, name)} 发布 {old}，重算 {new}" for name, (old, new) in self.columns.items())
        return f"{place}：{'；'.join(parts)}"


@dataclass(frozen=True)
class Rebuilt:
    """What became of one indicator's figures: `rows` compared, those that differ, whether the stored ones still bear
    the publication's seal, and the engines then and now."""

    indicator: str
    name: str
    edition: str
    publication: int
    made_at: str
    rows: int
    differences: tuple[Difference, ...]
    is_sealed: bool
    inputs: dict[str, int]
    recipe: str
    engine_then: Engine
    engine_now: Engine

    @property
    def is_same(self) -> bool:
        """Whether every figure came out as it was published."""
        return self.is_sealed and not self.differences

    @property
    def verdict(self) -> str:
        """One sentence in Chinese."""
        if not self.is_sealed:
            return "湖里存档的数值与发布时的封存值不一致：发布后被改动过，请从备份恢复 gold/indicator_value"
        if self.differences:
            return f"{self.rows} 个数值中有 {len(self.differences)} 个不一致"
        return f"{self.rows} 个数值逐位一致"

    @property
    def engine_said(self) -> str:
        """Whether the engine is the one that computed them, in Chinese."""
        then, now = self.engine_then, self.engine_now
        parts = [f"程序 {then.code} → {now.code}"] if then.code != now.code else []
        parts += [
            f"{name} {then.libraries.get(name)} → {number}"
            for name, number in now.libraries.items()
            if then.libraries.get(name) != number
        ]
        return f"与发布时不同（{'，'.join(parts)}）" if parts else f"与发布时相同（{then.code}）"

    def lines(self, titles: dict[str, str]) -> Iterator[str]:
        """The outcome as text; `titles` are those of the columns."""
        yield f"《{self.name}》{self.indicator}，第 {self.publication} 次发布（{self.made_at}）"
        yield f"  依据：{'、'.join(f'gold.{name} 版本 {number}' for name, number in self.inputs.items())}"
        yield f"  声明：{self.edition} 版，按发布时的存档 {self.recipe}"
        yield f"  计算程序：{self.engine_said}"
        yield f"  结论：{self.verdict}"
        for item in self.differences[:SHOWN_DIFFERENCES]:
            yield f"    {item.text(titles)}"
        if len(self.differences) > SHOWN_DIFFERENCES:
            yield f"    另有 {len(self.differences) - SHOWN_DIFFERENCES} 处，用 --json 查看全部。"


def rebuild(lake: Lake, published: int, indicator: str | None = None, period: str | None = None) -> list[Rebuilt]:
    """Compute the figures of a publication again: one indicator's (id or Chinese name), or all of them.

    Declarations, due days, settings and inputs are those of then. Raises UsageError for a publication, indicator or
    period that does not exist, ConsistencyError where something that the publication pins is gone.
    """
    record = _record(lake, published)
    recipe = kept_recipe(lake.home, record.figures["recipe"])
    chosen = _chosen(recipe, record, indicator)
    stored = stored_figures(lake.home, record.figures["delta_version"], [item.id for item in chosen])
    seal = seals(stored)
    require_files(lake.home, recipe)
    again = computed(lake.spark(), lake.home, recipe)
    if period is not None:
        stored, again = (frame.filter(period=period) for frame in (stored, again))
        if stored.is_empty():
            raise UsageError(f"publication {published} shows nothing of {indicator or 'any indicator'} for {period}")
    moment = local_time(record.made_at, lake.settings.timezone)
    return [
        Rebuilt(
            indicator=item.id,
            name=item.name,
            edition=item.edition,
            publication=record.version,
            made_at=f"{moment:%Y-%m-%d %H:%M}",
            rows=stored.filter(indicator_id=item.id).height,
            differences=differences(stored.filter(indicator_id=item.id), again.filter(indicator_id=item.id)),
            is_sealed=seal.get(item.id) == record.figures["seals"].get(item.id),
            inputs={name: number for name, number in recipe.inputs.items() if number is not None},
            recipe=str(record.figures["recipe"]),
            engine_then=recipe.engine,
            engine_now=engine(),
        )
        for item in chosen
    ]


def differences(published: pl.DataFrame, again: pl.DataFrame) -> tuple[Difference, ...]:
    """Rows of one indicator that are not the same, to the last bit, in every column that both have."""
    columns = [name for name in published.columns if name in again.columns and name not in KEY]
    key = ["division_code", "period"]
    fresh = again.select(*key, *(pl.col(name).cast(published.schema[name]) for name in columns))
    both = published.select(*key, *columns, pl.lit(True).alias(COUNTED)).join(
        fresh.with_columns(pl.lit(True).alias(COUNTED)), on=key, how="full", coalesce=True, suffix="_again"
    )
    unequal = [pl.col(name).ne_missing(pl.col(f"{name}_again")) for name in (COUNTED, *columns)]
    return tuple(_difference(row, columns) for row in both.filter(pl.any_horizontal(unequal)).sort(key).to_dicts())


def _difference(row: dict[str, Any], columns: Sequence[str]) -> Difference:
    place = (row["division_code"], row["period"])
    if row[COUNTED] is None or row[f"{COUNTED}_again"] is None:
        return Difference(*place, {}, "rebuilt" if row[COUNTED] is None else "published")
    pairs = {name: (row[name], row[f"{name}_again"]) for name in columns}
    return Difference(*place, {name: pair for name, pair in pairs.items() if pair[0] != pair[1]})


def require_files(home: Home, recipe: Recipe) -> None:
    """ConsistencyError where a version that the recipe reads, or one of its files, is gone."""
    for name, version in recipe.inputs.items():
        if version is None:
            continue
        path = home.table("gold", name)
        try:
            files = [Path(unquote(urlparse(uri).path)) for uri in DeltaTable(str(path), version=version).file_uris()]
        except (DeltaError, OSError) as error:
            raise _gone(home, name, version) from error
        if not all(file.is_file() for file in files):
            raise _gone(home, name, version)


def _gone(home: Home, name: str, version: int) -> ConsistencyError:
    if version < oldest_versions(home).get(f"gold/{name}", 0):
        return ConsistencyError(
            f"gold/{name} version {version}, from which the publication was made, was taken away when a person was "
            "erased; its figures stand in gold/indicator_value and cannot be computed again"
        )
    return ConsistencyError(
        f"gold/{name} version {version} is pinned by the publication and gone: a vacuum ran without "
        "agrilake.pipeline.pins; bring the table's folder back from the backups"
    )


def _record(lake: Lake, published: int) -> Record:
    known = records(lake.home)
    found = next((item for item in known if item.version == published), None)
    if found is None:
        versions = f"{known[0].version} to {known[-1].version}" if known else "none yet"
        raise UsageError(f"no publication {published}; there are: {versions} (agrilake publications)")
    if not found.figures.get("recipe"):
        raise UsageError(f"publication {published} kept no recipe of its {TABLE}, so it cannot be rebuilt")
    return found


def _chosen(recipe: Recipe, record: Record, indicator: str | None) -> list[Indicator]:
    shown = [item for item in recipe.indicators if item.id in record.figures["seals"]]
    found = [item for item in shown if indicator in (None, item.id, item.name)]
    if not found:
        known = ", ".join(item.id for item in shown)
        raise UsageError(f"publication {record.version} shows no indicator {indicator!r}; it shows: {known}")
    return found
