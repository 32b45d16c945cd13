"""A publication from what the lake holds: decided, made, checked, and only then shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset
from agrilake.contract.roles import DEPARTMENT, STEWARD, Role, readers
from agrilake.contract.settings import Settings
from agrilake.errors import UsageError
from agrilake.intake.keys import KeyRing
from agrilake.lake import audit
from agrilake.lake.failpoints import reach
from agrilake.lake.files import sha256_of
from agrilake.lake.locks import table_lock
from agrilake.lake.sharing import give
from agrilake.lake.state import State, now
from agrilake.layers.model import Layer
from agrilake.paths import Home
from agrilake.publish import database, layouts, metadata, store
from agrilake.publish.beside import write_dcat, write_layers
from agrilake.publish.content import FORMAT, INDICATOR_VALUE, Content, division_names, fingerprint, table_sources
from agrilake.publish.departments import add_departments
from agrilake.publish.disclosure import Disclosure
from agrilake.publish.figures import figures_of
from agrilake.publish.guard import refuse_identifiers, refuse_personal_columns
from agrilake.publish.hiding import Hiding, hidden_figures, hiding_of, instead
from agrilake.publish.indicators import indicator_values
from agrilake.publish.model import ANALYST, ROLES, IndicatorDeclaration, Layout, Publication, TableSource
from agrilake.publish.own import add_department, add_steward, finding_rows
from agrilake.publish.persons import Persons, persons_of, span
from agrilake.publish.quarantine import waiting_findings
from agrilake.publish.reasons import newly_taken
from agrilake.publish.records import REVISIONS, Record, keep_records, records, union
from agrilake.publish.revisions import TABLE as REVISION
from agrilake.publish.revisions import Secret, all_revisions
from agrilake.publish.sightings import counting
from agrilake.tables.inputs import made_from


@dataclass(frozen=True)
class Making:
    """A publication that is being made: its content and head, where its tables come from, the one before it, all
    revisions so far, how persons are told, and which numbers of them are hidden."""

    home: Home
    content: Content
    head: Mapping[str, Any]
    sources: Mapping[str, TableSource]
    before: Publication | None
    revisions: pl.DataFrame
    persons: Persons
    hiding: Hiding
    disclosure: Disclosure


def publish(
    home: Home,
    registry: Registry,
    settings: Settings,
    state: State,
    held: Mapping[str, str],
    indicators: Sequence[IndicatorDeclaration],
    catalogue: Mapping[str, pa.Table],
    layers: Sequence[Layer] = (),
    cross_lines: Sequence[dict[str, Any]] = (),
) -> Publication:
    """Publish the newest recorded lake version; the same content again is the same publication.

    `catalogue` holds the tables that agrilake.catalog.catalogue makes. `held` gives the Chinese reason for each gold
    table that a suite's stop keeps back: it is shown as the publication before has it. `cross_lines` are the lines that
    break a rule across tables (layouts.CROSS_TABLE_LINE). Raises UsageError before any
    lake version is recorded, ConsistencyError where stored data does not fit its contract or an identifier would be
    published; the publication before then stands.
    """
    versions = state.lake_versions()
    if not versions:
        raise UsageError("nothing to publish: no lake version is recorded yet")
    deliveries = state.deliveries()
    waiting = waiting_findings(home, registry, deliveries)
    quarantine, findings = metadata.quarantine_rows(waiting, registry), finding_rows(waiting, registry)
    checks = metadata.check_rows(state.suites(), registry, settings.timezone)
    content = Content(
        registry,
        settings,
        versions[-1],
        deliveries,
        indicators,
        catalogue,
        quarantine,
        checks,
        dict(held),
        layers,
        findings,
        list(cross_lines),
    )
    refuse_personal_columns(registry.gold.values())
    ring = KeyRing.from_environment(home)
    ring.refuse_foreign(state.keys())
    wanted = fingerprint(content, span(settings, ring))
    home.publications.mkdir(parents=True, exist_ok=True)
    with table_lock(home.publications):
        store.clean(home)
        keep_records(home)
        known = store.publications(home)
        same = bool(known) and known[-1].fingerprint == wanted
        publication = known[-1] if same else _make(home, content, known[-1] if known else None, wanted, ring)
        reach("publication_made")
        if not same or store.current_version(home) != publication.version:
            _note_published(home, publication)
        store.make_current(home, publication.path)
        reach("publication_swapped")
        keep_records(home)
        reach("publication_recorded")
        store.retire(home)
    return publication


def _note_published(home: Home, publication: Publication) -> None:
    """Before readers see it, so that none is without its line in the audit log."""
    manifest = sha256_of(publication.path / store.MANIFEST)
    audit.record(
        home, "published", f"publication {publication.version}", manifest=manifest, lake=publication.lake_version
    )


def _make(home: Home, content: Content, before: Publication | None, wanted: str, ring: KeyRing) -> Publication:
    past = records(home)
    version = past[-1].version + 1 if past else 1
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
    persons = persons_of(content.registry, content.settings, ring, version)
    hiding = hiding_of(home, content, sources, before)
    folder = store.start(home, version)
    hidden_sha256 = hiding.write(folder)
    disclosure = Disclosure(home, content, persons, hiding)
    revisions = pl.DataFrame()
    if REVISION in content.registry.gold:
        shown = sources[INDICATOR_VALUE].delta_version
        hidden = Secret(hiding.figures, hidden_figures(before))
        fresh, revisions = all_revisions(home, content, past, shown, version, made_at, hidden)
        fresh.write_parquet(folder / REVISIONS)
    making = Making(home, content, head, sources, before, revisions, persons, hiding, disclosure)
    rows = {}
    for role in readers(content.settings):
        path = folder / f"{role.file}.duckdb"
        path.parent.mkdir(mode=0o711, exist_ok=True)
        rows[f"{role.file}.duckdb"] = _write(making, role, path)
        if role.kind in ROLES:
            reach(f"publication_{role.kind}")
    reach("publication_roles")
    layers = write_layers(folder, content, rows) if content.layers else []
    reach("publication_layers")
    write_dcat(folder, content, version, made_at, layers)
    for role in readers(content.settings):
        give(folder / f"{role.file}.duckdb", role.group)
    kept = _kept(making, past, folder / f"{ANALYST}.duckdb")
    kept |= {"person_tokens": persons.span, "hidden_sha256": hidden_sha256}
    store.write_manifest(folder, {**head, **kept}, sources, rows, layers)
    reach("publication_described")
    return store.read_publication(store.finish(folder))


def _kept(making: Making, past: Sequence[Record], database_file: Path) -> dict[str, Any]:
    """What the manifest keeps so that the figures can be rebuilt, and their changes explained, for ever."""
    home, content, sources = making.home, making.content, making.sources
    gold = [(f"gold/{name}", one.delta_version) for name, one in sources.items() if one.delta_version is not None]
    pinned = made_from(home, content.registry, [*content.lake.tables.items(), *gold])
    shown = sources[INDICATOR_VALUE].delta_version
    return {
        "pinned": union([pinned]),
        "figures": {} if shown is None else figures_of(home, shown, database_file),
        "deliveries": newly_taken(past, content.deliveries),
        "audit": asdict(audit.head(home)),
    }


def _write(making: Making, role: Role, path: Path) -> dict[str, int]:
    """One role's file; returns the rows of its tables."""
    content, timezone = making.content, making.content.settings.timezone
    with database.new_database(path) as connection:
        persons = making.persons.apart(role.department) if role.department else making.persons
        persons.register(connection)
        if role.kind == DEPARTMENT:
            add_department(connection, making.home, content, role, _publication_row(making), persons)
        else:
            _describe(connection, making)
            for name, (layout, table) in content.tables.items():
                if _shows(role, table):
                    _write_table(connection, making, role, layout, table, making.sources.get(name))
        if role.kind == ANALYST:
            withheld = making.disclosure.withheld(content.registry.datasets.values())
            known = (content.registry, content.lake.tables, timezone, persons)
            add_departments(connection, making.home, *known, withheld=withheld)
            database.table_from_rows(connection, layouts.DISCLOSURE_CONTROL, making.disclosure.rows())
        if role.kind == STEWARD:
            add_steward(connection, content)
        refuse_identifiers(connection, role.file)
        return database.row_counts(connection)


