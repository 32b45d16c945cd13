"""Named checks against the standards' own examples and against python-stdnum where both agree."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.cn import uscc

from agrilake.checks import CHECKS, CheckContext
from agrilake.checks.identifiers import CREDIT_CODE_ALPHABET
from agrilake.contract.signatures import SIGNATURES

YEAR_END = CheckContext(period_end=date(2024, 12, 31), longitudes=(106.2, 107.2), latitudes=(29.4, 30.2))


def holds(check: str, *values: object) -> list[bool | None]:
    return CHECKS[check].holds(pl.Series(list(values)), YEAR_END).to_list()


def test_credit_codes_of_gb_32100() -> None:
    good = ["91350100M000100Y43", "91110000600037341L"]
    assert holds("credit_code", *good) == [True, True]
    bad = ["91350100M000100Y44", "91350100M000100Y4", "91350100m000100y43", "9135O100M000100Y43", "", None]
    assert holds("credit_code", *bad) == [False, False, False, False, False, None]


def test_credit_code_may_begin_with_a_letter() -> None:
    """N is agriculture: village collectives and cooperatives have it, and python-stdnum refuses them."""
    code = "N2500112MF0000001"
    valid = [code + last for last in CREDIT_CODE_ALPHABET if holds("credit_code", code + last) == [True]]
    assert len(valid) == 1
    assert not uscc.is_valid(valid[0])


@settings(deadline=None, max_examples=50)
@given(st.from_regex(r"\A[159][1239][0-9]{6}[0-9A-HJ-NPQRTUWXY]{9}\Z"))
def test_credit_code_agrees_with_stdnum(body: str) -> None:
    code = body + uscc.calc_check_digit(body)
    assert holds("credit_code", code) == [True]
    wrong = body + CREDIT_CODE_ALPHABET[(CREDIT_CODE_ALPHABET.index(code[-1]) + 1) % 31]
    assert holds("credit_code", wrong) == [uscc.is_valid(wrong)]


def test_resident_ids_of_gb_11643() -> None:
    assert holds("resident_id", "11010519491231002X", "440524188001010014") == [True, True]
    assert holds("resident_id", "110105194912310021", "11010519490231002X", "11010519491231002", None) == [
        False,
        False,
        False,
        None,
    ]


def test_resident_id_takes_an_area_that_no_longer_exists() -> None:
    """The area is that of first registration (510000 still held what is Chongqing today)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    body = "51222219700101001"
    check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]
    assert holds("resident_id", body + check) == [True]


def test_mobile_phones() -> None:
    assert holds("mobile_phone", "13800138000", "19912345678") == [True, True]
    assert holds("mobile_phone", "12800138000", "1380013800", "023-67821234", "138001380001") == [False] * 4


@settings(deadline=None, max_examples=50)
@given(st.from_regex(r"\A[1-9][0-9]{14,17}\Z"))
def test_bank_card_is_luhn(body: str) -> None:
    card = body + luhn.calc_check_digit(body)
    wrong = body + str((int(card[-1]) + 1) % 10)
    assert holds("bank_card", card, wrong, "123", None) == [True, False, False, None]


def test_places_and_days() -> None:
    assert holds("longitude", 106.8, 29.8, None) == [True, False, None]
    assert holds("latitude", Decimal("29.8"), Decimal("106.8")) == [True, False]
    assert holds("not_future", date(2024, 12, 31), date(2025, 1, 1)) == [True, False]
    assert holds(
        "not_future", datetime.fromisoformat("2024-12-31 23:59:00"), datetime.fromisoformat("2025-01-01 00:00:00")
    ) == [True, False]


def test_a_check_without_its_context_passes() -> None:
    assert CHECKS["longitude"].holds(pl.Series([1.0, None])).to_list() == [True, None]


def test_division_known_needs_the_codes() -> None:
    context = CheckContext(division_codes=frozenset({"500112129206"}))
    values = pl.Series(["500112129206", "500112999999", None])
    assert CHECKS["division_known"].holds(values, context).to_list() == [True, False, None]


def test_columns_compared() -> None:
    frame = pl.DataFrame(
        {
            "start": [date(2024, 1, 2)] * 3,
            "end": [date(2024, 1, 2), date(2024, 1, 1), None],
            "n": [1, 5, 9],
            "m": [5] * 3,
        }
    )
    before, above = CHECKS["not_before"], CHECKS["not_above"]
    assert before.valid(frame, "end", {"other": "start"}, YEAR_END).to_list() == [True, False, None]
    assert before.valid(frame, "", {"column": "end", "other": "start"}, YEAR_END).to_list() == [True, False, None]
    assert above.valid(frame, "n", {"other": "m"}, YEAR_END).to_list() == [True, True, False]


