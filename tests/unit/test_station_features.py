"""What is read out of a station's name and address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.stations import OTHER, VILLAGE

from agrilake.linking.features import Features, Town, features

TOWN = Town.of(
    "玉峰山镇", [(VILLAGE, "龙门村村民委员会"), (OTHER, "双井村村民委员会"), ("500112129201", "中心村村民委员会")]
)


def said(name: str, address: str | None = None) -> Features:
    return features(name, address, TOWN)


@pytest.mark.parametrize(
    "address",
    ["3组", "玉峰山镇龙门村3组", "龙门村第三村民小组", "龙门社区三社", "龙门村３ 组", "龙门村便民超市（3组）"],
)
def test_a_group_is_the_same_in_every_spelling(address: str) -> None:
    assert said("龙门村益农信息社", address).group == 3


def test_she_of_a_community_is_no_group() -> None:
    """康庄美地一社区: 一社 is a part of the village's name there."""
    town = Town.of("康美街道", [("500112022001", "康庄美地一社区居民委员会")])
    found = features("康庄美地一社区村村旺店", "康庄美地一社区老供销社", town)
    assert (found.group, found.marks) == (None, ("老供销社",))


@pytest.mark.parametrize(
    "name",
    [
        "龙门村便民服务站",
        "便民服务站（龙门村）",
        "龙门便民服务中心",
        "玉峰山镇龙门社区便民站",
        "龙门村村民委员会便民点",
    ],
)
def test_village_and_department_tell_nothing_of_the_door(name: str) -> None:
    """村 and 社区, swapped words, abbreviations; 中心村 is a village here and no part of 便民服务中心."""
    found = said(name)
    assert (found.village, found.marks) == (VILLAGE, ())


@pytest.mark.parametrize(
    "address", ["村委会", "龙门村党群服务中心一楼", "村办公室内", "玉峰山镇龙门村便民服务中心1楼大厅"]
)
def test_the_office_of_a_village_has_many_names(address: str) -> None:
    assert said("龙门村电商服务站", address).marks == ("村委",)


@pytest.mark.parametrize("address", ["老村公所", "原村委会"])
def test_a_former_office_is_another_building(address: str) -> None:
    assert said("龙门村电商服务站", address).marks == (address,)


def test_beside_a_building_is_not_in_it() -> None:
    found = said("村村旺龙门网点", "3组村委会对面惠民超市")
    assert (found.marks, found.near, found.group) == (("惠民超市",), "村委", 3)
    assert said("村村旺龙门网点", "水库边").marks == ()


def test_a_sign_in_the_name_counts_like_one_in_the_address() -> None:
    assert said("龙门村电商服务站（惠民超市）").marks == ("惠民超市",)
    short, full = said("龙门电商站惠民店"), said("龙门村益农信息社", "惠民超市内")
    assert set(short.grams) & set(full.grams)


def test_a_misspelt_department_is_no_sign() -> None:
    assert said("龙门村宜农信息社").marks == ()


def test_road_and_number_are_taken_apart() -> None:
    found = said("龙门村邮政服务点", "龙门村兴隆路１２号")
    assert (found.road, found.door) == ("兴隆路", 12)
    assert said("龙门村邮政服务点", "6号").door == 6
    assert said("龙门村邮政服务点", "幸福大道").road == "幸福大道"


@pytest.mark.parametrize(
    ("spoken", "group"), [("三社", 3), ("十社", 10), ("十二组", 12), ("二十组", 20), ("第二十三村民小组", 23)]
)
def test_spoken_numbers(spoken: str, group: int) -> None:
    assert said("龙门村益农信息社", spoken).group == group


@given(st.text("龙门村社区一二十百第组队旁边老街路号店（） ·12３\u3000\n", max_size=30), st.text(max_size=30))
def test_no_text_is_too_odd(one: str, other: str) -> None:
    for found in (said(one, other), said(other, one)):
        assert all(len(mark) > 1 for mark in found.marks)


def test_a_name_that_says_another_village_than_the_code() -> None:
    assert said("双井村益农信息社").village == OTHER
    assert said("益农信息社", None).village is None
