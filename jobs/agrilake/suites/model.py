"""What a suite says about a table: counts and decisions, never values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

PASS, WARN, STOP = "pass", "warn", "stop"


@dataclass(frozen=True)
class ExpectationOutcome:
    """One expectation's result.

    `column` is the column's name and `title` its Chinese title (None and "" for the table as a whole);
    `severity` is stop or warn; `description` is Chinese. `broken` tells that the check itself could not run,
    which always stops: nothing is known about the table then.
    """

    expectation: str
    column: str | None
    title: str
    severity: str
    success: bool
    unexpected_count: int | None
    element_count: int | None
    description: str
    broken: bool = False


@dataclass(frozen=True)
class SuiteResult:
    """A table's result at one Delta version, with the decision for the tables downstream.

    `skipped` names (in Chinese) the checks that had nothing to compare with, such as a reference to a table that
    was not delivered yet. `engine` is pandas or spark.
    """

    dataset: str
    title: str
    version: int
    rows: int
    engine: str
    decision: str
    results: tuple[ExpectationOutcome, ...]
    seconds: float
    skipped: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[ExpectationOutcome, ...]:
        """The expectations that did not hold."""
        return tuple(item for item in self.results if not item.success)

    def as_rows(self) -> list[dict[str, Any]]:
        """The outcomes as plain rows, as the lake's state records them."""
        return [asdict(item) for item in self.results]

    @property
    def reason(self) -> str:
        """Chinese, for the dashboard: what made the table stop, else what was warned about, else nothing."""
        failed = sorted(self.failed, key=lambda item: item.severity != STOP and not item.broken)
        parts = [f"{item.description}（{_extent(item)}）" for item in failed]
        return f"《{self.title}》：{'；'.join(parts)}" if parts else ""


def _extent(item: ExpectationOutcome) -> str:
    if item.broken:
        return "检查无法执行"
    return "不符合" if item.unexpected_count is None else f"{item.unexpected_count} 行不符合"


def decide(results: Iterable[ExpectationOutcome]) -> str:
    """stop where an expectation of severity stop failed or any could not run, warn where one of warn failed."""
    failed = [item for item in results if not item.success]
    if any(item.severity == STOP or item.broken for item in failed):
        return STOP
    return WARN if failed else PASS
