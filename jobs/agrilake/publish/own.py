"""The files of stewards and of each department: what they have to mend, without a value of any cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from agrilake.contract.load import Registry
from agrilake.contract.roles import Role
from agrilake.intake.findings import ERROR, rule_title
from agrilake.paths import Home
from agrilake.publish import database, layouts, metadata
from agrilake.publish.departments import MASK, add_departments
from agrilake.publish.guard import MOBILE_PHONE, RESIDENT_ID
from agrilake.publish.persons import Persons

if TYPE_CHECKING:
    from agrilake.publish.content import Content

Row = dict[str, Any]


def finding_rows(findings: pl.LazyFrame | None, registry: Registry) -> pl.DataFrame:
    """Every finding that waits (columns: layouts.QUARANTINE_FINDING): where, which column, which rule.

    What the cell held stands in the receipt alone; a number in a sheet's name is masked.
    """
    columns = [column.name for column in layouts.QUARANTINE_FINDING.columns]
    if findings is None:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String) | {"line": pl.Int64})
    titles = {item.id: item.title for item in registry.datasets.values()}
    owners = {item.id: item.department_title or item.department for item in registry.datasets.values()}
    sheet = pl.col("sheet")
    for shape in (RESIDENT_ID, MOBILE_PHONE):
        sheet = sheet.str.replace_all(shape, MASK)
    made = findings.filter(pl.col("severity") == ERROR).with_columns(
        sheet.alias("sheet"),
        pl.col("dataset").replace_strict(titles, default=None, return_dtype=pl.String).alias("title"),
        pl.col("dataset").replace_strict(owners, default=None, return_dtype=pl.String).alias("department"),
        pl.col("rule").map_elements(rule_title, return_dtype=pl.String).alias("problem"),
    )
    return made.select(columns).sort("dataset", "period", "delivery_id", "line", "column_title", "rule").collect()


def add_steward(connection: duckdb.DuckDBPyConnection, content: Content) -> None:
    """What a steward sees beside the tables that tell about all data: each waiting finding, each line that breaks a
    rule across tables."""
    database.table_from_frame(connection, layouts.QUARANTINE_FINDING, content.findings)
    database.table_from_rows(connection, layouts.CROSS_TABLE_LINE, content.cross_lines)


def add_department(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    content: Content,
    role: Role,
    head: Mapping[str, Any],
    persons: Persons,
) -> None:
    """A department's file: its own deliveries, findings, checks, resources, and the rows of its own datasets; persons
    are told by tokens that no other file has."""
    timezone = content.settings.timezone
    own = [item for item in content.registry.datasets.values() if item.department == role.department]
    names = [item.id for item in own]
    delivered = [item for item in content.deliveries if item.department == role.department]
    parts = (
        (layouts.PUBLICATION, [head]),
        (layouts.DELIVERY, metadata.delivery_rows(delivered, content.registry, timezone)),
        (layouts.QUARANTINE_SUMMARY, _of(names, content.quarantine)),
        (layouts.CHECK_RESULT, _of(names, content.checks)),
    )
    for layout, rows in parts:
        database.table_from_rows(connection, layout, rows)
    findings = content.findings.filter(pl.col("dataset").is_in(names))
    database.table_from_frame(connection, layouts.QUARANTINE_FINDING, findings)
    for name, table in content.catalogue.items():
        kept = _own_rows(table, names, role.department)
        database.table_from_arrow(connection, name, layouts.CATALOGUE_TITLES[name], kept, layouts.CATALOGUE_COLUMNS)
    registry = Registry({item.id: item for item in own}, content.registry.gold)
    add_departments(connection, home, registry, content.lake.tables, timezone, persons, own=True)


def _of(names: Sequence[str], rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["dataset"] in names]


def _own_rows(table: pa.Table, names: Sequence[str], department: str) -> pa.Table:
    if "dataset" in table.column_names:
        return table.filter(pc.is_in(table["dataset"], pa.array(names, table["dataset"].type)))
    return table.filter(pc.equal(table["department"], department))
