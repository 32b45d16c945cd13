"""The sample on its way through Airflow itself: files that arrive, a failure, a backfill."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.dags.conftest import HELD_BACK, Running
from tests.dags.doors import LOG, REFUSED, codes, listening, wrong_headers
from tests.support.lakes import assert_same_gold
from tests.support.leaks import leaks, personal_numbers
from tests.support.modes import reachable
from tests.support.samples import SAMPLE, drop

from agrilake.publish import current_publication
from agrilake.services import airflow, ports, process

pytestmark = [pytest.mark.airflow, pytest.mark.spark, pytest.mark.slow]

DATASET = "commerce_ecommerce_sales"


@pytest.fixture(scope="module")
def published(running: Running) -> Running:
    """The whole sample is published; its last file came while the others were being taken."""
    running.wait(lambda: bool(running.lake.state.deliveries(status=("accepted", "partial"))), "the first file is taken")
    drop(SAMPLE / "inbox" / "commerce" / HELD_BACK, running.home)
    running.wait(running.is_published, "the sample is published")
    return running


def runs(running: Running, dag_id: str) -> list[dict[str, Any]]:
    return sorted(running.airflow.dag_runs(dag_id), key=lambda run: str(run["queued_at"]))


def states(running: Running, dag_id: str, run_id: str) -> dict[str, str]:
    """{task id: state} of a run; of a mapped task that of its last instance."""
    return {task["task_id"]: task["state"] for task in running.airflow.task_instances(dag_id, run_id)}


def backfill(running: Running, period: str) -> tuple[str, dict[str, str]]:
    """State of a backfill run for the period, and of its tasks."""
    run_id = running.airflow.trigger("backfill", {"dataset": DATASET, "period": period})
    state = running.airflow.wait_for_run("backfill", run_id)
    return state, states(running, "backfill", run_id)


def xcoms(home: Path) -> list[tuple[str, Any]]:
    """(task id, value) of all XComs, as Airflow stores them."""
    with closing(sqlite3.connect(home / "airflow" / "airflow.db")) as connection:
        rows = connection.execute("SELECT task_id, value FROM xcom").fetchall()
    return [(task_id, json.loads(value) if isinstance(value, str) else value) for task_id, value in rows]


def task_ids(home: Path) -> set[str]:
    with closing(sqlite3.connect(home / "airflow" / "airflow.db")) as connection:
        return {row[0] for row in connection.execute("SELECT DISTINCT task_id FROM task_instance")}


def words(value: Any) -> set[str]:
    """All texts in a value."""
    if isinstance(value, dict):
        return {word for key, inner in value.items() for word in {key} | words(inner)}
    if isinstance(value, list):
        return {word for inner in value for word in words(inner)}
    return {value} if isinstance(value, str) else set()


class TestTheWayThrough:
    def test_every_file_of_the_sample_has_an_outcome(self, published: Running) -> None:
        expected = json.loads((SAMPLE / "truth" / "files.json").read_text(encoding="utf-8"))
        counts = Counter(item.status for item in published.lake.state.deliveries())
        assert set(counts) <= {"accepted", "partial", "refused"}
        assert counts.total() == sum(item["status"] != "repeat" for item in expected)
        assert published.lake.state.open_failures() == []

    def test_gold_equals_that_of_one_run_over_all_files(self, published: Running, small_lake: Path) -> None:
        assert_same_gold(published.home, small_lake)

    def test_nothing_restricted_is_open_to_others(self, published: Running) -> None:
        home = published.home
        assert list(reachable(home)) == []
        assert {"airflow", "logs", "run", "secrets"} <= {path.name for path in home.iterdir()}

    def test_a_publication_stands(self, published: Running) -> None:
        assert current_publication(published.lake.home) is not None

    def test_silver_dags_ran_because_their_rows_were_accepted(self, published: Running) -> None:
        for name in published.lake.registry.datasets:
            triggered = {run["run_type"] for run in runs(published, f"silver_{name}")}
            assert triggered == {"asset_triggered"}, name

    def test_gold_was_not_built_for_each_silver_table(self, published: Running) -> None:
        built = [
            run["dag_run_id"]
            for run in runs(published, "gold")
            if states(published, "gold", run["dag_run_id"])["build_division"] == "success"
        ]
        assert len(built) <= 2

    def test_xcoms_hold_ids_and_neither_file_names_nor_rows(self, published: Running) -> None:
        deliveries = {item.id for item in published.lake.state.deliveries()}
        ids = {*published.lake.registry.datasets, *deliveries, *task_ids(published.home)}
        found = xcoms(published.home)
        said = words([value for task_id, value in found if task_id != "publish"])
        assert said - ids == {"datasets", "deliveries", "skipped", "followed"}
        assert all(value.isdigit() for task_id, value in found if task_id == "publish")  # the publication's version


class TestDoors:
    """Before anything fails: who has no login, or another token, is told nothing, not even a log."""

    @pytest.fixture
    def url(self, published: Running) -> str:
        api = process.find(published.home, airflow.NAME)
        assert api
        return f"http://{ports.LOOPBACK}:{api.port}"

    @pytest.fixture
    def log(self, published: Running) -> str:
        """The page of a log that exists."""
        tasks = (
            task
            for run in runs(published, "gold")
            for task in published.airflow.task_instances("gold", run["dag_run_id"])
        )
        return LOG.format(**next(task for task in tasks if task["state"] == "success"))

    @pytest.mark.parametrize("which", sorted(wrong_headers()))
    def test_without_the_right_token_no_page_and_no_log(self, url: str, log: str, which: str) -> None:
        found = codes(url, wrong_headers()[which], log)
        assert {path: code for path, code in found.items() if code not in REFUSED} == {}

    def test_with_it_the_same_pages_are_there(self, published: Running, url: str, log: str) -> None:
        body = {"username": airflow.USER, "password": airflow.password(published.home)}
        answer = httpx.post(f"{url}/auth/token", json=body, trust_env=False, timeout=60.0)
        found = codes(url, {"Authorization": f"Bearer {answer.json()['access_token']}"}, log)
        assert {path: code for path, code in found.items() if code != httpx.codes.OK} == {}

    @pytest.mark.parametrize("body", [{"username": "admin", "password": "wrong"}, {"username": "other"}, {}])
    def test_a_wrong_login_gets_no_token(self, url: str, body: dict[str, str]) -> None:
        answer = httpx.post(f"{url}/auth/token", json=body, trust_env=False, timeout=60.0)
        assert answer.status_code >= httpx.codes.BAD_REQUEST
        assert "access_token" not in answer.text

    def test_nothing_of_it_listens_on_another_address(self, published: Running) -> None:
        found = [process.find(published.home, name) for name in airflow.COMPONENTS]
        assert set().union(*(listening(item) for item in found if item)) == {ports.LOOPBACK}


class TestFailure:
    def test_a_failed_backfill_leaves_a_readable_line_and_the_next_one_clears_it(
        self, published: Running, tmp_path: Path
    ) -> None:
        before = shutil.copytree(published.home / "gold", tmp_path / "before" / "gold").parent
        bronze = published.home / "bronze" / DATASET
        bronze.rename(bronze.with_name("away"))
        bronze.write_text("not a table", encoding="utf-8")
        state, tasks = backfill(published, "2024-01")
        assert state == "failed"
        assert tasks["take_again"] == "failed"
        (failure,) = published.lake.state.open_failures()
        (delivery,) = [item for item in published.lake.state.deliveries(DATASET) if item.period == "2024-01"]
        assert (failure.step, failure.subject) == ("intake", delivery.id)
        assert str(published.home) not in failure.message
        assert delivery.is_final

        bronze.unlink()
        bronze.with_name("away").rename(bronze)
        silver_runs = len(runs(published, f"silver_{DATASET}"))
        state, tasks = backfill(published, "2024-01")
        assert (state, tasks["take_again"], tasks["announce"]) == ("success", "success", "success")
        assert published.lake.state.open_failures() == []
        published.wait(lambda: len(runs(published, f"silver_{DATASET}")) > silver_runs, "silver is loaded again")
        published.wait(published.is_published, "the backfill is published")
        assert_same_gold(published.home, before)

    def test_a_period_that_was_never_delivered_fails_in_words_that_say_which_were(self, published: Running) -> None:
        state, tasks = backfill(published, "2031-01")
        assert (state, tasks["find"]) == ("failed", "failed")
        (failure,) = published.lake.state.open_failures()
        assert failure.message.startswith(f"{DATASET}: nothing was delivered for 2031-01; delivered periods: 2023-01")

    def test_no_personal_number_left_the_restricted_zones(self, published: Running) -> None:
        """Not in Airflow's database (XComs), its logs, those of the tasks, the receipts, gold or what is published."""
        numbers = personal_numbers(published.home)
        assert len(numbers) > 100
        assert leaks(published.home, numbers) == []
        assert leaks(published.home / "bronze", numbers, ()), "the search finds them where they are"
