"""Why a figure changed between two publications, in Chinese: which files came, which rules were changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import cached_property

from agrilake.contract.load import Registry
from agrilake.indicators.model import STATE_TIMES, Indicator
from agrilake.indicators.recipe import Recipe
from agrilake.intake.dates import period_bounds
from agrilake.intake.schedule import previous_period, year_before
from agrilake.lake.state import ERASED, WITHDRAWN, Delivery
from agrilake.paths import Home
from agrilake.publish.metadata import masked_file_name
from agrilake.publish.records import Record
from agrilake.tables.inputs import made_from, note_at

Need = tuple[str, date, date]
FILES_SHOWN = 5
UNKNOWN = "原因未能查明"
COSMETIC = ("name", "description", "formula", "edition", "sort", "decimals", "path", "owner", "task", "targets", "unit")
"""Of a declaration, what leaves its values as they are."""


def taken_of(delivery: Delivery) -> str:
    """What of a delivery the lake took, as the manifests keep it; empty where nothing."""
    if not delivery.is_final:
        return ""
    taken = f"{delivery.accepted}|{delivery.contract_version}|{delivery.reference_version}"
    return f"{taken}|{ERASED} {delivery.erased}" if delivery.erased else taken


def taken_before(past: Iterable[Record]) -> dict[str, str]:
    """What had been taken of every delivery by the last of the publications (oldest first)."""
    found: dict[str, str] = {}
    for item in past:
        found.update(item.deliveries)
    return found


def newly_taken(past: Iterable[Record], deliveries: Iterable[Delivery]) -> dict[str, str]:
    """What is taken of the deliveries that came, or were taken anew, since the last of the publications."""
    known = taken_before(past)
    return {item.id: taken_of(item) for item in deliveries if taken_of(item) != known.get(item.id, "")}


@dataclass(frozen=True)
class Between:
    """Two publications' recipes and what the lake took in between: `touched` are deliveries that came or were taken
    anew, `past` what had been taken of them before."""

    home: Home
    registry: Registry
    before: Recipe | None
    after: Recipe
    touched: Sequence[Delivery]
    past: Mapping[str, str]

    def why(self, indicator: str, period: str) -> tuple[str, str | None]:
        """The reason that a figure changed, and the ids of the deliveries in it."""
        item = self._declared[indicator]
        files = self._files(item, period)
        said = "、".join(self._said(one) for one in files[:FILES_SHOWN])
        more = f" 等 {len(files)} 份文件" if len(files) > FILES_SHOWN else ""
        parts = [said + more, *self._edited(indicator), *self._rules(item), *self._engine()]
        return "；".join(filter(None, parts)) or self._inputs(), "、".join(one.id for one in files) or None

    @cached_property
    def _declared(self) -> dict[str, Indicator]:
        return {item.id: item for item in self.after.indicators}

    def _files(self, item: Indicator, period: str) -> list[Delivery]:
        """The touched deliveries that the figure rests on, those of reference data always: of the datasets that its
        declaration names and of its own periods, else of all datasets behind it, else of any period."""
        named, behind = (list(self._needs(item, period, only_named)) for only_named in (True, False))
        reference = {dataset.id for dataset in self.registry.reference()}
        chosen = self._touching(named) or self._touching(behind)
        datasets = set() if chosen else {need[0] for need in behind}
        return [one for one in self.touched if one in chosen or one.dataset in reference | datasets]

    def _touching(self, needs: Sequence[Need]) -> list[Delivery]:
        return [one for one in self.touched if any(_meets(one.dataset, self._days(one), need) for need in needs)]

    def _needs(self, item: Indicator, period: str, only_named: bool) -> Iterator[Need]:
        """Datasets behind the figure, with the days that their deliveries must touch."""
        for name in item.derived_from:
            for when in (period, year_before(period, item.growth_years)) if item.growth_of else (period,):
                yield from self._needs(self._declared[name], when, only_named)
        first, last = period_bounds(period)
        for measure in item.measures.values():
            start = date.min if item.time_of(measure) in STATE_TIMES else first
            for name in (only_named and measure.rests_on) or self.after.behind.get(measure.source, ()):
                yield name, start, last

    def _days(self, delivery: Delivery) -> tuple[date, date]:
        first, last = period_bounds(delivery.period)
        dataset = self.registry.datasets.get(delivery.dataset)
        reached = delivery.period
        for _ in range(dataset.reaches_back if dataset else 0):
            reached = previous_period(reached, dataset.frequency) if dataset else reached
        return min(first, period_bounds(reached)[0]), last

    def _said(self, item: Delivery) -> str:
        dataset = self.registry.datasets.get(item.dataset)
        title = dataset.title if dataset else item.dataset
        return f"《{title}》{item.period} 期{self._how(item)}（{masked_file_name(item)}，批次 {item.id[:8]}）"

    def _how(self, item: Delivery) -> str:
        past = self.past.get(item.id, "").split("|")
        if not item.is_final:
            return "撤回" if item.status == WITHDRAWN else "不再采用"
        if past[0]:
            return _again(item, past)
        if item.kind == "mend":
            return "补正"
        if item.revision:
            return f"第 {item.revision} 次更正"
        of = self.after.arrivals.get(item.dataset)
        return "迟报" if of and item.period in of.late else "新报"

    def _edited(self, indicator: str) -> Iterator[str]:
        """How the declarations of the indicator and of those that it is made from were changed."""
        earlier = {one.id: one for one in self.before.indicators} if self.before else {}
        now, old = self._declared[indicator], earlier.get(indicator)
        if old is not None and now.edition != old.edition:
            yield f"《{now.name}》口径由 {old.edition} 版改为 {now.edition} 版"
        elif old is not None and _meaning(now) != _meaning(old):
            yield f"《{now.name}》指标声明已修改"
        for name in now.derived_from:
            yield from self._edited(name)

    def _rules(self, item: Indicator) -> Iterator[str]:
        """Gold tables behind the indicator that were made by other rules, or by other decisions of people."""
        behind = self._gold_behind(item)
        changed = [name for name in self._remade["rule"] if name in behind]
        if changed:
            yield "、".join(f"《{self.registry.gold[name].title}》" for name in changed) + "的加工规则已修改"
        if any(name in behind for name in self._remade["decisions"]):
            yield "站点归并的人工结论有更新"

    def _gold_behind(self, item: Indicator) -> set[str]:
        waiting = [*item.sources, *(one for name in item.derived_from for one in self._declared[name].sources)]
        found: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in self.registry.gold and name not in found:
                found.add(name)
                waiting += self.registry.gold[name].inputs
        return found

    @cached_property
    def _remade(self) -> dict[str, list[str]]:
        """Gold tables whose commit's note differs between the two publications, by entry of the note."""
        if self.before is None:
            return {"rule": [], "decisions": []}
        old, new = (self._notes(recipe) for recipe in (self.before, self.after))
        both = sorted(old.keys() & new.keys())
        return {
            key: [name for name in both if old[name].get(key) != new[name].get(key)] for key in ("rule", "decisions")
        }

    def _notes(self, recipe: Recipe) -> dict[str, dict[str, object]]:
        pairs = [(f"gold/{name}", number) for name, number in recipe.inputs.items() if number is not None]
        found = {}
        for table, version in made_from(self.home, self.registry, pairs):
            layer, _, name = table.partition("/")
            if layer == "gold":
                found[name] = note_at(self.home.table("gold", name), version)
        return found

    def _engine(self) -> Iterator[str]:
        if self.before is not None and self.before.engine.code != self.after.engine.code:
            yield "指标计算程序已更新"

    def _inputs(self) -> str:
        """Where nothing else is known: which tables are of another version."""
        old = self.before.inputs if self.before else {}
        new = self.after.inputs
        changed = [f"gold.{name} {old.get(name)}→{new[name]}" for name in sorted(new) if old.get(name) != new[name]]
        return f"所用的表有新版本：{'、'.join(changed)}" if changed else UNKNOWN


def _again(item: Delivery, past: Sequence[str]) -> str:
    """Why a delivery was taken anew; `past` are the parts of what was taken of it before."""
    if item.erased and past[-1] != f"{ERASED} {item.erased}":
        return "依法删除个人信息"
    if past[1] != str(item.contract_version):
        return f"按新规范（{item.contract_version} 版）重新接收"
    return "放行原退回的行" if past[2] == str(item.reference_version) else "按新的区划表重新核对"


def _meaning(item: Indicator) -> dict[str, object]:
    measures = {part: asdict(replace(measure, counts="")) for part, measure in item.measures.items()}
    return {name: value for name, value in (asdict(item) | measures).items() if name not in COSMETIC}


def _meets(dataset: str, days: tuple[date, date], need: Need) -> bool:
    return dataset == need[0] and days[0] <= need[2] and days[1] >= need[1]
