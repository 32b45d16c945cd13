"""Datasets of the roles that mend: queries over the role's own file.

In the export their names begin with the database's key, since Superset wants names that no other dataset has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agrilake.contract.load import Registry
from agrilake.contract.roles import STEWARD
from agrilake.superset.assets import Database, Field, Metric, SupersetDataset
from agrilake.superset.published import gold_dataset
from agrilake.superset.records import RECORDS
from agrilake.superset.views import HELD_NOTICE, PUBLICATION_BANNER, QUALITY_CARD, query

FINDINGS = (
    Metric("findings", "问题数", "COUNT(*)", ",d"),
    Metric("files", "文件数", "COUNT(DISTINCT delivery_id)", ",d"),
    Metric("period_first", "最早期间", "MIN(period)"),
    Metric("period_latest", "最新期间", "MAX(period)"),
)
PLACE = (
    Field("title", "数据集"),
    Field("department_title", "部门"),
    Field("period", "报送期"),
    Field("delivery_id", "批次编号"),
    Field("file_name", "文件（备注已遮盖）"),
    Field("sheet", "工作表"),
    Field("line", "行号", "BIGINT"),
)
WAITING_FINDING = SupersetDataset(
    "waiting_finding",
    "待修改的问题：逐行写明文件、工作表、行号和列，不含填写内容",
    (*PLACE, Field("column_title", "列"), Field("problem", "问题")),
    FINDINGS,
    sql=query("waiting_finding"),
)
CROSS_TABLE_PLACE = SupersetDataset(
    "cross_table_place",
    "跨表规则不符合的行：逐行写明文件、工作表、行号和怎么办",
    (*PLACE, Field("rule", "规则"), Field("why", "怎么办")),
    (Metric("lines", "行数", "COUNT(*)", ",d"),),
    sql=query("cross_table_place"),
)
KIND_TEXT = Field(
    "kind_text",
    "类别",
    expression="CASE WHEN kind = 'mend' THEN '第' || revision || '次补正' WHEN revision > 0"
    " THEN '第' || revision || '次更正' ELSE '首次报送' END",
)
RECEIVED_TEXT = Field("received_text", "收到时间", expression="strftime(received_at, '%Y-%m-%d %H:%M')")
STEWARD_CARD = replace(QUALITY_CARD, name="steward_card", description="数据管理要点：各一行", sql=query("steward_card"))
DEPARTMENT_CARD = replace(
    QUALITY_CARD, name="department_card", description="本部门报送要点：各一行", sql=query("department_card")
)
DEPARTMENT_BANNER = replace(PUBLICATION_BANNER, name="department_banner", sql=query("department_banner"))
OF_RECORDS = ("catalogue", "catalogue_department", "catalogue_overdue", "catalogue_quality", "check_result", "delivery")


def steward_datasets(registry: Registry, database: Database) -> dict[str, SupersetDataset]:
    """What the stewards' page may ask, by the name in its declaration; gold tables published to them among it."""
    gold = (gold_dataset(item, registry) for item in registry.gold.values() if STEWARD in item.published)
    views = (WAITING_FINDING, CROSS_TABLE_PLACE, STEWARD_CARD, PUBLICATION_BANNER, HELD_NOTICE)
    return _over(database, (*_records(), *gold, *views))


def department_datasets(database: Database) -> dict[str, SupersetDataset]:
    """What a department's page may ask, by the name in its declaration."""
    return _over(database, (*_records(), WAITING_FINDING, DEPARTMENT_CARD, DEPARTMENT_BANNER))


def _records() -> list[SupersetDataset]:
    kept = {item.name: item for item in RECORDS if item.name in OF_RECORDS}
    delivery = kept["delivery"]
    return [*(kept | {"delivery": replace(delivery, fields=(*delivery.fields, KIND_TEXT, RECEIVED_TEXT))}).values()]


def _over(database: Database, datasets: Iterable[SupersetDataset]) -> dict[str, SupersetDataset]:
    found = {}
    for item in datasets:
        sql = item.sql or f"SELECT * FROM {item.name}"
        found[item.name] = replace(item, name=f"{database.key}_{item.name}", sql=sql, database=database)
    return found
