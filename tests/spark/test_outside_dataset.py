"""A further dataset needs one contract and one sample file, from outside the source tree, and nothing else.

In the same run comes a delivery two years late: it counts for its period, and the figures that rest on it are new.
"""

from __future__ import annotations

import csv
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

from agrilake.lake.files import scan
from agrilake.notebook import open_lake
from agrilake.paths import project_root

DATA = Path(__file__).parents[1] / "data" / "outside"
FILE = DATA / "water_facility__2024Q1.csv"
LATE, SALES = "commerce_ecommerce_sales__2022-02.csv", "online_retail_amount"

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
    drop(late_sales(small_lake, tmp_path_factory.mktemp("late") / LATE), home, department="commerce")
    done = agrilake(home, "run", "--json", env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert {item["dataset"] for item in report["deliveries"]} == {"water_facility", "commerce_ecommerce_sales"}
    assert (report["rows_read"], report["rows_accepted"], report["rows_quarantined"]) == (5, 3, 2)
    return home


def late_sales(lake: Path, path: Path) -> Path:
    """A file of one month's sale, 100,000 yuan, of an entity that the lake knows."""
    entities = scan(lake / "silver" / "agri_business_entity")
    assert entities is not None
    code = entities.select("credit_code").first().collect().item()
    header = ("月份", "主体统一社会信用代码", "平台", "产品", "订单数", "网络零售额（元）")
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, ("2022-02", code, "淘宝", "柑橘", 500, 100000)])
    return path


def test_a_delivery_two_years_late_counts_for_its_period_and_changes_what_rests_on_it(home: Path) -> None:
    now = open_lake(home)
    then = now.as_of(version=1)
    assert then.indicator(SALES, "2022-02").empty
    taken = now.sql(f"""
        SELECT value, flag, late, note FROM gold.indicator_value
        WHERE indicator_id = '{SALES}' AND division_level = 'district' AND period = '2022-02'
    """)
    assert taken.to_numpy().tolist() == [[100000.0, "official", True, "《农产品网络零售》2022-02 迟报"]]
    growth = [lake.indicator("online_retail_growth", "2023-02", "district").iloc[0] for lake in (then, now)]
    assert growth[0]["缺失原因"] == "缺少上年同期数"
    sold = now.indicator(SALES, "2023-02", "district").iloc[0]
    assert growth[1]["数值"] == pytest.approx(100 * (sold["数值"] - 100000) / 100000)
    assert (sold["上年同期"], sold["数值"]) == (100000, then.indicator(SALES, "2023-02", "district").iloc[0]["数值"])
    assert not now.compare(SALES, then, "2024-02")["变化"].any(), "no other period's figure moved"
    receipt, *others = (home / "outbox" / "commerce").glob("commerce_ecommerce_sales__2022-02__*.html")
    assert others == []
    assert "作为 2022-02 期的数据" in receipt.read_text(encoding="utf-8")


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