def test_day_against_moment_compares_days() -> None:
    frame = pl.DataFrame({"day": [date(2024, 1, 2)], "moment": [datetime.fromisoformat("2024-01-02 08:00:00")]})
    assert CHECKS["not_before"].valid(frame, "day", {"other": "moment"}, YEAR_END).to_list() == [True]


def test_sum_equals_is_exact() -> None:
    frame = pl.DataFrame({"a": ["0.1", "0.1"], "b": ["0.2", "0.2"], "all": ["0.3", "0.4"]}).cast(pl.Decimal(18, 2))
    arguments = {"columns": ["a", "b"], "total": "all"}
    assert CHECKS["sum_equals"].valid(frame, "", arguments, YEAR_END).to_list() == [True, False]
    loose = {**arguments, "tolerance": 0.1}
    assert CHECKS["sum_equals"].valid(frame, "", loose, YEAR_END).to_list() == [True, True]


def test_a_code_begins_with_its_place() -> None:
    codes = ["5001121292060300012", "5001121302060300012", "5001121382060300012", "5001131292060300012", None]
    frame = pl.DataFrame({"code": codes, "village": ["500112129206"] * 5})
    context = CheckContext(district_code="500112000000", civil_codes={"500112130206": ["500112129206"]})
    own, within = CHECKS["own_district"], CHECKS["within_division"]
    assert own.holds(frame["code"], context).to_list() == [True, True, True, False, None]
    assert own.holds(frame["code"]).to_list() == [True, True, True, True, None]
    assert within.valid(frame, "code", {"other": "village"}, context).to_list() == [True, True, False, False, None]


def test_readings_depend_on_their_measure() -> None:
    frame = pl.DataFrame(
        {"metric": ["t", "t", "ph", "x", None], "value": [60.0, 60.1, 14.1, 99.0, 5.0], "unit": ["C"] * 5}
    )
    ranges, allowed = {"t": [-20, 60], "ph": [0, 14]}, {"t": "C", "ph": "pH"}
    in_range, goes = CHECKS["range_by"], CHECKS["goes_with"]
    arguments = {"by": "metric", "ranges": ranges}
    assert in_range.valid(frame, "value", arguments, YEAR_END).to_list() == [True, False, False, None, None]
    assert in_range.explain is not None
    assert in_range.explain(frame, "value", arguments, YEAR_END).to_list()[:3] == ["-20 至 60", "-20 至 60", "0 至 14"]
    arguments = {"by": "metric", "allowed": allowed}
    assert goes.valid(frame, "unit", arguments, YEAR_END).to_list() == [True, True, False, None, None]
    with pytest.raises(TypeError, match="mapping"):
        in_range.valid(frame, "value", {"by": "metric", "ranges": [1, 2]}, YEAR_END)


def test_a_price_is_usual_for_its_kind() -> None:
    """At the bounds, below, above; a kind without a range; nothing sold, nothing to divide by; no number."""
    frame = pl.DataFrame(
        {
            "kind": ["urea", "urea", "urea", "other", "urea", "urea"],
            "tonnes": [2, 2, 2, 2, 0, None],
            "amount": [4000, 3000, 10001, 1, 5, 5],
        }
    ).with_columns(pl.col("amount").cast(pl.Decimal(18, 2)))
    check, arguments = CHECKS["ratio_by"], {"per": "tonnes", "by": "kind", "ranges": {"urea": [1500, 5000]}}
    assert check.valid(frame, "amount", arguments, YEAR_END).to_list() == [True, True, False, None, None, None]
    assert check.explain is not None
    assert check.explain(frame, "amount", arguments, YEAR_END)[2] == "5000.5，常见为 1500 至 5000"


def test_a_verdict_agrees_with_its_numbers() -> None:
    frame = pl.DataFrame(
        {"value": ["0.02", "0.03", "0.03", None], "limit": ["0.02"] * 4, "passed": [True, True, False, False]},
    ).with_columns(pl.col("value", "limit").cast(pl.Decimal(18, 6)))
    check, arguments = CHECKS["agrees_with_limit"], {"value": "value", "limit": "limit"}
    assert check.valid(frame, "passed", arguments, YEAR_END).to_list() == [True, False, True, None]
    assert check.explain is not None
    assert check.explain(frame, "passed", arguments, YEAR_END).to_list()[:2] == ["0.02 和 0.02", "0.03 和 0.02"]


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_every_check_tells_what_is_wrong_and_what_to_do(name: str) -> None:
    check = CHECKS[name]
    assert check.name == name
    assert "{found}" in check.reason and check.reason.endswith("。")
    assert check.remedy.endswith("。")


def test_a_contract_may_name_these_checks_and_no_others() -> None:
    assert set(SIGNATURES) == set(CHECKS)


def test_arguments_are_checked() -> None:
    assert CHECKS["credit_code"].argument_problem({}) is None
    assert "other" in (CHECKS["not_before"].argument_problem({}) or "")
    assert "othr" in (CHECKS["not_before"].argument_problem({"other": "a", "othr": "b"}) or "")
