"""The publication: one version of everything, though others load silver and build gold meanwhile."""

from __future__ import annotations

from collections import defaultdict

from agrilake.contract.order import in_order
from agrilake.lake.erasures import oldest_versions
from agrilake.lake.failpoints import reach
from agrilake.lake.files import table_version
from agrilake.lake.locks import table_lock
from agrilake.pipeline import steps
from agrilake.pipeline.context import Lake
from agrilake.publish import FORMAT, Publication, current_publication, publish
from agrilake.tables.inputs import located
from agrilake.tables.write import commit_note


def update_publication(lake: Lake) -> Publication:
    """Record the lake's version and publish it, once nobody is at work on gold; the same lake is the same
    publication."""
    from agrilake.indicators.load import load_indicators
    from agrilake.layers.load import load_layers
    from agrilake.suites.cross import lines_at

    # what was seen earlier must not be published later
    with table_lock(lake.home.root / "run" / "publish"), steps.building_gold(lake, publishing=True):
        # a version of mixed tokens would join wrongly
        if not steps.is_rekeying(lake.state) or not lake.state.lake_versions():
            _settle(lake)
            lake.state.record_lake_version(tables_at_once(lake))
        reach("version_recorded")
        steps.check_cross_table(lake)
        return publish(
            lake.home,
            lake.registry,
            lake.settings,
            lake.state,
            held=steps.held_tables(lake),
            indicators=load_indicators(),
            catalogue=steps.catalogue(lake, lake.state.lake_versions()[-1].tables),
            layers=load_layers(),
            cross_lines=lines_at(lake.home),
        )


def publication_is_current(lake: Lake) -> bool:
    """Whether what is published is the lake as it stands, in today's format, and nothing is left to build."""
    current = current_publication(lake.home)
    versions = lake.state.lake_versions()
    if current is None or current.format != FORMAT or not versions or versions[-1].tables != tables_at_once(lake):
        return False
    held = steps.held_tables(lake)
    built = [table for table in in_order(lake.registry) if table.id not in held]
    gold_current = all(steps.table_is_current(lake, table) for table in built)
    return gold_current and current.lake_version == versions[-1].version


def tables_at_once(lake: Lake) -> dict[str, int]:
    """Delta versions of all silver and gold tables that belong together, {"silver/x": 3, …}: of gold the newest, of
    silver those that gold was made from. What was loaded since is not among them, its gold is yet to be built; what an
    erasure has taken away is not either."""
    tables, oldest = steps.lake_tables(lake), oldest_versions(lake.home)
    used = {name: max(versions) for name, versions in _made_from(lake).items() if name in tables}
    return tables | {name: version for name, version in used.items() if version >= oldest.get(name, 0)}


def _settle(lake: Lake) -> None:
    """Where silver was loaded while gold was built from it, tables beside one another are of different versions: those
    that are behind are built again. One that cannot be built stays as it is, and has its line in the status."""
    if all(len(versions) == 1 for versions in _made_from(lake).values()) and not _indicators_behind(lake):
        return
    for name in steps.stale_gold(lake):
        try:
            steps.update_gold(lake, name)
        except Exception as error:  # one bad table must not keep the others from being published
            lake.state.record_failure("gold", name, steps.readable(error))
    steps.update_indicators(lake)


def _made_from(lake: Lake) -> dict[str, set[int]]:
    """Versions of silver that gold tables name, those left out that keep their last good version."""
    found: dict[str, set[int]] = defaultdict(set)
    held = steps.held_tables(lake)
    for table in in_order(lake.registry):
        for name, version in commit_note(lake.home.table("gold", table.id)).get("inputs", {}).items():
            place = located(name, lake.registry)
            if table.id not in held and version is not None and place.startswith("silver/"):
                found[place].add(version)
    return found


def _indicators_behind(lake: Lake) -> bool:
    """Whether a gold table that the indicators were computed from is newer."""
    inputs = commit_note(lake.home.table("gold", steps.INDICATOR_VALUE)).get("inputs", {})
    return any(table_version(lake.home.table("gold", name)) != version for name, version in inputs.items())
