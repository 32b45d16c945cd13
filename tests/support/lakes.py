"""Lakes for tests: their environment, and gold as something that can be compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from agrilake.lake.files import scan

MOMENT = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
# Delta versions count commits, which an interrupted run has more of; everything else must be equal.
HISTORY_COLUMNS = ("input_versions",)


def gold(home: Path) -> dict[str, pl.DataFrame]:
    """All gold tables of a home, rows in a stable order, without what depends on the number of commits."""
    return tables(home / "gold")


def tables(folder: Path) -> dict[str, pl.DataFrame]:
    """All Delta tables of a folder, comparable."""
    found = {}
    for path in sorted(folder.iterdir()):
        frame = None if path.name.startswith(".") else scan(path)
        if frame is not None:
            kept = frame.drop(HISTORY_COLUMNS, strict=False).collect()
            found[path.name] = kept.sort(kept.columns, nulls_last=True)
    return found


def assert_same_gold(one: Path, other: Path) -> None:
    """Gold of two homes is equal, table by table, row by row; says which table and rows differ."""
    left, right = gold(one), gold(other)
    assert left.keys() == right.keys()
    for name, frame in left.items():
        assert frame.equals(right[name]), f"gold/{name} differs:\n{_difference(frame, right[name])}"


def files(folder: Path) -> dict[str, bytes]:
    """Files under a folder, and their bytes without the moment at which a delivery arrived."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: MOMENT.sub(b"<moment>", path.read_bytes()) for name, path in found.items()}


def _difference(left: pl.DataFrame, right: pl.DataFrame) -> str:
    only_left = left.join(right, on=left.columns, how="anti", nulls_equal=True)
    only_right = right.join(left, on=left.columns, how="anti", nulls_equal=True)
    return f"{left.height} and {right.height} rows; only left: {only_left.head(5)}; only right: {only_right.head(5)}"


def agrilake(home: Path, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command line as a process of its own, on a home."""
    return subprocess.run(
        [sys.executable, "-m", "agrilake.commands", *arguments],
        env={**os.environ, "AGRILAKE_HOME": str(home), **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
