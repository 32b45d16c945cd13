"""Every DAG of the lake, made from the contracts: intake, one a dataset, gold, backfill.

Importing reads contracts only: no network, no Variable, no table. A task calls one step of `agrilake.pipeline`,
the same that `agrilake run` calls; an XCom holds delivery ids and dataset ids, never a row or a file name.

- `intake` looks into the inbox every minute, and when reference data arrived in silver. It registers complete
  files and takes them in a few groups side by side. What was accepted updates the asset `accepted/<dataset>`.
- `silver_<dataset>` runs when its accepted rows were updated: one task loads the table and runs its suite, then
  updates `silver/<dataset>`. A suite that says stop fails the task `held`; the asset is updated all the same, so that
  gold learns of it.
- `gold` runs when any silver table was updated and no other is about to be: it builds what has new inputs, a task
  for the tables of a subject, and publishes. Every ten minutes it runs in any case.
- `backfill` takes a dataset and a period, and processes their deliveries again from landing.
- `maintenance` tends all tables by night, one at a time, under the lock that their writers take.

A task ends in one of three ways: it is done, it is tried again (service, disk), or it fails with a line in
`agrilake status`. Each table has one task that writes it, one at a time. A task costs a process whose start takes
longer than a small table, so what is small and belongs together shares one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from airflow.sdk import (
    DAG,
    Asset,
    AssetAlias,
    AssetAny,
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    Param,
    TriggerRule,
    get_parsing_context,
    task,
)
from airflow.sdk.exceptions import AirflowFailException

from agrilake.contract.load import Registry, load_registry
from agrilake.contract.model import Dataset
from agrilake.contract.order import TableGroup, in_groups
from agrilake.pipeline import endings, tasks
from agrilake.pipeline.tasks import Group
from agrilake.recovery import nightly

START = datetime(2024, 1, 1, tzinfo=UTC)
ACCEPTED = AssetAlias("accepted_rows")
PUBLICATION = Asset("agrilake://gold/publication")
PERIOD = r"^(\*|\d{4}(Q[1-4]|-\d{2}(-\d{2})?)?)$"
FIRST = 100
"""Priority of the intake: a file that arrives is taken before tables are made from earlier ones."""
DEFAULTS: dict[str, Any] = {"owner": "agrilake", "retries": 2, "retry_delay": timedelta(seconds=15)}
LABEL = "{{ task.op_kwargs['group']['datasets'] | join(', ') }}"


def accepted_asset(dataset: str) -> Asset:
    """Accepted rows of a dataset, written by the intake."""
    return Asset(f"agrilake://accepted/{dataset}")


def silver_asset(dataset: str) -> Asset:
    """A dataset's silver table, written by its own DAG alone."""
    return Asset(f"agrilake://silver/{dataset}")


def every(cron: str, *assets: Asset) -> AssetOrTimeSchedule:
    """When any of the assets was updated, and by the clock."""
    return AssetOrTimeSchedule(timetable=CronTriggerTimetable(cron, timezone="UTC"), assets=AssetAny(*assets))


def new_dag(name: str, title: str, doc: str, priority: int = 1, **arguments: Any) -> DAG:
    """A DAG with the lake's defaults: one run at a time, no catch-up, unpaused."""
    return DAG(
        name,
        dag_display_name=title,
        doc_md=doc,
        start_date=START,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        default_args={**DEFAULTS, "priority_weight": priority},
        **arguments,
    )


def reported(step: str, subject: str) -> dict[str, Any]:
    """Callbacks that keep the line of a step and its subject in `agrilake status`."""
    return {
        "on_failure_callback": partial(endings.on_failure, step=step, subject=subject),
        "on_success_callback": partial(endings.on_success, step=step, subject=subject),
    }


def writer(step: str, subject: str) -> dict[str, Any]:
    """Arguments of the only task that writes a table."""
    return {"max_active_tis_per_dag": 1, **reported(step, subject)}


def watch(dag: DAG) -> None:
    """Fail the run in which any task failed: its last task alone would make it a success."""

    @task(trigger_rule=TriggerRule.ONE_FAILED, retries=0)
    def watcher() -> None:
        raise AirflowFailException("a task of this run failed; see its log and agrilake status")

    watched = list(dag.tasks)
    watched >> watcher()


@task(outlets=[ACCEPTED], trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS, **reported("intake", "announce"))
def announce(groups: list[Group] | None, *, outlet_events: Any = None) -> None:
    """Update the accepted asset of every dataset whose silver table lacks deliveries."""
    for dataset in endings.run(tasks.datasets_behind, groups):
        outlet_events[ACCEPTED].add(accepted_asset(dataset))


def intake_dag(registry: Registry) -> DAG:
    """Files as they arrive, also while a run is on: the next minute's run takes them."""
    schedule = every("* * * * *", *(silver_asset(dataset.id) for dataset in registry.reference()))
    with new_dag("intake", "入湖", intake_dag.__doc__ or "", FIRST, schedule=schedule, tags=["intake"]) as dag:

        @task.short_circuit(**reported("intake", "inbox"))
        def find_files() -> list[Group]:
            return endings.run(tasks.find_files)

        @task(retries=1, map_index_template=LABEL, **reported("intake", "take"))
        def take(group: Group) -> None:
            endings.run(tasks.take, group)

        groups = find_files()
        take.expand(group=groups) >> announce(groups)
        watch(dag)
    return dag


