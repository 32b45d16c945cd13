"""Small raw tables and datasets for the row checks, without a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from agrilake.contract.model import Check, Column, Dataset, EnumValue, Frequency, Load, LogicalType, Privacy
from agrilake.contract.settings import Box, Settings
from agrilake.intake.divisions import DivisionIndex
from agrilake.intake.privacy import Pseudonymiser
from agrilake.intake.raw import BrokenRecord, RawTable

SETTINGS = Settings("500112000000", "渝北区", 4545, Box(106.2, 107.2, 29.4, 30.2))
PSEUDONYMISER = Pseudonymiser("k1", bytes(32), "sha256")
DIVISIONS = [
    ("500112000000", "渝北区", "county", "500100000000"),
    ("500112129000", "玉峰山镇", "township", "500112000000"),
    ("500112129001", "石坪社区居民委员会", "village", "500112129000"),
    ("500112129206", "龙门村村民委员会", "village", "500112129000"),
    ("500112129207", "双井村村民委员会", "village", "500112129000"),
    ("500112138000", "兴隆镇", "township", "500112000000"),
    ("500112138001", "兴隆社区居民委员会", "village", "500112138000"),
    ("500112131000", "龙兴镇", "township", "500112000000"),
    ("500112131001", "兴隆社区居民委员会", "village", "500112131000"),
    ("500112131201", "石坪村村民委员会", "village", "500112131000"),
    ("500112016000", "两路街道", "township", "500112000000"),
]
# civil affairs: 玉峰山镇 is 500112130; its 双井村 has the code that statistics gives to 龙门村
CROSSWALK = [
    ("500112130000", "500112129000", "玉峰山、玉峰山镇政府"),
    ("500112130206", "500112129206", None),
    ("500112129206", "500112129207", "双井坝"),
]


def division_frames() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Division rows and crosswalk rows."""
    divisions = pl.DataFrame(DIVISIONS, schema=["code", "name", "level", "parent_code"], orient="row")
    crosswalk = pl.DataFrame(CROSSWALK, schema=["civil_code", "statistics_code", "name_variants"], orient="row")
    return divisions, crosswalk


def division_index() -> DivisionIndex:
    """Eleven divisions with a name that stands twice and a code that both systems use."""
    return DivisionIndex.from_frames(*division_frames())


def column(name: str, type: str = "string", **rest: Any) -> Column:
    """A column from plain values, as the golden cases write it."""
    enum = tuple(EnumValue(str(e["value"]), e["label"], tuple(e.get("synonyms", ()))) for e in rest.pop("enum", ()))
    checks = tuple(Check(**check) for check in rest.pop("checks", ()))
    rest["words"] = tuple((word, meaning) for word, meaning in rest.pop("words", ()))
    privacy = Privacy(rest.pop("privacy", "open"))
    title = rest.pop("title", name)
    return Column(
        name, title, rest.pop("description", ""), LogicalType(type), enum=enum, checks=checks, privacy=privacy, **rest
    )


def dataset(columns: Iterable[Mapping[str, Any]], **rest: Any) -> Dataset:
    """A dataset of those columns; load upsert and monthly unless said otherwise."""
    checks = tuple(Check(**check) for check in rest.pop("checks", ()))
    load, frequency = Load(rest.pop("load", "upsert")), Frequency(rest.pop("frequency", "month"))
    return Dataset(
        id="agri_case",
        department="agri",
        title="样例",
        description="",
        version="1.0.0",
        status="active",
        load=load,
        frequency=frequency,
        columns=tuple(column(**item) for item in columns),
        path=Path("agri/case.yaml"),
        department_title="区农业农村委",
        checks=checks,
        **rest,
    )


def raw_table(
    of: Dataset,
    rows: Iterable[Mapping[str, str | None]],
    *,
    units: Mapping[str, str] | None = None,
    broken: tuple[BrokenRecord, ...] = (),
    sheet: str | None = None,
) -> RawTable:
    """Rows as the reader gives them, from line 2 on; `_origin_line` may stand in a row."""
    names = [item.name for item in of.columns]
    cells = [{name: row.get(name) for name in names} for row in rows]
    origins = [int(row["_origin_line"]) if row.get("_origin_line") else None for row in rows]
    frame = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String)).with_columns(
        pl.lit(None, pl.String).alias("_extra"),
        pl.int_range(2, len(cells) + 2, dtype=pl.Int64).alias("_line"),
        pl.lit(sheet, pl.String).alias("_sheet"),
        pl.Series("_origin_line", origins, dtype=pl.Int64),
        pl.lit(None, pl.String).alias("_origin_sheet"),
    )
    headers = {item.name: item.title for item in of.columns}
    return RawTable(frame, headers, dict(units or {}), broken=broken, encoding="utf-8")
