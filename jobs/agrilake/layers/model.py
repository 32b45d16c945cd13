"""What a layer's declaration says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Geometry(StrEnum):
    """Where a feature's geometry comes from.

    point: the row's own `lon` and `lat`. boundary: the row's own GeoJSON `geometry`. village: the area of the row's
    village, the department's where it gave one, else estimated. route: a line through the villages of a route's stops.
    """

    POINT = "point"
    BOUNDARY = "boundary"
    VILLAGE = "village"
    ROUTE = "route"


GEOMETRY_TITLES = {Geometry.POINT: "点", Geometry.BOUNDARY: "面", Geometry.VILLAGE: "面", Geometry.ROUTE: "线"}
TOTALS = ("sum", "min", "max")


@dataclass(frozen=True)
class Route:
    """How stops make a line: rows of one `by` in the `order` of a number, from the place that `start` refers to.

    `totals` gives how a route's columns are put together: {column: sum, min or max}.
    """

    by: str
    order: str
    start: str
    totals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Layer:
    """One layer. `source` is a published gold table or a department's dataset; `columns` of it are shown, in order.

    Division and township stand beside them wherever the source names a division; titles, units and code labels are the
    source's. `where` keeps rows with those values, one of the codes where the column has a list; `newest` names the
    column whose largest value is kept. `history` shows a snapshot as it was in every period, with `period` beside it.
    """

    id: str
    title: str
    description: str
    source: str
    geometry: Geometry
    columns: tuple[str, ...]
    path: Path
    where: Mapping[str, str] = field(default_factory=dict)
    newest: str | None = None
    history: bool = False
    route: Route | None = None


@dataclass(frozen=True)
class LayerFile:
    """A layer as a publication has it: what it is, and what is in its file (named without its folder).

    `estimated` counts areas that no department gave, `left_out` rows without a place; `bounds` is west, south, east and
    north in degrees (EPSG:4490), None for an empty layer.
    """

    id: str
    title: str
    description: str
    geometry: str
    source: str
    file: str
    bytes: int
    rows: int
    estimated: int
    left_out: int
    bounds: tuple[float, ...] | None
