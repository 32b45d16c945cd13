"""The intake without Spark: a lake with its reference tables, and what a run does with the inbox up to silver."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing
from functools import cache
from pathlib import Path

import polars as pl
from deltalake import write_deltalake
from tests.support.samples import SAMPLE, drop

from agrilake.contract.load import load_registry
from agrilake.contract.settings import load_settings
from agrilake.lake.bronze import bronze_rows
from agrilake.lake.files import delivery_rows, scan
from agrilake.lake.locks import table_lock
from agrilake.lake.state import Delivery, State, now
from agrilake.paths import Home
from agrilake.pipeline import arriving, intake
from agrilake.pipeline.context import Lake
from agrilake.pipeline.outcomes import Outcome
from agrilake.tables.order import DeliveryRef, winners
from agrilake.tables.types import silver_fields


def open_lake(root: Path) -> Lake:
    """The lake at `root`, its folders made."""
    home = Home(root, root / "inbox", root / "outbox").prepare()
    return Lake(home, load_registry(), load_settings(), State(home.state_file))


def reference_lake(root: Path) -> Lake:
    """A lake at `root` that has taken the sample's division tables a moment ago and nothing else."""
    shutil.copytree(_reference_home().name, root, dirs_exist_ok=True)
    lake = open_lake(root)
    with closing(sqlite3.connect(lake.home.state_file)) as connection, connection:
        connection.execute("UPDATE delivery SET received_at = ?", [now()])  # the copy may be of an hour ago
    return lake


@cache
def _reference_home() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="agrilake-reference-")
    lake = open_lake(Path(folder.name))
    for name in ("stats_division__2023.csv", "行政区划__2024.xlsx", "区划代码对照__2024.txt"):
        drop(SAMPLE / "inbox" / "stats" / name, lake.home.root)
    take(lake)
    return folder


def take(lake: Lake) -> dict[str, Outcome]:
    """Take what lies in the inbox, as a run does before silver; {inbox path: what became of the file}."""
    return process_all(lake, register_all(lake))


def register_all(lake: Lake) -> dict[str, Outcome]:
    """Register all files of the inbox; those that another run must take are left out."""
    found: dict[str, Outcome] = {}
    for path in arriving.pending_files(lake, settle=False):
        outcome = arriving.register(lake, path)
        if outcome is not None:
            found[path.relative_to(lake.home.inbox).as_posix()] = outcome
    return found


def process_all(lake: Lake, registered: dict[str, Outcome] | None = None) -> dict[str, Outcome]:
    """Process what waits, reference data first; the outcomes of `registered` brought up to date."""
    reference = {dataset.id for dataset in lake.registry.reference()}
    done: dict[str, Outcome] = {}
    for turn in (True, False):
        for item in intake.stale_deliveries(lake):
            if (item.dataset in reference) is turn:
                done[item.id] = intake.process(lake, item)
        if turn:
            write_reference(lake)
    return {
        path: outcome if outcome.repeat_of else done.get(outcome.delivery.id, outcome)
        for path, outcome in (registered or {}).items()
    }


def write_reference(lake: Lake) -> None:
    """silver/stats_division and its crosswalk from their accepted rows, as the silver step would have them."""
    for dataset in lake.registry.reference():
        accepted = scan(lake.home.table("accepted", dataset.id))
        if accepted is None:
            continue
        final = [item for item in lake.state.deliveries(dataset.id) if item.is_final]
        refs = [DeliveryRef(one.id, one.period, one.kind, one.revision, one.sequence, one.mends) for one in final]
        order = {delivery: place for place, delivery in enumerate(winners(dataset.load, refs))}
        rows = accepted.filter(pl.col("_delivery_id").is_in(list(order))).collect()
        newest = rows.sort(pl.col("_delivery_id").replace_strict(order, return_dtype=pl.Int64), "_line")
        state = newest.unique(["_period", *dataset.key], keep="last", maintain_order=True)
        table = state.select(list(silver_fields(dataset))).to_arrow()
        path = lake.home.table("silver", dataset.id)
        with table_lock(path):
            write_deltalake(path, table, mode="overwrite")


def findings(lake: Lake, delivery: Delivery) -> pl.DataFrame:
    """The quarantine's rows of a delivery."""
    table = scan(lake.home.table("quarantine"))
    assert table is not None
    return table.filter(pl.col("delivery_id") == delivery.id).sort("line", "column").collect()


def rows_of(lake: Lake, layer: str, delivery: Delivery) -> pl.DataFrame:
    """The rows of a delivery in bronze or accepted, in file order."""
    if layer == "bronze":
        rows = bronze_rows(lake.home, delivery.dataset, delivery.id)
    else:
        rows = delivery_rows(lake.home.table(layer, delivery.dataset), delivery.id)
    assert rows is not None
    return rows.sort("_line")


def everything_written(lake: Lake, folders: Iterable[str] = ("outbox", "state", "quarantine")) -> bytes:
    """All bytes of those folders' files, Parquet as JSON, to look for what must not be there."""
    parts: list[bytes] = []
    for folder in folders:
        for path in sorted((lake.home.root / folder).rglob("*")):
            if path.suffix == ".parquet":
                parts.append(pl.read_parquet(path, hive_partitioning=False).write_ndjson().encode())
            elif path.is_file():
                parts += [path.read_bytes(), path.name.encode("utf-8", "surrogateescape")]
    return b"\n".join(parts)
