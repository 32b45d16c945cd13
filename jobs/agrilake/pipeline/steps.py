"""Steps from accepted rows to the publication. Each looks at what is stored, does what is missing and no more."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa

from agrilake.contract.order import in_order
from agrilake.errors import AgrilakeError, UsageError
from agrilake.gold.build import build_gold, gold_is_current
from agrilake.intake.privacy import has_tokens
from agrilake.lake import audit
from agrilake.lake.failpoints import commit, reach
from agrilake.lake.files import scan, table_version
from agrilake.lake.locks import shared_lock, table_lock
from agrilake.lake.logs import durable
from agrilake.lake.state import ERASED, FINAL, KEY, WITHDRAWN, Delivery, State, now
from agrilake.linking.build import build_linked, linked_is_current
from agrilake.pipeline.arrivals import arrivals
from agrilake.pipeline.context import Lake
from agrilake.pipeline.samples import sample_day
from agrilake.publish import current_publication
from agrilake.tables.history import keeps_states
from agrilake.tables.order import refs
from agrilake.tables.silver import apply_silver
from agrilake.tables.write import TableWrite, give_back_rows

if TYPE_CHECKING:
    from agrilake.contract.model import Dataset
    from agrilake.indicators.arrivals import Arrivals
    from agrilake.suites import SuiteResult

INDICATOR_VALUE = "indicator_value"
CROSS_TABLE = "cross_table"
LINKING = "linking"
REKEYING = "化名密钥正在更换，全部换完后更新"


def today(lake: Lake) -> date:
    """The day that overdue deliveries are counted from: AGRILAKE_TODAY (ISO) where set, in a lake of samples the day
    after the sample's last delivery, else the clock's day in the district."""
    said = os.environ.get("AGRILAKE_TODAY")
    sample = sample_day(lake.home)
    if said:
        return date.fromisoformat(said)
    return sample or datetime.now(ZoneInfo(lake.settings.timezone)).date()


def readable(error: BaseException) -> str:
    """An error as one line for `agrilake status`: the lake's own words, of a foreign error its kind alone, since its
    text may quote a value."""
    return str(error) if isinstance(error, AgrilakeError) else f"{type(error).__name__} (details in the log)"


def delivery_digests(deliveries: list[Delivery]) -> dict[str, str]:
    """What of each delivery a silver table depends on: a change in any of it means applying it again."""
    return {item.id: _digest(item) for item in deliveries}


def _digest(item: Delivery) -> str:
    parts = [item.reference_version, item.contract_version, item.accepted, item.sequence]
    parts += [item.layout] if item.layout else []
    parts += [f"{KEY} {item.key_id}"] if item.key_id else []
    parts += [f"{ERASED} {item.erased}"] if item.erased else []
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]


def silver_is_current(lake: Lake, dataset: str) -> bool:
    """Whether the silver table holds exactly the deliveries that are final, and a register its states: its contract may
    ask for them since it was loaded."""
    final = lake.state.deliveries(dataset, status=("accepted", "partial"))
    declared = lake.registry.get(dataset)
    if final and keeps_states(declared):
        path = lake.home.table("silver", str(declared.history_table))
        if table_version(path) is None:
            return False
    return delivery_digests(final) == lake.state.applied(dataset)


def update_silver(lake: Lake, name: str) -> TableWrite | None:
    """Bring a silver table to the state of its final deliveries; None where it already is there."""
    dataset = lake.registry.get(name)
    if silver_is_current(lake, name):
        return None
    path = lake.home.table("silver", name)
    with table_lock(path):
        final = lake.state.deliveries(name, status=("accepted", "partial"))
        digests = delivery_digests(final)
        applied = lake.state.applied(name)
        unchanged = {key for key, digest in applied.items() if digests.get(key) == digest}
        lost = set(applied) - set(digests)
        tables = [lake.home.table("silver", one) for one in (name, dataset.history_table) if one]
        with commit("silver", path), durable(*tables):
            written = apply_silver(lake.home, dataset, refs(final), None if lost else unchanged)
        lake.state.record_applied(name, digests)
        reach("silver_applied")
    _note_run(lake, f"silver/{name}", written)
    return written


def check_suite(lake: Lake, name: str) -> SuiteResult | None:
    """Validate a silver table at its newest version; None where that version was validated or there is none."""
    from agrilake.suites import validate

    dataset = lake.registry.get(name)
    with table_lock(lake.home.root / "run" / f"suite_{name}"):  # an older version must not be recorded last
        version = table_version(lake.home.table("silver", name))
        known = lake.state.suites().get(name)
        if version is None or (known is not None and known["table_version"] == version):
            return None
        if _all_withdrawn(lake, name):
            lake.state.record_suite(name, version, "pass", [])  # as if the table had never been
            return None
        result = validate(lake.home, dataset, lake.settings, version, spark=lake.spark)
        reach("suite_judged")
        lake.state.record_suite(name, version, result.decision, result.as_rows())
        reach("suite_recorded")
        return result


def _all_withdrawn(lake: Lake, name: str) -> bool:
    """Whether nothing of a dataset counts any longer, and its table is empty."""
    known = {item.status for item in lake.state.deliveries(name)}
    if WITHDRAWN not in known or known & set(FINAL) or lake.state.applied(name):
        return False
    table = scan(lake.home.table("silver", name))
    return table is not None and table.select(pl.len()).collect().item() == 0


def check_cross_table(lake: Lake) -> SuiteResult | None:
    """Run the rules across tables on the newest lake version; None where that version was judged by them."""
    from agrilake.suites import check_rules, load_rules

    newest = lake.state.lake_versions()[-1]
    known = lake.state.suites().get(CROSS_TABLE)
    if known is not None and known["table_version"] == newest.version:
        return None
    result = check_rules(lake.home, load_rules(), newest.tables, newest.version)
    lake.state.record_suite(CROSS_TABLE, newest.version, result.decision, result.as_rows())
    return result


def stopped(lake: Lake) -> dict[str, str]:
    """Datasets whose suite said stop, with the Chinese reason."""
    reasons = {}
    for name, suite in lake.state.suites().items():
        if suite["decision"] == "stop" and name in lake.registry.datasets:
            failed = [item["description"] for item in suite["results"] if not item["success"]]
            reasons[name] = f"《{lake.registry.get(name).title}》质量检查未通过：{'；'.join(failed[:3])}"
    return reasons


def held_tables(lake: Lake) -> dict[str, str]:
    """Gold tables downstream of a stopped dataset, or of one with tokens while these are raised to another key, with
    the reason: they keep their last good version."""
    reasons = {**(rekeyed(lake) if is_rekeying(lake.state) else {}), **stopped(lake)}
    for table in in_order(lake.registry):
        blocked = [reasons[name] for name in table.inputs if name in reasons]
        if blocked:
            reasons[table.id] = blocked[0]
    return {name: reason for name, reason in reasons.items() if name in lake.registry.gold}


def rekeyed(lake: Lake) -> dict[str, str]:
    """Datasets with tokens: under two keys they would join wrongly."""
    return {name: REKEYING for name, dataset in lake.registry.datasets.items() if has_tokens(dataset)}


def is_rekeying(state: State) -> bool:
    """Whether tokens under more than one key may be stored: a rotation was begun, and is not settled yet."""
    keys = list(state.keys().values())
    used = {item.key_id for item in state.deliveries() if item.is_final and item.key_id}
    return bool(keys and (keys[-1]["settled_at"] is None or used - {keys[-1]["id"]})) or len(used) > 1


def unchecked(lake: Lake) -> list[str]:
    """Datasets whose newest silver version no suite has seen: nothing may be built from it yet."""
    seen = {name: suite["table_version"] for name, suite in lake.state.suites().items()}
    versions = {name: table_version(lake.home.table("silver", name)) for name in lake.registry.datasets}
    return [name for name, version in versions.items() if version is not None and seen.get(name) != version]


def stale_gold(lake: Lake) -> list[str]:
    """Gold tables to build, in order: their inputs or their rule changed, or a table that they are made from is built
    again; neither held nor made from what no suite has seen."""
    kept_back = {*held_tables(lake), *unchecked(lake)}
    found: list[str] = []
    for table in in_order(lake.registry):
        if table.id in kept_back or kept_back & set(table.inputs):
            continue
        if not table_is_current(lake, table) or set(found) & set(table.inputs):
            found.append(table.id)
    return found


def update_gold(lake: Lake, name: str) -> TableWrite | None:
    """Build one gold table where its inputs changed; None where it is held, up to date, or made from a silver
    version that no suite has seen."""
    known = [table.id for table in in_order(lake.registry)]
    if name not in known:
        raise UsageError(f"no gold table {name!r} that is built from others; known: {', '.join(known)}")
    if name in held_tables(lake) or set(unchecked(lake)) & set(lake.registry.gold[name].inputs):
        return None
    table, path = lake.registry.gold[name], lake.home.table("gold", name)
    with table_lock(path), commit("gold", path), durable(path):
        give_back_rows(path)
        if table.made_by == LINKING:
            written = build_linked(lake.home, table, lake.registry)
        else:
            written = build_gold(lake.spark(), lake.home, table, lake.registry, lake.settings)
    _note_run(lake, f"gold/{name}", written)
    return written if written.changed else None


def table_is_current(lake: Lake, table: Dataset) -> bool:
    """Whether a gold table was made from its inputs as they stand, by the rule as it stands."""
    if table.made_by == LINKING:
        return linked_is_current(lake.home, table, lake.registry)
    return gold_is_current(lake.home, table, lake.registry, lake.settings)


def update_indicators(lake: Lake) -> TableWrite | None:
    """Compute all indicator values; None where neither an input nor what is due of the deliveries changed."""
    from agrilake.indicators.engine import compute_indicators
    from agrilake.indicators.load import load_indicators

    path = lake.home.table("gold", INDICATOR_VALUE)
    with table_lock(path), commit("indicators", path), durable(path):
        give_back_rows(path)
        written = compute_indicators(
            lake.spark(), lake.home, load_indicators(), lake.registry, lake.settings, dataset_arrivals(lake)
        )
    _note_run(lake, f"gold/{INDICATOR_VALUE}", written)
    return written if written.changed else None


def _note_run(lake: Lake, table: str, written: TableWrite) -> None:
    if written.changed:
        audit.record(lake.home, "ran", table, version=written.version)


def dataset_arrivals(lake: Lake) -> dict[str, Arrivals]:
    """What was delivered of every dataset, what came late and what is due, as the indicators' flags need it."""
    return arrivals(
        lake.registry.datasets.values(),
        lake.state.deliveries(),
        today(lake),
        lake.settings.timezone,
        judge_lateness=sample_day(lake.home) is None,
    )


