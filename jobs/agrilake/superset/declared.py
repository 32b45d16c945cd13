"""What a dashboard's declaration (schemas/dashboards/<slug>.yaml) says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

PANELS = ("banner", "notice", "state", "cards", "caption", "map", "trend", "townships", "villages", "sources")
"""Charts that dashboards have without declaring them: no declared chart may be called so."""
FILTERS = ("period", "area", "indicator", "department", "dataset")


class IndicatorLike(Protocol):
    """What a dashboard needs to know of an indicator's declaration."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def grain(self) -> tuple[str, ...]: ...
    @property
    def sources(self) -> tuple[str, ...]: ...
    @property
    def rests_on(self) -> tuple[str, ...]: ...
    @property
    def derived_from(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class ColumnLook:
    """A column of a table chart: `width` in pixels, `format` as D3 writes numbers, `bars` drawn behind the numbers.

    `red`, `amber` and `green` colour the cells of a text that equals one of these; `red_above`, `amber_above` and
    `red_below` those of a number.
    """

    name: str
    width: int | None = None
    format: str | None = None
    right: bool = False
    bars: bool = False
    red: str | None = None
    amber: str | None = None
    green: str | None = None
    red_above: float | None = None
    amber_above: float | None = None
    red_below: float | None = None


@dataclass(frozen=True)
class ChartDeclaration:
    """One chart. `about` says in Chinese what it shows; which other keys it needs follows from `kind` (KINDS).

    `table` is a published table or a view; `measures` are the dataset's metrics. `where` keeps rows with those values.
    `of_period` lets the period filter reach a chart over a table. `width` counts the twelve columns of the grid,
    `height` eight pixels each.
    """

    name: str
    title: str
    about: str
    kind: str
    table: str = ""
    indicators: tuple[str, ...] = ()
    axis: str = ""
    split: str = ""
    measures: tuple[str, ...] = ()
    columns: tuple[ColumnLook, ...] = ()
    by: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    where: Mapping[str, object] = field(default_factory=dict)
    horizontal: bool = False
    stack: bool = False
    largest_first: bool = False
    progress: bool = False
    search: bool = False
    page: int = 10
    limit: int = 0
    of_period: bool = False
    width: int = 6
    height: int = 50


@dataclass(frozen=True)
class KeyedBy:
    """The keys of a chart kind beside those that all have: needed, and allowed."""

    needed: frozenset[str]
    allowed: frozenset[str] = frozenset()


COMMON = frozenset({"name", "title", "about", "kind", "width", "height"})
OF_TABLE = frozenset({"where", "of_period"})
KINDS = {
    "bars": KeyedBy(
        frozenset({"table", "axis", "measures"}),
        OF_TABLE | {"split", "stack", "horizontal", "largest_first", "progress", "limit"},
    ),
    "lines": KeyedBy(frozenset({"table", "axis", "measures"}), OF_TABLE | {"split"}),
    "pie": KeyedBy(frozenset({"table", "split", "measures"}), OF_TABLE),
    "table": KeyedBy(frozenset({"table", "columns"}), OF_TABLE | {"order", "search", "page", "limit"}),
    "summary": KeyedBy(
        frozenset({"table", "by", "measures", "order"}), OF_TABLE | {"columns", "search", "page", "limit"}
    ),
    "trend": KeyedBy(frozenset({"indicators"})),
    "ranking": KeyedBy(frozenset({"indicators"})),
    "all_indicators": KeyedBy(frozenset()),
    "quality_cards": KeyedBy(frozenset(), frozenset({"table"})),
}
"""bars: measures by a category (`axis`), in its order or the largest first, `split` into series. lines:
measures along a text axis, such as a period. pie: one measure.
table: rows. summary: measures by columns. trend: indicators month by month, of one unit. ranking: one indicator by
township. all_indicators: every indicator in one table. quality_cards: the state of deliveries and checks in numbers, as
`table` has them."""


@dataclass(frozen=True)
class Section:
    """A heading and the charts under it, in reading order."""

    title: str
    charts: tuple[ChartDeclaration, ...]


@dataclass(frozen=True)
class Dashboard:
    """One dashboard. `cards` are indicators shown as cards; `explore` those that can be chosen for the trend, the map,
    the townships and the villages, the first by default. `filters` are of FILTERS. `departments` are those whose
    datasets are listed at its end, beside the datasets that its charts rest on.
    """

    slug: str
    title: str
    short: str
    intro: str
    sort: int
    path: Path
    filters: tuple[str, ...] = ()
    cards: tuple[str, ...] = ()
    explore: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()

    @property
    def charts(self) -> tuple[ChartDeclaration, ...]:
        """All declared charts."""
        return tuple(chart for section in self.sections for chart in section.charts)

    @property
    def indicators(self) -> tuple[str, ...]:
        """Ids of all indicators that it names."""
        of_charts = (name for chart in self.charts for name in chart.indicators)
        return tuple(dict.fromkeys((*self.cards, *self.explore, *of_charts)))
