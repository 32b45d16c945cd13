"""What stays of every publication: its manifest, for ever, also when its files have been retired.

`<home>/published/<version>/manifest.json` is a copy of the publication's own, as are the revisions beside it.
It says which Delta versions must never be vacuumed, and what its figures were computed from.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agrilake.lake.audit import Head
from agrilake.lake.failpoints import reach
from agrilake.lake.files import sync
from agrilake.paths import Home
from agrilake.publish.model import ANALYST, TableSource
from agrilake.publish.store import MANIFEST, UNFINISHED, complete

Pins = dict[str, list[int]]
REVISIONS = "revisions.parquet"


@dataclass(frozen=True)
class Record:
    """A publication as its manifest tells of it; `is_kept` says whether its files are still there.

    `rows` counts the rows of each table of the analyst's file. `figures` says what they were computed from
    (agrilake.publish.figures); it is empty for a publication of before they could be rebuilt. `deliveries` are those
    that came or changed since the publication before, {id: what the lake took of it}.
    `audit` is the head of the audit log when it was made (None in a publication of before there was one).
    """

    version: int
    made_at: str
    lake_version: int
    lake_tables: Mapping[str, int]
    sources: Mapping[str, TableSource]
    rows: Mapping[str, int]
    pinned: Pins
    figures: Mapping[str, Any]
    deliveries: Mapping[str, str]
    audit: Head | None
    folder: Path
    is_kept: bool


def keep_records(home: Home) -> None:
    """Copy the manifest of every complete publication that has no record yet; done again after a kill."""
    for folder in complete(home):
        target = home.published / folder.name
        if target.is_dir():
            continue
        unfinished = target.with_name(target.name + UNFINISHED)
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, mode=0o700)
        for name in (REVISIONS, MANIFEST):
            if (folder / name).is_file():
                shutil.copyfile(folder / name, unfinished / name)
                sync(unfinished / name)
        reach("record_drafted")
        unfinished.rename(target)
        sync(home.published)


def records(home: Home) -> list[Record]:
    """Every publication ever made, oldest first."""
    kept = {path.name: path for path in complete(home)}
    stored = home.published.iterdir() if home.published.is_dir() else ()
    known = {path.name: path for path in stored if path.name.isdigit()}
    folders = {**kept, **known}
    return [_record(folders[name], name in kept) for name in sorted(folders, key=int)]


def _record(folder: Path, is_kept: bool) -> Record:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    sources = {name: TableSource(**item) for name, item in manifest["tables"].items()}
    held = {f"gold/{item.name}": item.delta_version for item in sources.values() if item.delta_version is not None}
    return Record(
        version=manifest["version"],
        made_at=manifest["made_at"],
        lake_version=manifest["lake_version"],
        lake_tables=manifest["lake_tables"],
        sources=sources,
        rows={name: item["rows"] for name, item in manifest["files"][f"{ANALYST}.duckdb"]["tables"].items()},
        pinned=manifest.get("pinned") or union([manifest["lake_tables"].items(), held.items()]),
        figures=manifest.get("figures", {}),
        deliveries=manifest.get("deliveries", {}),
        audit=Head(**manifest["audit"]) if "audit" in manifest else None,
        folder=folder,
        is_kept=is_kept,
    )


def union(parts: Iterable[Iterable[tuple[str, int]]]) -> Pins:
    """Versions of each table, each once, in order."""
    found: dict[str, set[int]] = {}
    for part in parts:
        for name, version in part:
            found.setdefault(name, set()).add(version)
    return {name: sorted(found[name]) for name in sorted(found)}
