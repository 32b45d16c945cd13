"""Bringing the committed export into this home's Superset; quick when nothing changed since the last time."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from agrilake.errors import ServiceError
from agrilake.services.process import read_or_create_secret
from agrilake.services.superset import superset_environment
from agrilake.superset.accounts import accounts

EXPORTS = "superset_exports"
LOG_TAIL_LINES = 15


def setup(home: Path, project: Path) -> bool:
    """Metadata, roles, users and the export, in one process; returns whether anything was to do.

    Superset may be running, and nothing need be published yet. The passwords of all logins are made at random in
    <home>/secrets (mode 0600). Raises ServiceError with the end of the log when a step fails; the next call
    begins again, since the mark is written last, and a database that was never finished is made anew.
    """
    home = home.resolve()
    (home / "superset").mkdir(parents=True, exist_ok=True)
    logins = [asdict(item) for item in accounts(project / EXPORTS)]
    for item in logins:
        file = password_file(home, item["login"])
        read_or_create_secret(file, size_bytes=12)
        item["password_file"] = str(file)
    folder = home / "superset"
    mark, database, begun = folder / "imported.json", folder / "superset.db", folder / "creating"
    state = json.dumps({"exports": exports_hash(project / EXPORTS), "home": str(home), "logins": logins})
    if database.exists() and mark.exists() and mark.read_text(encoding="utf-8") == state:
        return False
    mark.unlink(missing_ok=True)
    if begun.exists():  # a first setup that was cut off leaves tables that a migration makes only once
        for file in folder.glob(f"{database.name}*"):
            file.unlink()
    if not database.exists():
        begun.touch()
    _run(home, project, json.dumps(logins))
    begun.unlink(missing_ok=True)
    _replace(mark, state)
    return True


def _replace(mark: Path, text: str) -> None:
    draft = mark.with_suffix(".tmp")
    draft.write_text(text, encoding="utf-8")
    draft.replace(mark)


def password_file(home: Path, user: str) -> Path:
    """Where the user's generated password is kept."""
    return home / "secrets" / f"superset-{user}.password"


def _run(home: Path, project: Path, logins: str) -> None:
    log = home / "logs" / "superset-setup.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [
        str(project / ".venv-superset" / "bin" / "python"),
        str(project / EXPORTS / "setup_superset.py"),
        "--exports",
        str(project / EXPORTS),
        "--logins",
        logins,
    ]
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            command, env=superset_environment(home), stdout=output, stderr=subprocess.STDOUT, cwd=home, check=False
        )
    if done.returncode:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:])
        raise ServiceError(f"Superset could not be set up (exit code {done.returncode}); {log} ends with:\n{tail}")


def exports_hash(folder: Path) -> str:
    """Hash of all that decides the result: the bundle, the script and the settings."""
    digest = hashlib.sha256()
    for path in _inputs(folder):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _inputs(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in (".yaml", ".py"):
            yield path
