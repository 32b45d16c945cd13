"""Where things are: the project's own files and the lake's home. The only module that knows folder names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

RESTRICTED = ("landing", "bronze", "decisions", "audit", "secrets", "run")


def project_root() -> Path:
    """The folder with schemas/, dags/ and superset_exports/ (overridable by AGRILAKE_PROJECT)."""
    override = os.environ.get("AGRILAKE_PROJECT")
    return Path(override).resolve() if override else Path(__file__).resolve().parents[2]


def contract_roots() -> list[Path]:
    """Folders with contracts: the project's schemas/, then those named in AGRILAKE_CONTRACTS (os.pathsep)."""
    extra = os.environ.get("AGRILAKE_CONTRACTS", "")
    return [project_root() / "schemas", *(Path(part).resolve() for part in extra.split(os.pathsep) if part)]


@dataclass(frozen=True)
class Home:
    """A lake's home folder. Its inbox and outbox may lie elsewhere (AGRILAKE_INBOX, AGRILAKE_OUTBOX)."""

    root: Path
    inbox: Path
    outbox: Path

    @classmethod
    def at(cls, root: Path) -> Home:
        """A home with inbox and outbox inside it unless the environment moves them."""
        root = root.resolve()
        inbox = Path(os.environ.get("AGRILAKE_INBOX") or root / "inbox")
        outbox = Path(os.environ.get("AGRILAKE_OUTBOX") or root / "outbox")
        return cls(root, inbox.resolve(), outbox.resolve())

    @classmethod
    def from_environment(cls) -> Home:
        """The home that AGRILAKE_HOME names, else <project>/var."""
        return cls.at(Path(os.environ.get("AGRILAKE_HOME") or project_root() / "var"))

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def state_file(self) -> Path:
        return self.root / "state" / "lake.sqlite"

    @property
    def publications(self) -> Path:
        return self.root / "publications"

    @property
    def published(self) -> Path:
        """What stays of every publication when its files are gone."""
        return self.root / "published"

    @property
    def docs(self) -> Path:
        return self.root / "docs"

    @property
    def tmp(self) -> Path:
        return self.root / "tmp"

    def table(self, layer: str, name: str = "") -> Path:
        """The Delta table of a layer: bronze, accepted, silver, gold with a name; quarantine without."""
        return self.root / layer / name if name else self.root / layer

    def prepare(self) -> Home:
        """Make the folders, the restricted ones for the owner alone."""
        names = ("landing", "bronze", "accepted", "silver", "gold", "state", "publications", "published", "docs")
        for name in (*names, "logs", "decisions", "audit", "run", "secrets", "tmp"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        for name in RESTRICTED:
            (self.root / name).chmod(0o700)
        self.inbox.mkdir(parents=True, exist_ok=True)
        self.outbox.mkdir(parents=True, exist_ok=True)
        return self
