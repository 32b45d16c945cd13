"""Silver tables of many rows: Polars computes the periods or keys that new deliveries touch, file by file, no JVM."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from deltalake.transaction import AddAction

from agrilake.contract.model import Dataset, Load
from agrilake.lake.files import DELIVERY, scan
from agrilake.tables.datafiles import PERIOD, DataFile, exchange, files_of, replace_all, rows_of, write_period
from agrilake.tables.newest import as_silver, newest, repeated_keys, row_key, silver_types
from agrilake.tables.order import DeliveryRef, winners
from agrilake.tables.write import must_rebuild, rebuilt


def apply(
    source: Path, path: Path, dataset: Dataset, deliveries: Sequence[DeliveryRef], applied: Collection[str] | None
) -> None:
    """Bring the table at `path` to the state of `deliveries`, whose accepted rows stand at `source`; with `applied`
    None all of it is built. Raises ConsistencyError where rows violate the table's NOT NULLs or CHECK."""
    if must_rebuild(path, dataset):
        with rebuilt(path, dataset):
            replace_all(path, dataset, _state(source, path, dataset, deliveries, prove=False))
    elif applied is None:
        replace_all(path, dataset, _state(source, path, dataset, deliveries))
    else:
        touched = [item for item in deliveries if item.id not in applied]
        if dataset.load is Load.SNAPSHOT:
            _replace_periods(source, path, dataset, deliveries, {item.period for item in touched})
        else:
            _merge_keys(source, path, dataset, deliveries, {item.id for item in touched})


def _replace_periods(
    source: Path, path: Path, dataset: Dataset, deliveries: Sequence[DeliveryRef], periods: Collection[str]
) -> None:
    gone = [file for file in files_of(path) if file.period in periods]
    added = _state(source, path, dataset, [item for item in deliveries if item.period in periods])
    if gone or added:
        exchange(path, gone, added)


def _state(
    source: Path, path: Path, dataset: Dataset, deliveries: Sequence[DeliveryRef], prove: bool = True
) -> list[AddAction]:
    """Files of the state that the deliveries add up to, written period by period, so that memory holds one of them.

    Of keys that stand in one row alone the row is the newest; the others are found by a hash first and then decided
    by their values.
    """
    accepted = scan(source)
    counting = winners(dataset.load, deliveries)
    if accepted is None or not counting:
        return []
    key = row_key(dataset)
    rows = as_silver(accepted.filter(pl.col(DELIVERY).is_in(counting)), dataset)
    repeated = repeated_keys(rows, key)
    again = pl.struct(key).hash().is_in(repeated.implode())
    decided = newest(rows.filter(again).collect(), key, counting) if len(repeated) else None
    added = []
    of_period: dict[str, list[str]] = {}
    for item in deliveries:
        if item.id in counting:
            of_period.setdefault(item.period, []).append(item.id)
    for period, ids in sorted(of_period.items()):
        part = rows.filter(pl.col(DELIVERY).is_in(ids))
        found = part.collect() if decided is None else part.filter(~again).collect()
        if decided is not None:
            found = pl.concat([found, decided.filter(pl.col(PERIOD) == period)])
        added += write_period(path, dataset, period, found, prove)
    return added


def _merge_keys(
    source: Path, path: Path, dataset: Dataset, deliveries: Sequence[DeliveryRef], touched: Collection[str]
) -> None:
    """Compute the keys anew that a touched delivery brings, or that rows no longer counting have left behind.

    Only what that may concern is read and written: of silver the files whose statistics admit the keys, of the accepted
    rows the touched deliveries (all of them only where a row fell away, since it may have hidden others), and in the
    table the files that hold a row which changes. Where none does there is no commit.
    """
    accepted = scan(source)
    if accepted is None:
        return
    key, counting = row_key(dataset), winners(dataset.load, deliveries)
    files = files_of(path)
    stale = _stale(path, dataset, files, deliveries, counting, touched)
    fresh = [name for name in counting if name in touched]
    brought = as_silver(accepted.filter(pl.col(DELIVERY).is_in(fresh)), dataset).collect()
    keys = pl.concat([brought.select(key), stale])
    if keys.is_empty():
        return
    known = _known(path, dataset, files, keys)
    if stale.is_empty():
        candidates = pl.concat([brought, *known.values()])
    else:
        everything = as_silver(accepted.filter(pl.col(DELIVERY).is_in(counting)), dataset)
        candidates = everything.join(keys.unique().lazy(), on=key, how="semi", nulls_equal=True).collect()
    changes = _changes(newest(candidates, key, counting), known, key)
    if changes.new.is_empty() and changes.keys.is_empty():
        return
    gone = [file for file, rows in known.items() if _meeting(rows, changes.keys, key)]
    exchange(path, gone, _rewritten(path, dataset, gone, changes))


