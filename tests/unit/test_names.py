"""File names: dataset, period and note as departments write them, and what is refused."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agrilake.contract.load import load_registry
from agrilake.contract.model import Frequency
from agrilake.errors import RefusedFile
from agrilake.intake.manifest import check_rows_stated, manifest_path
from agrilake.intake.names import DeliveryName, parse_name
from agrilake.intake.periods import parse_period

REGISTRY = load_registry()
HOUSEHOLD = "agri_farm_household"


def parse(name: str, folder: str = "agri") -> DeliveryName:
    return parse_name(Path("inbox") / folder / name, REGISTRY)


def refusal(name: str, folder: str = "agri") -> RefusedFile:
    with pytest.raises(RefusedFile) as caught:
        parse(name, folder)
    return caught.value


@pytest.mark.parametrize(
    ("text", "canonical", "frequency"),
    [
        ("2024", "2024", Frequency.YEAR),
        ("2024年", "2024", Frequency.YEAR),
        ("2024年度", "2024", Frequency.YEAR),
        ("2024Q3", "2024Q3", Frequency.QUARTER),
        ("2024-q3", "2024Q3", Frequency.QUARTER),
        ("2024年3季度", "2024Q3", Frequency.QUARTER),
        ("2024年第三季度", "2024Q3", Frequency.QUARTER),
        ("2024-05", "2024-05", Frequency.MONTH),
        ("2024-5", "2024-05", Frequency.MONTH),
        ("202405", "2024-05", Frequency.MONTH),
        ("2024.05", "2024-05", Frequency.MONTH),
        ("2024年5月", "2024-05", Frequency.MONTH),
        ("２０２４年５月", "2024-05", Frequency.MONTH),
        ("2024-05-01", "2024-05-01", Frequency.DAY),
        ("20240501", "2024-05-01", Frequency.DAY),
        ("2024年5月1日", "2024-05-01", Frequency.DAY),
    ],
)
def test_period_spellings(text: str, canonical: str, frequency: Frequency) -> None:
    assert parse_period(text) == (canonical, frequency)


@pytest.mark.parametrize(
    "text",
    ["", "24-05", "2024-13", "202400", "2024Q5", "20240230", "2024-05/01", "0000", "2024年5", "二〇二四", "20245"],
)
def test_what_is_no_period(text: str) -> None:
    assert parse_period(text) is None


@given(st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 12, 31)))
def test_every_day_in_every_spelling_is_the_same_day(day: date) -> None:
    year, month, number = day.year, day.month, day.day
    spellings = (f"{day:%Y-%m-%d}", f"{day:%Y%m%d}", f"{year}年{month}月{number}日", f"{year}.{month}.{number}")
    assert {parse_period(text) for text in spellings} == {(day.isoformat(), Frequency.DAY)}


@pytest.mark.parametrize(
    "name",
    [
        "agri_farm_household__2024-05.csv",
        "农户__2024年5月.XLSX",
        "农户台账__202405.xls",
        "农户 __ 2024.05.txt",
        "农户___2024-05.tsv",
        "农户__2024-05（1）.csv",
        "农户__2024-05 (1).csv",
        "农户__2024-05 - 副本.csv",
        "ＡＧＲＩ＿farm_household__2024-05.csv",
    ],
)
def test_id_title_and_synonym_name_the_dataset(name: str) -> None:
    assert parse(name) == DeliveryName(HOUSEHOLD, "2024-05")


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("更正", {"revision": 1}),
        ("更正2", {"revision": 2}),
        ("更正２", {"revision": 2}),
        ("更正__确认", {"revision": 1, "confirmed": True}),
        ("确认", {"confirmed": True}),
        ("补正-0A1b2c3d-4", {"kind": "mend", "mends": "0a1b2c3d", "revision": 4}),
        ("王家街道补充", {"note": "王家街道补充"}),
        ("说明：第一批", {"note": "说明:第一批"}),
    ],
)
def test_notes(note: str, expected: dict[str, object]) -> None:
    assert parse(f"农户__2024-05__{note}.csv") == DeliveryName(HOUSEHOLD, "2024-05", **expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("农户__2024.csv", "wrong_period"),
        ("农户__2024Q2.csv", "wrong_period"),
        ("农户__2024-05-01.csv", "wrong_period"),
        ("农户__五月.csv", "wrong_period"),
        ("农户__.csv", "wrong_period"),
        ("农户.csv", "bad_name"),
        ("农民__2024-05.csv", "unknown_dataset"),
        ("农户__2024-05.pdf", "unsupported_format"),
        ("农户__2024-05", "unsupported_format"),
        ("..农户__2024-05.csv", "bad_name"),
        ("农户..__2024-05.csv", "bad_name"),
        ("农户\\x__2024-05.csv", "bad_name"),
        ("农户__2024-05\n.csv", "bad_name"),
        ("农户__2024-05\u202evsc.csv", "bad_name"),
        ("农户__2024-05__更正0.csv", "bad_name"),
        ("农户__2024-05__补正-xyz-1.csv", "bad_name"),
        ("农户__2024-05__" + "长" * 100 + ".csv", "bad_name"),
    ],
)
def test_refusals(name: str, code: str) -> None:
    assert refusal(name).code == code


def test_an_unknown_dataset_is_answered_with_near_ones() -> None:
    found = refusal("农户信自__2024-05.csv")
    assert found.code == "unknown_dataset"
    assert "农户（agri_farm_household）" in found.remedy


def test_the_folder_must_be_the_departments_unless_only_looked_at() -> None:
    assert refusal("农户__2024-05.csv", "postal").code == "wrong_department"
    assert refusal("农户__2024-05.csv", "elsewhere").code == "wrong_department"
    path = Path("elsewhere") / "农户__2024-05.csv"
    assert parse_name(path, REGISTRY, check_folder=False).dataset_id == HOUSEHOLD


def with_manifest(folder: Path, name: str, content: object) -> Path:
    path = folder / "agri" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    manifest_path(path).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_a_manifest_adds_period_revision_and_rows(tmp_path: Path) -> None:
    path = with_manifest(tmp_path, "农户.csv", {"period": "202405", "revision": 2, "rows": 7})
    found = parse_name(path, REGISTRY)
    assert found == DeliveryName(HOUSEHOLD, "2024-05", revision=2, rows=7)
    check_rows_stated(found.rows, 7)
    with pytest.raises(RefusedFile, match="manifest_mismatch"):
        check_rows_stated(found.rows, 6)


@pytest.mark.parametrize(
    "content",
    [
        {"period": "2024-06"},
        {"revision": 2},
        {"rows": -1},
        {"size": True},
        {"sha256": "abc"},
        {"colour": "red"},
        [],
        "{",
    ],
)
def test_a_manifest_that_contradicts_or_is_no_good_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(RefusedFile) as caught:
        parse_name(with_manifest(tmp_path, "农户__2024-05__更正.csv", content), REGISTRY)
    assert caught.value.code == "manifest_mismatch"


@given(st.text(min_size=1, max_size=40))
def test_any_name_is_a_delivery_or_a_refusal(name: str) -> None:
    path = Path("inbox") / "agri" / name.replace("/", "").replace("\0", "")
    try:
        assert parse_name(path, REGISTRY).dataset_id in REGISTRY.datasets
    except RefusedFile as refused:
        assert refused.reason and refused.remedy
