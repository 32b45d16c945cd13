"""Divisions as departments write them: codes of both systems, names, and what must not be guessed."""

from __future__ import annotations

import polars as pl
import pytest
from tests.support.tables import division_frames, division_index

from agrilake.intake.divisions import DivisionIndex
from agrilake.paths import project_root

INDEX = division_index()
LONGMEN, SHUANGJING = "500112129206", "500112129207"


def resolve(*texts: str, level: str = "village", index: DivisionIndex = INDEX) -> dict[str, str | None]:
    """Text -> code, or the rule where it could not be resolved."""
    answers = index.resolve(pl.Series(list(texts), dtype=pl.String), level)
    return {text: code or rule for text, code, rule, _ in answers.iter_rows()}


@pytest.mark.parametrize(
    "text",
    [
        LONGMEN,
        "５００１１２１２９２０６",
        "500112 129 206",
        "龙门村村民委员会",
        "龙门村",
        "龙门村委会",
        "龙门村民委员会",
        "龙门",
        "玉峰山镇龙门村",
        "玉峰山镇+龙门村",
        "玉峰山镇 龙门村委会",
        "玉峰山龙门村",
        "渝北区玉峰山镇龙门村",
        "重庆市渝北区玉峰山镇龙门村村民委员会",
        "玉峰山镇政府龙门村",
    ],
)
def test_one_village_in_many_spellings(text: str) -> None:
    assert resolve(text) == {text: LONGMEN}


def test_civil_code_through_the_crosswalk() -> None:
    assert resolve("500112130206") == {"500112130206": LONGMEN}
    assert resolve("500112130000", "500112130", level="township") == dict.fromkeys(
        ("500112130000", "500112130"), "500112129000"
    )


def test_name_variants_of_the_crosswalk() -> None:
    assert resolve("双井坝", "玉峰山镇双井坝") == dict.fromkeys(("双井坝", "玉峰山镇双井坝"), SHUANGJING)


def test_short_codes_are_padded() -> None:
    assert resolve("500112129", "500112", level="any") == {"500112129": "500112129000", "500112": "500112000000"}


def test_ambiguous_names_are_not_guessed() -> None:
    assert resolve("兴隆社区", "石坪") == {"兴隆社区": "division_ambiguous", "石坪": "division_ambiguous"}
    assert resolve("石坪社区", "石坪村", "兴隆镇兴隆社区") == {
        "石坪社区": "500112129001",
        "石坪村": "500112131201",
        "兴隆镇兴隆社区": "500112138001",
    }
    answers = INDEX.resolve(pl.Series(["兴隆社区"]), "village")
    assert answers["detail"].to_list() == ["2"]


def test_another_kind_of_committee_is_another_place() -> None:
    assert resolve("龙门社区") == {"龙门社区": "division_known"}


def test_unknown_stays_unknown() -> None:
    unknown = ("999999999999", "5001", "不存在村", "龙兴镇龙门村", "123456789012345")
    assert resolve(*unknown) == dict.fromkeys(unknown, "division_known")


def test_level_must_be_the_columns() -> None:
    assert resolve("玉峰山镇", "500112129", "渝北区") == dict.fromkeys(
        ("玉峰山镇", "500112129", "渝北区"), "division_level"
    )
    assert resolve("龙门村", level="township") == {"龙门村": "division_level"}
    assert resolve("两路街道", "两路", "两路街道办事处", level="township") == dict.fromkeys(
        ("两路街道", "两路", "两路街道办事处"), "500112016000"
    )


def test_a_code_of_both_systems_is_read_as_the_file_speaks() -> None:
    """500112129206 is 龙门村 in statistics and 双井村 in civil affairs; 500112130206 is civil affairs' alone."""
    statistics = INDEX.resolve(pl.Series([LONGMEN]), "village")
    assert statistics.row(0)[:3] == (LONGMEN, LONGMEN, "division_two_systems")
    civil = INDEX.resolve(pl.Series([LONGMEN, "500112130206"]), "village")
    assert {row[0]: row[1] for row in civil.iter_rows()} == {LONGMEN: SHUANGJING, "500112130206": LONGMEN}


def test_version_tells_contents_not_order() -> None:
    divisions, crosswalk = division_frames()
    assert DivisionIndex.from_frames(divisions.reverse(), crosswalk.reverse()).version == INDEX.version
    assert DivisionIndex.from_frames(divisions).version != INDEX.version
    assert DivisionIndex.from_frames(divisions.head(5), crosswalk).version != INDEX.version


def test_every_real_division_is_found_by_code_and_by_its_names() -> None:
    real = pl.read_csv(project_root() / "schemas/settings/divisions.csv", infer_schema=False)
    index = DivisionIndex.from_frames(real)
    villages = real.filter(level="village").join(
        real.select(parent_code="code", town="name"), on="parent_code", validate="m:1"
    )
    short = pl.col("name").str.replace("(村民委员会|居民委员会)$", "")
    for spelling in (pl.col("code"), pl.col("town") + pl.col("name"), pl.col("town") + short):
        spelt = villages.select("code", text=spelling)
        found = spelt.join(index.resolve(spelt["text"], "village"), on="text", how="left")
        assert found.filter(pl.col("code") != pl.col("code_right")).height == 0
        assert found["code_right"].null_count() == 0