def _shows(role: Role, table: Dataset | None) -> bool:
    """Whether a role's file holds a gold table (None: the indicator values); the analysts' has every published one."""
    if role.kind == ANALYST:
        return True
    return role.kind in ROLES if table is None else role.kind in table.published


def _write_table(
    connection: Any, making: Making, role: Role, layout: Layout, table: Dataset | None, source: TableSource | None
) -> None:
    """One gold table: of the publication before where it is held, of this one's own making, else from Delta."""
    home, content = making.home, making.content
    if table is not None and role.kind == ANALYST and making.disclosure.covers(table):
        making.disclosure.write(connection, layout, table, source)
    elif source is None:
        database.table_from_frame(connection, layout, making.revisions)
    elif source.held and _copied(connection, making, role, layout, table):
        pass
    elif source.delta_version is None or (source.held and not _retold(making, table)):
        database.empty_table(connection, layout)
    elif table is None:
        names = division_names(home, content.lake)
        location, version = home.table("gold", layout.name), source.delta_version
        known = (content.registry, content.deliveries, content.indicators, making.hiding)
        indicator_values(connection, location, version, names, *known)
    else:
        location, zone = home.table("gold", layout.name), content.settings.timezone
        tokens, named = making.persons.instead(table), making.persons.titled(table, layout)
        with making.hiding.registered(connection):
            other = {**instead(table), **tokens}
            database.table_from_delta(connection, named, location, source.delta_version, zone, other, sorted(tokens))


