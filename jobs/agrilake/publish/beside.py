"""What a publication has beside its databases: geographic layers and the catalogue as DCAT."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from agrilake.layers.model import LayerFile
from agrilake.publish import database, layouts, store
from agrilake.publish.content import Content
from agrilake.publish.guard import refuse_identifiers
from agrilake.publish.model import ANALYST, ROLES
from agrilake.publish.opening import read_only


def write_layers(folder: Path, content: Content, rows: dict[str, dict[str, int]]) -> list[LayerFile]:
    """The geographic layers, made from the analysts' file as it is; both roles' files list them and draw the townships,
    the analysts' also says what could not be put on the map (`rows` counts them)."""
    from agrilake.layers.make import make_layers, townships_of

    with closing(read_only(folder / f"{ANALYST}.duckdb")) as connection:
        made, left_out = make_layers(
            connection, folder / store.LAYERS, content.layers, content.registry, content.settings
        )
    (folder / store.LAYERS).chmod(0o700)  # the analysts', as the file that they are made from
    drawn = townships_of(made, content.layers, folder / store.LAYERS, content.settings.projected_epsg)
    tables = {layouts.LAYER: [asdict(item) for item in made], layouts.MAP_AREA: drawn}
    for role in ROLES:
        path = folder / f"{role}.duckdb"
        added = {**tables, layouts.LAYER_LEFT_OUT: left_out.to_pylist()} if role == ANALYST else tables
        with database.new_database(path) as connection:
            for layout, content_rows in added.items():
                database.table_from_rows(connection, layout, content_rows)
            refuse_identifiers(connection, role, [layout.name for layout in added])
            rows[path.name] = database.row_counts(connection)
    return made


def write_dcat(folder: Path, content: Content, version: int, made_at: str, layers: Sequence[LayerFile]) -> None:
    """The catalogue for other portals, beside the files that it points to."""
    from agrilake.catalog.dcat import Edition, dcat_json

    edition = Edition(version, made_at, tuple(layers))
    path = folder / store.DCAT
    path.write_text(dcat_json(content.registry, content.settings, content.catalogue, edition), encoding="utf-8")
    path.chmod(0o644)
