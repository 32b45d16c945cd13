"""Native filters of a dashboard: one value each, never empty, with the charts that they reach."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from agrilake.superset.assets import SupersetDataset, identity


@dataclass(frozen=True)
class Filter:
    """A select over `column`; `default` None means the first value in its order (e.g. the latest period)."""

    title: str
    dataset: SupersetDataset
    column: str
    reaches: Collection[str]
    description: str
    default: str | None = None
    descending: bool = False
    sort_metric: str | None = None

    def as_dict(self, numbers: Mapping[str, int]) -> dict[str, Any]:
        """The filter as Superset exports it; `numbers` are the charts' numbers in the position tree."""
        return {
            "id": f"NATIVE_FILTER-{identity('filter', self.title)[:8]}",
            "type": "NATIVE_FILTER",
            "name": self.title,
            "description": self.description,
            "filterType": "filter_select",
            "targets": [{"datasetUuid": self.dataset.uuid, "column": {"name": self.column}}],
            "controlValues": {
                "multiSelect": False,
                "enableEmptyFilter": True,
                "defaultToFirstItem": self.default is None,
                "inverseSelection": False,
                "searchAllOptions": False,
                "sortAscending": not self.descending,
            },
            "requiredFirst": self.default is None,
            "sortMetric": self.sort_metric,
            "defaultDataMask": self._mask(),
            "cascadeParentIds": [],
            "scope": {
                "rootPath": ["ROOT_ID"],
                "excluded": [number for name, number in numbers.items() if name not in self.reaches],
            },
        }

    def _mask(self) -> dict[str, Any]:
        if self.default is None:
            return {"extraFormData": {}, "filterState": {}, "ownState": {}}
        return {
            "extraFormData": {"filters": [{"col": self.column, "op": "IN", "val": [self.default]}]},
            "filterState": {"value": [self.default], "label": self.default},
            "ownState": {},
        }
