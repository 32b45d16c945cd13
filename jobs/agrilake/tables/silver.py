"""Silver tables: the state that a dataset's deliveries add up to.

The result depends on the set of deliveries alone, never on the order of the runs that applied them: whatever
a delivery touched is computed again from the accepted rows.

What the contract calls `large` is written file by file, by the periods and keys that changed (`large`); everything else
is a few thousand rows, which are written whole (`small`). Neither needs Spark.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

from agrilake.contract.model import Dataset
from agrilake.lake.files import scan, table_version
from agrilake.lake.locks import table_lock
from agrilake.paths import Home
from agrilake.tables import large, small
from agrilake.tables.history import keeps_states, states, validity
from agrilake.tables.order import DeliveryRef, winners
from agrilake.tables.write import TableWrite, create_table, require_fit


def apply_silver(
    home: Home, dataset: Dataset, deliveries: Sequence[DeliveryRef], applied: Collection[str] | None
) -> TableWrite:
    """Bring silver/<dataset> to the state of `deliveries`.

    `applied` are deliveries that the table holds as they are now; with None (where one of those is gone) or a changed
    contract of a higher version all of it is built again. Raises ConsistencyError where the stored table no longer
    fits the contract and the version was not raised, or rows violate what the table requires.
    """
    path = home.table("silver", dataset.id)
    before = table_version(path)
    require_fit(path, dataset)
    create_table(path, dataset)
    if dataset.large:
        known = None if before is None else applied
        large.apply(home.table("accepted", dataset.id), path, dataset, deliveries, known)
    else:
        small.apply(home.table("accepted", dataset.id), path, dataset, winners(dataset.load, deliveries))
    if dataset.history_table:
        _write_history(home, dataset, deliveries)
    after = table_version(path) or 0
    return TableWrite(dataset.id, after, before != after)


def _write_history(home: Home, dataset: Dataset, deliveries: Sequence[DeliveryRef]) -> None:
    if keeps_states(dataset):
        counting = winners(dataset.load, deliveries)
        accepted = scan(home.table("accepted", dataset.id))
        rows = states(small.current_state(accepted, dataset, counting, by_period=True), dataset)
    else:
        rows = validity(pl.read_delta(str(home.table("silver", dataset.id))), dataset)
    path = home.table("silver", str(dataset.history_table))
    with table_lock(path):  # maintenance knows it as a table of its own
        small.replace(rows, path, [*dataset.key, "valid_from"])
