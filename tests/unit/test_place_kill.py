"""SIGKILL after each linked table: run again until nothing is left, and all equal those of an uninterrupted run."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.support.stations import store
from tests.unit.test_place_build import INFO, LINKED, OFFICE, POST, SHOP, build, gold

from agrilake.paths import Home

ONE_TABLE_THEN_DIE = """
import os, signal, sys
from pathlib import Path
from agrilake.contract.load import load_registry
from agrilake.contract.order import in_order
from agrilake.linking.build import build_linked
from agrilake.paths import Home

registry = load_registry()
for table in in_order(registry):
    if table.made_by == "linking" and build_linked(Home.at(Path(sys.argv[1])), table, registry).changed:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_build_that_is_killed_after_every_table_ends_like_one_that_is_not(tmp_path: Path) -> None:
    whole, killed = (Home.at(tmp_path / name).prepare() for name in ("whole", "killed"))
    for rows in ((INFO, OFFICE), (SHOP, POST)):
        for home in (whole, killed):
            store(home, *rows)
        build(whole)
        ends = []
        while not ends or ends[-1] != 0:
            assert len(ends) <= len(LINKED), "a table is built again and again"
            command = [sys.executable, "-c", ONE_TABLE_THEN_DIE, str(killed.root)]
            ends.append(subprocess.run(command, check=False, timeout=120).returncode)
        assert ends == [-signal.SIGKILL] * (len(ends) - 1) + [0]
    for table in LINKED:
        assert gold(killed, table.id).equals(gold(whole, table.id)), table.id
