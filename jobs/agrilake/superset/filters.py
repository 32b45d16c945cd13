"""Native filters of a dashboard, with the charts that they reach."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from agrilake.superset.assets import SupersetDataset, identity


@dataclass(frozen=True)
class Filter:
    """A select over `column`: one value, never empty; `default` None means the first value in its order (e.g. the
    latest period). With `is_open` it begins empty, which keeps everything, and takes several values.

    `offered` limits the values to those of the rows that it keeps.
    """

    title: str
    dataset: SupersetDataset
    column: str
    reaches: Collection[str]
    description: str
    default: str | None = None
    descending: bool = False
    sort_metric: str | None = None
    is_open: bool = False
    offered: dict[str, Any] | None = None

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
                "multiSelect": self.is_open,
                "enableEmptyFilter": not self.is_open,
                "defaultToFirstItem": self._takes_first,
                "inverseSelection": False,
                "searchAllOptions": False,
                "sortAscending": not self.descending,
            },
            "requiredFirst": self._takes_first,
            "sortMetric": self.sort_metric,
            "adhoc_filters": [self.offered] if self.offered else [],
            "defaultDataMask": self._mask(),
            "cascadeParentIds": [],
            "scope": {
                "rootPath": ["ROOT_ID"],
                "excluded": [number for name, number in numbers.items() if name not in self.reaches],
            },
        }

    @property
    def _takes_first(self) -> bool:
        return self.default is None and not self.is_open

    def _mask(self) -> dict[str, Any]:
        if self.default is None:
            return {"extraFormData": {}, "filterState": {}, "ownState": {}}
        return {
            "extraFormData": {"filters": [{"col": self.column, "op": "IN", "val": [self.default]}]},
            "filterState": {"value": [self.default], "label": self.default},
            "ownState": {},
        }
