"""How an Airflow task ends: done, tried again, or failed with a line in `agrilake status`."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from agrilake.errors import AgrilakeError, ServiceError

if TYPE_CHECKING:
    from agrilake.pipeline.context import Lake

T = TypeVar("T")
log = logging.getLogger("agrilake")
ENDED = "the task was ended from outside"


class StepFailed(AgrilakeError):
    """A foreign error, named by its kind alone, since its text may quote a value."""


class SomeFailed(AgrilakeError):
    """Some files or tables of a task failed, and may succeed when tried again; each has a failure line of its own."""


def run(step: Callable[..., T], *arguments: Any) -> T:
    """Call a step; its errors come out in words that hold no value, with the way through the code in the log.

    Raises AirflowFailException (no retry) where repeating would say the same; else ServiceError, SomeFailed
    or StepFailed, which are tried again.
    """
    from airflow.sdk.exceptions import AirflowFailException

    try:
        return step(*arguments)
    except AgrilakeError as error:
        if may_succeed_later(error):
            raise error from None  # Airflow would log its cause as well
        raise AirflowFailException(str(error)) from None
    except Exception as error:
        log_frames(error)
        raise StepFailed(_readable(error)) from None


def may_succeed_later(error: Exception) -> bool:
    """Whether trying again may help: a service or a disk, not what the lake itself says of its data."""
    return isinstance(error, ServiceError | SomeFailed) or not isinstance(error, AgrilakeError)


def on_failure(context: Mapping[str, Any], step: str, subject: str) -> None:
    """Leave one readable line in `agrilake status`, under the names that `agrilake run` uses.

    Airflow calls this in the task's own process; for a task that was killed, in the DAG processor, without an error.
    """
    error = context.get("exception")
    if not isinstance(error, SomeFailed):
        record_failure(open_lake(), step, subject, _message(error))


def on_success(context: Mapping[str, Any], step: str, subject: str) -> None:
    """The task works again: its failure no longer stands."""
    open_lake().state.resolve_failures(step, subject)


def on_silver_failure(context: Mapping[str, Any], dataset: str) -> None:
    """A line for the half of the task that is still to be done: the table, or its suite."""
    from agrilake.pipeline import steps

    lake = open_lake()
    step = "suites" if steps.silver_is_current(lake, dataset) else "silver"
    record_failure(lake, step, dataset, _message(context.get("exception")))


def on_silver_success(context: Mapping[str, Any], dataset: str) -> None:
    """Neither half fails any longer."""
    for step in ("silver", "suites"):
        on_success(context, step, dataset)


def on_gold_failure(context: Mapping[str, Any], tables: Sequence[str]) -> None:
    """A line for each table of the group that is to be built and has none yet: the task ended before it came to it."""
    from agrilake.pipeline import steps

    lake = open_lake()
    told = {item.subject for item in lake.state.open_failures() if item.step == "gold"}
    for name in steps.stale_gold(lake):
        if name in tables and name not in told:
            lake.state.record_failure("gold", name, _message(context.get("exception")))


def open_lake() -> Lake:
    """The lake that this task works on."""
    from agrilake.pipeline.context import Lake

    return Lake.open()


def note_failure(lake: Lake, step: str, subject: str, error: Exception) -> None:
    """The failure of one file or table among others: its line, and where it came from in the log."""
    log_frames(error)
    record_failure(lake, step, subject, _readable(error))


def record_failure(lake: Lake, step: str, subject: str, message: str) -> None:
    """The newest line of a step and its subject stands, not one for each try."""
    lake.state.resolve_failures(step, subject)
    lake.state.record_failure(step, subject, message)


def log_frames(error: BaseException) -> None:
    """Where an error came from, without its text."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s at\n%s", type(error).__name__, frames)


def _message(error: object) -> str:
    return _readable(error) if isinstance(error, BaseException) else ENDED


def _readable(error: BaseException) -> str:
    from agrilake.pipeline import steps

    ours = type(error).__name__ == "AirflowFailException"  # raised by `run`; its module takes seconds to import
    return str(error) if ours else steps.readable(error)
