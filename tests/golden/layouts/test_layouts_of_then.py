"""A contract that changed twice: what is wrong in its declarations, and files of each period by the layout of then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from tests.support.tables import PSEUDONYMISER, SETTINGS

from agrilake.contract.load import load_registry
from agrilake.errors import ContractError, RefusedFile
from agrilake.intake.names import parse_name
from agrilake.intake.read import read_file
from agrilake.intake.rows import check_rows

HERE = Path(__file__).parent
CONTRACTS = HERE / "contracts"
FILES = {"today": "orchard.yaml", "v1": "orchard.v1.yaml", "v2": "orchard.v2.yaml"}
ERRORS = yaml.safe_load((HERE / "contract_errors.yaml").read_text(encoding="utf-8"))
CASES = yaml.safe_load((HERE / "cases.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", ERRORS, ids=[f"{case['file']}: {case['hint']}" for case in ERRORS])
def test_what_cannot_be_read_names_file_and_line(case: dict[str, str], tmp_path: Path) -> None:
    for name in FILES.values():
        text = (CONTRACTS / name).read_text(encoding="utf-8")
        if name == FILES[case["file"]]:
            assert case["old"] in text
            text = text.replace(case["old"], case["new"], 1)
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        load_registry((tmp_path,))
    message = str(caught.value)
    assert str(tmp_path) in message
    assert "line " in message
    assert case["place"] in message
    assert case["hint"] in message


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_file_is_read_by_the_layout_of_its_period(case: dict[str, Any], tmp_path: Path) -> None:
    registry = load_registry((CONTRACTS,))
    today, path = registry.get("agri_orchard"), tmp_path / f"果园__{case['period']}.csv"
    path.write_text("\n".join(case["lines"]) + "\n", encoding="utf-8")
    name = parse_name(path, registry, check_folder=False)
    layout = today.layout(name.period)
    if "refused" in case:
        with pytest.raises(RefusedFile) as refusal:
            read_file(path, layout, SETTINGS.limits, registry)
        assert refusal.value.code == case["refused"]
        assert [words for words in case["says"] if words not in refusal.value.reason] == []
        return
    assert layout.version == case["layout"]
    raw = read_file(path, layout, SETTINGS.limits, registry)
    checked = check_rows(raw, today, name, None, PSEUDONYMISER, SETTINGS)
    assert list(raw.unmatched) == case.get("unmatched", [])
    assert sorted(checked.findings.select("line", "column", "rule").rows()) == sorted(
        map(tuple, case.get("findings", []))
    )
    assert dict(checked.duplicates.select("line", "first_line").rows()) == case.get("duplicates", {})
    assert checked.accepted.columns == [column.name for column in today.columns] + ["_line", "_sheet"]
    got = checked.accepted.with_columns(pl.col("area_mu").cast(pl.String)).to_dicts()
    wanted = case["accepted"]
    assert [{key: row[key] for key in want} for row, want in zip(got, wanted, strict=True)] == wanted
    assert checked.accepted.schema["area_mu"] == pl.Decimal(10, 2)


def test_earlier_layouts_stand_oldest_first_and_change_with_what_they_feed() -> None:
    today = load_registry((CONTRACTS,)).get("agri_orchard")
    assert [item.edition for item in today.earlier] == ["1.0.0（适用至 2022）", "2.0.0（适用至 2023）"]
    assert [today.layout(str(year)).version for year in range(2020, 2026)] == ["1.0.0"] * 3 + ["2.0.0"] + ["3.0.0"] * 2
    assert len({item.fingerprint for item in today.earlier} | {""}) == 3


def test_a_column_that_became_required_may_be_missing_before(tmp_path: Path) -> None:
    """The same layout throughout, with a column that the department was not asked for until 2023."""
    registry = load_registry((CONTRACTS,))
    today = replace(registry.get("agri_orchard"), earlier=())
    assert today.layout("2023") is today
    path = tmp_path / "果园__2022.csv"
    path.write_text("果园编号,面积（亩）,果树种类\nG001,12.5,柑橘\n", encoding="utf-8")
    raw = read_file(path, today.layout("2022"), SETTINGS.limits)
    checked = check_rows(raw, today, parse_name(path, registry, check_folder=False), None, PSEUDONYMISER, SETTINGS)
    assert checked.accepted["irrigated"].to_list() == [None]
    with pytest.raises(RefusedFile, match="是否灌溉"):
        read_file(path, today.layout("2023"), SETTINGS.limits)
