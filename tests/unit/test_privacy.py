"""Tokens that link and never tell, masks that show enough, keys that others cannot read."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.persons import PERSONAL_NUMBERS
from tests.support.tables import PSEUDONYMISER, column

from agrilake.contract.load import load_registry
from agrilake.errors import SecretError
from agrilake.intake import privacy
from agrilake.intake.keys import create_key, key_path
from agrilake.intake.privacy import Pseudonymiser, mask, mask_file_name, mask_text, shown
from agrilake.paths import Home

ID = "11010519491231002X"


@pytest.mark.parametrize(
    ("value", "pii", "masked"),
    [
        (ID, "id_no", "110**************X"),
        ("13800138000", "phone", "138****8000"),
        ("张三", "name", "张*"),
        ("欧阳修文", "name", "欧***"),
        ("6222021234567890123", "bank_card", "***************0123"),
        ("玉峰山镇龙门村3社12号", "address", "玉峰山镇龙门***"),
        ("1380", "phone", "1***"),
        ("无", "id_no", "无"),
        (" 暂无 ", "name", "暂无"),
        ("-", "phone", "-"),
        ("", "phone", ""),
    ],
)
def test_masks(value: str, pii: str, masked: str) -> None:
    assert mask(value, pii) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("张三13800138000", "张*138****8000"),
        (f"证{ID}。", "证110**************X。"),
        ("ID110105194912310021", "ID110**************1"),
        ("6222 0212 3456 7890 123", "***************0123"),
        ("138-0013-8000", "138****8000"),
        ("１３８００１３８０００", "138****8000"),
        ("农户__2024-05__13800138000.csv", "农户__2024-05__138****8000.csv"),
        ("H50011210001", "H50011210001"),
        ("500112129206", "500112129206"),
        ("2024-05-01 08:05:09", "2024-05-01 08:05:09"),
        ("91350100M000100Y43", "91350100M000100Y43"),
    ],
)
def test_personal_numbers_in_any_text(text: str, masked: str) -> None:
    assert mask_text(text) == masked
    assert mask_text(masked) == masked


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("农户__2024-05__张三.csv", "农户__2024-05__张*.csv"),
        ("欧阳修文13800138000.csv", "欧***138****8000.csv"),
        ("coop_service_site__2024Q1__龙门村.xlsx", "coop_service_site__2024Q1__龙门村.xlsx"),
        ("王小二", "王**"),
    ],
)
def test_names_of_files(name: str, masked: str) -> None:
    assert mask_file_name(name) == masked


def test_no_word_for_a_dataset_is_taken_for_a_name() -> None:
    for item in load_registry().datasets.values():
        for word in (item.id, item.title, *item.synonyms, item.department, item.department_title):
            assert mask_file_name(word) == word


@settings(deadline=None, max_examples=60)
@given(
    st.text("张 a-1３89", max_size=30),
    st.from_regex(r"\A(1[3-9][0-9]{9}|[1-9][0-9]{16}[0-9X])\Z"),
    st.text("村,。", max_size=4),
)
def test_no_personal_number_survives_masking(before: str, number: str, after: str) -> None:
    masked = mask_text(f"{before}村{number}{after}")
    assert number not in masked
    assert not PERSONAL_NUMBERS.search(masked)


def test_codes_of_the_contract_stay_readable() -> None:
    trace = column("trace_code", pattern="ZS[0-9]{16}")
    waybill = column("waybill_no", pattern="[0-9A-Z]{10,20}")
    assert shown(pl.Series(["ZS6222021234567890", "13800138000"]), trace).to_list() == [
        "ZS6222021234567890",
        "138****8000",
    ]
    assert shown(pl.Series(["13800138000", "YL24050000123"]), waybill).to_list() == ["138****8000", "YL24050000123"]


def test_a_long_number_stays_readable_where_its_column_has_such_numbers_and_it_is_nobodys() -> None:
    parcel = column("parcel_code", pattern="[1-9][0-9]{18}")
    card, code = "6222021234567890128", "5001131382060300012"
    assert shown(pl.Series([code, card]), parcel).to_list() == [code, "***************0128"]
    assert shown(pl.Series([code]), column("remark")).to_list() == ["***************0012"]
    assert shown(pl.Series([code[:-1] + "-2"]), parcel).to_list()[0] != code[:-1] + "-2"


def test_tokens_link_across_datasets_and_only_within_a_kind() -> None:
    values = pl.Series([ID, None, ID, "13800138000"])
    tokens = PSEUDONYMISER.tokens(values, "id_no")
    assert tokens[0] == tokens[2] == PSEUDONYMISER.tokens(pl.Series([ID]), "id_no")[0]
    assert tokens[1] is None
    assert tokens.drop_nulls().str.contains("^k1:[0-9a-f]{32}$").all()
    assert tokens[3] != PSEUDONYMISER.tokens(pl.Series(["13800138000"]), "phone")[0]
    other = Pseudonymiser("k2", bytes([1]) * 32, "sha256")
    assert other.tokens(values, "id_no")[0] != tokens[0]


def test_hmac_sha_256_by_its_definition() -> None:
    """Known answer: HMAC-SHA-256 of `id_no NUL x` under a zero key, from Python's own one-shot function."""
    import hmac

    expected = hmac.digest(bytes(32), b"id_no\x00x", "sha256").hex()[:32]
    assert PSEUDONYMISER.tokens(pl.Series(["x"]), "id_no").to_list() == [f"k1:{expected}"]


