"""The table's own CHECK lets through what the contract allows, whatever the scale of a decimal."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import write_deltalake
from deltalake.exceptions import DeltaError
from tests.support.tables import dataset

from agrilake.tables.types import constraint
from agrilake.tables.write import create_table

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


def test_a_decimal_is_held_against_nothing_but_zero() -> None:
    assert "area_mu" not in constraint(OF)
    assert "share >= 0" in constraint(OF)
