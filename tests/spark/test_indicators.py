"""The indicator engine against golden cases: rows of gold tables in, values with their reasons out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from pyspark.sql import DataFrame
from tests.spark.conftest import Frame
from tests.support.tables import DIVISIONS

from agrilake.contract.load import load_registry
from agrilake.indicators.arrivals import Arrivals
from agrilake.indicators.engine import engine, indicator_values
from agrilake.indicators.load import load_indicators
from agrilake.indicators.model import Indicator
from agrilake.indicators.recipe import recipe
from agrilake.tables import small

pytestmark = pytest.mark.spark
CASES = sorted((Path(__file__).parents[1] / "golden" / "indicators").glob("*.yaml"))
DISTRICT = "500112000000"
REGISTRY = load_registry()
NUMBERS = ("value", "rounded", "numerator", "denominator", "previous_year_value", "yoy", "target", "to_target")


def division_rows() -> list[dict[str, Any]]:
    """Gold's division table of the tests' eleven divisions."""
    return [
        {
            "division_code": code,
            "name": name,
            "level": level,
            "parent_code": parent,
            "township_code": None if level == "county" else f"{code[:9]}000",
            "is_administrative_village": level == "village" and code[9:] >= "200",
        }
        for code, name, level, parent in DIVISIONS
    ]


def arrivals_of(case: dict[str, dict[str, Any]]) -> dict[str, Arrivals]:
    """What was delivered, as a golden case writes it; all of it is official where a case says nothing."""
    datasets = {name: REGISTRY.get(name) for name in case}
    return {
        name: Arrivals(
            datasets[name].title,
            datasets[name].frequency,
            tuple(said["delivered"]),
            tuple(said.get("late", ())),
            said.get("due_until"),
        )
        for name, said in case.items()
    }


def conformed(tables: dict[str, DataFrame], chosen: list[Indicator], arrivals: dict[str, Arrivals]) -> pl.DataFrame:
    """The values as they are stored: the contract's columns in its types."""
    made_by = recipe(chosen, REGISTRY, DISTRICT, dict.fromkeys(tables, 1), arrivals, engine())
    found = indicator_values(tables, made_by)
    return pl.DataFrame(pl.from_arrow(small.conformed(found, REGISTRY.gold["indicator_value"])))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_values_are_the_golden_ones(path: Path, frame: Frame) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    chosen = [item for item in load_indicators() if item.id in case["indicators"]]
    assert len(chosen) == len(case["indicators"])
    sources = {name for item in chosen for name in item.sources}
    assert set(case["tables"]) <= sources, "a table that no indicator of the case reads"
    tables = {name: frame(name, case["tables"].get(name, [])) for name in sources}
    tables["division"] = frame("division", division_rows())
    decimals = {item.id: item.decimals for item in chosen}
    found = conformed(tables, chosen, arrivals_of(case.get("arrivals", {})))
    assert found.select("indicator_id", "division_code", "period").is_duplicated().sum() == 0
    by_key = {(row["indicator_id"], row["division_code"], row["period"]): row for row in found.to_dicts()}
    for wanted in case["expected"]:
        key = (wanted.get("indicator_id", chosen[0].id), wanted["division_code"], str(wanted["period"]))
        row = by_key[key]
        row["rounded"] = row["value"] and round(row["value"], decimals[key[0]])
        got = {name: row[name] for name in wanted}
        assert got == {name: _stored(name, value) for name, value in wanted.items()}, key
    for gone in case.get("absent", []):
        assert found.filter(**gone).is_empty(), gone


def _stored(name: str, value: Any) -> Any:
    return Decimal(str(value)) if name in NUMBERS and value is not None else value


def test_what_is_not_in_the_lake_yet_is_said_so(frame: Frame) -> None:
    """A declaration may name a dataset that is still to come: missing, with its name, beside what there is."""
    visits = next(item for item in load_indicators() if item.id == "elder_visits_per_1000")
    awaiting = replace(visits, numerator=None, awaits="探访关爱记录")
    elder = {"elder_id": "E1", "valid_from": date(2024, 5, 1), "division_code": "500112129206"}
    tables = {"elder_history": frame("elder_history", [elder]), "division": frame("division", division_rows())}
    found = conformed(tables, [awaiting], {}).filter(division_code=DISTRICT, period="2024-05")
    assert found.select("value", "denominator", "flag", "missing_reason").row(0) == (
        None,
        1,
        "missing",
        "探访关爱记录尚未接入",
    )


def test_every_division_and_period_has_a_row_and_every_gap_its_reason(frame: Frame) -> None:
    """A gap shows as missing with a reason, never as a row that is not there."""
    chosen = [item for item in load_indicators() if item.id in ("trace_batches", "online_retail_amount")]
    rows = [{"trace_code": "ZS1", "credit_code": "A", "division_code": "500112129206", "period": "2024-05"}]
    tables = {"product_trace": frame("product_trace", rows), "online_trade": frame("online_trade", [])}
    tables["division"] = frame("division", division_rows())
    found = conformed(tables, chosen, {})
    assert found.height == len(chosen) * len(DIVISIONS) * 3
    gaps = found.filter(flag="missing")
    assert gaps.height == len(DIVISIONS) * 3
    assert gaps["value"].null_count() == gaps.height
    assert gaps["missing_reason"].null_count() == 0
    assert found.filter(flag="official")["missing_reason"].null_count() == found.height - gaps.height
