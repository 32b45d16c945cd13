"""Reading a publication: read-only, shut in, and the same version for as long as the connection lives."""

from __future__ import annotations

from pathlib import Path

import duckdb

from agrilake.errors import UsageError
from agrilake.paths import Home
from agrilake.publish.model import ANALYST, ROLES
from agrilake.publish.store import current_publication

SHUT_IN: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "lock_configuration": "true",
}


def open_publication(home: Home, role: str = ANALYST) -> duckdb.DuckDBPyConnection:
    """The current publication's file of a role; UsageError for another role or before the first publication.

    A query can change nothing, read no other file, load no extension, and not lift these limits. The link is
    followed once, so a newer publication is seen by the next connection only.
    """
    if role not in ROLES:
        raise UsageError(f"no role {role!r}; one of {', '.join(ROLES)}")
    publication = current_publication(home)
    if publication is None:
        raise UsageError("nothing is published yet; run: agrilake run")
    return read_only(publication.database(role))


def read_only(file: Path) -> duckdb.DuckDBPyConnection:
    """A published file, shut in. One process can open a file once more only with the same settings: these."""
    return duckdb.connect(str(file), read_only=True, config=SHUT_IN)
