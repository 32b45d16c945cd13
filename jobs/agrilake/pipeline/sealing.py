"""Encryption of what lies there plain, or under an older key: landing and bronze of personal datasets.

Each file and each delivery is encrypted beside the plain one, which goes when the new one is on disk; so a kill leaves
both, and the next call ends the work. A plain bronze table goes as a whole, with its log, whose statistics hold values.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from deltalake import DeltaTable

from agrilake.errors import UsageError
from agrilake.intake.kept import keep, kept_file, read_kept
from agrilake.intake.keys import KeyRing
from agrilake.intake.landing import seal_landed, sealed_by
from agrilake.lake import audit
from agrilake.lake.bronze import bronze_rows, plain_table, sealed_table, sealed_with, write_bronze
from agrilake.lake.failpoints import reach
from agrilake.lake.files import DELIVERY, scan
from agrilake.lake.locks import table_lock
from agrilake.lake.state import Delivery
from agrilake.pipeline.context import Lake


@dataclass(frozen=True)
class Sealed:
    """What was encrypted: files of landing, deliveries of bronze, and plain bronze tables that were removed."""

    files: int
    deliveries: int
    tables: int


def seal(lake: Lake) -> Sealed:
    """Encrypt landing and bronze of every personal dataset by the newest key; a second call does nothing.

    Raises UsageError where the settings leave them plain, SecretError and ConsistencyError where something that is
    encrypted already cannot be read.
    """
    rings = _rings(lake)
    if not rings:
        raise UsageError("nothing is to be encrypted: set encrypted_at_rest in the district's settings")
    files = deliveries = tables = 0
    with table_lock(lake.home.root / "run" / "sealing"):
        for sha256 in sorted(
            {item.sha256 for item in lake.state.deliveries() if item.dataset in rings and item.sha256}
        ):
            files += seal_landed(lake.home, sha256, next(iter(rings.values())))
            reach("landing_sealed")
        for item in lake.state.deliveries():
            files += item.dataset in rings and _seal_kept(lake, item, rings[item.dataset])
        for name, ring in rings.items():
            deliveries += _seal_bronze(lake, name, ring)
            tables += _remove_plain(lake, name)
    if files or deliveries or tables:
        audit.record(lake.home, "ran", "agrilake key seal", files=files, deliveries=deliveries)
    return Sealed(files, deliveries, tables)


def seals_anything(lake: Lake) -> bool:
    """Whether the settings want anything encrypted."""
    return bool(_rings(lake))


def _rings(lake: Lake) -> dict[str, KeyRing]:
    return {name: ring for name in lake.registry.datasets if (ring := lake.seals(name)) is not None}


def _seal_kept(lake: Lake, item: Delivery, ring: KeyRing) -> bool:
    """Encrypt what an erasure has left of a file; whether it had to be."""
    path = kept_file(lake.home, item.sha256, item.id) if item.sha256 else None
    if path is None or sealed_by(path) == ring.current.id:
        return False
    keep(lake.home, item.sha256, item.id, read_kept(lake.home, path, lambda: ring), ring)
    return True


def _seal_bronze(lake: Lake, dataset: str, ring: KeyRing) -> int:
    """Encrypt the plain deliveries of a dataset, and those under an older key."""
    older = [item for item, key in sealed_with(lake.home, dataset).items() if key != ring.current.id]
    todo = sorted({*_plain_deliveries(lake, dataset), *older})
    for delivery in todo:
        rows = bronze_rows(lake.home, dataset, delivery, ring)
        if rows is not None:
            write_bronze(lake.home, dataset, rows, delivery, ring)
        reach("bronze_sealed")
    if older:
        _forget_older(lake, dataset)
    return len(todo)


def _plain_deliveries(lake: Lake, dataset: str) -> list[str]:
    table = scan(plain_table(lake.home, dataset))
    return [] if table is None else table.select(DELIVERY).unique().collect().to_series().to_list()


def _remove_plain(lake: Lake, dataset: str) -> int:
    """Remove the plain table of a dataset once no delivery is in it."""
    path = plain_table(lake.home, dataset)
    gone = path.with_name(f".{path.name}.gone")
    with table_lock(path):
        shutil.rmtree(gone, ignore_errors=True)
        if not DeltaTable.is_deltatable(str(path)) or _plain_deliveries(lake, dataset):
            return 0
        path.rename(gone)  # so that a half-removed table never counts as one
        reach("plain_removed")
        shutil.rmtree(gone)
    return 1


def _forget_older(lake: Lake, dataset: str) -> None:
    """Delete the files that were encrypted with an older key."""
    path = sealed_table(lake.home, dataset)
    with table_lock(path):
        DeltaTable(str(path)).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
