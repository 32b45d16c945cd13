"""The district's settings: nothing else in the code knows which district this is."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from agrilake.contract.yamlfile import YamlFile, read_yaml
from agrilake.errors import ContractError
from agrilake.paths import project_root

PER_YEAR, PER_PUBLICATION = "per_year", "per_publication"
PERSON_TOKENS = (PER_YEAR, PER_PUBLICATION)
GENERALISED, BY_TOKEN = PERSON_ROWS = ("generalised", "tokens")


@dataclass(frozen=True)
class Limits:
    """What a file may not exceed before it is parsed (bytes, characters, counts, seconds)."""

    max_bytes: int = 2_000_000_000
    max_line_bytes: int = 1_000_000
    max_columns: int = 300
    max_zip_ratio: int = 200
    max_zip_bytes: int = 1_000_000_000
    max_zip_members: int = 2_000
    max_cell_chars: int = 32_767
    max_cells: int = 10_000_000
    max_broken: int = 100_000
    max_problems: int = 500_000
    settle_seconds: float = 5.0


@dataclass(frozen=True)
class Box:
    """The district's bounding box in degrees (EPSG:4490), with room for its neighbours."""

    min_lon: float
    max_lon: float
    min_lat: float
    max_lat: float


@dataclass(frozen=True)
class Settings:
    """One district: its code and name, coordinate zone, box, departments, thresholds, limits, and the elasticities of
    agricultural output by which its growth is accounted for.

    `resource_uri` begins the identifiers of the catalogue's resources; a district with a data portal names its address.
    `lead_department` keeps the catalogue. With `encrypted_at_rest` landing and bronze of personal datasets are
    encrypted. `person_tokens` (one of PERSON_TOKENS) says for how long published files tell a person by the same token,
    `person_rows` (one of PERSON_ROWS) how analysts see rows of persons: generalised, or each by its token.
    """

    district_code: str
    district_name: str
    projected_epsg: int
    box: Box
    timezone: str = "Asia/Shanghai"
    resource_uri: str = "urn:agrilake:"
    lead_department: str = "agri"
    departments: dict[str, str] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
    elasticities: dict[str, float] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    encrypted_at_rest: bool = False
    person_tokens: str = PER_YEAR
    person_rows: str = GENERALISED

    def threshold(self, name: str) -> float:
        """A named threshold; ContractError if the settings file lacks it."""
        try:
            return self.thresholds[name]
        except KeyError:
            raise ContractError("settings", f"thresholds.{name}", "missing", "add it to the district's file") from None


def settings_path() -> Path:
    """The district's settings file."""
    return project_root() / "schemas" / "settings" / "district.yaml"


@cache
def load_settings(path: Path | None = None) -> Settings:
    """Read the settings; raises ContractError naming file and line."""
    source = read_yaml(path or settings_path())
    data = dict(source.data)
    source.only(data, [item.name for item in fields(Settings)], ())
    for name, kind in (("box", Box), ("limits", Limits)):
        if name in data:
            data[name] = _build(source, kind, data[name], (name,))
    for name, known in (("person_tokens", PERSON_TOKENS), ("person_rows", PERSON_ROWS)):
        if data.get(name, known[0]) not in known:
            raise source.error((name,), f"{data[name]!r}", f"one of {', '.join(known)}")
    built: Settings = _build(source, Settings, data, ())
    return built


def _build(source: YamlFile, kind: type, data: dict[str, Any], place: tuple[str | int, ...]) -> Any:
    source.only(data, [item.name for item in fields(kind)], place)
    try:
        return kind(**data)
    except TypeError as error:
        raise source.error(place, str(error).replace("__init__() ", "")) from error
