"""Reading layer declarations, strictly: every error names file and place."""

from __future__ import annotations

from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any

from agrilake.contract.load import Registry, load_registry
from agrilake.contract.model import Column, Dataset, Load
from agrilake.contract.yamlfile import YamlFile, read_yaml
from agrilake.layers.model import TOTALS, Geometry, Layer, Route
from agrilake.paths import project_root

NEEDED = {Geometry.POINT: ("lon", "lat"), Geometry.BOUNDARY: ("geometry",)}
"""Columns that the source of a layer must have."""


@cache
def load_layers(folder: Path | None = None) -> tuple[Layer, ...]:
    """All declarations in order of their names; raises ContractError for anything unknown, or about persons."""
    folder = folder or project_root() / "schemas" / "layers"
    return tuple(load_layer(path, load_registry()) for path in sorted(folder.glob("*.yaml")))


def load_layer(path: Path, registry: Registry) -> Layer:
    """One declaration; ContractError at its place."""
    file = read_yaml(path)
    data = dict(file.data)
    _only(file, data, Layer, ())
    if data["id"] != path.stem:
        raise file.error(("id",), f"{data['id']!r} differs from the file's name {path.stem!r}")
    file.one_of(data["geometry"], list(Geometry), ("geometry",))
    file.one_of(data["source"], [*registry.datasets, *registry.gold], ("source",))
    data["geometry"], data["columns"] = Geometry(data["geometry"]), tuple(data["columns"])
    if "route" in data:
        _only(file, data["route"], Route, ("route",))
        data["route"] = Route(**data["route"])
    layer = Layer(path=path, **data)
    _check(file, layer, registry)
    return layer


def _only(file: YamlFile, data: dict[str, Any], kind: type, place: tuple[str | int, ...]) -> None:
    known = [item for item in fields(kind) if item.name != "path"]
    file.only(data, [item.name for item in known], place)
    for item in known:
        if item.default is MISSING and item.default_factory is MISSING and item.name not in data:
            raise file.error(place, f"{item.name} is missing")


def _check(file: YamlFile, layer: Layer, registry: Registry) -> None:
    source = registry.any(layer.source)
    own = {column.name: column for column in source.columns if not column.is_personal}
    route = layer.route
    if (route is not None) is not (layer.geometry is Geometry.ROUTE):
        raise file.error(("route",), "a layer of routes has `route`, no other has")
    used = [*layer.columns, *layer.where, *NEEDED.get(layer.geometry, ()), *([layer.newest] if layer.newest else [])]
    if route:
        used += [route.by, route.order, route.start, *route.totals]
        for word in route.totals.values():
            file.one_of(word, TOTALS, ("route", "totals"))
        if own.get(route.start) is None or own[route.start].reference is None:
            raise file.error(("route", "start"), f"{route.start!r} refers to nothing", "a column with `relationships`")
    missing = [name for name in used if name not in own]
    if missing:
        raise file.error(("columns",), f"{source.id} has no open column {', '.join(missing)}")
    for name, value in layer.where.items():
        _check_value(file, own[name], value)
    if division_column(source) is None:
        raise file.error(("source",), f"{source.id} names no division")
    if source.is_gold and not source.published:
        raise file.error(("source",), f"gold table {source.id} is not published", "add it to the analysts' file")
    if layer.history and (source.is_gold or source.load is not Load.SNAPSHOT):
        raise file.error(("history",), f"{source.id} does not come as a whole each period")
    persons = sorted({*layer.columns, *source.key} & person_keys(registry))
    if persons:
        raise file.error(("columns",), f"{', '.join(persons)} stands for a person", "no person is put on a map")


def _check_value(file: YamlFile, column: Column, value: object) -> None:
    place = ("where", column.name)
    if not isinstance(value, str):
        raise file.error(place, f"{value!r} is no text", "quote it")
    if column.enum:
        file.one_of(value, [item.value for item in column.enum], place)


def division_column(source: Dataset) -> str | None:
    """The column that holds a row's division."""
    known = [column.name for column in source.columns]
    return source.division_column or ("division_code" if "division_code" in known else None)


def person_keys(registry: Registry) -> set[str]:
    """Keys of the registers of persons: those that hold resident ids."""
    registers = [item for item in registry.datasets.values() if any(column.pii == "id_no" for column in item.columns)]
    return {name for item in registers for name in item.key}
