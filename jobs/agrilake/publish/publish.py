"""A publication from what the lake holds: decided, made, checked, and only then shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset
from agrilake.contract.settings import Settings
from agrilake.errors import UsageError
from agrilake.lake.failpoints import reach
from agrilake.lake.files import scan
from agrilake.lake.locks import table_lock
from agrilake.lake.state import Delivery, LakeVersion, State, now
from agrilake.layers.model import Layer, LayerFile
from agrilake.paths import Home
from agrilake.publish import database, layouts, metadata, store
from agrilake.publish.departments import add_departments, department_layout
from agrilake.publish.guard import refuse_identifiers, refuse_personal_columns
from agrilake.publish.indicators import NAME as INDICATOR_VALUE
from agrilake.publish.indicators import indicator_values, value_layout
from agrilake.publish.model import ANALYST, LEADER, ROLES, IndicatorDeclaration, Layout, Publication, TableSource
from agrilake.publish.opening import read_only
from agrilake.publish.quarantine import waiting_findings

FORMAT = 3
DIVISIONS = "stats_division"
MODES = {LEADER: 0o640}


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

    @property
    def tables(self) -> dict[str, tuple[Layout, Dataset | None]]:
        """Published gold tables; the indicator values have a layout of their own, wider than gold's."""
        found: dict[str, tuple[Layout, Dataset | None]] = {
            name: (Layout(name, table.title, database.published_columns(table)), table)
            for name, table in self.registry.gold.items()
            if table.published and name != INDICATOR_VALUE
        }
        return {**found, INDICATOR_VALUE: (value_layout(self.registry.gold[INDICATOR_VALUE]), None)}


def publish(
    home: Home,
    registry: Registry,
    settings: Settings,
    state: State,
    held: Mapping[str, str],
    indicators: Sequence[IndicatorDeclaration],
    catalogue: Mapping[str, pa.Table],
    layers: Sequence[Layer] = (),
) -> Publication:
    """Publish the newest recorded lake version; the same content again is the same publication.

    `catalogue` holds the tables that agrilake.catalog.catalogue makes. `held` gives the Chinese reason for each gold
    table that a suite's stop keeps back: it is shown as the publication before has it. Raises UsageError before any
    lake version is recorded, ConsistencyError where stored data does not fit its contract or an identifier would be
    published; the publication before then stands.
    """
    versions = state.lake_versions()
    if not versions:
        raise UsageError("nothing to publish: no lake version is recorded yet")
    deliveries = state.deliveries()
    quarantine = metadata.quarantine_rows(waiting_findings(home, registry, deliveries), registry)
    checks = metadata.check_rows(state.suites(), registry, settings.timezone)
    content = Content(
        registry, settings, versions[-1], deliveries, indicators, catalogue, quarantine, checks, dict(held), layers
    )
    refuse_personal_columns(registry.gold.values())
    wanted = fingerprint(content)
    home.publications.mkdir(parents=True, exist_ok=True)
    with table_lock(home.publications):
        store.clean(home)
        known = store.publications(home)
        same = bool(known) and known[-1].fingerprint == wanted
        publication = known[-1] if same else _make(home, content, known, wanted)
        reach("publication_made")
        store.make_current(home, publication.path)
        reach("publication_swapped")
        store.retire(home)
    return publication


def fingerprint(content: Content) -> str:
    """Hash of all that a reader could see, but for the version and the time."""
    gold = [
        [
            table.id,
            table.title,
            table.published,
            [[c.name, c.title, str(c.type), c.precision, c.scale] for c in table.columns],
        ]
        for table in content.registry.gold.values()
    ]
    silver = [department_layout(dataset) for dataset in content.registry.datasets.values()]
    parts = [
        FORMAT,
        [content.lake.version, content.lake.tables],
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
    ]
    return hashlib.sha256(json.dumps(parts, default=str, ensure_ascii=False).encode()).hexdigest()


def table_sources(content: Content, version: int, before: Publication | None) -> dict[str, TableSource]:
    """Where each table of the publication comes from."""
    earlier = before.sources if before else {}
    found = {}
    for name, (layout, _) in content.tables.items():
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


def _make(home: Home, content: Content, known: Sequence[Publication], wanted: str) -> Publication:
    before = known[-1] if known else None
    version = before.version + 1 if before else 1
    sources = table_sources(content, version, before)
    made_at = now()
    head = {
        "version": version,
        "format": FORMAT,
        "made_at": made_at,
        "fingerprint": wanted,
        "lake_version": content.lake.version,
        "lake_tables": content.lake.tables,
        "district_code": content.settings.district_code,
        "district_name": content.settings.district_name,
    }
    folder = store.start(home, version)
    rows = {}
    for role in ROLES:
        path = folder / f"{role}.duckdb"
        rows[path.name] = _write(home, content, sources, before, role, path, head)
        path.chmod(MODES.get(role, 0o600))
        reach(f"publication_{role}")
    layers = _write_layers(folder, content, rows) if content.layers else []
    reach("publication_layers")
    _write_dcat(folder, content, version, made_at, layers)
    store.write_manifest(folder, head, sources, rows, layers)
    return store.read_publication(store.finish(folder))


