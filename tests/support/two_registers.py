"""Two departments' files about the same persons, who share no number but the one that becomes a token."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from agrilake.pipeline import steps
from agrilake.pipeline.context import Lake
from agrilake.sample.identifiers import resident_id, stream

VILLAGE = "500112129201"
IDS = [resident_id(stream(7, "person", number), date(1950, 5, 8)) for number in range(6)]
NAMES = ("欧阳砚秋", "司徒砚冬", "上官砚春", "皇甫砚夏", "慕容砚雪", "令狐砚雨")
HOUSEHOLDS, ELDERS = "agri_farm_household", "civil_elder"
Rows = Sequence[Sequence[Any]]


def households(*numbers: int) -> Rows:
    """The household register's file: the head of each household has one of IDS."""
    head = ("农户编号", "所在村", "户主姓名", "户主身份证号", "联系电话", "家庭人口", "是否脱贫户")
    return [head, *((f"H5001121000{n}", VILLAGE, NAMES[n], IDS[n], f"1380013800{n}", 2, "是") for n in numbers)]


def elders(*numbers: int) -> Rows:
    """The elder register's file of the same persons."""
    head = ("老人编号", "所在村", "姓名", "身份证号", "出生日期", "是否独居", "失能等级")
    return [head, *((f"E000000000{n}", VILLAGE, NAMES[n], IDS[n], "1950-05-08", "是", "能力完好") for n in numbers)]


def put(lake: Lake, files: Mapping[str, Rows]) -> None:
    """Drop CSV files into the inbox: {dataset__period: rows}."""
    for name, rows in files.items():
        path = lake.home.inbox / name.partition("_")[0] / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)


def to_silver(lake: Lake) -> None:
    """Bring both registers up to date."""
    for name in (HOUSEHOLDS, ELDERS):
        steps.update_silver(lake, name)
