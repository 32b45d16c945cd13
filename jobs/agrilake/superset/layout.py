"""Where things stand: rows of (item, width, height) in Superset's grid of twelve columns become its position tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agrilake.superset.assets import Chart, identity

COLUMNS = 12


@dataclass(frozen=True)
class Cell:
    """A chart in a row: `width` in columns, `height` in units of eight pixels."""

    chart: Chart
    width: int
    height: int


@dataclass(frozen=True)
class Heading:
    """A section's heading over the full width."""

    text: str


def charts_of(rows: Sequence[Heading | Sequence[Cell]]) -> list[Chart]:
    """The charts in reading order."""
    return [cell.chart for row in rows if not isinstance(row, Heading) for cell in row]


def number_of(charts: Sequence[Chart]) -> dict[str, int]:
    """A number for each chart, by name: the import replaces these by the ids of the instance."""
    return {chart.name: index for index, chart in enumerate(charts, start=1)}


def position(title: str, rows: Sequence[Heading | Sequence[Cell]]) -> dict[str, Any]:
    """The position tree; ValueError where a row is wider than the grid."""
    numbers = number_of(charts_of(rows))
    tree: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": title}},
    }
    for row in rows:
        node = _heading(row) if isinstance(row, Heading) else _row(row, numbers, tree)
        tree[node["id"]] = node
        tree["GRID_ID"]["children"].append(node["id"])
    return tree


def _heading(heading: Heading) -> dict[str, Any]:
    return {
        "type": "HEADER",
        "id": f"HEADER-{identity('heading', heading.text)[:8]}",
        "children": [],
        "parents": ["ROOT_ID", "GRID_ID"],
        "meta": {"text": heading.text, "headerSize": "MEDIUM_HEADER", "background": "BACKGROUND_TRANSPARENT"},
    }


def _row(cells: Sequence[Cell], numbers: dict[str, int], tree: dict[str, Any]) -> dict[str, Any]:
    names = ",".join(cell.chart.name for cell in cells)
    if sum(cell.width for cell in cells) > COLUMNS:
        raise ValueError(f"row wider than {COLUMNS} columns: {names}")
    row_id = f"ROW-{identity('row', names)[:8]}"
    children = []
    for cell in cells:
        cell_id = f"CHART-{cell.chart.uuid[:8]}"
        children.append(cell_id)
        tree[cell_id] = {
            "type": "CHART",
            "id": cell_id,
            "children": [],
            "parents": ["ROOT_ID", "GRID_ID", row_id],
            "meta": {
                "chartId": numbers[cell.chart.name],
                "uuid": cell.chart.uuid,
                "sliceName": cell.chart.title,
                "width": cell.width,
                "height": cell.height,
            },
        }
    return {
        "type": "ROW",
        "id": row_id,
        "children": children,
        "parents": ["ROOT_ID", "GRID_ID"],
        "meta": {"background": "BACKGROUND_TRANSPARENT"},
    }
