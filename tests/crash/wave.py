"""A small lake and a wave of files that takes every step: a large table merged, a correction, a mend, a new table,
refused files, a repeat."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from tests.conftest import open_lake
from tests.support.samples import SAMPLE, drop
from tests.unit.test_intake_pipeline import mended

from agrilake.intake.receipt import receipt_paths
from agrilake.pipeline.outcomes import Outcome

BASE = (
    *("stats/stats_division__2023.csv", "stats/行政区划__2024.xlsx", "stats/区划代码对照__2024.txt"),
    *("stats/人口户数__2024年.xlsx", "postal/三级寄递节点__2024年第1季度.xlsx", "postal/邮件快件__2024-02.txt"),
    *("commerce/commerce_ecommerce_sales__2023-01.csv", "commerce/农产品网络零售__2024-01.xlsx"),
    *("commerce/commerce_ecommerce_sales__2024-02.csv", "agri/agri_farm_household__2024-01.csv"),
)
WAVE = (
    *("commerce/commerce_ecommerce_sales__2024-02__更正.csv", "commerce/commerce_training__2024-02.csv"),
    *("postal/postal_parcel__2024-01.csv", "postal/postal_parcel__2024-01.csv.manifest.json"),
    *("agri/农户__2024-02.xlsx", "agri/agri_farm_household__2024-02__缺列.csv", "commerce/农村电商服务站.csv"),
)
MENDED = "农产品网络零售__2024-01.xlsx"
LARGE = "postal/邮件快件__2024-02.txt"
REPEATED = "commerce/commerce_ecommerce_sales__2023-01.csv"
LARGE_SILVER, LARGE_GOLD, NEW = "postal_parcel", "delivery_event", "commerce_training"


def drop_base(home: Path) -> None:
    """What the lake has taken before anything is killed."""
    for name in BASE:
        drop(SAMPLE / "inbox" / name, home)


def drop_wave(home: Path) -> None:
    """What is on its way when something is killed; the lake at `home` has taken the base."""
    for name in WAVE:
        drop(SAMPLE / "inbox" / name, home)
    drop(SAMPLE / "inbox" / REPEATED, home, name="农产品网络零售__2023年1月__再报.csv")
    drop_correction(home)
    _drop_mend(home)


def drop_correction(home: Path) -> None:
    """The large table's file once more, corrected: without its last fifty parcels."""
    lines = (SAMPLE / "inbox" / LARGE).read_bytes().splitlines(keepends=True)
    _put(home / "inbox" / "postal" / "邮件快件__2024-02__更正.txt", b"".join(lines[:-50]))


def _drop_mend(home: Path) -> None:
    """The receipt of a partly taken file, mended."""
    lake = open_lake(home)
    (delivery,) = [item for item in lake.state.deliveries() if item.file_name == MENDED]
    receipt = receipt_paths(lake.home, delivery)
    text = io.StringIO()
    csv.writer(text).writerows(mended(lake, Outcome(delivery, receipt)))
    _put(home / "inbox" / delivery.department / receipt.csv.name, text.getvalue().encode("utf-8-sig"))


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (1_700_000_000, 1_700_000_000))
