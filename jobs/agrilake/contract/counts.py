"""Quantities of persons and households: what a published number counts, declared once, whatever table shows it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from agrilake.contract.yamlfile import YamlFile, read_yaml
from agrilake.paths import project_root

UNITS = ("persons", "households", "events")
MARK = "_hidden"
"""Behind the name of a published column that counts persons: the name of one that says whether the number is hidden."""
TIMES = ("state", "flow", "given")


@dataclass(frozen=True)
class Quantity:
    """What is counted: the same name in two tables is the same number.

    `of` events is shown however small, but bounds how many persons took part. `time`: a state on a period's last day (a
    quarter shows its last month's), a flow (a quarter is the sum of its months), or given for the rows' own period.
    `part_of` names the quantities that hold it: what is left of them is a count too. `unit` is the column that names a
    part of a village (a session, a facility), where rows are of these.
    """

    name: str
    title: str
    of: str
    time: str
    part_of: tuple[str, ...] = ()
    unit: str = ""

    @property
    def is_sensitive(self) -> bool:
        """Whether small numbers of it are hidden."""
        return self.of != "events"


@cache
def load_quantities(path: Path | None = None) -> dict[str, Quantity]:
    """Every quantity by name; ContractError naming file and place for anything unknown."""
    source = read_yaml(path or project_root() / "schemas" / "settings" / "counts.yaml")
    known = [item.name for item in fields(Quantity)][1:]
    found = {}
    for name, said in source.data.items():
        source.only(said, known, (name,))
        source.one_of(said.get("of"), UNITS, (name, "of"))
        source.one_of(said.get("time"), TIMES, (name, "time"))
        found[name] = Quantity(name, **{"title": name} | said | {"part_of": tuple(said.get("part_of", ()))})
    for name, quantity in found.items():
        for whole in quantity.part_of:
            source.one_of(whole, [other for other in found if other != name], (name, "part_of"))
    return found


def require_quantity(source: YamlFile, name: Any, place: tuple[str | int, ...]) -> str:
    """The name of a declared quantity; empty for None; ContractError for another."""
    if name is None:
        return ""
    source.one_of(name, list(load_quantities()), place)
    return str(name)
