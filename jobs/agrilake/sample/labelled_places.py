"""Physical places of a village as record linkage meets them: offices, shops, old co-op buildings, some next door to
one another, some with a chain's name that the next village has as well."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agrilake.sample.places import Place

OFFICES = ("村委会办公楼", "党群服务中心", "村委会", "村办公室", "便民服务中心")
"""Words for the one public building of a village; a department uses one, the next another."""
COMMUNITY_OFFICES = ("居委会办公楼", "党群服务中心", "社区居委会", "社区办公室", "便民服务中心")
SHOPS = (
    "惠民超市", "便民超市", "利民商店", "好又多超市", "乡村副食店", "新农家超市", "万家福超市", "佳佳便利店",
    "益民商店", "家家乐超市", "好邻居便利店", "兴旺农资店", "丰收农资店", "金穗农资店", "大众药房", "天天快递驿站",
)  # fmt: skip
CHAINS = ("邮乐购便利店", "新合作超市", "重百商社便利店", "中农农资连锁店")
"""Names that stand over the doors of many villages."""
OLD_BUILDINGS = ("老供销社", "原村小学", "粮站", "老村公所", "文化大院", "原乡政府")
LANDMARKS = (
    "公路边", "村小学旁", "大桥桥头", "场口", "农贸市场旁", "车站对面", "卫生室旁", "大黄葛树旁", "加油站旁", "水库边",
)  # fmt: skip
ROADS = ("兴隆路", "迎宾路", "新街", "老街", "振兴路", "滨河路", "幸福大道", "桃源路")
ASIDE = ("旁", "对面", "隔壁", "斜对面")
FIRST_OFFICE, SECOND_OFFICE = 0.85, 0.25
METRE = 1 / 111_320
"""Degrees of latitude of a metre."""


@dataclass(frozen=True)
class TruePlace:
    """One physical place: where it is (degrees, EPSG:4490) and what one can say of it.

    `kind` is office, shop or building; `sign` is what stands over the door (none over an office); `group` the
    villagers' group; `landmark` what people name beside it; `road` and `door` an address of a town."""

    place_id: str
    village: Place
    kind: str
    sign: str
    group: int
    landmark: str
    road: str
    door: int
    lon: float
    lat: float


def places_of(village: Place, rng: np.random.Generator) -> list[TruePlace]:
    """One to five places of a village: an office in most, and where villages were merged the old one is an office
    still; four in ten have the next place right beside it."""
    count = int(rng.choice([1, 2, 3, 4, 5], p=[0.1, 0.3, 0.3, 0.2, 0.1]))
    found: list[TruePlace] = []
    for number in range(count):
        is_office = rng.random() < (FIRST_OFFICE if number == 0 else SECOND_OFFICE if number == 1 else 0)
        before = found[-1] if found else None
        found.append(_place(village, f"{village.code}-{number + 1}", is_office, before, rng))
    return found


def _place(
    village: Place, place_id: str, is_office: bool, before: TruePlace | None, rng: np.random.Generator
) -> TruePlace:
    beside = before is not None and rng.random() < 0.4 and not is_office
    lon, lat = moved(village.lon, village.lat, float(rng.gamma(2, 260)), rng)
    group, landmark = int(rng.integers(1, 13)), str(rng.choice(LANDMARKS))
    if is_office and before is not None:
        lon, lat = moved(before.lon, before.lat, float(rng.uniform(150, 1500)), rng)
        group = before.group % 12 + int(rng.integers(1, 4))
    road, door = (str(rng.choice(ROADS)), int(rng.integers(1, 180))) if rng.random() < 0.3 else ("", 0)
    if beside and before is not None:
        lon, lat = moved(before.lon, before.lat, float(rng.uniform(25, 120)), rng)
        group, road = before.group, before.road
        door = before.door + int(rng.choice([-2, 2, 4])) if before.door > 2 else before.door
        landmark = _next_door(before, rng)
    kind, sign = "office", ""
    if not is_office:
        kind = "shop" if rng.random() < 0.75 else "building"
        names = (CHAINS if rng.random() < 0.25 else SHOPS) if kind == "shop" else OLD_BUILDINGS
        sign = str(rng.choice([name for name in names if before is None or name != before.sign]))
    return TruePlace(place_id, village, kind, sign, group, landmark, road, door, lon, lat)


def _next_door(before: TruePlace, rng: np.random.Generator) -> str:
    """What one says of a place beside the office or a shop: it names that very place."""
    named = before.sign or str(rng.choice(OFFICES if before.village.committee else COMMUNITY_OFFICES))
    return named + str(rng.choice(ASIDE))


def moved(lon: float, lat: float, metres: float, rng: np.random.Generator) -> tuple[float, float]:
    """A point that many metres away in any direction."""
    angle = float(rng.uniform(0, 2 * math.pi))
    north, east = metres * math.cos(angle) * METRE, metres * math.sin(angle) * METRE / math.cos(math.radians(lat))
    return lon + east, lat + north
