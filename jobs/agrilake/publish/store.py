"""Publications on disk: complete or not there at all.

A publication is made in `<version>.tmp`, fsync'd and renamed; then the link `current` is swapped. A folder whose
name is a number is complete, whatever happened; everything else is a leftover and is removed by the next run.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agrilake.lake.files import sha256_of, sync
from agrilake.layers.model import LayerFile
from agrilake.paths import Home
from agrilake.publish.model import ANALYST, Publication, TableSource

KEPT = 5
CURRENT, MANIFEST, DCAT, LAYERS = "current", "manifest.json", "catalogue.jsonld", "layers"
UNFINISHED, RETIRED = ".tmp", ".old"


def publications(home: Home) -> list[Publication]:
    """All complete publications, oldest first."""
    found = []
    for path in complete(home):
        with contextlib.suppress(FileNotFoundError):  # retired at this moment
            found.append(read_publication(path))
    return found


def complete(home: Home) -> list[Path]:
    """Folders of the complete publications, oldest first."""
    folder = home.publications
    found = [path for path in folder.iterdir() if path.name.isdigit()] if folder.is_dir() else []
    return sorted(found, key=lambda path: int(path.name))


def current_publication(home: Home) -> Publication | None:
    """The publication that readers see; None before the first."""
    link = home.publications / CURRENT
    return read_publication(link.resolve()) if link.is_dir() else None


def current_version(home: Home) -> int | None:
    """The version that readers see, without reading its manifest."""
    link = home.publications / CURRENT
    return int(link.resolve().name) if link.is_dir() else None


def read_publication(path: Path) -> Publication:
    """A publication from its manifest."""
    manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    sources = {name: TableSource(**item) for name, item in manifest["tables"].items()}
    return Publication(
        version=manifest["version"],
        path=path,
        lake_version=manifest["lake_version"],
        made_at=manifest["made_at"],
        fingerprint=manifest["fingerprint"],
        tables={name: item["rows"] for name, item in manifest["files"][f"{ANALYST}.duckdb"]["tables"].items()},
        held={name: source.reason for name, source in sources.items() if source.held},
        sources=sources,
        layers={item["id"]: LayerFile(**item) for item in manifest.get("layers", [])},
        format=manifest.get("format", 0),
        person_tokens=manifest.get("person_tokens", ""),
    )


def start(home: Home, version: int) -> Path:
    """An empty folder to make the publication in."""
    path = home.publications / f"{folder_name(version)}{UNFINISHED}"
    path.mkdir(parents=True)
    for folder in (path, path.parent):
        folder.chmod(0o711)  # each may open the file that is his; none sees what else there is
    return path


def folder_name(version: int) -> str:
    """Folder of a version; leading zeros keep listings in order."""
    return f"{version:06d}"


def write_manifest(
    path: Path,
    head: dict[str, Any],
    sources: dict[str, TableSource],
    rows: dict[str, dict[str, int]],
    layers: Sequence[LayerFile],
) -> None:
    """manifest.json: the head, each table's origin, each database's hash and rows, the layers."""
    files = {
        name: {
            "sha256": sha256_of(path / name),
            "bytes": (path / name).stat().st_size,
            "tables": {table: {"rows": count} for table, count in counts.items()},
        }
        for name, counts in rows.items()
    }
    tables = {name: asdict(source) for name, source in sources.items()}
    content = {**head, "tables": tables, "files": files, "layers": [asdict(item) for item in layers]}
    text = json.dumps(content, ensure_ascii=False, indent=1)
    (path / MANIFEST).write_text(text + "\n", encoding="utf-8")
    (path / MANIFEST).chmod(0o600)


def finish(unfinished: Path) -> Path:
    """Bring everything in the folder to disk and give the folder its name."""
    for file in unfinished.rglob("*"):
        sync(file)
    sync(unfinished)
    path = unfinished.with_name(unfinished.name.removesuffix(UNFINISHED))
    unfinished.rename(path)
    sync(path.parent)
    return path


def make_current(home: Home, path: Path) -> None:
    """Let readers see this publication from now on, in one step."""
    fresh = home.publications / f"{CURRENT}{UNFINISHED}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(path.name)
    fresh.replace(home.publications / CURRENT)
    sync(home.publications)


def clean(home: Home) -> None:
    """Remove what killed runs left behind."""
    for path in home.publications.iterdir():
        if path.name.endswith((UNFINISHED, RETIRED)):
            path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)


def retire(home: Home) -> None:
    """Keep the last publications and the current one; a reader that has an older file open keeps reading it."""
    current = current_publication(home)
    for publication in publications(home)[:-KEPT]:
        if current is None or publication.version != current.version:
            retired = publication.path.with_name(publication.path.name + RETIRED)
            publication.path.rename(retired)  # so that a half-removed folder never counts as complete
            shutil.rmtree(retired)
