"""What another user of the machine gets of a home: run as `python -m tests.support.as_reader HOME ROLE ROLE …` by root.

Everything is loaded before the rights are dropped to those of `nobody`, whose group may have been given a file. Prints
{"opened": roles whose file it could ask, "read": files and "listed": folders of the home that it could, "said": …}.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from agrilake.contract.roles import readers
from agrilake.errors import UsageError
from agrilake.paths import Home
from agrilake.publish import open_publication

NOBODY = 65534


def main(root: Path, roles: list[str]) -> None:
    """Look as nobody at what root has listed before."""
    readers()  # the declarations are the project's, and read once
    paths = sorted(root.rglob("*"))
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    opened, said = [], []
    for role in roles:
        try:
            with open_publication(Home.at(root), role) as connection:
                connection.execute("SELECT * FROM mine").fetchall()
            opened.append(role)
        except UsageError as error:
            said.append(str(error))
    print(json.dumps({"opened": opened, "said": said, **_reached(root, paths)}))


def _reached(root: Path, paths: list[Path]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"read": [], "listed": []}
    for path in [root, *paths]:
        name = path.relative_to(root).as_posix()
        try:
            found["listed" if path.is_dir() else "read"].append(name) if os.access(path, os.R_OK) else None
        except PermissionError:
            continue
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
