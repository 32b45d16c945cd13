"""Logins of Superset, one for each role that has something to read there, and which databases each sees."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agrilake.contract.roles import ADMINISTRATOR, ANALYST, DEPARTMENT, Role, load_roles
from agrilake.superset.assets import ANALYST_DATABASE, LEADER_DATABASE, STEWARD_DATABASE
from agrilake.superset.own_pages import department_database


@dataclass(frozen=True)
class Account:
    """A login with its role: `kind` as in roles.yaml, `title` names the role in Superset, `databases` are keys of the
    export."""

    login: str
    title: str
    kind: str
    databases: tuple[str, ...]
    department: str = ""


def accounts(exports: Path) -> list[Account]:
    """One account a role; a department that delivers nothing has no database in the export, and so no login."""
    made = [Account(role.login, role.title, role.kind, _databases(role), role.department) for role in load_roles()]
    return [item for item in made if item.kind != DEPARTMENT or _exported(exports, item)]


def _databases(role: Role) -> tuple[str, ...]:
    if role.kind == ADMINISTRATOR:
        return ()
    if role.kind == DEPARTMENT:
        return (department_database(role).key,)
    if role.kind == ANALYST:
        return (LEADER_DATABASE.key, ANALYST_DATABASE.key)
    return (next(item.key for item in (LEADER_DATABASE, STEWARD_DATABASE) if item.file == role.file),)


def _exported(exports: Path, account: Account) -> bool:
    return all((exports / "databases" / f"{key}.yaml").is_file() for key in account.databases)
