"""All that indicator values were computed from, kept beside them: a declaration that is edited later changes no past.

A recipe is a JSON file in `<home>/published/recipes`, named by its own hash; the commit of gold/indicator_value names
the recipe that made it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from agrilake.contract.load import Registry
from agrilake.contract.model import Frequency
from agrilake.contract.order import datasets_behind
from agrilake.errors import ConsistencyError, UsageError
from agrilake.indicators.arrivals import Arrivals
from agrilake.indicators.model import Combination, Indicator, Measure
from agrilake.lake.files import sync
from agrilake.paths import Home
from agrilake.tables.types import stored_fields

DIVISION = "division"
FOLDER = "recipes"
LIBRARIES = ("polars", "pyspark")
PARTS = ("numerator", "denominator", "value")


@dataclass(frozen=True)
class Source:
    """A gold table that is read: its Chinese title, Delta version (None: not there yet), columns with their Spark
    types, and the department datasets behind it."""

    title: str
    version: int | None
    fields: Mapping[str, str]
    behind: tuple[str, ...]


@dataclass(frozen=True)
class Engine:
    """What computed the values: a hash of the engine's own code, and the versions of the libraries that it rests on."""

    code: str
    libraries: Mapping[str, str]


@dataclass(frozen=True)
class Recipe:
    """Declarations, sources (gold tables by name), what had been delivered and was due, and the engine.

    `contract` is a hash of the contract of gold/indicator_value.
    """

    indicators: tuple[Indicator, ...]
    district: str
    sources: Mapping[str, Source]
    arrivals: Mapping[str, Arrivals]
    contract: str
    engine: Engine

    @property
    def inputs(self) -> dict[str, int | None]:
        """Delta versions of the gold tables."""
        return {name: source.version for name, source in self.sources.items()}

    @property
    def behind(self) -> dict[str, tuple[str, ...]]:
        """Department datasets behind each gold table."""
        return {name: source.behind for name, source in self.sources.items()}

    @property
    def settled(self) -> list[Indicator]:
        """The indicators, where one whose source table is not there yet awaits it."""
        return [_settled(item, self.sources) for item in self.indicators]

    @property
    def text(self) -> str:
        """JSON, the same text for the same recipe; what a declaration lists keeps its order."""
        content = {
            "indicators": [_plain(item) for item in self.indicators],
            "district": self.district,
            "sources": {name: asdict(source) for name, source in sorted(self.sources.items())},
            "arrivals": {name: asdict(of) for name, of in sorted(self.arrivals.items())},
            "contract": self.contract,
            "engine": asdict(self.engine),
        }
        return json.dumps(content, ensure_ascii=False, indent=1)

    @property
    def digest(self) -> str:
        """The name under which it is kept."""
        return _digest(self.text)


def recipe(
    indicators: Sequence[Indicator],
    registry: Registry,
    district: str,
    versions: Mapping[str, int | None],
    arrivals: Mapping[str, Arrivals],
    engine: Engine,
) -> Recipe:
    """The recipe of values from gold tables at `versions`."""
    sources = {
        name: Source(
            registry.gold[name].title,
            number,
            stored_fields(registry.gold[name]),
            tuple(one.id for one in datasets_behind([name], registry)),
        )
        for name, number in versions.items()
    }
    contract = _digest(registry.gold["indicator_value"].path.read_text(encoding="utf-8"))
    return Recipe(tuple(indicators), district, sources, arrivals, contract, engine)


def tables_of(indicators: Iterable[Indicator]) -> list[str]:
    """Gold tables that the indicators are computed from."""
    return sorted({name for item in indicators for name in item.sources} | {DIVISION})


def engine_of(code: Iterable[Path]) -> Engine:
    """The engine as it runs now."""
    texts = b"\n".join(path.read_bytes() for path in code)
    return Engine(hashlib.sha256(texts).hexdigest()[:16], {name: version(name) for name in LIBRARIES})


def keep_recipe(home: Home, wanted: Recipe) -> str:
    """Write the recipe where it is not kept yet; its digest."""
    path = _path(home, wanted.digest)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.tmp")
        unfinished.write_text(wanted.text, encoding="utf-8")
        sync(unfinished)
        unfinished.rename(path)
        sync(path.parent)
    return wanted.digest


def kept_recipe(home: Home, digest: str) -> Recipe:
    """The recipe of that digest. Raises UsageError where it is gone, ConsistencyError where it was altered."""
    path = _path(home, digest)
    if not path.is_file():
        raise UsageError(f"{path} is gone; bring it back from the backups of the lake's folder `published`")
    text = path.read_text(encoding="utf-8")
    if _digest(text) != digest:
        raise ConsistencyError(f"{path} was altered after it was written; bring it back from the backups")
    return _read(json.loads(text))


def _path(home: Home, digest: str) -> Path:
    return home.published / FOLDER / f"{digest}.json"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(item: Indicator) -> dict[str, Any]:
    return {**asdict(item), "path": item.path.name}


def _read(content: Mapping[str, Any]) -> Recipe:
    return Recipe(
        indicators=tuple(_indicator(item) for item in content["indicators"]),
        district=content["district"],
        sources={
            name: Source(item["title"], item["version"], item["fields"], tuple(item["behind"]))
            for name, item in content["sources"].items()
        },
        arrivals={name: _arrivals(item) for name, item in content["arrivals"].items()},
        contract=content["contract"],
        engine=Engine(**content["engine"]),
    )


def _indicator(said: Mapping[str, Any]) -> Indicator:
    parts = {part: _measure(said[part]) for part in PARTS if said[part]}
    return Indicator(
        **{
            **said,
            **parts,
            "path": Path(said["path"]),
            "grain": tuple(said["grain"]),
            "periods": tuple(said["periods"]),
            "combined": Combination(**said["combined"]) if said["combined"] else None,
        }
    )


def _measure(said: Mapping[str, Any]) -> Measure:
    return Measure(**{**said, "rests_on": tuple(said["rests_on"])})


def _arrivals(said: Mapping[str, Any]) -> Arrivals:
    lists = {name: tuple(said[name]) for name in ("delivered", "late")}
    return Arrivals(**{**said, **lists, "frequency": Frequency(said["frequency"])})


def _settled(item: Indicator, sources: Mapping[str, Source]) -> Indicator:
    absent = [name for name in item.sources if sources[name].version is None]
    if not absent:
        return item
    return replace(item, awaits=item.awaits or sources[absent[0]].title, numerator=None, value=None)
