"""Department datasets in the analyst's file: silver without any personal column, each row with its way back.

Numbers of persons are left out there, as gold has them and hides the small ones; a department's own file has its own.

A number that someone wrote into a free text is masked here, for one clerk's note must not keep a publication back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import duckdb

from agrilake.contract.load import Registry
from agrilake.contract.model import Column as ContractColumn
from agrilake.contract.model import Dataset
from agrilake.paths import Home
from agrilake.publish.database import cast, empty_table, registered, sql_type, table_from_source
from agrilake.publish.guard import MOBILE_PHONE, RESIDENT_ID
from agrilake.publish.model import Column, Layout
from agrilake.publish.persons import Persons
from agrilake.sql import quoted

WAY_BACK = (
    Column("_period", "VARCHAR", "报送期"),
    Column("_delivery_id", "VARCHAR", "批次编号"),
    Column("_sheet", "VARCHAR", "工作表"),
    Column("_line", "BIGINT", "行号"),
)
MASK = "（号码已遮盖）"


def department_layout(dataset: Dataset, own: bool = False) -> Layout:
    """Columns of a department's dataset as analysts see it, or the department its `own`."""
    columns = [Column(item.name, sql_type(item), item.title) for item in shown_columns(dataset, own)]
    return Layout(dataset.id, dataset.title, (*columns, *WAY_BACK))


def shown_columns(dataset: Dataset, own: bool = False) -> list[ContractColumn]:
    """What silver holds, without identifiers and their pseudonyms, and for others than its `own` department without
    numbers of persons."""
    return [column for column in dataset.silver_columns if not column.is_personal and (own or not column.counts)]


def add_departments(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    registry: Registry,
    tables: Mapping[str, int],
    timezone: str,
    persons: Persons,
    own: bool = False,
    withheld: Collection[str] = (),
) -> None:
    """One table a dataset, at the Delta version of the lake version (`tables`); empty where nothing came yet, and where
    it is `withheld`. `own` says that it is for the department whose datasets they are."""
    for dataset in registry.datasets.values():
        version = tables.get(f"silver/{dataset.id}")
        if version is None or dataset.id in withheld:
            empty_table(connection, department_layout(dataset, own))
        else:
            path = home.table("silver", dataset.id)
            layout = persons.titled(dataset, department_layout(dataset, own))
            _add(connection, dataset, layout, path, version, timezone, persons.instead(dataset))


def _add(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    layout: Layout,
    path: Path,
    version: int,
    timezone: str,
    instead: Mapping[str, str],
) -> None:
    free = {column.name for column in shown_columns(dataset) if column.is_free_text}
    with registered(connection, path, version) as kinds:
        chosen = []
        for column in layout.columns:
            if column.name not in kinds:  # of a newer contract than the stored rows
                chosen.append(f"NULL::{column.sql_type} AS {quoted(column.name)}")
            elif column.name in instead:
                chosen.append(instead[column.name])
            elif column.name in free:
                chosen.append(f"{_masked(quoted(column.name))} AS {quoted(column.name)}")
            else:
                chosen.append(cast(column, kinds[column.name], timezone))
        origin, shown = f"silver/{dataset.id} version {version}", {column.name for column in layout.columns}
        table_from_source(connection, layout, chosen, origin, sorted(shown & instead.keys()))


def _masked(name: str) -> str:
    text = name
    for shape in (RESIDENT_ID, MOBILE_PHONE):
        text = f"regexp_replace({text}, '\\b{shape}\\b', '{MASK}', 'g')"
    return text
