"""A running Superset of a test: its home, its address, and how a newer publication comes in."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from agrilake.superset.setup import password_file


@dataclass(frozen=True)
class Dashboards:
    """A running Superset: its home (with publications of its own) and its address."""

    home: Path
    url: str

    @property
    def database(self) -> Path:
        """The leader's file of the current publication."""
        return (self.home / "publications" / "current" / "leader.duckdb").resolve()

    def password(self, user: str) -> str:
        """The user's generated password."""
        return password_file(self.home, user).read_text(encoding="ascii").strip()

    def republish(self, name: str, change: str) -> None:
        """Publish a copy of the current file after `change` (SQL), swapped in as the lake does it."""
        folder = self.home / "publications" / name
        shutil.copytree(self.database.parent, folder)
        (folder / "leader.duckdb").chmod(0o600)
        with duckdb.connect(str(folder / "leader.duckdb")) as connection:
            connection.execute(change)
        link = self.home / "publications" / ".next"
        link.symlink_to(name)
        link.rename(self.home / "publications" / "current")
