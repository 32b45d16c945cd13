"""Every DAG of the lake, made from the contracts: intake, one a dataset, gold, backfill.

Importing reads contracts only: no network, no Variable, no table. A task calls one step of `agrilake.pipeline`,
the same that `agrilake run` calls; an XCom holds delivery ids and dataset ids, never a row or a file name.

- `intake` looks into the inbox every minute, registers complete files and processes them side by side. What
  was accepted updates the asset `accepted/<dataset>`.
- `silver_<dataset>` runs when its accepted rows were updated: load, validate, then update `silver/<dataset>`. A suite
  that says stop fails the task `validate`; the asset is updated all the same, so that gold learns of the hold.
- `gold` runs when any silver table was updated, builds what has new inputs, and publishes.
- `backfill` takes a dataset and a period, and processes their deliveries again from landing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, AssetAlias, AssetAny, Param, TriggerRule, task
from airflow.sdk.exceptions import AirflowFailException

from agrilake.contract.load import Registry, load_registry
from agrilake.contract.model import Dataset
from agrilake.pipeline import tasks

START = datetime(2024, 1, 1, tzinfo=UTC)
ACCEPTED = AssetAlias("accepted_rows")
DEFAULTS: dict[str, Any] = {
    "owner": "agrilake",
    "retries": 2,
    "retry_delay": timedelta(seconds=15),
    "on_failure_callback": tasks.on_failure,
    "on_success_callback": tasks.on_success,
}


def accepted_asset(dataset: str) -> Asset:
    """Accepted rows of a dataset, written by the intake."""
    return Asset(f"agrilake://accepted/{dataset}")


def silver_asset(dataset: str) -> Asset:
    """A dataset's silver table, written by its own DAG alone."""
    return Asset(f"agrilake://silver/{dataset}")


def new_dag(name: str, title: str, doc: str, **arguments: Any) -> DAG:
    """A DAG with the lake's defaults: one run at a time, no catch-up, unpaused."""
    return DAG(
        name,
        dag_display_name=title,
        doc_md=doc,
        start_date=START,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        default_args=DEFAULTS,
        **arguments,
    )


def announce_accepted(dag_task: Any, deliveries: list[str]) -> None:
    """Update the accepted asset of every dataset that the deliveries belong to."""
    for dataset in tasks.datasets_of(deliveries):
        dag_task[ACCEPTED].add(accepted_asset(dataset))


def intake_dag() -> DAG:
    """Files as they arrive, also while a run is on: the next minute's run takes them."""
    with new_dag("intake", "入湖", intake_dag.__doc__ or "", schedule="* * * * *", tags=["intake"]) as dag:

        @task.short_circuit(retries=0)
        def find_files() -> list[str]:
            return tasks.register_files()

        @task(max_active_tis_per_dag=2, map_index_template="{{ delivery }}")
        def take(delivery: str) -> str:
            return tasks.process_delivery(delivery)

        @task(outlets=[ACCEPTED], trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
        def announce(deliveries: list[str], *, outlet_events: Any = None) -> None:
            announce_accepted(outlet_events, [item for item in deliveries if item])

        announce(take.expand(delivery=find_files()))
    return dag


def silver_dag(dataset: Dataset) -> DAG:
    """A dataset's silver table: its only writer."""
    name = f"silver_{dataset.id}"
    with new_dag(
        name,
        f"{dataset.title}（{dataset.department_title}）",
        dataset.description,
        schedule=[accepted_asset(dataset.id)],
        tags=["silver", dataset.department],
    ) as dag:

        @task
        def load() -> int | None:
            return tasks.load_silver(dataset.id)

        @task(retries=0)
        def validate() -> str:
            decision = tasks.validate_silver(dataset.id)
            if decision == "stop":
                raise AirflowFailException(f"{dataset.title}: the suite says stop; tables downstream are held")
            return decision

        @task(outlets=[silver_asset(dataset.id)], trigger_rule=TriggerRule.ALL_DONE)
        def announce() -> None:
            tasks.require_current(dataset.id)

        load() >> validate() >> announce()
    return dag


def gold_dag(registry: Registry) -> DAG:
    """Support database, indicators and publication, after any silver table changed."""
    schedule = AssetAny(*(silver_asset(name) for name in registry.datasets))
    with new_dag("gold", "支撑数据库、指标与发布", gold_dag.__doc__ or "", schedule=schedule, tags=["gold"]) as dag:
        built: dict[str, Any] = {}
        for table in tasks.in_order(registry):
            built[table.id] = _gold_task(table.id)()
            for upstream in table.inputs:
                if upstream in built:
                    built[upstream] >> built[table.id]

        @task
        def indicators() -> None:
            tasks.compute_indicators()

        @task(outlets=[Asset("agrilake://publication")])
        def publish() -> str:
            return tasks.publish()

        list(built.values()) >> indicators() >> publish()
    return dag


def _gold_task(name: str) -> Any:
    @task(task_id=f"build_{name}")
    def build() -> None:
        tasks.build_gold(name)

    return build


def backfill_dag(registry: Registry) -> DAG:
    """Process the deliveries of one dataset and one period again, from their landed bytes."""
    params = {
        "dataset": Param(next(iter(registry.datasets)), type="string", enum=list(registry.datasets)),
        "period": Param("2024-05", type="string", description="2024, 2024Q2 or 2024-05; * for all"),
    }
    with new_dag(
        "backfill", "按期重跑", backfill_dag.__doc__ or "", schedule=None, params=params, tags=["intake"]
    ) as dag:

        @task
        def find(*, params: dict[str, str] | None = None) -> list[str]:
            assert params is not None  # noqa: S101 (Airflow always passes them)
            return tasks.deliveries_of(params["dataset"], params["period"])

        @task(max_active_tis_per_dag=2, map_index_template="{{ delivery }}")
        def retake(delivery: str) -> str:
            return tasks.process_delivery(delivery, again=True)

        @task(outlets=[ACCEPTED], trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
        def announce(deliveries: list[str], *, outlet_events: Any = None) -> None:
            announce_accepted(outlet_events, [item for item in deliveries if item])

        announce(retake.expand(delivery=find()))
    return dag


def all_dags() -> list[DAG]:
    """All DAGs in stable order."""
    registry = load_registry()
    return [
        intake_dag(),
        *(silver_dag(dataset) for dataset in registry.datasets.values()),
        gold_dag(registry),
        backfill_dag(registry),
    ]


for made in all_dags():
    globals()[made.dag_id] = made
