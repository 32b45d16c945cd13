"""What the tables hold: every kept version with its files, silver as the sum of its deliveries, gold with its lines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlparse

import polars as pl
import pyarrow.parquet as pq
from deltalake import DeltaTable

from agrilake.contract.model import Dataset, Load
from agrilake.lake.files import DELIVERY, scan
from agrilake.pipeline import steps
from agrilake.recovery.logs import LOG, DataFile, Log
from agrilake.recovery.looking import FROM_BACKUP, Found, Looking
from agrilake.recovery.settled import is_settled
from agrilake.tables.history import keeps_states, states, validity
from agrilake.tables.order import refs, winners
from agrilake.tables.small import current_state

LINES_READ = 1_000_000
"""Up to so many rows of a gold table each line is looked for, in larger ones each delivery (with `deep` each line)."""
NOT_VACUUMED = "never run VACUUM by hand"
SOURCE = ("source_dataset", "delivery_id", "sheet", "line")


def check_logs(looking: Looking, found: Found) -> None:
    """No commit is missing, and each file that a kept version needs is there, as long as the log says; with `deep` its
    footer can be read and has the log's rows."""
    home = looking.lake.home
    for name, log in looking.logs.items():
        for version in log.missing:
            found.add(f"commit {version} is missing", f"{name}/{LOG}/{version:020d}.json", FROM_BACKUP)
        for broken, why in log.unreadable.items():
            found.add(f"a log file cannot be read ({why})", f"{name}/{LOG}/{broken}", FROM_BACKUP)
    if not all(log.is_whole for log in looking.logs.values()):
        return  # by a broken log nobody can tell which versions must be kept
    for name, log in looking.logs.items():
        path = home.table(*name.split("/"))
        kept = {log.newest, *looking.pins.get(name, [])}
        for version in sorted(kept):
            if not log.first <= version <= log.newest:
                found.add(f"version {version} is kept, but the log has {log.first} to {log.newest}", name, FROM_BACKUP)
        for file in log.needed(kept):
            found.looked += 1
            _check_file(path, name, file, looking.deep, found)
        _check_opens(path, name, log, found)
    for name in sorted(looking.pins.keys() - looking.logs.keys()):
        found.add("a kept version's table is gone", name, FROM_BACKUP)


def _check_file(path: Path, name: str, file: DataFile, deep: bool, found: Found) -> None:
    whole, where = path / file.path, f"{name}/{file.path}"
    if not whole.is_file():
        found.add("a file that a kept version needs is missing", where, f"{FROM_BACKUP}; {NOT_VACUUMED}")
    elif whole.stat().st_size != file.bytes:
        found.add(f"{whole.stat().st_size} bytes, but the log says {file.bytes}", where, FROM_BACKUP)
    elif deep:
        try:
            rows = pq.read_table(whole, partitioning=None).num_rows
        except (OSError, ValueError) as error:  # pyarrow's errors are both
            found.add(f"the file cannot be read ({type(error).__name__})", where, FROM_BACKUP)
        else:
            if file.rows is not None and rows != file.rows:
                found.add(f"{rows} rows, but the log says {file.rows}", where, FROM_BACKUP)


def _check_opens(path: Path, name: str, log: Log, found: Found) -> None:
    """Readers make of the log what was read here."""
    try:
        table = DeltaTable(str(path))
        listed = {unquote(urlparse(uri).path) for uri in table.file_uris()}
    except Exception as error:  # whatever the library says
        found.add(f"the table cannot be opened ({type(error).__name__})", name, FROM_BACKUP)
        return
    expected = {str(path / file.path) for file in log.needed([log.newest])}
    if table.version() == log.newest and listed != expected:
        found.add("a checkpoint lists other files than the commits", f"{name}/{LOG}", "delete the table's checkpoints")


def check_silver(looking: Looking, found: Found) -> None:
    """Each silver table, and the history of a register, is what its accepted deliveries add up to."""
    for name, dataset in looking.lake.registry.datasets.items():
        if not steps.silver_is_current(looking.lake, name) or f"silver/{name}" not in looking.logs:
            continue  # a run is due, which `agrilake status` says
        found.looked += 1
        try:
            problem = _silver_problem(looking, dataset)
        except (OSError, pl.exceptions.PolarsError) as error:  # a broken table is told of by check_logs
            problem = f"the table cannot be read ({type(error).__name__})"
        if problem:
            remedy = f"have it made again: the DAG backfill with dataset {name} and period *"
            found.add(problem, f"silver/{name}", remedy)


