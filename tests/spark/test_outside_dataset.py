"""A further dataset needs one contract and one sample file, from outside the source tree, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support.lakes import agrilake
from tests.support.samples import drop

from agrilake.paths import project_root

DATA = Path(__file__).parents[1] / "data" / "outside"
FILE = DATA / "water_facility__2024Q1.csv"

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def environment() -> Mapping[str, str]:
    return {"AGRILAKE_CONTRACTS": str(DATA / "contracts"), "AGRILAKE_DAGS": str(project_root() / "dags")}


@pytest.fixture(scope="module")
def home(small_lake: Path, tmp_path_factory: pytest.TempPathFactory, environment: Mapping[str, str]) -> Path:
    """The small lake, to which a department has dropped a file of a dataset that the source tree does not know."""
    home = tmp_path_factory.mktemp("outside") / "home"
    shutil.copytree(small_lake, home, symlinks=True, ignore=shutil.ignore_patterns("publications"))
    drop(FILE, home, department="water")
    done = agrilake(home, "run", "--json", env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert [item["dataset"] for item in report["deliveries"]] == ["water_facility"]
    assert (report["rows_read"], report["rows_accepted"], report["rows_quarantined"]) == (4, 2, 2)
    return home


def test_it_arrives_in_silver(home: Path, environment: Mapping[str, str]) -> None:
    query = "select facility_no, kind, capacity_m3, automated, lon from silver.water_facility order by facility_no"
    done = agrilake(home, "sql", query, "--json", env=environment)
    assert json.loads(done.stdout) == [
        {"facility_no": "SL00000001", "kind": "pond", "capacity_m3": 8500.0, "automated": False, "lon": 106.702345},
        {"facility_no": "SL00000002", "kind": "reservoir", "capacity_m3": 125000.0, "automated": True, "lon": 106.71},
    ]


def test_the_lake_as_it_was_does_not_know_it(home: Path, environment: Mapping[str, str]) -> None:
    before = agrilake(home, "sql", "select 1 from silver.water_facility", "--version", "1", env=environment)
    assert before.returncode == 2
    assert "silver.water_facility" in before.stderr
    same = agrilake(
        home, "sql", "select count(*) n from silver.postal_site", "--version", "1", "--json", env=environment
    )
    assert json.loads(same.stdout)[0]["n"] > 0


def test_its_receipt_says_what_to_mend(home: Path) -> None:
    pages = list((home / "outbox" / "water").glob("water_facility__2024Q1*.html"))
    assert len(pages) == 1
    text = pages[0].read_text(encoding="utf-8")
    for words in ("中小型水利设施", "设施类型", "水井", "没有这个村", "山坪塘"):
        assert words in text


def test_its_suite_ran(home: Path, environment: Mapping[str, str]) -> None:
    done = agrilake(home, "status", "--json", env=environment)
    assert json.loads(done.stdout)["suites"]["water_facility"] == "pass"


def test_the_dictionary_the_form_and_the_dag_know_it(
    home: Path, tmp_path: Path, environment: Mapping[str, str]
) -> None:
    form = agrilake(home, "template", "中小型水利设施", "--out", str(tmp_path / "form.xlsx"), env=environment)
    assert form.returncode == 0, form.stderr
    assert (tmp_path / "form.xlsx").stat().st_size > 4000
    program = (
        "import sys, os; sys.path.insert(0, os.environ['AGRILAKE_DAGS'])\n"
        "from agrilake.catalog.dictionary import dictionary_markdown\n"
        "from agrilake.contract.load import load_registry\n"
        "from agrilake.contract.settings import load_settings\n"
        "import agrilake_dags\n"
        "print('中小型水利设施' in dictionary_markdown(load_registry(), load_settings()), "
        "'silver_water_facility' in vars(agrilake_dags))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment, "AGRILAKE_HOME": str(home), "AIRFLOW_HOME": str(tmp_path / "airflow")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip().endswith("True True"), done.stdout + done.stderr[-2000:]
