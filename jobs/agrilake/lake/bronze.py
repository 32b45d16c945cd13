"""Bronze: the text of every delivery's records, plain in `bronze/<dataset>` or encrypted in `bronze/<dataset>.sealed`.

An encrypted delivery is a few rows of a Delta table: blocks of records (Parquet) under AES-SIV, each bound to its place
in the delivery, with the id of the key beside it. No statistics of a value are kept.
"""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
from deltalake import DeltaTable

from agrilake.errors import ConsistencyError
from agrilake.intake.keys import KeyRing
from agrilake.intake.sealed import open_rows, seal_rows
from agrilake.lake.files import DELIVERY, delivery_rows, replace_delivery, scan
from agrilake.paths import Home

ROWS_PER_BLOCK = 100_000
BLOCKS = {
    DELIVERY: pl.String,
    "_block": pl.Int32,
    "_blocks": pl.Int32,
    "_rows": pl.Int64,
    "_key": pl.String,
    "_sealed": pl.Binary,
}
"""Columns of an encrypted table."""


def plain_table(home: Home, dataset: str) -> Path:
    """Where a dataset's text lies as it came."""
    return home.table("bronze", dataset)


def sealed_table(home: Home, dataset: str) -> Path:
    """Where a dataset's text lies encrypted."""
    return home.table("bronze", f"{dataset}.sealed")


def write_bronze(home: Home, dataset: str, frame: pl.DataFrame, delivery_id: str, ring: KeyRing | None) -> None:
    """Make the delivery's rows exactly `frame` (which carries the id), encrypted by the newest key of `ring`, or plain
    without one; they then stand in one of the two tables."""
    plain, sealed = plain_table(home, dataset), sealed_table(home, dataset)
    if ring is None:
        replace_delivery(plain, frame, delivery_id)
        _remove(sealed, delivery_id)
    else:
        replace_delivery(sealed, _blocks(frame, dataset, delivery_id, ring), delivery_id)
        _remove(plain, delivery_id)


def bronze_rows(home: Home, dataset: str, delivery_id: str, ring: KeyRing | None = None) -> pl.DataFrame | None:
    """The rows of one delivery, decrypted by `ring` (default: the key file) where they are encrypted; None where the
    dataset has no bronze yet. Raises SecretError without the key, ConsistencyError where blocks were changed or lost.
    """
    blocks = delivery_rows(sealed_table(home, dataset), delivery_id)
    if blocks is None or blocks.is_empty():
        rows = delivery_rows(plain_table(home, dataset), delivery_id)
        return rows if rows is not None or blocks is None else pl.DataFrame(schema={DELIVERY: pl.String})
    keys = ring or KeyRing.from_environment(home)
    found = blocks.sort("_block").to_dicts()
    if [block["_block"] for block in found] != list(range(found[0]["_blocks"])):
        raise ConsistencyError(f"bronze/{dataset}: blocks of delivery {delivery_id} are missing; restore a backup")
    parts = []
    for block in found:
        place = _place(dataset, delivery_id, block["_block"], block["_blocks"])
        parts.append(pl.read_parquet(open_rows(block["_sealed"], keys.key(block["_key"]), place)))
    return pl.concat(parts)


def sealed_with(home: Home, dataset: str) -> dict[str, str]:
    """Encrypted deliveries of a dataset, each with the id of its key."""
    table = scan(sealed_table(home, dataset))
    return {} if table is None else dict(table.select(DELIVERY, "_key").unique().collect().rows())


def sealed_rows(home: Home, dataset: str) -> dict[str, int]:
    """Encrypted deliveries of a dataset, each with its number of rows; no key is needed."""
    table = scan(sealed_table(home, dataset))
    if table is None:
        return {}
    return dict(table.group_by(DELIVERY).agg(pl.col("_rows").sum()).collect().rows())


def _blocks(frame: pl.DataFrame, dataset: str, delivery_id: str, ring: KeyRing) -> pl.DataFrame:
    parts = list(frame.iter_slices(ROWS_PER_BLOCK)) or [frame]
    rows = []
    for number, part in enumerate(parts):
        data = io.BytesIO()
        part.write_parquet(data, statistics=False)
        place = _place(dataset, delivery_id, number, len(parts))
        sealed = seal_rows(data.getvalue(), ring.current, place)
        rows.append((delivery_id, number, len(parts), part.height, ring.current.id, sealed))
    return pl.DataFrame(rows, schema=BLOCKS, orient="row")


def _place(dataset: str, delivery_id: str, block: int, blocks: int) -> str:
    return f"bronze/{dataset} {delivery_id} {block + 1}/{blocks}"


def _remove(path: Path, delivery_id: str) -> None:
    rows = delivery_rows(path, delivery_id) if DeltaTable.is_deltatable(str(path)) else None
    if rows is not None and not rows.is_empty():
        replace_delivery(path, rows.clear(), delivery_id)