@dataclass(frozen=True)
class _Changes:
    """Rows that the table does not hold as they are now, and the keys of all rows that it must not hold any longer."""

    new: pl.DataFrame
    keys: pl.DataFrame


def _stale(
    path: Path,
    dataset: Dataset,
    files: Sequence[DataFile],
    deliveries: Sequence[DeliveryRef],
    counting: Sequence[str],
    touched: Collection[str],
) -> pl.DataFrame:
    """Keys of the rows that deliveries left which no longer count, or which are applied again; a delivery's rows lie in
    its period."""
    suspect = [item for item in deliveries if item.id in touched or item.id not in counting]
    ids = pl.Series(sorted(item.id for item in suspect), dtype=pl.String)
    periods = {item.period for item in suspect}
    key = row_key(dataset)
    types = {name: kind for name, kind in silver_types(dataset).items() if name in (*key, DELIVERY)}
    parts = [
        rows_of(path, file, types).filter(pl.col(DELIVERY).is_in(ids.implode())).select(key).collect()
        for file in files
        if file.period in periods and file.may_hold(DELIVERY, ids)
    ]
    return pl.concat([pl.DataFrame(schema={name: types[name] for name in key}), *parts])


def _known(path: Path, dataset: Dataset, files: Sequence[DataFile], keys: pl.DataFrame) -> dict[DataFile, pl.DataFrame]:
    """Of each file that holds any of the keys the rows with them."""
    key, types = keys.columns, silver_types(dataset)
    ends = {name: (keys[name].min(), keys[name].max()) for name in key if name != PERIOD}
    near = [file for file in files if all(file.overlaps(name, *bounds) for name, bounds in ends.items())]
    found: dict[DataFile, pl.DataFrame] = {}
    if not near:
        return found
    unique = keys.unique()
    values = {name: unique[name].drop_nulls().unique().sort() for name in ends}
    for file in near:
        if all(file.may_hold(name, known) for name, known in values.items()):
            rows = rows_of(path, file, types).join(unique.lazy(), on=key, how="semi", nulls_equal=True).collect()
            if rows.height:
                found[file] = rows
    return found


def _changes(state: pl.DataFrame, known: Mapping[DataFile, pl.DataFrame], key: Sequence[str]) -> _Changes:
    if not known:
        return _Changes(state, state.select(key).clear())
    held = pl.concat(known.values())
    new = state.join(held, on=state.columns, how="anti", nulls_equal=True)
    gone = held.join(state, on=held.columns, how="anti", nulls_equal=True).select(key)
    return _Changes(new, gone)


def _meeting(rows: pl.DataFrame, keys: pl.DataFrame, key: Sequence[str]) -> bool:
    return not rows.join(keys, on=key, how="semi", nulls_equal=True).is_empty()


def _rewritten(path: Path, dataset: Dataset, gone: Sequence[DataFile], changes: _Changes) -> list[AddAction]:
    """Files in place of those that are gone, with the new rows among the others of their period."""
    key, types = changes.keys.columns, silver_types(dataset)
    added = []
    for period in sorted({file.period for file in gone} | set(changes.new[PERIOD].unique())):
        parts = [changes.new.filter(pl.col(PERIOD) == period)]
        for file in gone:
            if file.period == period:
                rows = rows_of(path, file, types)
                parts.append(rows.join(changes.keys.lazy(), on=key, how="anti", nulls_equal=True).collect())
        added += write_period(path, dataset, period, pl.concat(parts))
    return added