def silver_dag(dataset: Dataset) -> DAG:
    """A dataset's silver table: its only writer."""
    callbacks = {
        "on_failure_callback": partial(endings.on_silver_failure, dataset=dataset.id),
        "on_success_callback": partial(endings.on_silver_success, dataset=dataset.id),
    }
    with new_dag(
        f"silver_{dataset.id}",
        f"{dataset.title}（{dataset.department_title}）",
        dataset.description,
        schedule=[accepted_asset(dataset.id)],
        tags=["silver", dataset.department],
    ) as dag:

        @task.branch(outlets=[silver_asset(dataset.id)], max_active_tis_per_dag=1, **callbacks)
        def load() -> list[str]:
            return ["held"] if endings.run(tasks.update_silver, dataset.id) == "stop" else []

        @task(retries=0)
        def held() -> None:
            raise AirflowFailException(endings.run(tasks.why_stopped, dataset.id))

        load() >> held()
    return dag


def gold_dag(registry: Registry) -> DAG:
    """Support database, indicators and publication, after any silver table changed."""
    schedule = every("*/10 * * * *", *(silver_asset(name) for name in registry.datasets))
    with new_dag("gold", "支撑数据库、指标与发布", gold_dag.__doc__ or "", schedule=schedule, tags=["gold"]) as dag:
        groups = in_groups(registry)

        @task.branch(**reported("gold", "choose"))
        def choose() -> list[str]:
            stale = endings.run(tasks.stale_gold)
            if stale is None:
                return []
            return [f"build_{group.name}" for group in groups if set(group.tables) & set(stale)] or ["indicators"]

        @task(trigger_rule=TriggerRule.ALL_DONE, **writer("indicators", "indicator_value"))
        def indicators() -> None:
            endings.run(tasks.compute_indicators)

        @task(
            outlets=[Asset("agrilake://gold/publication")],
            trigger_rule=TriggerRule.ALL_DONE,
            **writer("publish", "lake"),
        )
        def publish() -> str:
            return endings.run(tasks.publish)

        built = {group.name: _gold_task(group)() for group in groups}
        for group in groups:
            [built[name] for name in group.after] >> built[group.name]
        values, publication = indicators(), publish()
        list(built.values()) >> values >> publication
        choose() >> [*built.values(), values, publication]
        watch(dag)
    return dag


def _gold_task(group: TableGroup) -> Any:
    """Builds the tables of a group, also where a group before it failed: then those that do not rest on it."""

    @task(
        task_id=f"build_{group.name}",
        task_display_name=f"{group.subject}：{', '.join(group.tables)}",
        trigger_rule=TriggerRule.ALL_DONE,
        max_active_tis_per_dag=1,
        on_failure_callback=partial(endings.on_gold_failure, tables=group.tables),
    )
    def build(*, ti: Any = None) -> None:
        endings.run(tasks.build_gold, group.tables, _failed_before(ti))

    return build


def _failed_before(ti: Any) -> bool:
    """Whether a task failed that this one comes directly after."""
    states = ti.get_task_states(dag_id=ti.dag_id, task_ids=sorted(ti.task.upstream_task_ids), run_ids=[ti.run_id])
    return bool({"failed", "upstream_failed"} & set(states[ti.run_id].values()))


def backfill_dag(registry: Registry) -> DAG:
    """Process the deliveries of one dataset and one period again, from their landed bytes."""
    params = {
        "dataset": Param(next(iter(registry.datasets)), type="string", enum=list(registry.datasets)),
        "period": Param("2024", type="string", pattern=PERIOD, description="2024, 2024Q2, 2024-05; * for all"),
    }
    with new_dag(
        "backfill", "按期重跑", backfill_dag.__doc__ or "", schedule=None, params=params, tags=["intake"]
    ) as dag:

        @task(**reported("backfill", "find"))
        def find(*, params: dict[str, str] | None = None) -> list[Group]:
            wanted = params or {}
            return endings.run(tasks.find_deliveries, wanted["dataset"], wanted["period"])

        @task(retries=1, map_index_template=LABEL, **reported("backfill", "take"))
        def take_again(group: Group) -> None:
            endings.run(tasks.take, group, True)

        groups = find()
        take_again.expand(group=groups) >> announce(groups)
        watch(dag)
    return dag


def maintenance_dag() -> DAG:
    """Every night: small files put together, periods brought into order, files deleted that no kept version needs; then
    the lake is looked through (`agrilake verify`) and, where a target is set, backed up."""
    schedule = CronTriggerTimetable("0 3 * * *", timezone="Asia/Shanghai")
    with new_dag(
        "maintenance", "夜间维护", maintenance_dag.__doc__ or "", schedule=schedule, tags=["maintenance"]
    ) as dag:

        @task(retries=0, **writer("maintenance", "lake"))
        def maintain() -> int:
            return endings.run(tasks.maintain)

        @task(retries=0, trigger_rule=TriggerRule.ALL_DONE, **reported("maintenance", "verify"))
        def verify() -> int:
            return endings.run(nightly.verify)

        @task(retries=1, trigger_rule=TriggerRule.ALL_DONE, **reported("maintenance", "backup"))
        def backup() -> str | None:
            return endings.run(nightly.back_up)

        maintain() >> verify() >> backup()
        watch(dag)
    return dag


def all_dags() -> list[DAG]:
    """All DAGs in stable order; in a task, its own alone."""
    registry = load_registry()
    makers: dict[str, Callable[[], DAG]] = {
        "intake": partial(intake_dag, registry),
        **{f"silver_{name}": partial(silver_dag, dataset) for name, dataset in registry.datasets.items()},
        "gold": partial(gold_dag, registry),
        "backfill": partial(backfill_dag, registry),
        "maintenance": maintenance_dag,
    }
    wanted = get_parsing_context().dag_id
    return [make() for name, make in makers.items() if wanted in (None, name)]


for made in all_dags():
    globals()[made.dag_id] = made
