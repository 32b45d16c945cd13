"""Making all layers of a publication: read, place, leave out what has no place, write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import geopandas
import numpy as np
import polars as pl
import pyarrow as pa
import shapely

from agrilake.contract.load import Registry
from agrilake.contract.model import Reference
from agrilake.contract.settings import Settings
from agrilake.geojson import CGCS2000, area_from, in_metres
from agrilake.layers.drawing import drawn_townships
from agrilake.layers.features import REASON, Features
from agrilake.layers.model import Geometry, Layer, LayerFile
from agrilake.layers.places import Ground, township_of
from agrilake.layers.routes import lines
from agrilake.layers.source import DIVISION, KEY, PROVENANCE, Source
from agrilake.layers.villages import Villages, villages

DIVISIONS = "stats_division"
NO_AREA = "没有界线，辖区内也没有可供推算的位置"
LEFT_OUT_SCHEMA = pa.schema(
    [
        ("layer", pa.string()),
        ("title", pa.string()),
        ("key", pa.string()),
        (DIVISION, pa.string()),
        (REASON, pa.string()),
        ("delivery_id", pa.string()),
        ("sheet", pa.string()),
        ("line", pa.int64()),
    ]
)


def make_layers(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    layers: Sequence[Layer],
    registry: Registry,
    settings: Settings,
) -> tuple[list[LayerFile], pa.Table]:
    """Write `<folder>/<layer>.parquet` for each layer, from the analysts' file: GeoParquet 1.1, EPSG:4490, with a bbox.

    Also returns the rows that are in no layer for want of a place (columns: LEFT_OUT_SCHEMA), each with its reason and
    the way back to its line.
    """
    base = _Base(Source(connection, registry), layers, settings)
    folder.mkdir()
    made, left_out = [], [LEFT_OUT_SCHEMA.empty_table()]
    for layer in layers:
        features = base.features(layer)
        lost = features.rows.filter(pl.col(REASON).is_not_null())
        left_out.append(_left_out(layer, lost))
        made.append(_written(layer, features.placed, folder / f"{layer.id}.parquet", lost.height))
    return made, pa.concat_tables(left_out)


def townships_of(made: Sequence[LayerFile], layers: Sequence[Layer], folder: Path, epsg: int) -> list[dict[str, Any]]:
    """The townships of the layer of present boundaries, drawn (agrilake.layers.drawing)."""
    current = {layer.id for layer in layers if layer.geometry is Geometry.BOUNDARY and not layer.history}
    rows: list[dict[str, Any]] = []
    for item in made:
        if item.id in current:
            frame = geopandas.read_parquet(folder / item.file)
            codes = [str(code) for code in frame[DIVISION]]
            names = dict(zip(codes, frame["division_name"], strict=True))
            rows += drawn_townships(dict(zip(codes, frame.geometry, strict=True)), names, epsg)
    return rows


class _Base:
    """What layers have in common: divisions, boundaries, all points, the villages."""

    def __init__(self, source: Source, layers: Sequence[Layer], settings: Settings) -> None:
        self._source = source
        self._settings = settings
        self._divisions = source.table(DIVISIONS, ["code", "name", "level", "parent_code", "_period"]).sort("_period")
        areas: dict[str, shapely.Geometry] = {}
        for layer in layers:
            if layer.geometry is Geometry.BOUNDARY and not layer.history:
                rows = source.rows(layer, ["geometry"])
                areas |= {code: area_from(text) for code, text in rows.select(DIVISION, "geometry").iter_rows()}
        self._ground = Ground(areas, settings.district_code, settings.box)
        points = [layer for layer in layers if layer.geometry is Geometry.POINT]
        self._points = {layer.id: self._ground.points(source.rows(layer, ["lon", "lat"])) for layer in points}
        self._villages = self._known_villages()

    def _known_villages(self) -> Villages:
        empty = pl.DataFrame(schema={DIVISION: pl.String, "lon": pl.Float64, "lat": pl.Float64})
        places = [empty]
        for features in self._points.values():
            placed = features.placed
            lon, lat = (shapely.get_coordinates(placed.shapes)[:, axis] for axis in (0, 1))
            places.append(placed.rows.select(DIVISION).with_columns(pl.Series("lon", lon), pl.Series("lat", lat)))
        newest = self._divisions.filter(pl.col("_period") == pl.col("_period").max())
        return villages(newest, self._ground.boundaries, pl.concat(places), self._settings.projected_epsg)

    def features(self, layer: Layer) -> Features:
        """The layer's features, those without a place with a reason, named by division and township."""
        if layer.geometry is Geometry.POINT:
            return self._named(self._points[layer.id])
        if layer.geometry is Geometry.ROUTE:
            return self._routes(layer)
        return self._named(self._areas(layer))

    def _areas(self, layer: Layer) -> Features:
        if layer.geometry is Geometry.BOUNDARY:
            rows = self._source.rows(layer, ["geometry"])
            shapes = np.array([area_from(text) for text in rows["geometry"]], dtype=object)
            rows, estimated = rows.drop("geometry"), frozenset[str]()
        else:
            rows = self._source.rows(layer)
            shapes = np.array([self._villages.areas.get(code) for code in rows[DIVISION]], dtype=object)
            estimated = self._villages.estimated
        square_metres = shapely.area(in_metres(shapes, self._settings.projected_epsg))
        return Features(
            rows.with_columns(
                pl.Series("area_km2", square_metres / 1e6, dtype=pl.Float64).round(4),
                pl.col(DIVISION).is_in(list(estimated)).alias("estimated"),
                pl.Series(REASON, [NO_AREA if shape is None else None for shape in shapes], dtype=pl.String),
            ),
            shapes,
        )

    def _routes(self, layer: Layer) -> Features:
        route, contract = layer.route, self._source.contract(layer)
        target = contract.column(route.start).reference if route else None
        if route is None or target is None:  # agrilake.layers.load refuses such a declaration
            raise ValueError(layer.id)
        rows = self._source.rows(layer, [route.by, route.order, route.start, *route.totals])
        return lines(rows, route, self._starts(target), self._villages.middles)

    def _starts(self, target: Reference) -> dict[str, shapely.Point]:
        nodes = self._source.table(target.dataset, [target.column, DIVISION, "lon", "lat"])
        placed = self._ground.points(nodes).placed
        return dict(zip(placed.rows[target.column], placed.shapes, strict=True))

    def _named(self, features: Features) -> Features:
        """With the newest name of division and township."""
        names = dict(self._divisions.select("code", "name").iter_rows())
        codes = features.rows[DIVISION].to_list()
        townships = [township_of(code) for code in codes]
        named = features.rows.with_columns(
            pl.Series("division_name", [names.get(code) for code in codes], dtype=pl.String),
            pl.Series("township_code", townships, dtype=pl.String),
            pl.Series("township_name", [names.get(code) for code in townships], dtype=pl.String),
        )
        return Features(named, features.shapes)


