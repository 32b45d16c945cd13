"""Superset's own words (database, dataset, chart, dashboard) as frozen objects that become its export YAML.

UUIDs come from names, so the same declaration is the same object in every Superset, and an import overwrites
instead of adding.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from agrilake.contract.roles import ANALYST, LEADER, STEWARD
from agrilake.publish.opening import SHUT_IN

EXPORT_VERSION = "1.0.0"
NAMESPACE = uuid.UUID("5b2b0f0c-8c53-5d2f-9d0e-4f4f6c1f7f64")
LAKE_NAME = "数字乡村数据湖"


def identity(kind: str, name: str) -> str:
    """The UUID of a thing: the same for the same kind and name, everywhere."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}/{name}"))


@dataclass(frozen=True)
class Database:
    """A role's file of a publication: `key` names it in the export, `file` is the role's, without its ending."""

    key: str
    name: str
    file: str

    @property
    def uuid(self) -> str:
        """Identity of the database."""
        return identity("database", self.name)

    def as_dict(self) -> dict[str, Any]:
        """The database as Superset exports it: no writing, no files from outside, not to be changed by a query."""
        return {
            "database_name": self.name,
            # never a machine's path: superset_config.py points it to the current publication under AGRILAKE_HOME
            "sqlalchemy_uri": f"duckdb:///publications/current/{self.file}.duckdb",
            "cache_timeout": None,
            "expose_in_sqllab": True,
            "allow_run_async": False,
            "allow_ctas": False,
            "allow_cvas": False,
            "allow_dml": False,
            "allow_file_upload": False,
            "extra": {
                "allows_virtual_table_explore": True,
                "engine_params": {"connect_args": {"read_only": True, "config": dict(SHUT_IN)}},
                "metadata_params": {},
            },
            "impersonate_user": False,
            "uuid": self.uuid,
            "version": EXPORT_VERSION,
            "is_managed_externally": True,
        }


LEADER_DATABASE = Database("agrilake", LAKE_NAME, LEADER)
ANALYST_DATABASE = Database("agrilake_analyst", f"{LAKE_NAME}（分析）", ANALYST)
STEWARD_DATABASE = Database(STEWARD, f"{LAKE_NAME}（数据管理）", STEWARD)


@dataclass(frozen=True)
class Field:
    """A dataset's column: name, Chinese title, DuckDB type; `expression` makes it a calculated column.

    `is_dimension` says whether it is offered to group and drill by.
    """

    name: str
    title: str
    type: str = "VARCHAR"
    description: str = ""
    expression: str | None = None
    is_dimension: bool = True

    @property
    def is_temporal(self) -> bool:
        """Whether Superset may use it as a time axis."""
        return self.type in ("DATE", "TIMESTAMP")

    def as_dict(self) -> dict[str, Any]:
        """The column as Superset exports it."""
        return {
            "column_name": self.name,
            "verbose_name": self.title,
            "description": self.description or None,
            "type": self.type,
            "is_dttm": self.is_temporal,
            "is_active": True,
            "groupby": self.is_dimension,
            "filterable": True,
            "expression": self.expression,
        }


@dataclass(frozen=True)
class Metric:
    """A dataset's saved metric; `format` is a D3 number format."""

    name: str
    title: str
    expression: str
    format: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The metric as Superset exports it."""
        return {
            "metric_name": self.name,
            "verbose_name": self.title,
            "expression": self.expression,
            "d3format": self.format,
        }


@dataclass(frozen=True)
class SupersetDataset:
    """A table of a published file (the leader's, unless `database` is another), or (with `sql`) a query."""

    name: str
    description: str
    fields: tuple[Field, ...]
    metrics: tuple[Metric, ...] = ()
    sql: str | None = None
    time_field: str | None = None
    database: Database = LEADER_DATABASE

    @property
    def uuid(self) -> str:
        """Identity of the dataset."""
        return identity("dataset", self.name)

    def as_dict(self) -> dict[str, Any]:
        """The dataset as Superset exports it."""
        return {
            "table_name": self.name,
            "main_dttm_col": self.time_field,
            "description": self.description,
            "schema": "main",
            "sql": self.sql,
            "filter_select_enabled": True,
            "uuid": self.uuid,
            "metrics": [metric.as_dict() for metric in self.metrics],
            "columns": [item.as_dict() for item in self.fields],
            "version": EXPORT_VERSION,
            "database_uuid": self.database.uuid,
            "is_managed_externally": True,
        }


@dataclass(frozen=True)
class Chart:
    """One chart: `name` identifies it (English, snake_case), `title` is what people read above it."""

    name: str
    title: str
    description: str
    dataset: SupersetDataset
    kind: str
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def uuid(self) -> str:
        """Identity of the chart."""
        return identity("chart", self.name)

    def as_dict(self) -> dict[str, Any]:
        """The chart as Superset exports it."""
        return {
            "slice_name": self.title,
            "description": self.description,
            "viz_type": self.kind,
            "params": {"viz_type": self.kind, **self.params},
            "cache_timeout": None,
            "uuid": self.uuid,
            "version": EXPORT_VERSION,
            "dataset_uuid": self.dataset.uuid,
            "is_managed_externally": True,
        }

    def columns_used(self) -> set[str]:
        """Names of the dataset's columns that the chart asks for."""
        used = set(self.params.get("all_columns", []))
        used |= {item for item in self.params.get("groupby", []) if isinstance(item, str)}
        if axis := self.params.get("x_axis"):
            used.add(axis)
        used |= {item["subject"] for item in self.params.get("adhoc_filters", []) if item.get("subject")}
        return used | {json.loads(item)[0] for item in self.params.get("order_by_cols", [])}

    def metrics_used(self) -> set[str]:
        """Names of the saved metrics that the chart asks for."""
        asked = [*self.params.get("metrics", []), self.params.get("metric")]
        return {item for item in asked if isinstance(item, str)}
