"""Which deliveries stand behind a dashboard or a chart, followed through indicators, views, layers and gold tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agrilake.contract.load import Registry
from agrilake.contract.order import datasets_behind
from agrilake.layers.model import Layer
from agrilake.superset.assets import SupersetDataset
from agrilake.superset.declared import Dashboard, IndicatorLike

WIDE = 10
"""A table of more inputs (a village's profile) shows a little of everything: what it only passes on does not count."""


def inputs_of(names: Iterable[str], registry: Registry) -> set[str]:
    """Department datasets behind gold tables or datasets, reference data among them; of a wide table its own ones."""
    found: set[str] = set()
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in registry.gold:
            inputs = registry.gold[name].inputs
            waiting += [item for item in inputs if len(inputs) <= WIDE or item in registry.datasets]
        elif name in registry.datasets:
            found.add(name)
    return found


def behind_indicator(indicator: IndicatorLike, registry: Registry, indicators: Mapping[str, IndicatorLike]) -> set[str]:
    """Department datasets that an indicator rests on, without reference data."""
    if indicator.derived_from:
        return set().union(
            *(behind_indicator(indicators[name], registry, indicators) for name in indicator.derived_from)
        )
    return {item.id for item in datasets_behind(indicator.rests_on or indicator.sources, registry)}


def behind_dashboard(dashboard: Dashboard, registry: Registry, indicators: Mapping[str, IndicatorLike]) -> list[str]:
    """Department datasets behind the dashboard's indicators and charts, without reference data."""
    found = set().union(*(behind_indicator(indicators[name], registry, indicators) for name in dashboard.indicators))
    found |= inputs_of((chart.table for chart in dashboard.charts), registry)
    return sorted(found - {item.id for item in registry.reference()})


def reached_by_dashboard(
    dashboard: Dashboard, registry: Registry, indicators: Mapping[str, IndicatorLike], layers: Iterable[Layer]
) -> set[str]:
    """Department datasets, reference data among them, that a number or a line of the dashboard is made from.

    The lists of deliveries, which name every dataset, do not count.
    """
    found = reached_by_indicators((indicators[name] for name in dashboard.indicators), registry, indicators)
    found |= inputs_of((chart.table for chart in dashboard.charts), registry)
    drawn = (layer.source for layer in layers if layer.id == "boundaries")
    return found | (inputs_of(drawn, registry) if dashboard.explore else set())


def reached_by_indicators(
    shown: Iterable[IndicatorLike], registry: Registry, indicators: Mapping[str, IndicatorLike]
) -> set[str]:
    """Department datasets, reference data among them, that the indicators are computed from."""
    found: set[str] = set()
    for item in shown:
        derived = (indicators[name] for name in item.derived_from)
        measured = inputs_of(item.sources, registry) | set(item.rests_on)
        found |= measured | reached_by_indicators(derived, registry, indicators)
    return found


def empty_words(dataset: SupersetDataset, registry: Registry) -> str:
    """What a chart without rows says, in Chinese: why, and which deliveries it rests on."""
    behind = datasets_behind([dataset.name.removesuffix("_by_area")], registry)
    if not behind:
        return "所选范围内没有记录"
    named = "、".join(f"{item.department_title}《{item.title}》" for item in behind[:3])
    more = f"等 {len(behind)} 个数据集" if len(behind) > 3 else ""
    return f"所选范围内没有记录，或尚未报送。本图依据：{named}{more}；报送情况见上方“数据状态”"
