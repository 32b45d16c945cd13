"""Persons in free text: found however a clerk writes them, and nothing else taken for one."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agrilake.intake.identities import PREFILTER, find, is_name
from agrilake.intake.privacy import VEIL, changed, mask_text, veil_text

ID, ID_17 = "11010519491231002X", "500112196303118513"
CARD_19, CARD_16 = "6222021234567890128", "6228480402564899"
PHONE = "13812345678"


@pytest.mark.parametrize(
    ("text", "veiled"),
    [
        (f"请联系{PHONE}。", f"请联系{VEIL}。"),
        ("138-1234-5678", VEIL),
        ("138 1234 5678", VEIL),
        ("1381234 5678", VEIL),
        ("1 3 8 1 2 3 4 5 6 7 8", VEIL),
        ("138.1234.5678", VEIL),
        ("138\n1234\n5678", VEIL),
        ("138\u20131234\u20135678", VEIL),
        ("１３８１２３４５６７８", VEIL),
        ("138\u200b1234\u200b5678", VEIL),
        ("一三八一二三四五六七八", VEIL),
        ("+86 13812345678", f"+{VEIL}"),
        ("008613812345678", VEIL),
        (f"{PHONE} 15800138000", f"{VEIL} {VEIL}"),
        (f"{PHONE}15800138000", VEIL),
        (f"1.{PHONE}", f"1.{VEIL}"),
        (f"2024-05-01 {PHONE}", f"2024-05-01 {VEIL}"),
        ("电话023-67123456", f"电话{VEIL}"),
        ("（023）67123456", VEIL),
        (f"证{ID}号", f"证{VEIL}号"),
        (ID.lower(), VEIL),
        ("110105 19491231 002X", VEIL),
        ("110105-19491231-002 X", VEIL),
        ("１１０１０５１９４９１２３１００２Ｘ", VEIL),
        ("110105194912310021", VEIL),  # a slip in its last digit is as much a person's
        (f"{ID_17}44", VEIL),  # a disability certificate
        ("110105491231002", VEIL),  # of 15 digits
        (f"99{ID_17}{ID_17}", f"99{VEIL}{VEIL}"),
        (f"卡{CARD_19}", f"卡{VEIL}"),
        ("6222 0212 3456 7890 128", VEIL),
        ("622202 1234567890128", VEIL),
        ("护照号E12345678", f"护照号{VEIL}"),
        ("账号：2050 0101 0012 345678", f"账号：{VEIL}"),
        (f"张三{PHONE}", f"张*{VEIL}"),
        (f"联系张小三（{PHONE}）", f"联系张**（{VEIL}）"),
        (f"{PHONE}欧阳修", f"{VEIL}欧**"),
        ("联系人：张三电话见上", "联系人：张*电话见上"),
        ("户主 李四，已故", "户主 李*，已故"),
    ],
)
def test_what_the_lake_keeps(text: str, veiled: str) -> None:
    assert veil_text(text) == veiled
    assert veil_text(veiled) == veiled


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-05-01 08:05:09 至 2024-06-30",
        "1995-05-01 200元",
        "18 500 000 000",
        "13800.138000",
        "共 12345678901 元",
        "1,380,013,800",
        "106.6312345, 29.7212345",
        "ZS6222021234567890",
        "H50011210001",
        "500112129206",
        "91350100M000100Y43",
        "订单6222021234567890123",  # no check digit of a card
        "一九九五年建成",
        "龙门村石坪社区便民服务站",
        "负责人签字",
        "户主高度重视",
        "联系人：见附件",
        f"龙门村{PHONE}"[:3],
    ],
)
def test_what_is_nobodys(text: str) -> None:
    assert find(text) == []
    assert veil_text(text) == text


def test_people_see_enough_to_find_the_cell_again() -> None:
    assert mask_text("6222 0212 3456 7890 123") == "***************0123"
    assert mask_text("张三+86 138 1234 5678") == "张三+861******5678"
    assert mask_text(f"龙门村{PHONE}") == "龙门村138****5678"


def test_only_texts_that_may_hold_someone_are_looked_at() -> None:
    texts = pl.Series(["普通备注", None, f"电{PHONE}", "联系人 张三", f"电{PHONE}"])
    assert changed(texts, veil_text).to_list() == ["普通备注", None, f"电{VEIL}", "联系人 张*", f"电{VEIL}"]


@settings(deadline=None, max_examples=150)
@given(
    st.text("张三联系电话证号 -.，。0138\u200b", max_size=12),
    st.sampled_from([PHONE, ID, ID_17, CARD_16, CARD_19]),
    st.sampled_from(["", " ", "-", "\u200b", "\u00a0"]),
    st.integers(1, 3),
    st.text("村，。", min_size=1, max_size=4),
)
def test_a_number_is_found_wherever_it_stands_and_in_whatever_parts(
    before: str, number: str, between: str, parts: int, after: str
) -> None:
    step = 4 if number.startswith("62") else 3 * parts
    written = between.join(number[at : at + step] for at in range(0, len(number), step))
    veiled = veil_text(f"{before}村{written}{after}")
    assert not any(character.isdigit() for character in veiled.split("村", 1)[1])
    assert pl.Series([f"村{written}"]).str.contains(PREFILTER).item()


def test_names_by_their_shape() -> None:
    assert [is_name(text) for text in ("张三", "欧阳修文", "王小二")] == [True] * 3
    assert [is_name(text) for text in ("龙门村", "石坪社区", "农户", "江湖", "张", "张三李四王")] == [False] * 6
