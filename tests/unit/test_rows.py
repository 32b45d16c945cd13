"""Row checks: golden cases, mends, and the sum that must always be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.persons import PERSONAL_NUMBERS
from tests.support.tables import DIVISIONS, PSEUDONYMISER, SETTINGS, dataset, division_index, raw_table

from agrilake.contract.load import load_registry
from agrilake.contract.model import Dataset
from agrilake.errors import ContractError, SecretError
from agrilake.intake.findings import RULES, quarantine_schema, rule_title
from agrilake.intake.names import DeliveryName
from agrilake.intake.privacy import shown
from agrilake.intake.raw import BrokenRecord
from agrilake.intake.rows import Checked, check_rows

GOLDEN = Path(__file__).parents[1] / "golden" / "rows"
INDEX = division_index()
HOUSEHOLD = yaml.safe_load((GOLDEN / "household.yaml").read_text(encoding="utf-8"))


def cases() -> list[Any]:
    found = []
    for path in sorted(GOLDEN.glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        found += [pytest.param(document, case, id=f"{path.stem}: {case['name']}") for case in document["cases"]]
    return found


def check(of: Dataset, rows: list[dict[str, Any]], period: str = "2024-05", **rest: Any) -> Checked:
    original = rest.pop("original", None)
    raw = raw_table(of, rows, **rest)
    return check_rows(raw, of, DeliveryName(of.id, period), INDEX, PSEUDONYMISER, SETTINGS, original)


def triples(checked: Checked, severity: str) -> list[tuple[Any, ...]]:
    chosen = checked.findings.filter(pl.col("severity") == severity)
    return sorted(chosen.select("line", "column", "rule").rows(), key=str)


@pytest.mark.parametrize(("document", "case"), cases())
def test_golden(document: dict[str, Any], case: dict[str, Any]) -> None:
    of = dataset(**document["dataset"])
    rows = [{**document["base"], **row} for row in case["rows"]]
    broken = tuple(BrokenRecord(**item) for item in case.get("broken", ()))
    checked = check(of, rows, document["period"], units=case.get("units"), broken=broken)
    assert triples(checked, "error") == sorted((tuple(item) for item in case.get("findings", ())), key=str)
    assert triples(checked, "warn") == sorted((tuple(item) for item in case.get("warnings", ())), key=str)
    assert checked.accepted_count == case.get("accepted", 0)
    repeated = checked.duplicates.select("line", "first_line").rows()
    assert dict(repeated) == case.get("duplicates", {})
    lines = {row[0] for row in case.get("findings", ())}
    assert checked.quarantined_lines["line"].sort().to_list() == sorted(lines)
    accepted = {row["_line"]: row for row in checked.accepted.to_dicts()}
    for line, values in case.get("values", {}).items():
        for name, value in values.items():
            cell = accepted[line][name]
            assert (cell if isinstance(value, bool | int | float) else str(cell)) == value
    assert not set(case.get("absent", ())) & set(checked.accepted.columns)
    for line, found in case.get("found", {}).items():
        assert checked.findings.filter(pl.col("line") == line)["found"].to_list() == [found]


def test_shapes_are_those_of_the_contract() -> None:
    of = dataset(**HOUSEHOLD["dataset"])
    for rows in ([HOUSEHOLD["base"]], [{**HOUSEHOLD["base"], "members": "x"}], []):
        checked = check(of, rows)
        assert checked.accepted.columns == [*(item.name for item in of.silver_columns), "_line", "_sheet"]
        assert checked.accepted.schema["members"] == pl.Int64
        assert checked.findings.schema == pl.Schema(quarantine_schema())


def test_sentences_are_complete_and_hold_nothing_personal() -> None:
    of = dataset(**HOUSEHOLD["dataset"])
    base = HOUSEHOLD["base"]
    wrong = {"members": "13800138000", "head_id_no": "110105194912310021", "division_code": "张三13800138000"}
    checked = check(of, [{**base, **wrong}, {**base, "household_id": "11010519491231002X"}])
    assert checked.findings.height == 4
    for row in checked.findings.to_dicts():
        assert row["reason"].endswith("。") and row["remedy"].endswith("。")
        assert "{" not in row["reason"] + row["remedy"]
        assert row["column_title"] in row["reason"]
        assert not PERSONAL_NUMBERS.search(" ".join(str(value) for value in row.values()))
    assert "110**************1" in checked.findings.filter(pl.col("rule") == "resident_id")["reason"][0]


def test_every_rule_has_its_words() -> None:
    for name, rule in RULES.items():
        assert rule.title == rule_title(name)
        assert rule.reason.endswith("。") and rule.remedy.endswith("。")


def original_of(of: Dataset, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Bronze rows as they were stored for the mended delivery."""
    return raw_table(of, rows).frame


def masked(of: Dataset, row: dict[str, Any], line: int) -> dict[str, Any]:
    """The row as the receipt shows it."""
    cells = {item.name: shown(pl.Series([row.get(item.name)], dtype=pl.String), item)[0] for item in of.columns}
    return {**cells, "_origin_line": str(line)}


