"""Files of roles: shut in when opened, and not there for users of the machine who are of no group of theirs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from agrilake.contract.roles import readers
from agrilake.paths import RESTRICTED, Home
from agrilake.publish import open_publication

NOBODY = 65534
ROLES = [role.file for role in readers()]
STATEMENTS = (
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_parquet('https://example.org/a.parquet')",
    "SELECT * FROM glob('/*')",
    "ATTACH '{other}' AS other",
    "ATTACH '/etc/passwd' AS other",
    "COPY mine TO '{away}'",
    "COPY mine FROM '/etc/passwd'",
    "EXPORT DATABASE '{away}'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD spatial",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET extension_directory = '/tmp'",
    "SET home_directory = '/tmp'",
    "RESET enable_external_access",
    "PRAGMA enable_profiling = 'json'",
    "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "CREATE TABLE other (a INT)",
    "UPDATE mine SET role = 'x'",
    "SELECT getenv('HOME')",
)


@pytest.fixture
def home() -> Iterator[Home]:
    """A home where others may pass, as under /srv, with a file for each role; agri's belongs to nobody's group."""
    outside = Path(tempfile.mkdtemp(prefix="roles"))
    outside.chmod(0o755)
    made = Home.at(outside / "home").prepare()
    folder = made.publications / "000001"
    for role in ROLES:
        file = folder / f"{role}.duckdb"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.parent.chmod(0o711)
        with duckdb.connect(str(file)) as connection:
            connection.execute(f"CREATE TABLE mine AS SELECT '{role}' AS role")
        file.chmod(0o640)
    (made.publications / "current").symlink_to("000001")
    for name in RESTRICTED:
        (made.root / name / "kept").write_text("x", encoding="utf-8")
    yield made
    shutil.rmtree(outside)


@pytest.mark.parametrize("role", ROLES)
def test_a_reader_reaches_nothing_but_his_file(home: Home, role: str, tmp_path: Path) -> None:
    other = home.publications / "current" / f"{next(name for name in ROLES if name != role)}.duckdb"
    with closing(open_publication(home, role)) as connection:
        assert connection.execute("SELECT role FROM mine").fetchall() == [(role,)]
        for statement in STATEMENTS:
            with pytest.raises(duckdb.Error):
                connection.execute(statement.format(other=other, away=tmp_path / "away"))
        held = connection.execute("SELECT DISTINCT database_name FROM duckdb_tables()").fetchall()
        assert held == [(Path(role).name,)]
    assert not (tmp_path / "away").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_of_the_machine_opens_what_his_group_has_and_nothing_else(home: Home) -> None:
    own = (home.publications / "current" / "department" / "agri.duckdb").resolve()
    os.chown(own, -1, NOBODY)
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.as_reader", str(home.root), *ROLES],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["opened"] == ["department/agri"]
    assert len(found["said"]) == len(ROLES) - 1
    assert all("is not yours to read; see docs/roles.md" in said for said in found["said"])
    assert {name for name in found["read"] if not name.startswith("docs/")} == {
        "publications/000001/department/agri.duckdb",
    }
    assert set(found["listed"]) <= {"docs"}
