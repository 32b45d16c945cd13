"""The sample: the same bytes from the same seed, made-up identifiers, a truth that adds up and is what intake finds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from agrilake.contract.load import load_registry
from agrilake.contract.settings import load_settings
from agrilake.errors import RefusedFile
from agrilake.intake.divisions import DivisionIndex
from agrilake.intake.names import parse_name
from agrilake.intake.privacy import Pseudonymiser
from agrilake.intake.read import read_file
from agrilake.intake.rows import Checked, check_rows
from agrilake.paths import Home, project_root
from agrilake.sample import COMMITTED, SampleManifest, generate, parcels, postal
from agrilake.sample import identifiers as made
from agrilake.sample.periods import week_month, weeks_in
from agrilake.sample.places import load_places
from agrilake.sample.truth import MINIMUM_DAYS

COMMITTED_SET = project_root() / "sample_data"
RULES = (
    {"required", "type_number", "type_date", "type_timestamp", "type_integer", "type_boolean", "date_precision"}
    | {"enum", "pattern", "minimum", "maximum", "max_length", "credit_code", "resident_id", "mobile_phone"}
    | {"longitude", "latitude", "not_future", "not_before", "division_known", "division_ambiguous", "division_level"}
    | {"excel_spoilt", "key_conflict", "period_mismatch", "field_count", "unbalanced_quote"}
)
TWICE = {"division_ambiguous"}
"""Needs a village name that the divisions have twice."""
CODES = {
    "empty_file",
    "header_only",
    "no_header",
    "missing_columns",
    "duplicate_header",
    "mixed_encoding",
    "nul_bytes",
} | {"bad_workbook", "too_many_columns", "wrong_period", "unknown_dataset", "wrong_dataset", "bad_name"}


def _digests(root: Path) -> dict[str, str]:
    found = sorted(path for name in ("inbox", "truth") for path in (root / name).rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleManifest:
    return generate(tmp_path_factory.mktemp("sample") / "set", **COMMITTED)


@pytest.fixture(scope="module")
def truth(sample: SampleManifest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((sample.truth / "files.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def values(sample: SampleManifest) -> pl.DataFrame:
    texts = {"division_code": pl.String, "period": pl.String}
    return pl.read_csv(sample.truth / "indicators.csv", schema_overrides=texts, infer_schema_length=None)


def test_the_committed_set_is_what_its_arguments_make(sample: SampleManifest) -> None:
    assert _digests(COMMITTED_SET) == _digests(sample.target)


def test_another_seed_makes_other_rows_on_the_same_divisions(tmp_path: Path, sample: SampleManifest) -> None:
    other = generate(tmp_path / "other", **{**COMMITTED, "seed": 7, "months": ("2024-01",)})
    one, two = _digests(sample.target), _digests(other.target)
    name = "inbox/agri/agri_farm_household__2024-01.csv"
    assert one[name] != two[name]


def test_a_sample_is_never_written_over_another(sample: SampleManifest) -> None:
    with pytest.raises(FileExistsError, match="already holds a sample"):
        generate(sample.target, **COMMITTED)


def test_an_unknown_township_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="无名镇"):
        generate(tmp_path, months=("2024-01",), townships=("无名镇",))


def test_every_file_of_the_inbox_has_its_truth(sample: SampleManifest, truth: list[dict[str, Any]]) -> None:
    written = {str(path.relative_to(sample.inbox)) for path in sample.inbox.rglob("*") if path.is_file()}
    assert {name for name in written if not name.endswith(".manifest.json")} == {item["path"] for item in truth}


def test_the_truth_adds_up(truth: list[dict[str, Any]]) -> None:
    for item in truth:
        assert item["records"] == item["accepted"] + item["quarantined"] + item["duplicate"], item["path"]
        places = {(finding["line"], finding["sheet"]) for finding in item["findings"]}
        assert len(places) == item["quarantined"], item["path"]
        assert (item["code"] is not None) == (item["status"] == "refused"), item["path"]


def test_the_dirt_covers_forms_rules_and_refusals(truth: list[dict[str, Any]]) -> None:
    assert {item["form"] for item in truth} >= {"csv", "txt", "xlsx", "xls"}
    assert {item["encoding"] for item in truth} >= {"gb18030", "utf-8", "utf-8-bom", "utf-16"}
    assert {finding["rule"] for item in truth for finding in item["findings"]} >= RULES
    assert {item["code"] for item in truth if item["code"]} == CODES


def test_a_year_of_one_street_has_every_form_and_rule(tmp_path: Path) -> None:
    whole = generate(tmp_path / "year", months=2024, townships=("王家街道",), parcel_rows=3000, scale=0.2)
    assert {(item.form, item.encoding) for item in whole.files} >= {
        ("csv", "utf-16"),
        ("tsv", "utf-8-bom"),
        ("xls", ""),
    }
    rules = {finding.rule for item in whole.files for finding in item.findings}
    assert rules >= {"max_length", "unit_unknown", "date_precision"}
    assert {item.period for item in whole.files if item.dataset == "commerce_ecommerce_sales"} >= {"2023-01", "2024-12"}


def test_four_byte_characters_stand_in_gb18030_files(sample: SampleManifest) -> None:
    text = (sample.inbox / "commerce" / "commerce_service_site__2024-01.csv").read_bytes().decode("gb18030")
    assert any(len(character.encode("gb18030")) == 4 for character in text)


def test_identifiers_are_valid_and_made_up() -> None:
    rng = made.stream(1, "test")
    identity = made.resident_id(rng, date(1950, 3, 8))
    assert len(identity) == 18
    assert identity.startswith("50019919500308")
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2, 1)
    digits = [10 if character == "X" else int(character) for character in identity]
    assert sum(weight * digit for weight, digit in zip(weights, digits, strict=True)) % 11 == 1
    assert made.phone(rng).startswith("154")
    for kind in ("91", "92", "93", "N2"):
        code = made.credit_code(kind, 17)
        total = sum(made.CREDIT_ALPHABET.index(character) * 3**place for place, character in enumerate(code[:17]))
        assert (total + made.CREDIT_ALPHABET.index(code[17])) % 31 == 0
        assert made.wrong_check(code) != code


def test_known_numbers_of_the_standards_hold() -> None:
    assert made.resident_check("11010519491231002") == "X"
    assert made.credit_check("91350100M000100Y4") == "3"
    assert made.organisation_check("D2143569") == "X"


def test_every_identifier_of_a_register_is_made_up(sample: SampleManifest) -> None:
    text = (sample.inbox / "agri" / "agri_farm_household__2024-01.csv").read_bytes().decode("gb18030")
    rows = [line.split(",") for line in text.splitlines() if line.startswith("H") and line.count(",") == 6]
    assert len(rows) > 100
    whole = [row for row in rows if len(row[3]) == 18]
    assert all(row[3].startswith(made.AREA) for row in whole)
    assert all(row[4] in ("", "023-6780") or row[4].startswith(made.PHONE_PREFIX) for row in rows)


def test_a_week_belongs_to_the_month_of_its_thursday() -> None:
    assert week_month(date(2024, 1, 29)) == "2024-02"
    assert week_month(date(2024, 3, 3)) == "2024-02"
    assert [weeks_in(month) for month in ("2024-01", "2024-02", "2024-05")] == [4, 5, 5]


def test_a_village_where_parcels_leave_every_day_is_not_served_every_day() -> None:
    """Outbound arrivals are no delivery: with them one village more would have its five days a week."""
    seed, months = COMMITTED["seed"], COMMITTED["months"]
    sites = postal.sites(load_places(seed, COMMITTED["townships"]), months, seed)
    villages = {site.site_no for site in sites.all if site.level == "village"}
    found = pl.concat(
        frame for _, frame in parcels.events_by_month(sites, months, seed, COMMITTED["parcel_rows"])
    ).filter(pl.col("event").is_in(["arrived", "delivered"]), pl.col("site_no").is_in(villages))
    week = found.with_columns(day=pl.col("event_at").dt.date()).filter(
        pl.col("day").is_between(date(2024, 1, 1), date(2024, 1, 28))
    )
    all_days = week.group_by("site_no").agg(days=pl.col("day").n_unique())
    inbound_days = week.filter(direction="inbound").group_by("site_no").agg(days=pl.col("day").n_unique())
    enough = [set(days.filter(pl.col("days") >= 4 * MINIMUM_DAYS)["site_no"]) for days in (all_days, inbound_days)]
    assert enough[1] < enough[0]


def test_expected_values_are_ratios_of_their_parts(values: pl.DataFrame) -> None:
    shares = values.filter(
        pl.col("indicator_id").str.ends_with("_rate") | pl.col("indicator_id").str.ends_with("_share")
    )
    assert shares.height > 0
    assert shares.filter((pl.col("value") - pl.col("numerator") / pl.col("denominator") * 100).abs() > 1e-9).is_empty()
    assert shares["value"].is_between(0, 100).all()
    district = values.filter(pl.col("division_level") == "county", pl.col("indicator_id") == "trace_batches")
    townships = values.filter(pl.col("division_level") == "township", pl.col("indicator_id") == "trace_batches")
    summed = dict(townships.group_by("period").agg(pl.col("value").sum()).iter_rows())
    assert summed == dict(district.select("period", "value").iter_rows())


def _taken(
    sample: SampleManifest, truth: list[dict[str, Any]]
) -> Iterator[tuple[dict[str, Any], Checked | RefusedFile]]:
    """What the intake's readers and row checks make of each file, without a lake."""
    registry, settings = load_registry(), load_settings()
    home = Home.at(sample.target / "home")
    tables: dict[str, pl.DataFrame] = {}
    for item in truth:
        if item["status"] == "repeat":
            continue
        path = sample.inbox / item["path"]
        try:
            name = parse_name(path, registry)
            dataset = registry.get(name.dataset_id)
            raw = read_file(path, dataset.layout(name.period), settings.limits, registry)
            index = None
            if not dataset.reference:
                index = DivisionIndex.from_frames(tables["stats_division"], tables["stats_division_crosswalk"])
            pseudonymiser = Pseudonymiser.from_environment(home)
            checked = check_rows(raw, dataset, name, index, pseudonymiser, settings)
        except RefusedFile as refusal:
            yield item, refusal
            continue
        tables[dataset.id] = checked.accepted
        yield item, checked


def test_the_intake_finds_exactly_the_dirt(sample: SampleManifest, truth: list[dict[str, Any]]) -> None:
    for item, outcome in _taken(sample, sorted(truth, key=lambda item: "division" not in item["dataset"])):
        if isinstance(outcome, RefusedFile):
            assert (item["status"], item["code"]) == ("refused", outcome.code), item["path"]
            continue
        counts = (outcome.accepted_count, outcome.quarantined_count, outcome.duplicate_count)
        assert counts == (item["accepted"], item["quarantined"], item["duplicate"]), item["path"]
        errors = outcome.findings.filter(pl.col("severity") == "error")
        found = set(errors.select("line", "sheet", "column", "rule").iter_rows())
        expected = {
            tuple(finding[part] for part in ("line", "sheet", "column", "rule")) for finding in item["findings"]
        }
        assert found == expected, item["path"]
