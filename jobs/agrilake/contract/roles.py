"""The roles of schemas/settings/roles.yaml: who reads which file of a publication, with which login and group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from agrilake.contract.settings import Settings, load_settings, settings_path
from agrilake.contract.yamlfile import YamlFile, read_yaml

LEADER, ANALYST, STEWARD, DEPARTMENT, ADMINISTRATOR = KINDS = (
    *("leader", "analyst", "steward", "department", "administrator"),
)


@dataclass(frozen=True)
class Role:
    """A role: `kind` of KINDS, `file` of a publication without its ending (empty: it reads no data), `login` of
    Superset, `group` of the operating system. `department` is empty but for a department's role."""

    kind: str
    title: str
    login: str
    file: str = ""
    group: str = ""
    department: str = ""


def load_roles(settings: Settings | None = None, path: Path | None = None) -> tuple[Role, ...]:
    """Every role, a department's for each department of the district; ContractError for an unknown or missing one."""
    chosen = settings or load_settings()
    return _roles(path or settings_path().with_name("roles.yaml"), tuple(chosen.departments.items()))


def readers(settings: Settings | None = None) -> tuple[Role, ...]:
    """The roles that read a file of a publication."""
    return tuple(role for role in load_roles(settings) if role.file)


@cache
def _roles(path: Path, departments: tuple[tuple[str, str], ...]) -> tuple[Role, ...]:
    source = read_yaml(path)
    source.only(source.data, KINDS, ())
    found: list[Role] = []
    for kind in KINDS:
        if kind not in source.data:
            raise source.error((), f"{kind} is missing")
        found += _of_kind(source, kind, departments)
    for name in ("login", "file", "group"):
        given = [getattr(role, name) for role in found if getattr(role, name)]
        if len(given) > len(set(given)):
            raise source.error((), f"two roles have one {name}", "give each role its own")
    return tuple(found)


def _of_kind(source: YamlFile, kind: str, departments: tuple[tuple[str, str], ...]) -> Iterator[Role]:
    data = source.data[kind]
    source.only(data, [item.name for item in fields(Role) if item.name not in ("kind", "department")], (kind,))
    for name in ("title", "login"):
        if not data.get(name):
            raise source.error((kind,), f"{name} is missing")
    for name, title in departments if kind == DEPARTMENT else (("", ""),):
        words = {"{department}": name, "{department_title}": title}
        yield Role(kind, department=name, **{key: _filled(str(value), words) for key, value in data.items()})


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text