def _left_out(layer: Layer, rows: pl.DataFrame) -> pa.Table:
    columns = {"layer": pl.lit(layer.id), "title": pl.lit(layer.title), "key": pl.col(KEY)}
    chosen = rows.select(
        *(value.alias(name) for name, value in columns.items()), DIVISION, REASON, *PROVENANCE
    ).to_arrow()
    return chosen.cast(LEFT_OUT_SCHEMA)


def _written(layer: Layer, features: Features, path: Path, left_out: int) -> LayerFile:
    dropped = [KEY, REASON, *PROVENANCE, *([DIVISION] if layer.geometry is Geometry.ROUTE else [])]
    rows = features.rows.drop(dropped).to_pandas(use_pyarrow_extension_array=True)
    frame = geopandas.GeoDataFrame(rows, geometry=geopandas.GeoSeries(features.shapes, crs=CGCS2000))
    frame.to_parquet(
        path, index=False, compression="zstd", geometry_encoding="WKB", write_covering_bbox=True, schema_version="1.1.0"
    )
    return LayerFile(
        id=layer.id,
        title=layer.title,
        description=layer.description,
        geometry=layer.geometry.value,
        source=layer.source,
        file=path.name,
        bytes=path.stat().st_size,
        rows=len(frame),
        estimated=int(features.rows["estimated"].sum()) if "estimated" in features.rows.columns else 0,
        left_out=left_out,
        bounds=None if frame.empty else tuple(float(value) for value in frame.total_bounds),
    )