def building_gold(lake: Lake, publishing: bool = False) -> AbstractContextManager[None]:
    """Held by all who bring gold up to date, together, and by who publishes, alone: what is published is no state in
    the middle of another run's gold."""
    return shared_lock(lake.home.root / "run" / "gold", alone=publishing)


def catalogue(lake: Lake, versions: Mapping[str, int] | None = None) -> dict[str, pa.Table]:
    """The catalogue of resources (agrilake.catalog.catalogue.catalogue_tables) as the lake stands, or stood at Delta
    versions of its tables."""
    from agrilake.catalog.catalogue import catalogue_tables

    return catalogue_tables(lake.registry, lake.state, silver_tables(lake, versions), today(lake))


def catalogue_dcat(lake: Lake, tables: Mapping[str, pa.Table]) -> str:
    """The catalogue's tables as DCAT, pointing to the files of the current publication."""
    from agrilake.catalog.dcat import Edition, dcat_json

    current = current_publication(lake.home)
    edition = Edition(None, now())
    if current is not None:
        edition = Edition(current.version, current.made_at, tuple(current.layers.values()))
    return dcat_json(lake.registry, lake.settings, tables, edition)


def lake_tables(lake: Lake) -> dict[str, int]:
    """Newest Delta version of every silver and gold table: {"silver/x": 3, …}."""
    found: dict[str, int] = {}
    for layer in ("silver", "gold"):
        folder = lake.home.table(layer)
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            version = None if path.name.startswith(".") else table_version(path)
            if version is not None:
                found[f"{layer}/{path.name}"] = version
    return found


def silver_tables(lake: Lake, versions: Mapping[str, int] | None = None) -> dict[str, pl.LazyFrame]:
    """The silver tables that exist, at their newest version or at those given; one of which all was withdrawn is as if
    it did not."""
    names = [name for name in lake.registry.datasets if not _all_withdrawn(lake, name)]
    if versions is not None:
        names = [name for name in names if f"silver/{name}" in versions]
    found = {name: scan(lake.home.table("silver", name), (versions or {}).get(f"silver/{name}")) for name in names}
    return {name: table for name, table in found.items() if table is not None}
