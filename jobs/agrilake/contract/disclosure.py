"""How tables with a row a person or household are generalised before analysts see them, declared once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path

from agrilake.contract.yamlfile import read_yaml
from agrilake.paths import project_root


@dataclass(frozen=True)
class Generalisation:
    """The columns of a table that stay, by what others may know (`quasi`) and what they must not learn (`sensitive`);
    numbers are put into `bands` of a width, named by their start, or cut at a `top`."""

    quasi: tuple[str, ...]
    sensitive: tuple[str, ...] = ()
    bands: Mapping[str, int] = field(default_factory=dict)
    top: Mapping[str, int] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """All that stay."""
        return (*self.quasi, *self.sensitive)


@cache
def load_generalisations(path: Path | None = None) -> dict[str, Generalisation]:
    """Every declared table by its id; ContractError naming file and place for a key that is unknown, a column in
    `bands` or `top` that does not stay, or nothing that stays."""
    source = read_yaml(path or project_root() / "schemas" / "settings" / "disclosure.yaml")
    found = {}
    for name, said in source.data.items():
        source.only(said, [item.name for item in fields(Generalisation)], (name,))
        if not said.get("quasi"):
            raise source.error((name,), "quasi is missing", "name the columns that others may know")
        lists = {key: tuple(said.get(key, ())) for key in ("quasi", "sensitive")}
        found[name] = Generalisation(**(said | lists))
        for key in ("bands", "top"):
            source.only(said.get(key, {}), found[name].columns, (name, key))
    return found
