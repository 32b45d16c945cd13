"""Everything that goes into a publication, and what makes it another one than the last."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl
import pyarrow as pa

from agrilake.contract.counts import load_quantities
from agrilake.contract.disclosure import load_generalisations
from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset
from agrilake.contract.roles import readers
from agrilake.contract.settings import Settings
from agrilake.lake.files import scan
from agrilake.lake.state import Delivery, LakeVersion
from agrilake.layers.model import Layer
from agrilake.paths import Home
from agrilake.publish import database, metadata
from agrilake.publish.departments import department_layout
from agrilake.publish.hiding import MIN_PERSONS, NOTE, with_marks
from agrilake.publish.indicators import NAME as INDICATOR_VALUE
from agrilake.publish.indicators import value_layout
from agrilake.publish.model import IndicatorDeclaration, Layout, Publication, TableSource

FORMAT = 5
DIVISIONS = "stats_division"
MADE_HERE = "publication"
"""Maker, in a contract's words, of a table that only publications have."""


@dataclass(frozen=True)
class Content:
    """Everything that goes into a publication, gathered before anything is written."""

    registry: Registry
    settings: Settings
    lake: LakeVersion
    deliveries: Sequence[Delivery]
    indicators: Sequence[IndicatorDeclaration]
    catalogue: Mapping[str, pa.Table]
    quarantine: list[dict[str, Any]]
    checks: list[dict[str, Any]]
    held: Mapping[str, str]
    layers: Sequence[Layer]
    findings: pl.DataFrame
    cross_lines: list[dict[str, Any]]

    @property
    def tables(self) -> dict[str, tuple[Layout, Dataset | None]]:
        """Published gold tables; the indicator values have a layout of their own, wider than gold's."""
        found: dict[str, tuple[Layout, Dataset | None]] = {
            name: (Layout(name, table.title, with_marks(table, database.published_columns(table))), table)
            for name, table in self.registry.gold.items()
            if table.published and name != INDICATOR_VALUE
        }
        return {**found, INDICATOR_VALUE: (value_layout(self.registry.gold[INDICATOR_VALUE]), None)}


def fingerprint(content: Content, persons: str) -> str:
    """Hash of all that a reader could see, but for the version and the time; `persons` says by which tokens persons
    are told (agrilake.publish.persons.span)."""
    gold = [
        [
            table.id,
            table.title,
            table.published,
            [[c.name, c.title, str(c.type), c.precision, c.scale, c.counts] for c in table.columns],
        ]
        for table in content.registry.gold.values()
    ]
    silver = [department_layout(dataset, own=True) for dataset in content.registry.datasets.values()]
    parts = [
        FORMAT,
        persons,
        [content.lake.version, content.lake.tables],
        [content.settings.person_rows, {name: asdict(item) for name, item in load_generalisations().items()}],
        [NOTE, content.settings.threshold(MIN_PERSONS), [asdict(item) for item in load_quantities().values()]],
        [[item.id, part, one.counts] for item in content.indicators for part, one in item.measures.items()],
        [content.settings.district_code, content.settings.district_name, content.settings.timezone],
        gold,
        [[layout.name, layout.title, [[c.name, c.sql_type, c.title] for c in layout.columns]] for layout in silver],
        metadata.indicator_rows(content.indicators, content.settings.departments),
        metadata.delivery_rows(content.deliveries, content.registry, content.settings.timezone),
        [[name, table.to_pylist()] for name, table in content.catalogue.items()],
        content.quarantine,
        [{**row, "checked_at": None} for row in content.checks],
        [{**asdict(layer), "path": layer.path.name} for layer in content.layers],
        sorted(content.held.items()),
        content.findings.write_csv(),
        content.cross_lines,
        [asdict(role) for role in readers(content.settings)],
    ]
    return hashlib.sha256(json.dumps(parts, default=str, ensure_ascii=False).encode()).hexdigest()


def table_sources(content: Content, version: int, before: Publication | None) -> dict[str, TableSource]:
    """Where each table of the publication comes from."""
    earlier = before.sources if before else {}
    found = {}
    for name, (layout, table) in content.tables.items():
        if table is not None and table.made_by == MADE_HERE:
            continue
        delta = content.lake.tables.get(f"gold/{name}")
        source = TableSource(name, layout.title, delta, shown_version=None if delta is None else version)
        last = earlier.get(name)
        if name in content.held:
            source = replace(
                source,
                delta_version=last.delta_version if last else None,
                reason=content.held[name],
                since_version=last.since_version if last and last.held else version,
                shown_version=last.shown_version if last else None,
            )
        found[name] = source
    return found


def division_names(home: Home, lake: LakeVersion) -> pl.DataFrame:
    """Code and name of every division that ever was, each with its newest name."""
    version = lake.tables.get(f"silver/{DIVISIONS}")
    frame = scan(home.table("silver", DIVISIONS), version) if version is not None else None
    if frame is None:
        return pl.DataFrame(schema={"code": pl.Utf8, "name": pl.Utf8})
    newest = frame.sort("_period").unique("code", keep="last", maintain_order=True)
    return newest.select("code", "name").collect()
