"""What a command imports, which is most of what one waits for: counted, since seconds differ between machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.workloads.start import small_file
from tests.support.intake import reference_lake

PROGRAM = """
import atexit, json, sys
atexit.register(lambda: print("\\n" + json.dumps(sorted(sys.modules)), file=sys.stderr))
from agrilake.commands.main import app
app()
"""
ENGINES = {"polars", "pyarrow", "deltalake", "duckdb", "pandas", "numpy", "yaml"}
SERVICES = {"pyspark", "airflow", "great_expectations", "splink", "geopandas", "matplotlib", "rdflib"}
FILE_KINDS = {"shapely", "pyproj", "openpyxl"}


def imported(*arguments: str, home: Path) -> set[str]:
    """Top-level packages and the lake's own modules that a command has imported at its end."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**os.environ, "AGRILAKE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    modules = json.loads(done.stderr.splitlines()[-1])
    return {name if name.startswith("agrilake") else name.split(".")[0] for name in modules}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reference_lake(tmp_path_factory.mktemp("start") / "home").home.root


def test_help_imports_no_engine(home: Path) -> None:
    found = imported("--help", home=home)
    assert not found & (ENGINES | SERVICES | FILE_KINDS)
    assert not {name for name in found if name.startswith(("agrilake.pipeline", "agrilake.contract"))}


def test_checking_a_text_file_imports_neither_services_nor_what_reads_other_files(home: Path, tmp_path: Path) -> None:
    found = imported("check", str(small_file(tmp_path)), home=home)
    assert not found & (SERVICES | FILE_KINDS | {"duckdb", "pandas"})
    assert "polars" in found


def test_a_question_imports_neither_services_nor_the_intake(home: Path) -> None:
    found = imported("sql", "select count(*) from silver.stats_division", home=home)
    assert not found & (SERVICES | FILE_KINDS)  # pandas comes with pyarrow.dataset, by which DuckDB reads a table
    assert "agrilake.pipeline.intake" not in found
