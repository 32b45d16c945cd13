"""What speaks for and against a pair, in the words of the steward who decides it."""

from __future__ import annotations

import polars as pl

WORDS: dict[str, dict[str, str]] = {
    "distance": {"null": "至少一方没有坐标"},
    "mark": {
        "usual office": "一方在村办公场所，便民服务站通常也在",
        "not the office": "一方另有门店，便民服务站通常在村办公场所",
        "offices apart": "都在村办公场所，但相距较远，可能有新旧两处",
        "same office": "都在村办公场所",
        "other office": "在不同村的办公场所",
        "same name": "门头或所在建筑相同",
        "similar name": "门头或所在建筑相近",
        "next door": "一方在另一方旁边",
        "same neighbour": "在同一参照物旁",
        "other name": "门头或所在建筑不同",
        "other neighbour": "参照物不同",
        "else": "门头与参照物不能对比",
    },
    "group": {"same": "同组（社）", "else": "不同组（社）"},
    "door": {"same number": "门牌相同", "same road": "同一条路", "else": "门牌或道路不同"},
    "choice": {"one by one": "两部门在本村各只有这一个站点"},
    "village": {"same code": "名称写的村不同", "else": "不同村"},
}
"""Chinese words of the levels that say something, by comparison; the others are left out."""


def evidence() -> pl.Expr:
    """The levels of a scored pair and its distance (distance_m) as one line."""
    distance = (
        pl.when(pl.col("distance_m").is_null())
        .then(pl.lit(WORDS["distance"]["null"]))
        .otherwise(pl.format("相距约 {} 米", pl.col("distance_m").round(0).cast(pl.Int64)))
    )
    said = [
        pl.col(f"{name}_level").replace_strict(found, default=None, return_dtype=pl.String)
        for name, found in WORDS.items()
        if name != "distance"
    ]
    return pl.concat_str(distance, *said, separator="；", ignore_nulls=True)


def distance_m(left: str = "left", right: str = "right") -> pl.Expr:
    """Metres between two points in degrees (haversine, mean Earth radius as Splink takes it)."""
    lat1, lat2 = (pl.col(f"{side}_lat").radians() for side in (left, right))
    half_lat = ((lat2 - lat1) / 2).sin().pow(2)
    half_lon = ((pl.col(f"{right}_lon") - pl.col(f"{left}_lon")).radians() / 2).sin().pow(2)
    return 2 * 6_371_000 * (half_lat + lat1.cos() * lat2.cos() * half_lon).sqrt().arcsin()
