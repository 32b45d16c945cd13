"""The table's own CHECK lets through what the contract allows, whatever the scale of a decimal."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError
from tests.support.tables import dataset

from agrilake.contract.model import Dataset
from agrilake.intake.values import silver_type
from agrilake.tables.types import constraint
from agrilake.tables.write import create_table, fitted

OF = dataset(
    [
        {"name": "id", "primary_key": True, "required": True},
        {"name": "n", "type": "integer", "minimum": 1, "maximum": 500},
        {"name": "area_mu", "type": "number", "precision": 18, "scale": 4, "minimum": 0.001, "maximum": 500},
        {"name": "share", "type": "number", "precision": 6, "scale": 4, "minimum": 0, "maximum": 1},
    ]
)
GOOD = {"id": "a", "n": 1, "area_mu": Decimal("0.42"), "share": Decimal("0.5")}


def write(path: Path, **changes: Any) -> None:
    """Append one row to the table."""
    create_table(path, OF)
    provenance = {"_delivery_id": "d", "_line": 1, "_sheet": None, "_period": "2024-01"}
    schema = {"id": pl.String, "n": pl.Int64, "area_mu": pl.Decimal(18, 4), "share": pl.Decimal(6, 4)}
    schema |= {"_delivery_id": pl.String, "_line": pl.Int64, "_sheet": pl.String, "_period": pl.String}
    frame = pl.DataFrame([{**GOOD, **changes, **provenance}], schema=schema)
    write_deltalake(str(path), frame.to_arrow(), mode="append")


@pytest.mark.parametrize("changes", [{}, {"area_mu": Decimal("0.001")}, {"n": 500}, {"share": Decimal(0)}])
def test_what_the_contract_allows_is_stored(tmp_path: Path, changes: dict[str, Any]) -> None:
    write(tmp_path / "table", **changes)
    assert pl.read_delta(str(tmp_path / "table")).height == 1


@pytest.mark.parametrize("changes", [{"n": 0}, {"n": 501}, {"share": Decimal("-0.1")}])
def test_what_it_excludes_is_not(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(DeltaError):
        write(tmp_path / "table", **changes)


GOLD = replace(OF, id="case", department="gold")
NARROWER = replace(GOLD, columns=(*GOLD.columns[:1], replace(GOLD.columns[1], maximum=5)))


def rewrite(path: Path, of: Dataset, n: int) -> None:
    """All rows of a gold table anew: one."""
    row = {name: value for name, value in {**GOOD, "n": n}.items() if name in {column.name for column in of.columns}}
    with fitted(path, of):
        kinds = {column.name: silver_type(column) for column in of.columns}
        write_deltalake(str(path), pl.DataFrame([row], schema=kinds).to_arrow(), mode="overwrite")


def test_a_changed_contract_builds_the_table_anew_under_its_own_constraints(tmp_path: Path) -> None:
    path = tmp_path / "table"
    rewrite(path, GOLD, 40)
    rewrite(path, NARROWER, 4)
    assert pl.read_delta(str(path)).to_dicts() == [{"id": "a", "n": 4}]
    assert "n <= 5" in DeltaTable(str(path)).metadata().configuration["delta.constraints.contract"]
    with pytest.raises(DeltaError):
        rewrite(path, NARROWER, 6)


def test_rows_that_a_changed_contract_refuses_leave_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "table"
    rewrite(path, GOLD, 40)
    with pytest.raises(DeltaError):
        rewrite(path, NARROWER, 6)
    assert pl.read_delta(str(path)).select("id", "n", "area_mu").to_dicts() == [
        {"id": "a", "n": 40, "area_mu": Decimal("0.4200")}
    ]
    rewrite(path, NARROWER, 4)
    assert pl.read_delta(str(path))["n"].to_list() == [4]


def test_a_decimal_is_held_against_nothing_but_zero() -> None:
    assert "area_mu" not in constraint(OF)
    assert "share >= 0" in constraint(OF)
