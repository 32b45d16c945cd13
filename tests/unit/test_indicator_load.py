"""Indicator declarations: what is wrong with one is said with file and place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from agrilake.contract.load import load_registry
from agrilake.contract.settings import load_settings
from agrilake.errors import ContractError
from agrilake.indicators.load import load_indicator, load_indicators
from agrilake.intake.schedule import year_before
from agrilake.paths import project_root
from agrilake.tables.behind import duckdb_sql, overlapping, within

FOLDER = project_root() / "schemas" / "indicators"


def declared(tmp_path: Path, name: str, **changes: Any) -> Path:
    """A declaration of the project with some keys changed (None removes one)."""
    data = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")) | changes
    path = tmp_path / f"{name}.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in data.items() if v is not None}, allow_unicode=True), "utf-8")
    return path


def test_the_project_declares_at_least_thirty_with_owner_task_and_formula() -> None:
    found = load_indicators()
    assert len(found) >= 30
    for item in found:
        assert item.owner and item.task and item.formula and item.unit and item.grain and item.edition, item.id
        assert item.owner in load_settings().departments, item.id
    with_targets = [item for item in found if item.targets]
    assert len(with_targets) >= 20


TRACED = {"source": "product_trace", "expression": "count(*)"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"numeratr": {}}, r"trace_batches\.yaml: line \d+, numeratr: unknown key.*did you mean 'numerator'"),
        ({"direction": "sideways"}, "direction: 'sideways' is unknown"),
        ({"grain": ["hamlet"]}, "grain: 'hamlet' is unknown"),
        ({"formula": None}, "formula is missing"),
        ({"numerator": {"source": "no_table", "expression": "count(*)"}}, "numerator.source: no gold table"),
        (
            {"numerator": {"source": "product_trace", "expression": "sum(weight)"}},
            r"trace_batches\.yaml: line \d+, numerator\.expression: product_trace has no column 'weight'",
        ),
        ({"numerator": {"source": "product_trace", "expression": "count(*)", "where": "kg > 1"}}, "no column 'kg'"),
        ({"numerator": {"source": "product_trace", "expression": "count(*)", "evidence": "x"}}, "evidence: 'x' is no"),
        ({"numerator": None}, "exactly one of numerator"),
        ({"numerator": {"source": "indicator_value", "expression": "count(*)"}}, "no gold table 'indicator_value'"),
        ({"numerator": {"source": "product_trace", "expression": "sum("}}, r"numerator\.expression: not SQL"),
        (
            {"numerator": {**TRACED, "expression": "sum(quantity_kg) / count(credit_code)"}},
            r"numerator\.expression: divides by COUNT\(credit_code\), which may be zero",
        ),
        (
            {"numerator": {**TRACED, "where": "quantity_kg / quantity_kg > 1"}},
            r"numerator\.where: divides by quantity_kg",
        ),
        ({"numerator": {**TRACED, "where": "quantity_kg % 0 > 1"}}, r"numerator\.where: divides by 0"),
        ({"time": "as_of"}, "numerator.source: product_trace keeps no states"),
        ({"numerator": {**TRACED, "rests_on": ["civil_elder"]}}, "rests_on: 'civil_elder' is not behind product_trace"),
        ({"direction": "none", "targets": {2024: 5}}, r"line \d+, targets: a target needs a direction"),
    ],
)
def test_a_wrong_declaration_is_an_error_with_its_place(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        load_indicator(declared(tmp_path, "trace_batches", **changes), load_registry())


def test_growth_in_a_circle_is_refused(tmp_path: Path) -> None:
    declared(tmp_path, "online_retail_growth", growth_of="online_retail_amount")
    declared(tmp_path, "online_retail_amount", numerator=None, growth_of="online_retail_growth")
    with pytest.raises(ContractError, match="a circle: online_retail_amount → online_retail_growth"):
        load_indicators(tmp_path)


GROWTH = {"of": {"now": "online_retail_growth"}, "numerator": "now", "denominator": "elasticity_land"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"combined": {**GROWTH, "numerator": "now - elasticity_capital"}}, "no indicator or setting is called 'elast"),
        ({"combined": {**GROWTH, "numerator": "(now -"}}, r"combined\.numerator: not SQL"),
        ({"combined": {**GROWTH, "numerator": "1 / now"}}, r"combined\.numerator: divides by now, which may be zero"),
        ({"combined": {**GROWTH, "numerator": "ln(now)"}}, r"combined\.numerator: LN\(now\) is no arithmetic"),
        ({"combined": {"of": GROWTH["of"], "numerator": "now"}}, "combined: denominator is missing"),
        ({"combined": {**GROWTH, "constants": {}}}, "combined.constants: unknown key"),
        ({"growth_of": None, "numerator": TRACED, "growth_years": 5}, "growth_years: 5 years"),
        ({"growth_years": 0}, "growth_years: 0 years"),
    ],
)
def test_a_wrong_derivation_is_an_error_with_its_place(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    if "combined" in changes:
        changes = {"growth_of": None, **changes}
    with pytest.raises(ContractError, match=message):
        load_indicator(declared(tmp_path, "online_retail_growth", **changes), load_registry())


def test_indicators_in_a_circle_are_refused_whatever_joins_them(tmp_path: Path) -> None:
    """A growth of a combination that is made from that growth."""
    declared(tmp_path, "online_retail_growth", growth_of="brand_sales_share")
    declared(tmp_path, "brand_sales_share", numerator=None, denominator=None, combined=GROWTH)
    circle = "a circle: brand_sales_share → online_retail_growth → brand_sales_share"
    with pytest.raises(ContractError, match=circle):
        load_indicators(tmp_path)


def test_an_indicator_made_from_one_that_is_not_declared_is_refused(tmp_path: Path) -> None:
    declared(tmp_path, "online_retail_growth")
    with pytest.raises(ContractError, match="growth_of: no indicator 'online_retail_amount'"):
        load_indicators(tmp_path)


def test_an_indicator_has_the_periods_that_its_sources_can_fill() -> None:
    found = {item.id: item.periods for item in load_indicators()}
    assert found["informatised_crop_area_share"] == ("quarter", "year")
    assert found["agri_output"] == found["agri_tech_contribution_rate"] == ("year",)
    assert found["elder_beds_per_1000"] == ("month", "quarter", "year"), "a register can be counted on any day"


def test_every_filter_can_be_asked_in_duckdb_too_for_the_way_back() -> None:
    """`agrilake trace` follows a number without Spark, so the same filter must mean the same there."""
    registry = load_registry()
    for item in load_indicators():
        for measure in item.measures.values():
            columns = ", ".join(f"NULL AS {column.name}" for column in registry.gold[measure.source].columns)
            if measure.where:
                duckdb.sql(f"SELECT * FROM (SELECT {columns}) WHERE {duckdb_sql(measure.where)}")


def test_a_month_rests_on_its_quarter_where_a_table_has_only_quarters() -> None:
    rows = duckdb.sql(
        f"SELECT p FROM (VALUES ('2024-05'), ('2024-04'), ('2024Q2'), ('2024Q1')) t(p) "
        f"WHERE {overlapping('p', '2024-05')} ORDER BY p"
    ).fetchall()
    assert rows == [("2024-05",), ("2024Q2",)]


@pytest.mark.parametrize(("period", "months"), [("2024-05", 1), ("2024Q2", 3), ("2024Q4", 3), ("2024", 12)])
def test_a_period_holds_its_months(period: str, months: int) -> None:
    values = ", ".join(f"('{year}-{month:02d}')" for year in (2023, 2024) for month in range(1, 13))
    found = duckdb.sql(f"SELECT p FROM (VALUES {values}) t(p) WHERE {within('p', period)} ORDER BY p").fetchall()
    assert len(found) == months
    assert all(row[0].startswith("2024") for row in found)


def test_the_year_before() -> None:
    assert [year_before(period) for period in ("2024-05", "2024Q2", "2024")] == ["2023-05", "2023Q2", "2023"]
