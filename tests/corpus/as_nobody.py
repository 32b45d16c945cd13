"""Take an inbox as a user who may not read all of it: root reads everything, so the rights are dropped first.

Run as `python -m tests.corpus.as_nobody HOME`; prints {inbox path: [status, code]} as JSON. The home's folder is
made readable by that user; one good file is taken before, so that all libraries are loaded.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from tests.support.intake import reference_lake, register_all, take

from agrilake.intake.keys import create_key

NOBODY = 65534


def main(root: Path) -> None:
    """Take HOME/inbox as nobody; files there stay as they are."""
    create_key()
    lake = reference_lake(root)
    outside = root.with_name("aside")
    lake.home.inbox.rename(outside)
    good = lake.home.inbox / "agri" / "agri_farm_household__2024-01.csv"
    good.parent.mkdir(parents=True)
    shutil.copyfile(outside / "agri" / good.name, good)
    take(lake)
    shutil.rmtree(lake.home.inbox)
    outside.rename(lake.home.inbox)
    if os.geteuid() == 0:
        _give_to_nobody(root)
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
    outcomes = register_all(lake)
    failures = [failure.message for failure in lake.state.open_failures()]
    found = {path: [outcome.delivery.status, outcome.delivery.code] for path, outcome in outcomes.items()}
    print(json.dumps({"outcomes": found, "failures": failures}))


def _give_to_nobody(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    for path in (root / "inbox").rglob("*"):
        if not path.stat().st_mode & 0o777:  # what nobody may read is not nobody's own
            os.chown(path, 0, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
