"""Silver tables: the state that a dataset's deliveries add up to.

The result depends on the set of deliveries alone, never on the order of the runs that applied them: whatever
a delivery touched is computed again from the accepted rows.

One kind of writer owns each table. What the contract calls `large` is Spark's, which replaces periods and merges
keys (`large`); everything else is a few thousand rows, which delta-rs writes whole in a fraction of the time that a
Spark statement takes to plan (`small`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

import polars as pl

from agrilake.contract.model import Dataset
from agrilake.lake.files import scan, table_version
from agrilake.lake.locks import table_lock
from agrilake.paths import Home
from agrilake.tables import large, small
from agrilake.tables.history import keeps_states, states, validity
from agrilake.tables.order import DeliveryRef, winners
from agrilake.tables.write import TableWrite, create_table, require_fit

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession


def apply_silver(
    spark: Callable[[], SparkSession],
    home: Home,
    dataset: Dataset,
    deliveries: Sequence[DeliveryRef],
    applied: Collection[str] | None,
) -> TableWrite:
    """Bring silver/<dataset> to the state of `deliveries`.

    `applied` are deliveries that the table holds as they are now; with None (where one of those is gone) or a changed
    contract of a higher version all of it is built again. Raises ConsistencyError where the stored table no longer
    fits the contract and the version was not raised. `spark` is asked for a session where the dataset is large.
    """
    path = home.table("silver", dataset.id)
    before = table_version(path)
    require_fit(path, dataset)
    create_table(path, dataset)
    if dataset.large:
        known = None if before is None else applied
        large.apply(spark(), home.table("accepted", dataset.id), path, dataset, deliveries, known)
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