def _write_layers(folder: Path, content: Content, rows: dict[str, dict[str, int]]) -> list[LayerFile]:
    """The geographic layers, made from the analysts' file as it is; both roles' files list them and draw the townships,
    the analysts' also says what could not be put on the map (`rows` counts them)."""
    from agrilake.layers.make import make_layers, townships_of

    with closing(read_only(folder / f"{ANALYST}.duckdb")) as connection:
        made, left_out = make_layers(
            connection, folder / store.LAYERS, content.layers, content.registry, content.settings
        )
    (folder / store.LAYERS).chmod(0o700)  # the analysts', as the file that they are made from
    drawn = townships_of(made, content.layers, folder / store.LAYERS, content.settings.projected_epsg)
    tables = {layouts.LAYER: [asdict(item) for item in made], layouts.MAP_AREA: drawn}
    for role in ROLES:
        path = folder / f"{role}.duckdb"
        added = {**tables, layouts.LAYER_LEFT_OUT: left_out.to_pylist()} if role == ANALYST else tables
        with database.new_database(path) as connection:
            for layout, content_rows in added.items():
                database.table_from_rows(connection, layout, content_rows)
            refuse_identifiers(connection, role, [layout.name for layout in added])
            rows[path.name] = database.row_counts(connection)
    return made


def _write_dcat(folder: Path, content: Content, version: int, made_at: str, layers: Sequence[LayerFile]) -> None:
    """The catalogue for other portals, beside the files that it points to."""
    from agrilake.catalog.dcat import Edition, dcat_json

    edition = Edition(version, made_at, tuple(layers))
    path = folder / store.DCAT
    path.write_text(dcat_json(content.registry, content.settings, content.catalogue, edition), encoding="utf-8")
    path.chmod(0o644)


def _write(
    home: Home,
    content: Content,
    sources: Mapping[str, TableSource],
    before: Publication | None,
    role: str,
    path: Path,
    head: Mapping[str, Any],
) -> dict[str, int]:
    """One role's file; returns the rows of its tables."""
    timezone = content.settings.timezone
    with database.new_database(path) as connection:
        _describe(connection, content, sources, head)
        for name, (layout, table) in content.tables.items():
            if role == LEADER and table is not None and LEADER not in table.published:
                continue
            source = sources[name]
            if (
                source.held
                and before is not None
                and database.table_from_file(connection, layout, before.database(role))
            ):
                continue
            if source.held or source.delta_version is None:
                database.empty_table(connection, layout)
            elif table is None:
                names = _division_names(home, content.lake)
                location = home.table("gold", name)
                indicator_values(
                    connection,
                    location,
                    source.delta_version,
                    names,
                    content.registry,
                    content.deliveries,
                    content.indicators,
                )
            else:
                location = home.table("gold", name)
                database.table_from_delta(connection, layout, location, source.delta_version, timezone)
        if role == ANALYST:
            add_departments(connection, home, content.registry, content.lake.tables, timezone)
        refuse_identifiers(connection, role)
        return database.row_counts(connection)


def _describe(connection: Any, content: Content, sources: Mapping[str, TableSource], head: Mapping[str, Any]) -> None:
    """The tables that tell about the data."""
    timezone = content.settings.timezone
    publication = {**head, "made_at": metadata.local_time(str(head["made_at"]), timezone)}
    parts: list[tuple[Layout, Callable[[], list[dict[str, Any]]]]] = [
        (layouts.PUBLICATION, lambda: [publication]),
        (layouts.INDICATOR, lambda: metadata.indicator_rows(content.indicators, content.settings.departments)),
        (layouts.DELIVERY, lambda: metadata.delivery_rows(content.deliveries, content.registry, timezone)),
        (layouts.QUARANTINE_SUMMARY, lambda: content.quarantine),
        (layouts.CHECK_RESULT, lambda: content.checks),
        (layouts.HELD_TABLE, lambda: metadata.held_rows(sources.values())),
    ]
    for layout, rows in parts:
        database.table_from_rows(connection, layout, rows())
    for name, table in content.catalogue.items():
        database.table_from_arrow(connection, name, layouts.CATALOGUE_TITLES[name], table, layouts.CATALOGUE_COLUMNS)


def _division_names(home: Home, lake: LakeVersion) -> pl.DataFrame:
    """Code and name of every division that ever was, each with its newest name."""
    version = lake.tables.get(f"silver/{DIVISIONS}")
    frame = scan(home.table("silver", DIVISIONS), version) if version is not None else None
    if frame is None:
        return pl.DataFrame(schema={"code": pl.Utf8, "name": pl.Utf8})
    newest = frame.sort("_period").unique("code", keep="last", maintain_order=True)
    return newest.select("code", "name").collect()
