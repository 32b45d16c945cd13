"""How the cells of a table chart look: widths, number formats, colours that warn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from agrilake.superset.declared import ColumnLook

RED, AMBER, GREEN = "#f0b4ad", "#f6dfae", "#bfe0cb"


def equal(column: str, text: str, colour: str) -> dict[str, Any]:
    """Colour of the cells that hold this text, as Superset's conditional format."""
    return {"column": column, "operator": "=", "targetValue": text, "colorScheme": colour}


RED_LIGHTS = (
    equal("light_text", "达标", GREEN),
    equal("light_text", "接近目标", AMBER),
    equal("light_text", "未达标", RED),
)


def looks(columns: Iterable[ColumnLook]) -> tuple[dict[str, dict[str, Any]], tuple[dict[str, Any], ...]]:
    """Superset's column configuration and conditional formats."""
    shown = list(columns)
    config = {column.name: dict(_config(column)) for column in shown}
    warnings = tuple(item for column in shown for item in _warnings(column))
    return {name: item for name, item in config.items() if item}, warnings


def _config(column: ColumnLook) -> Iterator[tuple[str, Any]]:
    if column.width:
        yield "columnWidth", column.width
    if column.format:
        yield "d3NumberFormat", column.format
    if column.right:
        yield "horizontalAlign", "right"
    if column.bars:
        yield "showCellBars", True


def _warnings(column: ColumnLook) -> Iterator[dict[str, Any]]:
    for text, colour in ((column.red, RED), (column.amber, AMBER), (column.green, GREEN)):
        if text:
            yield equal(column.name, text, colour)
    limits = ((">", column.red_above, RED), (">", column.amber_above, AMBER), ("<", column.red_below, RED))
    for operator, limit, colour in limits:
        if limit is not None:
            yield {"column": column.name, "operator": operator, "targetValue": limit, "colorScheme": colour}
