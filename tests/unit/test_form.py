"""The Excel form: made from the contract, and taken by the intake exactly as a department fills it in."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet
from typer.testing import CliRunner

from agrilake.catalog.form import FIRST_ROW, HEADER_ROW, division_choices, form_name, header, write_form
from agrilake.commands.main import app
from agrilake.contract.load import load_registry
from agrilake.contract.model import Column, Dataset, LogicalType
from agrilake.contract.settings import load_settings
from agrilake.errors import RefusedFile, UsageError
from agrilake.intake.divisions import DivisionIndex
from agrilake.intake.names import DeliveryName
from agrilake.intake.read import read_file
from agrilake.intake.rows import check_rows
from agrilake.paths import project_root

DATASETS = load_registry().datasets
LAYOUTS = [*DATASETS.values(), *(layout for dataset in DATASETS.values() for layout in dataset.earlier)]
HOUSEHOLD = "agri_farm_household"


@pytest.fixture(scope="module")
def divisions() -> pl.DataFrame:
    return pl.read_csv(project_root() / "schemas" / "settings" / "divisions.csv", infer_schema=False)


def made(dataset: Dataset, folder: Path, divisions: pl.DataFrame | None = None) -> Path:
    return write_form(dataset, folder / form_name(dataset), divisions, load_settings())


def sheet_of(path: Path) -> Worksheet:
    return openpyxl.load_workbook(path).worksheets[0]


def validation(sheet: Worksheet, dataset: Dataset, column: str) -> DataValidation:
    place = [item.name for item in dataset.columns].index(column) + 1
    cell = sheet.cell(FIRST_ROW + 1, place).coordinate
    return next(item for item in sheet.data_validations.dataValidation if cell in item.sqref)


def value_for(column: Column, number: int) -> Any:
    """Something that a department would type into a cell of that kind."""
    if column.enum:
        return column.enum[0].label
    values = {
        LogicalType.INTEGER: number,
        LogicalType.NUMBER: number + 0.5,
        LogicalType.DATE: date(2024, 5, number),
        LogicalType.TIMESTAMP: datetime(2024, 5, number, 8, 30),  # noqa: DTZ001 (Excel knows no zones)
        LogicalType.BOOLEAN: "是",
    }
    return values.get(column.type, f"00{number}")


def text_for(column: Column, number: int) -> str:
    """The same as the intake reads it."""
    value = value_for(column, number)
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)


@pytest.mark.parametrize("dataset", LAYOUTS, ids=[f"{item.id} {item.version}" for item in LAYOUTS])
def test_a_filled_in_form_is_read_as_it_is(dataset: Dataset, tmp_path: Path, divisions: pl.DataFrame) -> None:
    path = made(dataset, tmp_path, divisions)
    book = openpyxl.load_workbook(path)
    for number in (1, 2):
        for place, column in enumerate(dataset.columns, start=1):
            book.worksheets[0].cell(FIRST_ROW + number, place, value_for(column, number))
    book.save(path)
    raw = read_file(path, dataset, load_settings().limits, load_registry())
    assert raw.headers == {column.name: header(column) for column in dataset.columns}
    assert raw.unmatched == ()
    assert raw.broken == ()
    assert raw.frame["_line"].to_list() == [FIRST_ROW + 1, FIRST_ROW + 2]
    for column in dataset.columns:
        assert raw.frame[column.name].to_list() == [text_for(column, 1), text_for(column, 2)]


def test_what_the_drop_downs_offer_is_accepted_by_the_row_checks(tmp_path: Path, divisions: pl.DataFrame) -> None:
    dataset, path = DATASETS["stats_population"], made(DATASETS["stats_population"], tmp_path, divisions)
    book = openpyxl.load_workbook(path)
    choices = division_choices(divisions, dataset.column("division_code").division_level or "any")
    for number, choice in enumerate(list(choices)[:5]):
        for place, column in enumerate(dataset.columns, start=1):
            values = {"division_code": choice, "year": 2024}
            book.worksheets[0].cell(FIRST_ROW + 1 + number, place, values.get(column.name, 100))
    book.save(path)
    settings = load_settings()
    raw = read_file(path, dataset, settings.limits, load_registry())
    name = DeliveryName(dataset.id, "2024")
    checked = check_rows(raw, dataset, name, DivisionIndex.from_frames(divisions), None, settings)
    assert checked.findings.to_dicts() == []
    assert checked.accepted["division_code"].to_list() == list(choices.values())[:5]


def test_an_empty_form_is_refused_as_header_only(tmp_path: Path) -> None:
    path = made(DATASETS[HOUSEHOLD], tmp_path)
    with pytest.raises(RefusedFile) as refusal:
        read_file(path, DATASETS[HOUSEHOLD], load_settings().limits)
    assert refusal.value.code == "header_only"


def test_every_division_choice_is_what_the_intake_resolves(divisions: pl.DataFrame) -> None:
    index = DivisionIndex.from_frames(divisions)
    for level in ("county", "township", "village", "any"):
        choices = division_choices(divisions, level)
        found = index.resolve(pl.Series(list(choices)), level)
        assert dict(zip(found["text"], found["code"], strict=True)) == choices
    assert len(division_choices(divisions, "village")) == divisions.filter(pl.col("level") == "village").height


def test_two_divisions_of_one_name_are_chosen_by_code() -> None:
    rows = [("1", "甲镇", "township", "0"), ("2", "乙村", "village", "1"), ("3", "乙村村民委员会", "village", "1")]
    frame = pl.DataFrame(rows, schema=["code", "name", "level", "parent_code"], orient="row")
    assert division_choices(frame, "village") == {"2": "2", "3": "3"}


def test_the_same_contract_gives_the_same_bytes(tmp_path: Path, divisions: pl.DataFrame) -> None:
    (tmp_path / "again").mkdir()
    first = made(DATASETS[HOUSEHOLD], tmp_path, divisions).read_bytes()
    assert made(DATASETS[HOUSEHOLD], tmp_path / "again", divisions).read_bytes() == first


def test_identifiers_are_text_and_required_columns_are_marked(tmp_path: Path) -> None:
    dataset = DATASETS[HOUSEHOLD]
    sheet = sheet_of(made(dataset, tmp_path))
    place = [column.name for column in dataset.columns].index("head_id_no")
    letter = openpyxl.utils.get_column_letter(place + 1)
    assert sheet.column_dimensions[letter].number_format == "@"
    titles = [cell.value for cell in sheet[HEADER_ROW + 1]]
    assert "户主身份证号*" in titles
    assert "家庭人口（人）*" in titles
    assert "联系电话" in titles
    assert sheet.freeze_panes == "B4"


def test_drop_downs_and_ranges_speak_chinese(tmp_path: Path, divisions: pl.DataFrame) -> None:
    dataset = DATASETS[HOUSEHOLD]
    sheet = sheet_of(made(dataset, tmp_path, divisions))
    members = validation(sheet, dataset, "members")
    assert (members.type, members.formula1, members.formula2) == ("whole", "1", "30")
    assert members.error == "“家庭人口”请填整数（1 至 30 人），不要带单位和其他文字。"
    assert members.promptTitle == "必填：家庭人口"
    yes_no = validation(sheet, dataset, "poverty_alleviated")
    assert (yes_no.type, yes_no.formula1) == ("list", '"是,否"')
    village = validation(sheet, dataset, "division_code")
    assert (village.type, village.errorStyle) == ("list", "warning")  # a code may be typed instead
    lists = sheet.parent["选项"]  # type: ignore[index]
    assert lists.sheet_state == "hidden"
    assert village.formula1 == f"'选项'!$A$2:$A${lists.max_row}"
    identity = validation(sheet, dataset, "head_id_no")
    assert (identity.type, identity.formula1, identity.formula2) == ("textLength", "18", "18")


def test_choices_of_an_enumeration_are_its_labels(tmp_path: Path) -> None:
    dataset = DATASETS["agri_business_entity"]
    sheet = sheet_of(made(dataset, tmp_path))
    kind = validation(sheet, dataset, "kind")
    labels = [item.label for item in dataset.column("kind").enum]
    cells = sheet.parent["选项"]["A"]  # type: ignore[index]
    assert [cell.value for cell in cells][1 : len(labels) + 1] == labels
    assert kind.formula1 == f"'选项'!$A$2:$A${len(labels) + 1}"
    assert kind.errorStyle in (None, "stop")


def test_the_guide_names_every_column_and_shows_no_personal_example(tmp_path: Path) -> None:
    dataset = DATASETS[HOUSEHOLD]
    guide = openpyxl.load_workbook(made(dataset, tmp_path))["填写说明"]
    lines = {str(row[0]): row for row in guide.iter_rows(values_only=True)}
    assert set(lines) >= {column.title for column in dataset.columns}
    assert lines["户主姓名"][4] == "（个人信息，不举例）"
    assert lines["家庭人口"][4] == "4"
    assert any("农户__2024-05.xlsx" in line for line in lines)


def test_the_form_of_an_earlier_layout_says_for_which_periods_it_is(tmp_path: Path) -> None:
    layout = DATASETS["agri_livestock"].layout("2022Q2")
    path = made(layout, tmp_path)
    assert path.name == "畜牧渔业生产__2022Q4.xlsx"
    assert "数据规范 1.0.0（适用至 2022Q4）" in sheet_of(path).cell(1, 1).value
    guide = openpyxl.load_workbook(path)["填写说明"]
    assert any("只用于 2022Q4 及以前的报送期" in str(row[0].value) for row in guide.iter_rows())


def test_the_command_makes_the_form_of_a_period(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGRILAKE_HOME", str(tmp_path / "home"))
    made_of = {}
    for period in ("2022年第4季度", "2023Q1"):
        path = tmp_path / f"{period}.xlsx"
        result = CliRunner().invoke(app, ["template", "畜牧渔业生产", "--period", period, "--out", str(path)])
        assert result.exit_code == 0, result.output
        made_of[period] = sheet_of(path).cell(HEADER_ROW + 1, 1).value
    assert made_of == {"2022年第4季度": "行政村*", "2023Q1": "村*"}
    wrong = CliRunner().invoke(app, ["template", "畜牧渔业生产", "--period", "2022-12"])
    assert wrong.exit_code == UsageError.exit_code


@pytest.mark.parametrize(("form_of", "sent_for"), [("2023Q1", "2022Q4"), ("2022Q4", "2023Q1")])
def test_the_form_of_another_layout_is_refused(form_of: str, sent_for: str, tmp_path: Path) -> None:
    dataset = DATASETS["agri_livestock"]
    layout = dataset.layout(form_of)
    path = made(layout, tmp_path)
    book = openpyxl.load_workbook(path)
    for place, column in enumerate(layout.columns, start=1):
        book.worksheets[0].cell(FIRST_ROW + 1, place, value_for(column, 1))
    book.save(path)
    with pytest.raises(RefusedFile) as refusal:
        read_file(path, dataset.layout(sent_for), load_settings().limits, load_registry())
    assert refusal.value.code == "wrong_layout"
