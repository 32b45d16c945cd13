"""What an Airflow task does: open the lake, call one step, return ids.

Heavy modules are imported inside the functions: the DAG file imports this one every time it is parsed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from agrilake.contract.order import in_order

if TYPE_CHECKING:
    from agrilake.pipeline.context import Lake

__all__ = ["in_order"]
log = logging.getLogger("agrilake")


def _lake() -> Lake:
    from agrilake.pipeline.context import Lake

    return Lake.open()


def register_files() -> list[str]:
    """Register the inbox; ids of deliveries to process, reference data first."""
    from agrilake.pipeline import intake

    lake = _lake()
    for path in intake.pending_files(lake):
        outcome = intake.register(lake, path)
        if outcome is not None:
            log.info("delivery %s: %s", outcome.delivery.id, outcome.delivery.status)
    reference = {dataset.id for dataset in lake.registry.reference()}
    found = intake.stale_deliveries(lake)
    return [item.id for item in sorted(found, key=lambda item: (item.dataset not in reference, item.sequence))]


def process_delivery(delivery_id: str, again: bool = False) -> str:
    """Process one delivery; its id where rows were taken, else an empty string."""
    from agrilake.pipeline import intake

    lake = _lake()
    delivery = lake.state.delivery(delivery_id)
    if delivery is None:
        return ""
    if delivery.is_final and not again and delivery not in intake.stale_deliveries(lake):
        return delivery.id
    outcome = intake.process(lake, delivery)
    done = outcome.delivery
    log.info(
        "delivery %s %s: %s read, %s accepted, %s quarantined, %s duplicate",
        *(done.id, done.status, done.records, done.accepted, done.quarantined, done.duplicate),
    )
    return done.id if done.is_final else ""


def deliveries_of(dataset: str, period: str) -> list[str]:
    """Ids of the deliveries of a dataset's period (* for all periods) that landed."""
    found = _lake().state.deliveries(dataset, status=("accepted", "partial", "waiting", "received"))
    return [item.id for item in found if period in ("*", item.period)]


def datasets_of(deliveries: Iterable[str]) -> list[str]:
    """Datasets that the deliveries belong to, in stable order."""
    wanted = set(deliveries)
    return sorted({item.dataset for item in _lake().state.deliveries() if item.id in wanted})


def load_silver(dataset: str) -> int | None:
    """Bring a silver table up to date; the Delta version that was written, if any."""
    from agrilake.pipeline.steps import update_silver

    written = update_silver(_lake(), dataset)
    return written.version if written else None


def validate_silver(dataset: str) -> str:
    """Run the suite; pass, warn or stop (the last decision where this version was validated before)."""
    from agrilake.pipeline.steps import check_suite

    lake = _lake()
    check_suite(lake, dataset)
    known = lake.state.suites().get(dataset)
    return str(known["decision"]) if known else "pass"


def require_current(dataset: str) -> None:
    """Raise ConsistencyError where the silver table lacks a delivery: then its asset must not be updated."""
    from agrilake.errors import ConsistencyError
    from agrilake.pipeline.steps import silver_is_current

    if not silver_is_current(_lake(), dataset):
        raise ConsistencyError(f"silver/{dataset} does not hold all its deliveries; see the task load")


def build_gold(name: str) -> None:
    """Build one gold table where its inputs changed."""
    from agrilake.pipeline.steps import update_gold

    update_gold(_lake(), name)


def compute_indicators() -> None:
    """Compute the indicators where their inputs changed."""
    from agrilake.pipeline.steps import update_indicators

    update_indicators(_lake())


def publish() -> str:
    """Publish; the publication's version."""
    from agrilake.pipeline.steps import update_publication

    return str(update_publication(_lake()).version)


def _subject(context: Any) -> tuple[str, str]:
    instance = context["task_instance"]
    index = "" if instance.map_index < 0 else f"[{instance.map_index}]"
    return f"airflow {instance.dag_id}", f"{instance.task_id}{index}"


def on_failure(context: Any) -> None:
    """Leave a readable line in `agrilake status`: the error's own words for the lake's errors, else its type alone,
    since a foreign error's text may quote a value."""
    from agrilake.errors import AgrilakeError

    error = context.get("exception")
    known = isinstance(error, AgrilakeError) or type(error).__name__ == "AirflowFailException"
    message = str(error) if known else f"{type(error).__name__}; see the task's log"
    _lake().state.record_failure(*_subject(context), message)


def on_success(context: Any) -> None:
    """The task works again: its failure no longer stands."""
    _lake().state.resolve_failures(*_subject(context))
