"""Reading contracts: ODCS 3 YAML -> `Dataset`, strictly, with file and place in every error."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pydantic
from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject, SchemaProperty

from agrilake.contract.columns import PROPERTY_KEYS, column_from, custom, require_known
from agrilake.contract.counts import require_quantity
from agrilake.contract.layouts import check_periods, joined
from agrilake.contract.model import SHARING, Check, Dataset, Frequency, Load
from agrilake.contract.settings import load_settings
from agrilake.contract.signatures import SIGNATURES
from agrilake.contract.yamlfile import YamlFile, read_yaml
from agrilake.errors import ContractError, UsageError
from agrilake.paths import contract_roots

CONTRACT_KEYS = frozenset(
    {"load", "encoding", "crs", "history", "reference", "periodColumn", "large", "sharing", "divisionColumn"}
    | {"reachesBack", "validUntil"}
    | {"inputs", "madeBy", "subject", "lineage", "published"}
    | {"rowsCount"}
)
SUITE_METRICS = frozenset({"rowCount"})
HISTORIES = ("scd2",)
MAKERS = ("transform", "linking", "indicators", "publication")
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Registry:
    """All contracts: department `datasets` and `gold` tables, in stable order."""

    datasets: dict[str, Dataset]
    gold: dict[str, Dataset]

    def get(self, name: str) -> Dataset:
        """A department dataset by id or Chinese title; UsageError naming near ones if there is none."""
        if name in self.datasets:
            return self.datasets[name]
        for dataset in self.datasets.values():
            if name == dataset.title or name in dataset.synonyms:
                return dataset
        raise UsageError(f"no dataset {name!r}; known: {', '.join(self.datasets)}")

    def any(self, name: str) -> Dataset:
        """A dataset or a gold table by id."""
        return self.gold[name] if name in self.gold else self.get(name)

    def reference(self) -> list[Dataset]:
        """Datasets that others are resolved against."""
        return [dataset for dataset in self.datasets.values() if dataset.reference]


@cache
def load_registry(roots: tuple[Path, ...] | None = None) -> Registry:
    """Every contract under the roots (default: the project's and those of AGRILAKE_CONTRACTS).

    Earlier layouts stand with the dataset of their id. Raises ContractError for a bad contract, two of the same id, a
    relation to what does not exist, or an earlier layout that does not lead to today's columns.
    """
    datasets: dict[str, Dataset] = {}
    gold: dict[str, Dataset] = {}
    layouts: list[Dataset] = []
    for path in _contract_files(roots or contract_roots()):
        dataset = load_dataset(path)
        if dataset.valid_until is not None:
            layouts.append(dataset)
            continue
        target = gold if dataset.is_gold else datasets
        if dataset.id in target:
            problem = f"{dataset.id} is declared in {target[dataset.id].path} too"
            raise ContractError(str(path), "id", problem, "an earlier layout says validUntil")
        target[dataset.id] = dataset
    registry = Registry(joined(dict(sorted(datasets.items())), layouts), dict(sorted(gold.items())))
    _check_relations(registry)
    return registry


def _contract_files(roots: Sequence[Path]) -> Iterator[Path]:
    for root in roots:
        if root.is_file():
            yield root
            continue
        for path in sorted(root.glob("**/*.yaml")):
            if not {"settings", "indicators", "layers", "dashboards"} & set(path.relative_to(root).parts[:-1]):
                yield path


def _check_relations(registry: Registry) -> None:
    for dataset in (*registry.datasets.values(), *registry.gold.values()):
        for column in dataset.columns:
            target = column.reference
            if target is None:
                continue
            other = registry.datasets.get(target.dataset) or registry.gold.get(target.dataset)
            if other is None:
                raise ContractError(str(dataset.path), f"{column.name}.relationships", f"no table {target.dataset}")
            if target.column not in [item.name for item in other.columns]:
                raise ContractError(str(dataset.path), f"{column.name}.relationships", f"no column {target.column}")
        for name in dataset.inputs:
            if name not in registry.gold and name not in registry.datasets:
                raise ContractError(str(dataset.path), "customProperties.inputs", f"no table {name!r}")


def load_dataset(path: Path) -> Dataset:
    """One contract; raises ContractError naming file, line and path for anything unknown or missing."""
    source = read_yaml(path)
    _refuse_unknown(source, source.data, OpenDataContractStandard, ())
    try:
        contract = OpenDataContractStandard(**source.data)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        raise source.error(tuple(first["loc"]), first["msg"]) from error
    tables = contract.schema_ or []
    if len(tables) != 1:
        raise source.error(("schema",), f"expected one table, found {len(tables)}")
    return _dataset(source, contract, tables[0])


def _dataset(source: YamlFile, contract: OpenDataContractStandard, table: SchemaObject) -> Dataset:
    properties = custom(source, contract.customProperties, CONTRACT_KEYS, ("customProperties",))
    identity, department = contract.id or "", contract.domain or ""
    _require(source, contract)
    if not IDENTIFIER.fullmatch(identity):
        raise source.error(("id",), f"{identity!r} is not snake_case")
    if department != "gold" and not identity.startswith(f"{department}_"):
        raise source.error(("id",), f"{identity!r} does not begin with its department", f"use {department}_…")
    frequency, due_day = _service_level(source, contract)
    columns = tuple(
        column_from(source, item, ("schema", 0, "properties", index))
        for index, item in enumerate(table.properties or [])
    )
    if len({column.name for column in columns}) != len(columns):
        raise source.error(("schema", 0, "properties"), "a column stands twice")
    if department != "gold" and not any(column.primary_key for column in columns):
        raise source.error(("schema", 0, "properties"), "no primaryKey", "mark the columns of the grain")
    history, made_by = properties.get("history"), properties.get("madeBy", MAKERS[0])
    if history is not None:
        source.one_of(history, HISTORIES, ("customProperties", "history"))
    source.one_of(made_by, MAKERS, ("customProperties", "madeBy"))
    valid_until = properties.get("validUntil")
    check_periods(source, table, frequency, valid_until, department)
    sharing = properties.get("sharing", Dataset.sharing)
    source.one_of(sharing, SHARING, ("customProperties", "sharing"))
    return Dataset(
        id=identity,
        department=department,
        title=contract.name or "",
        description=(contract.description.purpose if contract.description else "") or "",
        version=str(contract.version),
        status=contract.status or "active",
        load=_choice(source, Load, properties.get("load", "snapshot"), "load"),
        frequency=frequency,
        columns=columns,
        path=source.path,
        owner=getattr(contract.team, "name", None) or "",
        department_title=load_settings().departments.get(department, department),
        due_day=due_day,
        encoding=str(properties.get("encoding", "gb18030")),
        crs=properties.get("crs"),
        history=history,
        reference=bool(properties.get("reference", False)),
        period_column=properties.get("periodColumn"),
        reaches_back=int(properties.get("reachesBack", 0)),
        large=bool(properties.get("large", False)),
        grain=table.dataGranularityDescription or "",
        synonyms=tuple(item.synonym or "" for item in table.synonyms or []),
        sharing=sharing,
        sharing_terms=(contract.description.limitations if contract.description else "") or "",
        checks=tuple(_dataset_checks(source, table)),
        inputs=tuple(properties.get("inputs", ())),
        made_by=made_by,
        subject=str(properties.get("subject", "")),
        lineage=properties.get("lineage", {}),
        published=tuple(properties.get("published", ())),
        division_column=properties.get("divisionColumn"),
        rows_count=require_quantity(source, properties.get("rowsCount"), ("customProperties", "rowsCount")),
        valid_until=None if valid_until is None else str(valid_until),
    )


def _require(source: YamlFile, contract: OpenDataContractStandard) -> None:
    for name in ("id", "name", "version", "domain", "apiVersion", "kind"):
        if not getattr(contract, name):
            raise source.error((name,), "missing")
    if contract.kind != "DataContract":
        raise source.error(("kind",), f"{contract.kind!r}", "expected DataContract")


def _service_level(source: YamlFile, contract: OpenDataContractStandard) -> tuple[Frequency, int]:
    frequency, due_day = Frequency.MONTH, 10
    for index, item in enumerate(contract.slaProperties or []):
        if item.property == "frequency":
            frequency = _choice(source, Frequency, item.value, "slaProperties.frequency")
        elif item.property == "dueDay":
            due_day = int(item.value or 0)
        else:
            raise source.error(("slaProperties", index), f"unknown property {item.property!r}", "frequency or dueDay")
    return frequency, due_day


def _choice(source: YamlFile, kind: Any, value: Any, place: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join(item.value for item in kind)
        raise source.error((place,), f"{value!r} is not allowed", f"one of {allowed}") from None


def _dataset_checks(source: YamlFile, table: SchemaObject) -> Iterator[Check]:
    bounds = (
        "mustBe",
        "mustBeGreaterThan",
        "mustBeGreaterOrEqualTo",
        "mustBeLessThan",
        "mustBeLessOrEqualTo",
    )
    for index, item in enumerate(table.quality or []):
        place: tuple[str | int, ...] = ("schema", 0, "quality", index)
        if item.type == "library":
            if item.metric not in SUITE_METRICS:
                raise source.error(place, f"unknown metric {item.metric!r}", ", ".join(sorted(SUITE_METRICS)))
            arguments: dict[str, object] = {
                name: getattr(item, name) for name in bounds if getattr(item, name) is not None
            }
            yield Check(str(item.metric), item.severity or "stop", arguments, item.description or "")
        elif item.type == "custom" and item.engine == "agrilake":
            check = Check(
                str(item.implementation), item.severity or "error", item.arguments or {}, item.description or ""
            )
            require_known(source, check, place)
            known = [column.name for column in table.properties or []]
            unknown = [name for name in SIGNATURES[check.name].columns(check.arguments) if name not in known]
            if unknown:
                raise source.error((*place, "arguments"), f"no column {', '.join(unknown)}")
            yield check
        else:
            raise source.error(place, "quality must be type library, or custom with engine agrilake")


def _refuse_unknown(source: YamlFile, value: Any, model: Any, place: tuple[str | int, ...]) -> None:
    """Walk the YAML beside the ODCS model: its inner models would silently drop a misspelt key."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_unknown(source, item, model, (*place, index))
    elif isinstance(value, dict) and isinstance(model, type) and issubclass(model, pydantic.BaseModel):
        allowed = {info.alias or name: info.annotation for name, info in model.model_fields.items()}
        if model is SchemaProperty:
            allowed = {name: kind for name, kind in allowed.items() if name in PROPERTY_KEYS}
        source.only(value, allowed, place)
        for key, item in value.items():
            inner = _inner_model(allowed[key], item)
            if inner is not None:
                _refuse_unknown(source, item, inner, (*place, key))


def _inner_model(annotation: Any, value: Any) -> Any:
    for option in typing.get_args(annotation) or (annotation,):
        origin = typing.get_origin(option)
        if origin is list and isinstance(value, list):
            return next((item for item in typing.get_args(option) if isinstance(item, type)), None)
        if isinstance(option, type) and issubclass(option, pydantic.BaseModel) and isinstance(value, dict):
            return option
    return None
