"""What the checks of `agrilake verify` look at, read once, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from agrilake.lake.state import Delivery
from agrilake.pipeline.context import Lake
from agrilake.pipeline.pins import pinned_versions
from agrilake.publish.records import Pins
from agrilake.recovery.logs import Log, read_log, tables
from agrilake.recovery.settled import moving

AGAIN = "agrilake run takes it up again"
FROM_BACKUP = "bring it back from a backup: agrilake restore to another place, then copy it from there"


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be: what, where (file, table, delivery), and what to do. Never a value."""

    what: str
    where: str
    remedy: str


@dataclass
class Found:
    """The outcome of one check: how many things it looked at, and what it found."""

    looked: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, what: str, where: str, remedy: str) -> None:
        """One more finding."""
        self.findings.append(Finding(what, where, remedy))


@dataclass(frozen=True)
class Check:
    """A named check; `run` fills in what it found."""

    id: str
    title: str
    run: Callable[[Looking, Found], None]


@dataclass(frozen=True)
class Looking:
    """The lake as it is now. With `deep` every file is opened, and large tables are read too."""

    lake: Lake
    deep: bool = False

    @cached_property
    def deliveries(self) -> dict[str, Delivery]:
        """All deliveries by id, in order of arrival."""
        return {item.id: item for item in self.lake.state.deliveries()}

    @cached_property
    def logs(self) -> dict[str, Log]:
        """The log of every Delta table by its name."""
        return {name: read_log(path) for name, path in tables(self.lake.home)}

    @cached_property
    def pins(self) -> Pins:
        """Versions that must be kept, by table."""
        return pinned_versions(self.lake)

    @cached_property
    def moving(self) -> set[str]:
        """Datasets that something is still to be done for."""
        return moving(self.lake)