def _silver_problem(looking: Looking, dataset: Dataset) -> str:
    home = looking.lake.home
    accepted, stored = (scan(home.table(layer, dataset.id)) for layer in ("accepted", "silver"))
    deliveries = [item for item in looking.deliveries.values() if item.dataset == dataset.id]
    counting = winners(dataset.load, refs(deliveries))
    if stored is None:
        return ""
    if dataset.large and not looking.deep:
        return _counts_differ(dataset, accepted, stored, counting)
    problem = _differ(current_state(accepted, dataset, counting), stored.collect())
    if problem or not dataset.history_table:
        return problem
    history = scan(home.table("silver", dataset.history_table))
    if history is None:
        return f"its history silver/{dataset.history_table} is missing"
    expected = (
        states(current_state(accepted, dataset, counting, by_period=True), dataset)
        if keeps_states(dataset)
        else validity(stored.collect(), dataset)
    )
    problem = _differ(expected, history.collect())
    return f"its history: {problem}" if problem else ""


def _differ(expected: pl.DataFrame, stored: pl.DataFrame) -> str:
    """What a table holds otherwise than expected, in the columns that both have: a contract may be newer."""
    both = [name for name in stored.columns if name in expected.columns]
    left = expected.select(pl.col(name).cast(stored.schema[name], strict=False) for name in both)
    right = stored.select(both)
    if left.height != right.height:
        return f"{right.height} rows, but its deliveries add up to {left.height}"
    other = left.join(right, on=both, how="anti", nulls_equal=True).height
    return f"{other} of {left.height} rows are not what its deliveries add up to" if other else ""


def _counts_differ(dataset: Dataset, accepted: pl.LazyFrame | None, stored: pl.LazyFrame, counting: list[str]) -> str:
    """Of a large table only the keys: as many rows as the counting deliveries have, and of these alone."""
    key = [*(("_period",) if dataset.load is Load.SNAPSHOT else ()), *dataset.key]
    rows = stored.group_by(DELIVERY).len().collect()
    foreign = set(rows[DELIVERY]) - set(counting)
    if foreign:
        return f"rows of {len(foreign)} deliveries that do not count, among them {min(foreign)[:8]}"
    expected = 0
    if accepted is not None:
        keys = accepted.filter(pl.col(DELIVERY).is_in(counting)).select(key).unique()
        expected = int(keys.select(pl.len()).collect(engine="streaming").item())
    held = int(rows["len"].sum())
    return f"{held} rows, but its deliveries have {expected} keys" if held != expected else ""


def check_gold(looking: Looking, found: Found) -> None:
    """Each gold row that names its line leads to an accepted one of a delivery that exists and counts: this as soon as
    what the table was made from stands still, whatever goes on elsewhere in the lake."""
    for name, log in looking.logs.items():
        layer, _, table = name.partition("/")
        gold = scan(looking.lake.home.table("gold", table)) if layer == "gold" else None
        if gold is None or not set(SOURCE) <= set(gold.collect_schema()):
            continue
        found.looked += 1
        rows = sum(file.rows or 0 for file in log.needed([log.newest]))
        by_line = looking.deep or rows <= LINES_READ
        try:
            _check_lines(looking, name, gold.select(SOURCE if by_line else SOURCE[:2]).unique().collect(), found)
        except (OSError, pl.exceptions.PolarsError) as error:  # a broken table is told of by check_logs
            found.add(f"the table cannot be read ({type(error).__name__})", name, FROM_BACKUP)


def _check_lines(looking: Looking, name: str, rows: pl.DataFrame, found: Found) -> None:
    known = looking.deliveries
    lost = rows.filter(pl.col("delivery_id").is_null()).height
    if lost:
        found.add(f"{lost} rows name no delivery", name, FROM_BACKUP)
    ids = rows["delivery_id"].drop_nulls().unique()
    unknown = [one for one in ids if one not in known]
    if unknown:
        found.add(f"rows of {len(unknown)} deliveries that the registry does not know", name, FROM_BACKUP)
    idle = [one for one in ids if one in known and not known[one].is_final]
    settled = is_settled(looking.lake, name.partition("/")[2], looking.moving)
    if idle and settled:
        said = (
            f"rows of {len(idle)} deliveries that do not count, among them {min(idle)[:8]} ({known[min(idle)].status})"
        )
        found.add(said, name, FROM_BACKUP)
    if "line" not in rows.columns or not settled:
        return
    final = rows.filter(pl.col("delivery_id").is_in([one for one in ids if one in known and known[one].is_final]))
    for (dataset,), part in final.group_by("source_dataset"):
        missing = _without_line(looking, str(dataset), part)
        if missing:
            found.add(f"{missing} rows lead to no accepted line of {dataset}", name, FROM_BACKUP)


def _without_line(looking: Looking, dataset: str, rows: pl.DataFrame) -> int:
    accepted = scan(looking.lake.home.table("accepted", dataset))
    if accepted is None:
        return rows.height
    names: Mapping[str, str] = {"delivery_id": DELIVERY, "sheet": "_sheet", "line": "_line"}
    places = accepted.select(pl.col(stored).alias(name) for name, stored in names.items()).collect()
    return rows.join(places, on=list(names), how="anti", nulls_equal=True).height
