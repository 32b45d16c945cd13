"""Old versions of a Delta table that go for good: their files, and the log with its minima and maxima."""

from __future__ import annotations

from pathlib import Path

from deltalake import DeltaTable

from agrilake.lake.failpoints import reach
from agrilake.lake.files import last_change, sync
from agrilake.lake.locks import table_lock
from agrilake.lake.logs import LOG


def purge(path: Path) -> int:
    """Leave of the table its rows as they stand and nothing else; the oldest version that can be read since, which is
    the one that others know as its newest (`table_version`).

    Whoever reads an older version at this moment finds its files gone. A kill in the middle leaves a table that reads
    as it did, and a second call ends it.
    """
    with table_lock(path):
        table = DeltaTable(str(path))
        first = int(last_change(table).get("version", table.version()))
        DeltaTable(str(path), version=first).create_checkpoint()
        table.vacuum(
            retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True, keep_versions=[first]
        )
        reach("erasure_vacuumed")
        log = path / LOG
        for file in sorted(log.iterdir()):
            number = file.name.split(".")[0]
            if number.isdigit() and int(number) < first:
                file.unlink()
        sync(log)
    return first
