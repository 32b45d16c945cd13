"""Where things are: the project's own files and the lake's home. The only module that knows folder names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

RESTRICTED = (
    *("landing", "bronze", "accepted", "quarantine", "silver", "gold"),
    *("decisions", "audit", "state", "published", "secrets", "run", "tmp", "logs"),
)
"""Folders of the home that its owner alone may enter (0700)."""
PASSED = {"publications": 0o711, "docs": 0o755}
"""Folders that others go through to what is theirs, with the modes that they are made with."""
UMASK = 0o077
RECEIPT_MODE, PAGE_MODE = 0o640, 0o644
"""Of receipts (a department's group, by its folder of the outbox) and of pages for everybody."""


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
        """Make the folders, the restricted ones for the owner alone.

        So is whatever this process and those that it starts write from here on; what others read is opened by name.
        Folders that others pass keep the modes that they have.
        """
        os.umask(UMASK)
        passed = {self.root / name: mode for name, mode in PASSED.items()}
        for folder, mode in ({self.root: 0o711} | passed | {self.inbox: 0o711, self.outbox: 0o711}).items():
            make_folder(folder, mode)
        for name in RESTRICTED:
            make_folder(self.root / name, 0o700).chmod(0o700)
        return self


def make_folder(path: Path, mode: int) -> Path:
    """A folder of that mode whatever the umask; one that is there keeps its own."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
    return path
