"""What stays of a landed file in which somebody was erased: its table as it was read, without that person.

It takes the place of the file, for one delivery, as `<SHA-256 of the file that came>.<delivery>.<SHA-256 of this one>`,
encrypted where the settings say so. A Parquet file of the records as text; what a reader learned besides (headers,
places of lines that are no records, encoding) stands in its metadata. So every format can be rewritten, every line
keeps its number, and nothing that was no cell (notes, comments, properties of a workbook) stays.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import asdict, fields
from hashlib import sha256 as sha256_hash
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from agrilake.intake.keys import KeyRing
from agrilake.intake.landing import SEALED, keep_bytes, opened_file
from agrilake.intake.raw import BrokenRecord, RawTable, SetAside
from agrilake.paths import Home

METADATA = b"agrilake"


def kept_file(home: Home, sha256: str, delivery_id: str) -> Path | None:
    """The file that took the place of the one that came, for that delivery; None where nobody was erased in it."""
    found = sorted((home.landing / sha256[:2]).glob(f"{sha256}.{delivery_id}.*"), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else None


def kept_files(home: Home, sha256: str) -> list[Path]:
    """All that took the place of a file, of any delivery."""
    return [path for path in sorted((home.landing / sha256[:2]).glob(f"{sha256}.*.*")) if _parts(path) is not None]


def kept_sum(path: Path) -> str:
    """SHA-256 that the plain bytes of such a file have."""
    return (_parts(path) or ["", ""])[1]


def _parts(path: Path) -> list[str] | None:
    """Delivery and sum from its name; None where it is no such name."""
    parts = path.name.removesuffix(SEALED).split(".")[1:3]
    return parts if len(parts) == len(("delivery", "sum")) else None


def keep(home: Home, sha256: str, delivery_id: str, raw: RawTable, ring: KeyRing | None) -> Path:
    """Write what is left of a delivery's file; an older one of the same delivery goes."""
    about = json.dumps(_about(raw), ensure_ascii=False).encode()
    table = raw.frame.to_arrow().replace_schema_metadata({METADATA: about})
    data = io.BytesIO()
    pq.write_table(table, data, compression="zstd", write_statistics=False)
    content = data.getvalue()
    before = list((home.landing / sha256[:2]).glob(f"{sha256}.{delivery_id}.*"))
    path = keep_bytes(home, io.BytesIO(content), f"{sha256}.{delivery_id}.{sha256_hash(content).hexdigest()}", ring)
    for older in before:
        if older != path:
            older.unlink()
    return path


def read_kept(home: Home, path: Path, ring: Callable[[], KeyRing]) -> RawTable:
    """The table of such a file. Raises ConsistencyError where its bytes have changed, SecretError without its key."""
    with opened_file(home, path, kept_sum(path), ring) as plain:
        table = pq.read_table(plain)
    return _raw(pl.DataFrame(pl.from_arrow(table)), json.loads(table.schema.metadata[METADATA]))


def _about(raw: RawTable) -> dict[str, Any]:
    return {item.name: _plain(raw, item.name) for item in fields(raw) if item.name != "frame"}


def _plain(raw: RawTable, name: str) -> Any:
    value = getattr(raw, name)
    return [asdict(item) for item in value] if name in ("set_aside", "broken") else value


def _raw(frame: pl.DataFrame, about: dict[str, Any]) -> RawTable:
    listed: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in about.items()}
    made = {
        "set_aside": tuple(SetAside(**item) for item in about["set_aside"]),
        "broken": tuple(BrokenRecord(**item) for item in about["broken"]),
        "erased": tuple((sheet, line) for sheet, line in about["erased"]),
    }
    return RawTable(frame=frame, **{**listed, **made})
