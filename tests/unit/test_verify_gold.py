"""Gold rows that lead nowhere are found as soon as what their table was made from stands still, and not before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from deltalake import CommitProperties, write_deltalake
from tests.support.intake import open_lake, reference_lake, take
from tests.support.samples import SAMPLE, drop

from agrilake.gold.build import input_versions
from agrilake.lake.files import scan
from agrilake.pipeline import arriving, steps
from agrilake.pipeline.context import Lake
from agrilake.recovery import verify as verifying
from agrilake.recovery.looking import Looking
from agrilake.recovery.verify import CHECKS

SALES, ELDERS, GOLD = "commerce_ecommerce_sales", "civil_elder", "online_trade"
TAKEN = "commerce/commerce_ecommerce_sales__2024-02.csv"
CORRECTED = "commerce/commerce_ecommerce_sales__2024-02__更正.csv"
REFUSED = "agri/agri_farm_household__2024-02__列太多.csv"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with one gold table, made from its silver. Read only."""
    lake = reference_lake(tmp_path_factory.mktemp("gold") / "home")
    for name in (TAKEN, REFUSED):
        drop(SAMPLE / "inbox" / name, lake.home.root)
    take(lake)
    for name in lake.registry.datasets:
        steps.update_silver(lake, name)
    build(lake)
    return lake.home.root


@pytest.fixture
def lake(built: Path, tmp_path: Path) -> Lake:
    return open_lake(Path(shutil.copytree(built, tmp_path / "home")))


def build(lake: Lake, noted: bool = True, **first: object) -> None:
    """The gold table with a row for each accepted line, the first of them with other values."""
    accepted = scan(lake.home.table("accepted", SALES))
    assert accepted is not None
    lines = accepted.select(delivery_id="_delivery_id", sheet="_sheet", line="_line").collect()
    rows = lines.select(pl.lit(SALES).alias("source_dataset"), pl.all()).sort("line")
    changed = rows.head(1).with_columns(pl.lit(value, rows.schema[name]).alias(name) for name, value in first.items())
    table = lake.registry.gold[GOLD]
    note = {"inputs": input_versions(lake.home, table, lake.registry), "rule": "an older one"} if noted else {}
    properties = CommitProperties(custom_metadata={"userMetadata": json.dumps(note)})
    data = pl.concat([changed, rows.tail(-1)]).to_arrow()
    write_deltalake(str(lake.home.table("gold", GOLD)), data, mode="overwrite", commit_properties=properties)


def found(lake: Lake) -> Sequence[str]:
    (check,) = [item for item in CHECKS if item.id == "gold"]
    findings = verifying._run(check, Looking(lake)).findings
    assert {item.where for item in findings} <= {f"gold/{GOLD}"}
    return [item.what for item in findings]


def refused(lake: Lake) -> str:
    (one,) = lake.state.deliveries(status=("refused",))
    return one.id


def test_rows_that_lead_to_accepted_lines_are_no_finding(lake: Lake) -> None:
    assert found(lake) == []


def test_a_row_that_leads_to_no_line_is_found(lake: Lake) -> None:
    build(lake, line=999_999)
    assert found(lake) == [f"1 rows lead to no accepted line of {SALES}"]


def test_a_row_of_a_refused_delivery_is_found(lake: Lake) -> None:
    build(lake, delivery_id=(wrong := refused(lake)))
    assert found(lake) == [f"rows of 1 deliveries that do not count, among them {wrong[:8]} (refused)"]


def test_what_goes_on_elsewhere_in_the_lake_hides_nothing(lake: Lake) -> None:
    build(lake, line=999_999)
    drop(SAMPLE / "inbox" / "civil" / "civil_elder__2024-01.csv", lake.home.root)
    take(lake)
    assert not steps.silver_is_current(lake, ELDERS)
    assert found(lake) == [f"1 rows lead to no accepted line of {SALES}"]


def test_what_the_next_run_builds_again_is_not_looked_at(lake: Lake) -> None:
    """Between a correction and gold, rows of the table lead to lines that a newer file replaced; nothing is wrong."""
    build(lake, line=999_999)
    drop(SAMPLE / "inbox" / CORRECTED, lake.home.root)
    for path in arriving.pending_files(lake, settle=False):
        arriving.register(lake, path)
    assert found(lake) == [], "a delivery that is not taken yet"
    take(lake)
    assert found(lake) == [], "taken, and silver is behind"
    steps.update_silver(lake, SALES)
    assert found(lake) == [], "silver is newer than gold"
    build(lake, line=999_999)
    assert found(lake) == [f"1 rows lead to no accepted line of {SALES}"]


def test_a_version_that_the_lake_did_not_make_is_not_looked_at_for_lines(lake: Lake) -> None:
    """It names no inputs, so the next run makes another; rows of nobody are found in it all the same."""
    build(lake, noted=False, line=999_999)
    assert found(lake) == []
    build(lake, noted=False, delivery_id="0123456789abcdef")
    assert found(lake) == ["rows of 1 deliveries that the registry does not know"]
