"""What is shown and kept for ever: publications, their records and seals, recorded lake versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from agrilake.errors import AgrilakeError
from agrilake.indicators.recipe import kept_recipe
from agrilake.lake.files import sha256_of
from agrilake.publish.figures import KEY, SHOWN, TABLE, seals, stored_figures
from agrilake.publish.hiding import FILE as HIDDEN
from agrilake.publish.model import ANALYST
from agrilake.publish.opening import read_only
from agrilake.publish.records import Record, records
from agrilake.publish.store import CURRENT, DCAT, LAYERS, MANIFEST, complete
from agrilake.recovery.looking import AGAIN, FROM_BACKUP, Found, Looking
from agrilake.sql import quoted

SEALED = 3
"""Of so many of the newest publications the stored figures are held against the seals; with `deep` of all."""
BACK = ("delivery_id", "_delivery_id")


def check_publications(looking: Looking, found: Found) -> None:
    """Each file of a publication is as its manifest says; readers see the newest; its rows lead to deliveries."""
    home = looking.lake.home
    folders = complete(home)
    for folder in folders:
        found.looked += 1
        where = f"publications/{folder.name}"
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            found.add(f"its manifest cannot be read ({type(error).__name__})", f"{where}/{MANIFEST}", FROM_BACKUP)
            continue
        _check_files(folder, where, manifest, found)
        _check_way_back(looking, folder, where, found)
    link = home.publications / CURRENT
    newest = folders[-1].name if folders else None
    seen = link.readlink().name if link.is_symlink() else None
    if seen != newest:
        found.add(
            f"readers see {seen or 'nothing'}, the newest publication is {newest}", f"publications/{CURRENT}", AGAIN
        )


def _check_files(folder: Path, where: str, manifest: Mapping[str, Any], found: Found) -> None:
    for name, told in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            found.add("the file is missing", f"{where}/{name}", FROM_BACKUP)
        elif sha256_of(path) != told["sha256"]:
            found.add("the file is another than its manifest says", f"{where}/{name}", FROM_BACKUP)
    hidden = manifest.get("hidden_sha256")
    if hidden and not ((folder / HIDDEN).is_file() and sha256_of(folder / HIDDEN) == hidden):
        said = "what it hid is missing or altered: the next publication may show what tells it"
        found.add(said, f"{where}/{HIDDEN}", FROM_BACKUP)
    for layer in manifest.get("layers", ()):
        path = folder / LAYERS / layer["file"]
        if not path.is_file() or path.stat().st_size != layer["bytes"]:
            said = "the layer is missing, or not as long as its manifest says"
            found.add(said, f"{where}/{LAYERS}/{layer['file']}", FROM_BACKUP)
    if manifest.get("layers") and not (folder / DCAT).is_file():
        found.add("the catalogue is missing", f"{where}/{DCAT}", FROM_BACKUP)


def _check_way_back(looking: Looking, folder: Path, where: str, found: Found) -> None:
    """Every published row that names a delivery names one that exists."""
    path = folder / f"{ANALYST}.duckdb"
    try:
        with closing(read_only(path)) as connection:
            listed = connection.execute(
                "SELECT table_name, column_name FROM information_schema.columns WHERE column_name IN (?, ?)", BACK
            ).fetchall()
            for table, column in listed:
                asked = f"SELECT DISTINCT {column} FROM {quoted(table)} WHERE {column} IS NOT NULL"
                ids = connection.execute(asked).fetchall()
                unknown = [one for (one,) in ids if one not in looking.deliveries]
                if unknown:
                    said = f"rows of {len(unknown)} deliveries that the registry does not know"
                    found.add(said, f"{where}/{path.name}: {table}", FROM_BACKUP)
    except duckdb.Error as error:
        found.add(f"the file cannot be opened ({type(error).__name__})", f"{where}/{path.name}", FROM_BACKUP)


def check_records(looking: Looking, found: Found) -> None:
    """What stays of each publication is there and unaltered: manifest, revisions, recipe, sealed figures."""
    home = looking.lake.home
    for folder in complete(home):
        kept = home.published / folder.name / MANIFEST
        if not kept.is_file():
            found.add("the publication left no record", f"published/{folder.name}", AGAIN)
        elif kept.read_bytes() != (folder / MANIFEST).read_bytes():
            found.add("the record is another than the publication's manifest", f"published/{folder.name}", FROM_BACKUP)
    known = _records(looking, found)
    numbers = [item.version for item in known]
    for lost in sorted(set(range(1, max(numbers, default=0) + 1)) - set(numbers)):
        found.add("the record of a publication is missing", f"published/{lost:06d}", FROM_BACKUP)
    for item in known:
        found.looked += 1
        _check_recipe(looking, item, found)
    for item in known if looking.deep else known[-SEALED:]:
        _check_seals(looking, item, found)


def _records(looking: Looking, found: Found) -> list[Record]:
    try:
        return records(looking.lake.home)
    except (OSError, ValueError, KeyError) as error:
        found.add(f"a record cannot be read ({type(error).__name__})", "published", FROM_BACKUP)
        return []


def _check_recipe(looking: Looking, record: Record, found: Found) -> None:
    digest = record.figures.get("recipe")
    if digest is None:
        return
    try:
        kept_recipe(looking.lake.home, digest)
    except (AgrilakeError, ValueError, KeyError):
        found.add(
            f"the recipe of publication {record.version} is missing or was altered",
            f"published/recipes/{digest}.json",
            FROM_BACKUP,
        )


def _check_seals(looking: Looking, record: Record, found: Found) -> None:
    """The figures in gold, and those in the publication's own file while it is kept, have the seals of then."""
    told = record.figures.get("seals")
    if not told:
        return
    home, where = looking.lake.home, f"gold/{TABLE} version {record.figures['delta_version']}"
    try:
        stored = stored_figures(home, record.figures["delta_version"], list(told))
    except Exception as error:  # whatever a broken table raises
        found.add(
            f"the figures of publication {record.version} cannot be read ({type(error).__name__})", where, FROM_BACKUP
        )
        return
    if seals(stored) != told:
        found.add(f"the figures of publication {record.version} are others than were shown", where, FROM_BACKUP)
    if record.is_kept:
        _check_shown(home.publications / f"{record.version:06d}" / f"{ANALYST}.duckdb", stored, found)


def _check_shown(path: Path, stored: pl.DataFrame, found: Found) -> None:
    """What the file shows of a figure is what is stored; only of one that is hidden may it show nothing."""
    try:
        with closing(read_only(path)) as connection:
            shown = connection.execute(f"SELECT * FROM {TABLE}").pl()
    except duckdb.Error:
        return  # check_publications has told of it
    hidden = pl.col("hidden") if "hidden" in shown.columns else pl.lit(value=False)
    told = shown.select(*KEY, *SHOWN, hidden.alias("_hidden"))
    both = stored.select(*KEY, *SHOWN).join(told, on=KEY, how="full", suffix="_shown", coalesce=True)
    other = [
        pl.col(name).ne_missing(pl.col(f"{name}_shown")) & ~(pl.col("_hidden") & pl.col(f"{name}_shown").is_null())
        for name in SHOWN
    ]
    lost = pl.col("_hidden").is_null() | pl.col("flag").is_null()
    if not both.filter(lost | pl.any_horizontal(other)).is_empty():
        where = f"publications/{path.parent.name}/{path.name}"
        found.add("its figures are others than were published", where, FROM_BACKUP)
