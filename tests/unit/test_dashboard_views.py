"""What the dashboards' queries make of a published file: periods carried on, lights, villages, areas, quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from agrilake.catalog.catalogue import CATALOGUE_SCHEMAS
from agrilake.contract.load import load_registry
from agrilake.intake.dates import period_bounds
from agrilake.paths import project_root
from agrilake.publish import layouts
from agrilake.publish.database import empty_table, published_columns, table_from_rows
from agrilake.publish.indicators import value_layout
from agrilake.publish.model import Layout
from agrilake.superset.export import datasets_of
from agrilake.superset.views import by_area

REGISTRY = load_registry((project_root() / "schemas",))
DATASETS = datasets_of(REGISTRY)
TOWN, VILLAGE = "500112100000", "500112100201"
TYPES = {4: "year", 6: "quarter", 7: "month"}


def value(indicator: str, period: str, number: float | None, code: str = "500112000000", **more: Any) -> dict[str, Any]:
    level = {"000000": "district", "000": "township"}.get(code[6:] if code[6:] == "000000" else code[9:], "village")
    return {
        "indicator_id": indicator,
        "indicator_name": f"指标{indicator}",
        "unit": "%",
        "decimals": 1,
        "direction": "up",
        "division_code": code,
        "division_name": {"district": "渝北区", "township": "甲镇", "village": "乙村"}[level],
        "division_level": level,
        "township_code": None if level == "district" else TOWN,
        "township_name": None if level == "district" else "甲镇",
        "period": period,
        "period_type": TYPES[len(period)],
        "period_start": period_bounds(period)[0],
        "value": None if number is None else Decimal(str(number)),
        "flag": "official",
        "late": False,
        **more,
    }


@pytest.fixture(scope="module")
def lake() -> Iterator[duckdb.DuckDBPyConnection]:
    """Indicator a by month and village, b by quarter and township, c by year for the whole district."""
    connection = duckdb.connect()
    values = value_layout(REGISTRY.gold["indicator_value"])
    indicators = [{"id": name, "name": f"指标{name}", "owner": "agri", "formula": "", "sort": 1} for name in "abc"]
    table_from_rows(connection, layouts.INDICATOR, indicators)
    for layout in (layouts.DELIVERY, layouts.QUARANTINE_SUMMARY, layouts.CHECK_RESULT):
        empty_table(connection, layout)
    for name in ("place_review", "service_place"):
        table = REGISTRY.gold[name]
        empty_table(connection, Layout(name, table.title, published_columns(table)))
    for name, schema in CATALOGUE_SCHEMAS.items():
        connection.register("source", schema.empty_table())
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM source")
    rows = [
        value("a", "2024-04", 80, target=Decimal(90), to_target=Decimal(-10)),
        value("a", "2024-05", 95, target=Decimal(90), to_target=Decimal(5)),
        value("a", "2024-05", 85, TOWN, target=Decimal(90), to_target=Decimal(-5)),
        value("a", "2024-05", 100, VILLAGE),
        value("a", "2024Q1", 70),
        value("a", "2024Q2", 75),
        value("c", "2023", 62),
        value("b", "2024Q1", 30),
        value("b", "2024Q1", 20, TOWN),
        value("b", "2024Q2", None, missing_reason="《种植业生产》尚未报送"),
    ]
    table_from_rows(connection, values, rows)
    yield connection
    connection.close()


def asked(lake: duckdb.DuckDBPyConnection, view: str, columns: str, **kept: str) -> list[tuple[Any, ...]]:
    """Rows of a view under the filters of a page."""
    where = " AND ".join(f"{name} = '{text}'" for name, text in kept.items()) or "true"
    return lake.execute(f"SELECT {columns} FROM ({DATASETS[view].sql}) WHERE {where} ORDER BY ALL").fetchall()


def test_a_month_shows_the_newest_quarter_that_was_delivered_by_then(lake: duckdb.DuckDBPyConnection) -> None:
    columns = "indicator_id, value_text, value_period, trend_point"
    assert asked(lake, "indicator_view", columns, area="全区", period_text="2024年5月") == [
        ("a", "95.0", "2024年5月", "是"),
        ("b", "30.0", "2024年第1季度", "否"),
        ("c", "62.0", "2023年", "否"),
    ]


def test_what_is_not_counted_by_township_shows_the_district_there(lake: duckdb.DuckDBPyConnection) -> None:
    columns = "indicator_id, value_text, value_area"
    kept = {"area": "甲镇", "period_text": "2024年5月"}
    assert [row for row in asked(lake, "indicator_view", columns, **kept) if row[2] != "乙村"] == [
        ("a", "85.0", "甲镇"),
        ("b", "20.0", "甲镇"),
        ("c", "62.0", "全区"),
    ]


def test_a_missing_quarter_says_what_is_awaited(lake: duckdb.DuckDBPyConnection) -> None:
    columns = "value_text, change_text, value_period"
    assert asked(lake, "indicator_view", columns, indicator_id="b", area="全区", period_text="2024年第2季度") == [
        ("暂无", "《种植业生产》尚未报送", "2024年第2季度")
    ]


def test_every_delivered_period_is_one_point_of_the_trend(lake: duckdb.DuckDBPyConnection) -> None:
    points = asked(lake, "indicator_view", "indicator_id, period_start", division_level="district", trend_point="是")
    months, quarters = [date(2024, 4, 1), date(2024, 5, 1)], [date(2024, 1, 1), date(2024, 4, 1)]
    days = {"a": months, "b": quarters, "c": [date(2023, 1, 1)]}
    assert set(points) == {(name, day) for name, found in days.items() for day in found}


@pytest.mark.parametrize(
    ("kept", "light"),
    [
        ({"area": "全区", "period_text": "2024年5月"}, ("met", "达标")),
        ({"area": "甲镇", "period_text": "2024年5月"}, ("near", "接近目标")),
        ({"area": "全区", "period_text": "2024年4月"}, ("missed", "未达标")),
        ({"area": "全区", "period_text": "2024年第1季度"}, ("none", "—")),
    ],
)
def test_lights_follow_the_target(
    lake: duckdb.DuckDBPyConnection, kept: Mapping[str, str], light: tuple[str, str]
) -> None:
    found = asked(lake, "indicator_view", "division_level, light, light_text", indicator_id="a", **kept)
    assert [row[1:] for row in found if row[0] != "village"] == [light]


def test_a_village_stands_under_its_township_and_under_the_district(lake: duckdb.DuckDBPyConnection) -> None:
    columns = "area, township_name, division_name, shown_value"
    assert asked(lake, "village_view", columns, indicator_id="a", period_text="2024年5月") == [
        ("全区", "甲镇", "乙村", Decimal(100)),
        ("甲镇", "甲镇", "乙村", Decimal(100)),
    ]


def test_an_indicator_without_villages_says_so_in_one_row(lake: duckdb.DuckDBPyConnection) -> None:
    columns = "division_name, shown_value, change_text"
    for area in ("全区", "甲镇"):
        assert asked(lake, "village_view", columns, indicator_id="b", area=area, period_text="2024年第1季度") == [
            ("（本指标只统计到镇街）", None, "没有逐村数值")
        ]


def test_the_latest_full_month_is_offered_first(lake: duckdb.DuckDBPyConnection) -> None:
    found = asked(lake, "period_choice", "period_order, period_text")
    assert [text for _, text in reversed(found)] == [
        "2024年5月",
        "2024年4月",
        "2024年第2季度",
        "2024年第1季度",
        "2023年",
    ]
    assert asked(lake, "area_choice", "area, area_order") == [("全区", "0"), ("甲镇", TOWN)]


def test_a_row_counts_once_under_the_filter_of_areas(lake: duckdb.DuckDBPyConnection) -> None:
    lake.execute("INSERT INTO service_place (place_id, township_name) VALUES ('P1', '甲镇'), ('P2', '丙镇')")
    sql = f"SELECT area, count(*) FROM ({by_area(DATASETS['service_place']).sql}) GROUP BY ALL ORDER BY ALL"
    assert lake.execute(sql).fetchall() == [("丙镇", 1), ("全区", 2), ("甲镇", 1)]


def test_the_numbers_of_quality_stand_on_an_empty_lake_too(lake: duckdb.DuckDBPyConnection) -> None:
    assert asked(lake, "quality_card", "sort, value_text, light") == [
        (1, "0", "met"),
        (2, "暂无", "met"),
        (3, "0", "met"),
        (4, "0", "met"),
        (5, "0", "met"),
        (6, "0", "met"),
    ]