def _copied(connection: Any, making: Making, role: Role, layout: Layout, table: Dataset | None) -> bool:
    """Whether a held table was taken from the publication before: not if that one told persons by other tokens."""
    before = making.before
    if before is None or _retold(making, table):
        return False
    return database.table_from_file(connection, layout, before.database(role.file))


def _retold(making: Making, table: Dataset | None) -> bool:
    """Whether a held table has to be made from Delta all the same: one that counts persons, since others may be hidden
    now; one of persons, where the publication before told them by other tokens."""
    before = making.before
    if table is None or counting(table):
        return True
    return bool(making.persons.instead(table)) and before is not None and before.person_tokens != making.persons.span


def _publication_row(making: Making) -> dict[str, Any]:
    made_at = metadata.local_time(str(making.head["made_at"]), making.content.settings.timezone)
    return {**making.head, "made_at": made_at}


def _describe(connection: Any, making: Making) -> None:
    """The tables that tell about the data."""
    content, timezone = making.content, making.content.settings.timezone
    parts: list[tuple[Layout, Callable[[], list[dict[str, Any]]]]] = [
        (layouts.PUBLICATION, lambda: [_publication_row(making)]),
        (layouts.INDICATOR, lambda: metadata.indicator_rows(content.indicators, content.settings.departments)),
        (layouts.DELIVERY, lambda: metadata.delivery_rows(content.deliveries, content.registry, timezone)),
        (layouts.QUARANTINE_SUMMARY, lambda: content.quarantine),
        (layouts.CHECK_RESULT, lambda: content.checks),
        (layouts.HELD_TABLE, lambda: metadata.held_rows(making.sources.values())),
    ]
    for layout, rows in parts:
        database.table_from_rows(connection, layout, rows())
    for name, table in content.catalogue.items():
        database.table_from_arrow(connection, name, layouts.CATALOGUE_TITLES[name], table, layouts.CATALOGUE_COLUMNS)
