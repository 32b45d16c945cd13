"""Contracts: what they give, and that each typo is an error with file and place."""

from __future__ import annotations

from pathlib import Path

import pytest

from agrilake.contract.load import load_dataset, load_registry
from agrilake.contract.model import Load, LogicalType, Privacy
from agrilake.contract.settings import load_settings
from agrilake.errors import ContractError, UsageError
from agrilake.paths import project_root

MODEL = project_root() / "schemas" / "agri" / "farm_household.yaml"


def test_the_twelve_datasets_are_declared() -> None:
    expected = """agri_business_entity agri_farm_household agri_trace_batch civil_elder civil_village_ledger
        commerce_ecommerce_sales commerce_service_site postal_parcel postal_site stats_division
        stats_division_crosswalk stats_population"""
    assert set(expected.split()) <= set(load_registry().datasets)


def test_the_other_datasets_of_the_five_departments_are_declared() -> None:
    expected = """commerce_cold_chain commerce_online_purchase commerce_training civil_assistance
        civil_convenience_site civil_elder_facility civil_elder_visit postal_route coop_agri_supply
        coop_service_site stats_agri_growth planning_boundary"""
    assert set(expected.split()) <= set(load_registry().datasets)


def test_a_contract_gives_types_keys_and_privacy() -> None:
    dataset = load_dataset(MODEL)
    assert dataset.load is Load.UPSERT
    assert dataset.key == ("household_id",)
    assert dataset.column("members").type is LogicalType.INTEGER
    assert dataset.column("head_name").privacy is Privacy.DROP
    assert "head_name" not in [column.name for column in dataset.silver_columns]
    assert dataset.department_title == "区农业农村委"


CROSS_CHECK = "{type: custom, engine: agrilake, implementation: not_above, arguments: {column: members, other: adults}}"


@pytest.mark.parametrize(
    ("old", "new", "place", "hint"),
    [
        ("businessName: 联系电话", "busnessName: 联系电话", "busnessName", "businessName"),
        ("logicalType: boolean", "logicalType: bool", "logicalType", "boolean"),
        ("maximum: 30", "maximun: 30", "maximun", "maximum"),
        ("value: village", "value: hamlet", "division", "village"),
        ("{property: load, value: upsert}", "{property: load, value: merge}", "load", "snapshot"),
        ("{property: load, value: upsert}", "{property: laod, value: upsert}", "laod", "load"),
        ("{property: privacy, value: pseudonym}", "{property: privacy, value: hash}", "privacy", "pseudonym"),
        ("          - {property: privacy, value: drop}\n", "", "privacy", "pseudonym"),
        ('pattern: "H[0-9]{11}"', 'pattern: "H[0-9"', "pattern", "regular expression"),
        ('pattern: "H[0-9]{11}"', r'pattern: "(H)\\1"', "pattern", "back-references"),
        ("domain: agri", "domain: agro", "id", "agro_"),
        ("status: active", "status: active\nstatus: active", "status", "twice"),
        ("members", "Members", "name", "snake_case"),
        ("value: month}", "value: monthly}", "frequency", "month"),
        ("metric: rowCount", "metric: rowcount", "quality", "rowCount"),
        ("implementation: resident_id", "implementation: resident_idd", "quality[0].implementation", "'resident_id'"),
        ("resident_id}", "resident_id, arguments: {other: phone}}", "quality[0].arguments", "no argument other"),
        (
            "implementation: resident_id",
            "implementation: not_before",
            "quality[0].arguments",
            "needs the arguments other",
        ),
        (
            "{type: library, metric: rowCount, mustBeGreaterThan: 0, severity: stop}",
            CROSS_CHECK,
            "quality[0]",
            "no column adults",
        ),
        ("{property: history, value: scd2}", "{property: history, value: scd3}", "history", "scd2"),
        ("{property: unit, value: 人}", "{property: words, value: 无人}", "words", "mapping"),
        ("{property: unit, value: 人}", "{property: words, value: {无人: 是}}", "words", "integer"),
        ("{property: pii, value: phone}", "{property: words, value: {空号: 0}}", "words", "number or boolean"),
    ],
)
def test_a_typo_names_file_and_place(tmp_path: Path, old: str, new: str, place: str, hint: str) -> None:
    text = MODEL.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "farm_household.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        load_dataset(path)
    message = str(caught.value)
    assert str(path) in message
    assert "line " in message
    assert place in message
    assert hint in message


def test_a_yaml_tag_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("id: !!python/object/apply:os.getcwd []\n", encoding="utf-8")
    with pytest.raises(ContractError, match="line 1"):
        load_dataset(path)


def test_an_unknown_dataset_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="agri_farm_household"):
        load_registry().get("agri_farmhousehold")


def test_settings_name_a_missing_threshold() -> None:
    with pytest.raises(ContractError, match=r"thresholds\.no_such"):
        load_settings().threshold("no_such")


def test_settings_refuse_an_unknown_key(tmp_path: Path) -> None:
    path = tmp_path / "district.yaml"
    path.write_text('district_code: "1"\ndistrict_nmae: x\n', encoding="utf-8")
    with pytest.raises(ContractError, match="district_name"):
        load_settings(path)
