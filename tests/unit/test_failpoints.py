"""The crash points: what the code reaches is what the lists name, so that the crash tests miss none; who dies there."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import psutil
import pytest
from deltalake import DeltaTable, write_deltalake

from agrilake.lake.failpoints import ALL_POINTS, VARIABLE, commit, commit_points, during, reach
from agrilake.paths import project_root
from agrilake.publish.model import ROLES
from agrilake.services import process

CALLS = ("reach", "during", "commit")
COMMIT_THEN_GO_ON = """
import sys, time
from pathlib import Path
import polars as pl
from deltalake import write_deltalake
from agrilake.lake.failpoints import commit

with commit("accepted", Path(sys.argv[1])):
    write_deltalake(sys.argv[1], pl.DataFrame({"n": [2]}).to_arrow(), mode="append")
    time.sleep(20)  # a watcher that gets little processor time still is in time
    print("heard of it", flush=True)
"""


def reached() -> Iterator[str]:
    """Every point that a call of `reach`, `during` or `commit` names."""
    for folder in ("jobs", "superset_exports"):
        for path in sorted((project_root() / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS
                if named and node.args and path.stem != "failpoints":
                    yield from names(node.func.id, ast.unparse(node.args[0]))


def names(call: str, argument: str) -> list[str]:
    """The points that a call's argument (a text, or an f-text over the role) names, or one for each role."""
    found = sorted({ast.literal_eval(argument.removeprefix("f").replace("{role.kind}", role)) for role in ROLES})
    return [point for kind in found for point in commit_points(kind)] if call == "commit" else found


def test_the_lists_name_every_point_that_the_code_reaches_and_no_other() -> None:
    assert sorted(reached()) == sorted(ALL_POINTS)
    assert len(ALL_POINTS) == len(set(ALL_POINTS))


def test_a_point_that_is_not_listed_is_an_error() -> None:
    with pytest.raises(ValueError, match="somewhere"):
        reach("somewhere")
    with pytest.raises(ValueError, match="somewhere"), during("somewhere", lambda: True):
        pass


def ended(code: str, *arguments: str, armed: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    env = {**os.environ, VARIABLE: armed}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


def test_a_line_of_a_file_kills_once_and_is_struck_out(tmp_path: Path) -> None:
    armed = tmp_path / "armed"
    armed.write_text("landed\nreceived:self\n", encoding="utf-8")
    code = "from agrilake.lake.failpoints import reach; reach('landed'); reach('received'); reach('bronze_written')"
    ends = [ended(code, armed=f"@{armed}").returncode for _ in range(3)]
    assert ends == [-signal.SIGKILL, -signal.SIGKILL, 0]
    assert armed.read_text(encoding="utf-8") == ""


def test_a_writer_is_killed_when_its_commit_has_landed_and_it_has_not_heard_of_it(tmp_path: Path) -> None:
    table = tmp_path / "table"
    write_deltalake(str(table), pl.DataFrame({"n": [1]}).to_arrow())
    done = ended(COMMIT_THEN_GO_ON, str(table), armed="accepted_committed")
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "")
    assert DeltaTable(str(table)).version() == 1
    assert pl.read_delta(str(table))["n"].sort().to_list() == [1, 2]


def test_another_process_dies_where_it_is_named_and_the_one_that_reached_the_point_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = process.Command("spark", (sys.executable, "-c", "input()"), dict(os.environ), tmp_path)
    server = process.start(tmp_path, command)
    monkeypatch.setenv("AGRILAKE_HOME", str(tmp_path))
    monkeypatch.setenv(VARIABLE, "silver_written:spark")
    reach("silver_applied")
    assert psutil.pid_exists(server.pid)
    with commit("silver", tmp_path / "nothing"):
        pass
    assert process.find(tmp_path, "spark") is None


def test_nothing_happens_where_something_does_not_happen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "table_half_cleaned")
    with during("table_half_cleaned", lambda: False):
        time.sleep(0.01)