def test_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = create_key(tmp_path / "secret" / "pseudonym.key")
    text = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert create_key(path).read_text() == text
    assert [item.name for item in path.parent.iterdir()] == ["pseudonym.key"]
    pseudonymiser = Pseudonymiser.from_file(path, Home.at(tmp_path / "home"))
    assert pseudonymiser.algorithm in ("sm3", "sha256")
    assert pseudonymiser.key.hex() not in repr(pseudonymiser)


def test_key_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGRILAKE_KEY_FILE", str(tmp_path / "a.key"))
    assert key_path() == tmp_path / "a.key"
    with pytest.raises(SecretError, match="no pseudonym key"):
        Pseudonymiser.from_environment(Home.at(tmp_path / "home"))
    create_key()
    assert Pseudonymiser.from_environment(Home.at(tmp_path / "home")).key_id == "k1"


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda path: path.chmod(0o640), "chmod 600"),
        (lambda path: path.write_text("secret"), "not a pseudonym key"),
        (lambda path: path.write_text("k1:abcd"), "not a pseudonym key"),
    ],
)
def test_bad_keys_stop_everything(tmp_path: Path, prepare: object, message: str) -> None:
    path = create_key(tmp_path / "p.key")
    prepare(path)  # type: ignore[operator]
    with pytest.raises(SecretError, match=message):
        Pseudonymiser.from_file(path, Home.at(tmp_path / "home"))


def test_a_key_names_its_algorithm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.key"
    path.write_text(f"k7:sm3:{'ab' * 32}\n")
    path.chmod(0o600)
    monkeypatch.setattr("agrilake.intake.keys.strongest", lambda: "sha256")
    with pytest.raises(SecretError, match="SM3"):
        Pseudonymiser.from_file(path, Home.at(tmp_path / "home"))


def test_key_inside_the_lake_is_refused(tmp_path: Path) -> None:
    path = create_key(tmp_path / "home" / "p.key")
    with pytest.raises(SecretError, match="inside the lake"):
        Pseudonymiser.from_file(path, Home.at(tmp_path / "home"))


def test_codes_that_are_nobodys_are_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of millions of parcels has tens of thousands of them on its receipt."""
    looked: list[str] = []

    def counted(text: str) -> str:
        looked.append(text)
        return mask_text(text)

    monkeypatch.setattr(privacy, "mask_text", counted)
    waybill = load_registry().get("postal_parcel").column("waybill_no")
    codes = pl.Series([*(f"YL2401{number:09d}" for number in range(1000)), "13812345678", None])
    assert shown(codes, waybill).to_list() == [*codes[:1000], "138****5678", None]
    assert looked == ["13812345678"]
