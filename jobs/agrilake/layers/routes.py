"""Routes as lines: from where one starts through the middles of the villages where it stops."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

import numpy as np
import polars as pl
import shapely

from agrilake.layers.features import REASON, Features
from agrilake.layers.model import Route
from agrilake.layers.source import DIVISION, KEY

TOO_FEW = "起点和停靠村中有位置的不足两处"


def lines(
    rows: pl.DataFrame, route: Route, starts: Mapping[str, shapely.Point], middles: Mapping[str, shapely.Point]
) -> Features:
    """One line a route, stops in their order; those whose village has no known place are passed over.

    `rows` are stops; `starts` gives a place for what a start refers to, `middles` for a village. A route has the
    columns of its first stop without the division, its totals, `stops` and `stops_placed`, and a reason where fewer
    than two places are known.
    """
    totals = [getattr(pl.col(name), total)() for name, total in route.totals.items()]
    others = pl.exclude(route.by, route.order, DIVISION, *route.totals, KEY).first()
    ordered = rows.sort(route.by, route.order)
    found = ordered.group_by(route.by, maintain_order=True).agg(
        others,
        *totals,
        pl.len().cast(pl.Int64).alias("stops"),
        pl.col(DIVISION).is_in(list(middles)).sum().cast(pl.Int64).alias("stops_placed"),
        pl.col(DIVISION).alias("_codes"),
    )
    shapes = [
        _line([starts.get(start), *(middles.get(code) for code in codes)])
        for start, codes in found.select(route.start, "_codes").iter_rows()
    ]
    reasons = [TOO_FEW if shape is None else None for shape in shapes]
    rows = found.drop("_codes").with_columns(
        pl.col(route.by).alias(KEY),
        pl.lit(None, pl.String).alias(DIVISION),
        pl.Series(REASON, reasons, dtype=pl.String),
    )
    return Features(rows, np.array(shapes, dtype=object))


def _line(places: list[shapely.Point | None]) -> shapely.LineString | None:
    known = [(place.x, place.y) for place in places if place is not None]
    turns = [point for point, _ in groupby(known)]
    return shapely.LineString(turns) if len(turns) > 1 else None
