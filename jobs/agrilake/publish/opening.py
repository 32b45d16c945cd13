"""Reading a publication: read-only, shut in, and the same version for as long as the connection lives."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

from agrilake.contract.roles import readers
from agrilake.errors import UsageError
from agrilake.paths import Home
from agrilake.publish.model import ANALYST
from agrilake.publish.store import CURRENT

SHUT_IN: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "lock_configuration": "true",
}


def open_publication(home: Home, role: str = ANALYST) -> duckdb.DuckDBPyConnection:
    """The current publication's file of a role (`leader`, `department/agri`, …); UsageError for another one or before
    the first publication. Nothing but that file is read, so that who may read only it can use it.

    A query can change nothing, read no other file, load no extension, and not lift these limits. The link is
    followed once, so a newer publication is seen by the next connection only.
    """
    known = [item.file for item in readers()]
    if role not in known:
        raise UsageError(f"no role {role!r}; one of {', '.join(known)}")
    folder = (home.publications / CURRENT).resolve()
    if folder.name == CURRENT:
        raise UsageError("nothing is published yet; run: agrilake run")
    file = folder / f"{role}.duckdb"
    if not os.access(file, os.R_OK):
        raise UsageError(f"{file} is not yours to read; see docs/roles.md")
    return read_only(file)


def read_only(file: Path) -> duckdb.DuckDBPyConnection:
    """A published file, shut in. One process can open a file once more only with the same settings: these."""
    return duckdb.connect(str(file), read_only=True, config=SHUT_IN)