def test_mended_rows_get_their_masked_cells_back() -> None:
    of = dataset(**HOUSEHOLD["dataset"])
    base = {**HOUSEHOLD["base"], "members": "4.5", "remark": "见13800138000"}
    first = check(of, [base])
    assert first.accepted_count == 0
    mended = {**masked(of, base, 2), "members": "4"}
    assert mended["head_name"] == "张*" and mended["remark"] == "见138****8000"
    second = check(of, [mended], original=original_of(of, [base]))
    assert second.accepted_count == 1 and triples(second, "error") == []
    whole = check(of, [{**base, "members": "4"}])
    assert second.accepted["head_id_no"].to_list() == whole.accepted["head_id_no"].to_list()
    assert second.source["remark"].to_list() == ["见13800138000"]
    assert second.accepted["remark"].to_list() == whole.accepted["remark"].to_list() == ["见（号码已遮盖）"]
    assert second.source["head_name"].to_list() == ["张三"]


def test_a_mask_without_its_original_is_quarantined() -> None:
    of = dataset(**HOUSEHOLD["dataset"])
    base = HOUSEHOLD["base"]
    other = masked(of, {**base, "head_id_no": "440524188001010014"}, 2)
    checked = check(of, [other], original=original_of(of, [base]))
    assert triples(checked, "error") == [(2, "head_id_no", "masked_value")]
    nowhere = check(of, [masked(of, base, 99)], original=original_of(of, [base]))
    assert {rule for _, _, rule in triples(nowhere, "error")} == {"masked_value"}


def test_sheets_with_the_same_line_are_told_apart_by_the_mask() -> None:
    of = dataset(**HOUSEHOLD["dataset"])
    one, two = {**HOUSEHOLD["base"], "members": "x"}, {**HOUSEHOLD["base"], "head_id_no": "440524188001010014"}
    sources = pl.concat([original_of(of, [one]), original_of(of, [{**two, "head_name": "李四"}])])
    checked = check(of, [{**masked(of, one, 2), "members": "4"}], original=sources)
    assert triples(checked, "error") == []
    same_mask = pl.concat([original_of(of, [one]), original_of(of, [{**two, "head_name": "张五"}])])
    assert triples(check(of, [masked(of, one, 2)], original=same_mask), "error")[0][1:] == ("head_name", "masked_value")


def test_pseudonyms_need_the_key() -> None:
    of = dataset(**HOUSEHOLD["dataset"])
    raw = raw_table(of, [HOUSEHOLD["base"]])
    with pytest.raises(SecretError):
        check_rows(raw, of, DeliveryName(of.id, "2024-05"), INDEX, None, SETTINGS)


def test_unknown_check_names_the_contract() -> None:
    of = dataset([{"name": "a", "checks": [{"name": "credit_cod"}]}])
    with pytest.raises(ContractError, match="credit_cod"):
        check(of, [{"a": "1"}])


def test_reference_data_needs_no_divisions() -> None:
    of = load_registry().get("stats_division")
    rows = [
        dict(zip(("code", "name", "level", "parent_code"), row, strict=True))
        | {"valid_from": "2020-01-01", "urban_rural_code": "220"}
        for row in DIVISIONS
    ]
    raw = raw_table(of, rows)
    checked = check_rows(raw, of, DeliveryName(of.id, "2024"), None, None, SETTINGS)
    assert checked.accepted_count == len(DIVISIONS)


CELLS = st.sampled_from(["1", "2", " 1", "x", "", None, "-", "3.5", "１", "H1", "13800138000", "'=1", "1 万人"])


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.fixed_dictionaries({"key": CELLS, "n": CELLS, "who": CELLS}), max_size=12),
    st.integers(0, 2),
)
def test_every_record_is_counted_once(rows: list[dict[str, str | None]], splits: int) -> None:
    columns = [
        {"name": "key", "primary_key": True, "required": True},
        {"name": "n", "type": "integer", "unit": "人", "minimum": 0},
        {"name": "who", "pii": "phone", "privacy": "drop", "checks": [{"name": "mobile_phone"}]},
    ]
    broken = tuple(BrokenRecord(100 + at, None, "field_count", "列数不对。", "请检查。") for at in range(splits))
    checked = check(dataset(columns), rows, broken=broken)
    assert checked.records == len(rows) + splits
    assert checked.accepted_count + checked.quarantined_count + checked.duplicate_count == checked.records
    parts = [checked.accepted["_line"], checked.quarantined_lines["line"], checked.duplicates["line"]]
    lines = [line for part in parts for line in part]
    assert sorted(lines) == [*range(2, 2 + len(rows)), *range(100, 100 + splits)]
    errors = checked.findings.filter(pl.col("severity") == "error")["line"].unique().sort()
    assert errors.to_list() == sorted(checked.quarantined_lines["line"])
    keys = checked.accepted["key"].to_list()
    assert len(keys) == len(set(keys))
