"""The lake's state at a glance."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from agrilake.lake.state import Failure
from agrilake.pipeline import arriving, intake, steps
from agrilake.pipeline.context import Lake
from agrilake.publish import current_publication
from agrilake.services import process


@dataclass(frozen=True)
class LakeStatus:
    """What is waiting, done, failed and held; `services` are (name, address, started) of those that run."""

    inbox_files: int
    deliveries: dict[str, int]
    to_process: int
    silver_behind: list[str]
    suites: dict[str, str]
    held: dict[str, str]
    publication: str
    lake_version: int
    failures: list[Failure]
    services: list[tuple[str, str, str]]

    @property
    def at_rest(self) -> bool:
        """Whether nothing is left to do before the publication."""
        return not (self.inbox_files or self.to_process or self.silver_behind)

    def lines(self) -> list[tuple[str, object]]:
        """Rows for a table."""
        return [
            ("files in the inbox", self.inbox_files),
            ("deliveries", ", ".join(f"{count} {name}" for name, count in self.deliveries.items()) or "none"),
            ("deliveries to process", self.to_process),
            ("silver tables behind", ", ".join(self.silver_behind) or "none"),
            (
                "suites",
                ", ".join(f"{name}: {said}" for name, said in self.suites.items() if said != "pass") or "all pass",
            ),
            ("held tables", "; ".join(f"{name}: {why}" for name, why in self.held.items()) or "none"),
            ("publication", self.publication or "none"),
            ("lake version", self.lake_version),
        ]


def lake_status(lake: Lake) -> LakeStatus:
    """Look, change nothing."""
    versions = lake.state.lake_versions()
    current = current_publication(lake.home)
    counts = Counter(item.status for item in lake.state.deliveries())
    return LakeStatus(
        inbox_files=len(arriving.pending_files(lake, settle=False)),
        deliveries=dict(sorted(counts.items())),
        to_process=len(intake.stale_deliveries(lake)),
        silver_behind=[name for name in lake.registry.datasets if not steps.silver_is_current(lake, name)],
        suites={name: item["decision"] for name, item in lake.state.suites().items()},
        held=steps.held_tables(lake),
        publication=str(current.version) if current else "",
        lake_version=versions[-1].version if versions else 0,
        failures=lake.state.open_failures(),
        services=[(s.name, f"127.0.0.1:{s.port}" if s.port else "", s.started) for s in process.status(lake.home.root)],
    )
