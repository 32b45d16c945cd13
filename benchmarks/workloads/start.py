"""Workload 7: what one waits for before any work begins."""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness.lake import reference_lake
from benchmarks.harness.report import Finding
from benchmarks.harness.work import Competitor, Options, command, compete, python

from agrilake.contract.load import load_registry
from agrilake.paths import Home, project_root
from agrilake.sample.files import encode

NUMBER, TITLE = 7, "Start"
SMALL_FILE_ROWS = 200
PARSE = "from airflow.dag_processing.dagbag import DagBag; DagBag({dags!r}, safe_mode=False, load_op_links=False)"
CONNECT = (
    "from pathlib import Path\n"
    "from agrilake.services.spark import connect, stop_spark\n"
    "home = Path({home!r})\n"
    "connect(home).sql('SELECT 1').collect()\n"
    "stop_spark(home)\n"
)
CLASSIC = (
    "from pyspark.sql import SparkSession\n"
    "spark = SparkSession.builder.master('local[2]').config('spark.ui.enabled', 'false').getOrCreate()\n"
    "spark.sql('SELECT 1').collect()\n"
    "spark.stop()\n"
)


def run(options: Options) -> Finding:
    """Each start as a process of its own, on a lake that holds divisions and stations."""
    home = reference_lake(options.scratch, options.seed)

    def env() -> dict[str, str]:
        return {"AGRILAKE_HOME": str(home.root), "AIRFLOW_HOME": str(options.scratch / "airflow")}

    small = small_file(options.scratch)
    dags = project_root() / "dags"
    commands = [
        Competitor("Python alone", python("-c", "pass")),
        Competitor("agrilake --help", command("--help")),
        Competitor(f"agrilake check, a file of {SMALL_FILE_ROWS} rows", command("check", small), env=env),
        Competitor("agrilake sql", command("sql", "select count(*) from silver.postal_site"), env=env),
        Competitor("Airflow alone", python("-c", "import airflow.dag_processing.dagbag"), env=env),
        Competitor("DAG parsing", python("-c", PARSE.format(dags=str(dags))), env=env),
    ]
    session = Home.at(options.scratch / "session").prepare()
    sessions = [
        Competitor("Spark Connect server and session", python("-c", CONNECT.format(home=str(session.root)))),
        Competitor("Spark session in the process", python("-c", CLASSIC)),
    ]
    entries = [*compete("a command", commands, options)[0], *compete("Spark", sessions, options)[0]]
    return Finding(NUMBER, TITLE, {"rows of the small file": SMALL_FILE_ROWS}, tuple(entries))


def small_file(folder: Path) -> Path:
    """A department's file as it comes every day: GB18030, Chinese headers."""
    dataset = load_registry().get("postal_parcel")
    lines = [",".join(column.title for column in dataset.columns)]
    lines += [
        f"YL2401{number:08d},到站,YZ40112001,2024-01-{number % 28 + 1:02d} 09:30:00,进村,1.250,,13800000000"
        for number in range(SMALL_FILE_ROWS)
    ]
    path = folder / "postal_parcel__2024-01__小.csv"
    path.write_bytes(encode("\n".join(lines) + "\n", "gb18030"))
    return path
