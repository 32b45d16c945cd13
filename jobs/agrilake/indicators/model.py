"""What an indicator's declaration says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

LEVELS = ("district", "township", "village")
PERIOD_TYPES = ("month", "quarter", "year")
DIRECTIONS = ("up", "down", "none")
TIMES = {
    "flow": "rows of all months of the period count",
    "stock": "rows of the period's last month count",
    "as_of": "rows valid on the period's last day count",
    "given": "rows carry their period, of any length",
}
FLAG_TITLES = {"official": "正式", "estimated": "估算", "imputed": "插补", "missing": "缺失"}
"""Quality flags from the strongest to the weakest: a value has the weakest of its inputs'."""
STATE_TIMES = ("stock", "as_of")
"""Times of a state on a day, where deliveries before the newest one are no longer asked for."""


@dataclass(frozen=True)
class Measure:
    """One aggregate over a gold table: a Spark SQL `expression` over the rows that `where` keeps.

    `time` overrides the indicator's (for a denominator that is a stock). `rests_on` names the department datasets whose
    deliveries decide about quality flag and lateness, where not all behind the source do. For `agrilake trace`:
    where the source is an aggregate with several lineages, `evidence` names the one to follow, and `evidence_where`
    keeps of the rows at its end those that the measure rests on. `counts` names the quantity of persons or households
    (agrilake.contract.counts) that it counts.
    """

    source: str
    expression: str
    where: str = ""
    time: str = ""
    rests_on: tuple[str, ...] = ()
    evidence: str = ""
    evidence_where: str = ""
    counts: str = ""


@dataclass(frozen=True)
class Combination:
    """A quotient over the values of other indicators: `of` gives each a name, and `numerator` and `denominator` are
    arithmetic in SQL over these names and over `constants`, the district's elasticities."""

    of: dict[str, str]
    numerator: str
    denominator: str
    constants: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Indicator:
    """An indicator: value = numerator / denominator × scale, or numerator alone, or `value` (a statistic that
    cannot be added up), or the growth of another indicator in percent (over `growth_years` years the mean yearly
    growth), or a combination of other indicators.

    `periods` are the lengths of period that its sources can fill, the shortest first. `awaits` names (in Chinese) a
    dataset that is not in the lake yet: its values are missing, and say so.
    """

    id: str
    name: str
    unit: str
    decimals: int
    direction: str
    owner: str
    task: str
    edition: str
    description: str
    formula: str
    grain: tuple[str, ...]
    time: str
    path: Path
    sort: int = 100
    numerator: Measure | None = None
    denominator: Measure | None = None
    value: Measure | None = None
    growth_of: str = ""
    growth_years: int = 1
    combined: Combination | None = None
    awaits: str = ""
    scale: float = 1
    targets: dict[int, float] = field(default_factory=dict)
    periods: tuple[str, ...] = PERIOD_TYPES

    @property
    def derived_from(self) -> tuple[str, ...]:
        """Indicators whose values it is made from; empty where it is measured."""
        if self.combined:
            return tuple(dict.fromkeys(self.combined.of.values()))
        return (self.growth_of,) if self.growth_of else ()

    @property
    def measures(self) -> dict[str, Measure]:
        """Its aggregates by part: numerator, denominator, value."""
        parts = {"numerator": self.numerator, "denominator": self.denominator, "value": self.value}
        return {part: measure for part, measure in parts.items() if measure is not None}

    @property
    def rests_on(self) -> tuple[str, ...]:
        """Department datasets that it rests on, where each measure names its own; else empty (all behind them)."""
        named = [measure.rests_on for measure in self.measures.values()]
        return tuple(sorted({name for names in named for name in names})) if all(named) else ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Gold tables that it is computed from."""
        return tuple(sorted({measure.source for measure in self.measures.values()}))

    def time_of(self, measure: Measure) -> str:
        """How the measure's rows belong to periods (a key of TIMES)."""
        return measure.time or self.time
