"""What Airflow is told: a DAG for each contract, one writer a table, assets between them, nothing else at import."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.support.dagbag import imported

from agrilake.contract.load import load_registry
from agrilake.contract.order import in_order
from agrilake.paths import project_root

REGISTRY = load_registry()
NEVER_AT_IMPORT = {"pyspark", "polars", "pandas", "duckdb", "deltalake", "great_expectations", "grpc"}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return imported(tmp_path_factory.mktemp("airflow"))


@pytest.fixture(scope="module")
def dags(found: dict[str, Any]) -> dict[str, Any]:
    assert found["errors"] == {}
    return dict(found["dags"])


def tasks(dag: dict[str, Any]) -> dict[str, Any]:
    """{task id: its serialized form}, what a mapped task passes on included."""
    inner = [task["__var"] for task in dag["tasks"]]
    return {task["task_id"]: {**task.get("partial_kwargs", {}), **task} for task in inner}


def outlets(dag: dict[str, Any]) -> dict[str, list[str]]:
    """{task id: uris that it updates}; an alias by its name."""
    given = {
        name: [each["__var"].get("uri", each["__var"]["name"]) for each in task.get("outlets", ())]
        for name, task in tasks(dag).items()
    }
    return {name: uris for name, uris in given.items() if uris}


def scheduled_on(dag: dict[str, Any]) -> list[str]:
    """Uris of the assets whose update starts the DAG."""
    condition = dag["timetable"]["__var"]["asset_condition"]
    return [each["uri"] for each in condition["objects"]]


def upstream(dag: dict[str, Any], task_id: str) -> set[str]:
    return {name for name, task in tasks(dag).items() if task_id in task.get("downstream_task_ids", ())}


def built_by(gold: dict[str, Any]) -> dict[str, str]:
    """{gold table: id of the task whose label names it}."""
    labels = {name: task["_task_display_name"] for name, task in tasks(gold).items() if name.startswith("build_")}
    named = [(table, name) for name, label in labels.items() for table in label.split("：")[1].split(", ")]
    assert len(named) == len(dict(named))
    return dict(named)


class TestImport:
    def test_it_is_quick_and_leaves_heavy_modules_alone(self, found: dict[str, Any]) -> None:
        assert not NEVER_AT_IMPORT & set(found["modules"])
        assert found["seconds"] < 2

    def test_two_imports_are_equal_so_no_version_of_a_dag_is_made_for_nothing(
        self, found: dict[str, Any], tmp_path: Path
    ) -> None:
        again = imported(tmp_path, {"PYTHONHASHSEED": "7"})
        without_home = [json.dumps(dags["dags"], sort_keys=True) for dags in (found, again)]
        for index, home in enumerate(_airflow_homes(found, again)):
            without_home[index] = without_home[index].replace(home, "")
        assert without_home[0] == without_home[1]

    def test_a_contract_beside_the_project_gets_its_dag(self, dags: dict[str, Any], tmp_path: Path) -> None:
        contract = tmp_path / "contracts" / "agri" / "cold_store.yaml"
        contract.parent.mkdir(parents=True)
        model = (project_root() / "schemas" / "agri" / "farm_household.yaml").read_text(encoding="utf-8")
        contract.write_text(_renamed(model), encoding="utf-8")
        more = imported(tmp_path / "airflow", {"AGRILAKE_CONTRACTS": str(tmp_path / "contracts")})
        assert more["errors"] == {}
        assert set(more["dags"]) - set(dags) == {"silver_agri_cold_store"}
        assert "agrilake://silver/agri_cold_store" in scheduled_on(more["dags"]["gold"])
        assert "agri_cold_store" in json.dumps(more["dags"]["backfill"]["params"])

    def test_a_contract_that_cannot_be_read_is_an_import_error_that_says_where(self, tmp_path: Path) -> None:
        shutil.copytree(project_root() / "schemas", tmp_path / "schemas")
        broken = tmp_path / "more" / "agri" / "broken.yaml"
        broken.parent.mkdir(parents=True)
        broken.write_text("apiVersion: v3.1.0\nkind: DataContract\nidd: agri_broken\n", encoding="utf-8")
        (error,) = imported(tmp_path / "airflow", {"AGRILAKE_CONTRACTS": str(tmp_path / "more")})["errors"].values()
        assert "broken.yaml" in error
        assert "line 3" in error


def _airflow_homes(*found: dict[str, Any]) -> list[str]:
    return [str(Path(next(iter(each["dags"].values()))["_processor_dags_folder"]).parent) for each in found]


def _renamed(text: str) -> str:
    """The same contract under another id and title, without its other names."""
    return text.replace("agri_farm_household", "agri_cold_store").replace("农户", "冷库")


class TestOneWriterATable:
    def test_every_contract_has_its_silver_dag(self, dags: dict[str, Any]) -> None:
        expected = {f"silver_{name}" for name in REGISTRY.datasets} | {"intake", "gold", "backfill", "maintenance"}
        assert set(dags) == expected

    def test_every_silver_asset_is_updated_by_one_task(self, dags: dict[str, Any]) -> None:
        writers = Counter(
            uri for dag in dags.values() for uris in outlets(dag).values() for uri in uris if "/silver/" in uri
        )
        assert writers == {f"agrilake://silver/{name}": 1 for name in REGISTRY.datasets}

    @pytest.mark.parametrize("name", list(REGISTRY.datasets))
    def test_its_asset_is_updated_after_load_and_suite(self, dags: dict[str, Any], name: str) -> None:
        dag = dags[f"silver_{name}"]
        assert scheduled_on(dag) == [f"agrilake://accepted/{name}"]
        assert outlets(dag) == {"load": [f"agrilake://silver/{name}"]}
        assert upstream(dag, "held") == {"load"}

    def test_every_gold_table_has_one_task_whose_label_names_it(self, dags: dict[str, Any]) -> None:
        assert set(built_by(dags["gold"])) == {table.id for table in in_order(REGISTRY)}

    def test_no_two_runs_and_no_two_writers_at_once(self, dags: dict[str, Any]) -> None:
        assert {dag["max_active_runs"] for dag in dags.values()} == {1}
        writers = [
            task
            for dag in dags.values()
            for name, task in tasks(dag).items()
            if name in {"load", "indicators", "publish", "maintain"} or name.startswith("build_")
        ]
        assert {task["max_active_tis_per_dag"] for task in writers} == {1}


class TestOrder:
    def test_the_intake_runs_by_the_clock_and_when_reference_data_arrived(self, dags: dict[str, Any]) -> None:
        assert dags["intake"]["timetable"]["__var"]["timetable"]["__var"]["expression"] == "* * * * *"
        assert scheduled_on(dags["intake"]) == [f"agrilake://silver/{table.id}" for table in REGISTRY.reference()]
        assert outlets(dags["intake"]) == {"announce": ["accepted_rows"]}
        assert upstream(dags["intake"], "announce") == {"find_files", "take"}

    def test_gold_runs_when_any_silver_table_changed(self, dags: dict[str, Any]) -> None:
        assert dags["gold"]["timetable"]["__var"]["asset_condition"]["__type"] == "asset_any"
        assert scheduled_on(dags["gold"]) == [f"agrilake://silver/{name}" for name in REGISTRY.datasets]

    def test_a_gold_table_is_built_after_those_it_is_made_from(self, dags: dict[str, Any]) -> None:
        group_of = built_by(dags["gold"])
        for table in in_order(REGISTRY):
            made_from = {group_of[name] for name in table.inputs if name in group_of} - {group_of[table.id]}
            assert made_from <= upstream(dags["gold"], group_of[table.id])

    def test_a_group_also_builds_where_one_before_it_failed(self, dags: dict[str, Any]) -> None:
        rules = {tasks(dags["gold"])[name]["trigger_rule"] for name in built_by(dags["gold"]).values()}
        assert rules == {"all_done"}

    def test_the_publication_comes_last(self, dags: dict[str, Any]) -> None:
        built = set(built_by(dags["gold"]).values())
        assert upstream(dags["gold"], "indicators") == built | {"choose"}
        assert upstream(dags["gold"], "publish") == {"indicators", "choose"}
        assert outlets(dags["gold"]) == {"publish": ["agrilake://gold/publication"]}

    def test_upkeep_runs_by_night_and_calls_nobody(self, dags: dict[str, Any]) -> None:
        clock = dags["maintenance"]["timetable"]["__var"]
        assert (clock["expression"], clock["timezone"]) == ("0 3 * * *", "Asia/Shanghai")
        night = dags["maintenance"]
        assert set(tasks(night)) == {"maintain", "verify", "backup", "watcher"}
        assert (upstream(night, "verify"), upstream(night, "backup")) == ({"maintain"}, {"verify"})
        assert {tasks(night)[name]["trigger_rule"] for name in ("verify", "backup")} == {"all_done"}
        assert outlets(dags["maintenance"]) == {}

    def test_a_run_in_which_a_task_failed_fails(self, dags: dict[str, Any]) -> None:
        for name in ("intake", "gold", "backfill", "maintenance"):
            assert upstream(dags[name], "watcher") == set(tasks(dags[name])) - {"watcher"}
            assert tasks(dags[name])["watcher"]["trigger_rule"] == "one_failed"


class TestPeople:
    def test_dags_have_titles_that_people_know(self, dags: dict[str, Any]) -> None:
        household = REGISTRY.get("agri_farm_household")
        shown = dags["silver_agri_farm_household"]["dag_display_name"]
        assert shown == f"{household.title}（{household.department_title}）"

    def test_every_step_tells_of_its_failure(self, dags: dict[str, Any]) -> None:
        silent = {
            name
            for dag in dags.values()
            for name, task in tasks(dag).items()
            if not task.get("has_on_failure_callback")
        }
        assert silent == {"held", "watcher"}  # agrilake status shows a hold itself; the watcher repeats a failure

    def test_a_backfill_asks_for_a_dataset_and_a_period(self, dags: dict[str, Any]) -> None:
        params = dict(dags["backfill"]["params"])
        assert params["dataset"]["schema"]["__var"]["enum"] == list(REGISTRY.datasets)
        assert "pattern" in params["period"]["schema"]["__var"]
