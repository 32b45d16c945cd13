"""Where things stand: rows of (item, width, height) in Superset's grid of twelve columns become its position tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Note:
    """A text (Markdown or HTML) over the full width, `height` in units of eight pixels."""

    text: str
    height: int


Row = Heading | Note | Sequence[Cell]


def charts_of(rows: Sequence[Row]) -> list[Chart]:
    """The charts in reading order."""
    return [cell.chart for row in rows if not isinstance(row, Heading | Note) for cell in row]


def number_of(charts: Sequence[Chart]) -> dict[str, int]:
    """A number for each chart, by name: the import replaces these by the ids of the instance."""
    return {chart.name: index for index, chart in enumerate(charts, start=1)}


def flowed(cells: Sequence[Cell]) -> list[Sequence[Cell]]:
    """Rows of cells in their order: a new one begins where the grid is full, and a row's cells are all as high."""
    rows: list[list[Cell]] = []
    for cell in cells:
        if not rows or sum(item.width for item in rows[-1]) + cell.width > COLUMNS:
            rows.append([])
        rows[-1].append(cell)
    return [[replace(cell, height=max(item.height for item in row)) for cell in row] for row in rows]


def position(title: str, rows: Sequence[Row]) -> dict[str, Any]:
    """The position tree; ValueError where a row is wider than the grid."""
    numbers = number_of(charts_of(rows))
    tree: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": title}},
    }
    for row in rows:
        if isinstance(row, Heading):
            node = _heading(row)
        else:
            node = _note(row, tree) if isinstance(row, Note) else _row(row, numbers, tree)
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


def _note(note: Note, tree: dict[str, Any]) -> dict[str, Any]:
    name = identity("note", note.text)[:8]
    row_id = f"ROW-{name}"
    tree[f"MARKDOWN-{name}"] = {
        "type": "MARKDOWN",
        "id": f"MARKDOWN-{name}",
        "children": [],
        "parents": ["ROOT_ID", "GRID_ID", row_id],
        "meta": {"code": note.text, "width": COLUMNS, "height": note.height},
    }
    return _holder(row_id, [f"MARKDOWN-{name}"])


def _holder(row_id: str, children: list[str]) -> dict[str, Any]:
    return {
        "type": "ROW",
        "id": row_id,
        "children": children,
        "parents": ["ROOT_ID", "GRID_ID"],
        "meta": {"background": "BACKGROUND_TRANSPARENT"},
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
    return _holder(row_id, children)
