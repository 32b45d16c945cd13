"""What departments may do with files of three datasets, one of each load mode, and what the lake must make of it.

The model is plain Python and knows nothing of the lake's code: records of a file that are right are accepted, a wrong
one waits, a record that wholly repeats another counts once, and two that contradict each other both wait. Snapshot: of
each period the file of the highest revision counts; append: all files of a period, from the first correction on only
the highest revision; upsert: all files. Among files of one place the later counts, and a mend follows what it mends.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import openpyxl
from tests.support.two_registers import IDS, NAMES, VILLAGE

SNAPSHOT, APPEND, UPSERT = "commerce_online_purchase", "commerce_training", "agri_farm_household"
DATASETS = (SNAPSHOT, APPEND, UPSERT)
PERIODS = ("2024-01", "2024-02")
CATEGORIES = ("化肥", "农药", "种子种苗", "农机具及配件", "家用电器")
CODES = ("fertiliser", "pesticide", "seed", "tool", "appliance")
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "xlsx")
WRONG = "很多"
VALUE = {SNAPSHOT: "orders", APPEND: "attendees", UPSERT: "members"}
KEY = {SNAPSHOT: "category", APPEND: "session_no", UPSERT: "household_id"}


@dataclass(frozen=True)
class Record:
    """A record by the number of its key and its value; None is a value that cannot be read."""

    key: int
    value: int | None


@dataclass
class File:
    """A file as its department means it. `number` tells it from every other; `mends` is the file that it mends."""

    number: int
    dataset: str
    period: str
    records: Sequence[Record]
    revision: int = 0
    encoding: str = "utf-8"
    mends: File | None = None
    name: str = ""
    content: bytes = field(default=b"", repr=False)
    delivery: str = ""
    is_withdrawn: bool = False
    order: int = 0
    mended: list[File] = field(default_factory=list, repr=False)

    @property
    def expected(self) -> dict[str, int]:
        """The counts that its delivery must have."""
        good, waiting, repeats = judged(self.records)
        return {"records": len(self.records), "accepted": len(good), "quarantined": waiting, "duplicate": repeats}


def judged(records: Sequence[Record]) -> tuple[dict[int, int], int, int]:
    """The accepted records by key, how many wait, how many wholly repeat another."""
    distinct = list(dict.fromkeys(records))
    keys = Counter(item.key for item in distinct)
    good = {item.key: item.value for item in distinct if item.value is not None and keys[item.key] == 1}
    return good, len(distinct) - len(good), len(records) - len(distinct)


def place(file: File) -> tuple[int, int]:
    """Among the files of a period, the later wins."""
    return file.revision, file.order


def counting(dataset: str, files: Sequence[File]) -> list[File]:
    """The files that count, oldest first, each with its mends after it."""
    found: list[File] = []
    for period in PERIODS:
        bases = [one for one in files if (one.dataset, one.period, one.mends) == (dataset, period, None)]
        bases = sorted((one for one in bases if not one.is_withdrawn), key=place)
        replaced = dataset == SNAPSHOT or (dataset == APPEND and bases and bases[-1].revision > 0)
        for base in bases[-1:] if replaced else bases:
            found += [base, *mends_of(base)]
    return found


def mends_of(file: File) -> list[File]:
    """Mends of a file that were not withdrawn, and theirs, each after what it mends."""
    own = sorted((one for one in file.mended if not one.is_withdrawn), key=place)
    return [one for mend in own for one in (mend, *mends_of(mend))]


def expected_rows(dataset: str, files: Sequence[File]) -> dict[tuple[str, int], int]:
    """What silver must hold: {(period, empty where the key alone tells a row, number of the key): value}."""
    rows: dict[tuple[str, int], int] = {}
    for file in counting(dataset, files):
        for key, value in judged(file.records)[0].items():
            rows[file.period if dataset == SNAPSHOT else "", key] = value
    return rows


def key_text(dataset: str, key: int) -> str:
    """The key as silver has it."""
    return {SNAPSHOT: CODES[key], APPEND: f"DP202401000{key}", UPSERT: f"H5001121000{key}"}[dataset]


def written(file: File) -> bytes:
    """The file's bytes."""
    table = [HEADS[file.dataset], *(cells(file, record) for record in file.records)]
    if file.encoding == "xlsx":
        book, target = openpyxl.Workbook(), io.BytesIO()
        sheet = book.active
        assert sheet is not None
        for row in table:
            sheet.append(row)
        book.save(target)
        return target.getvalue()
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(table)
    return text.getvalue().encode(file.encoding)


HEADS: Mapping[str, list[str]] = {
    SNAPSHOT: ["月份", "收货村", "商品类别", "订单数", "购买金额（元）", "批次号"],
    APPEND: ["场次编号", "举办地", "举办日期", "培训主题", "参训人次", "批次号"],
    UPSERT: ["农户编号", "所在村", "户主姓名", "户主身份证号", "联系电话", "家庭人口", "是否脱贫户", "批次号"],
}


def cells(file: File, record: Record) -> list[Any]:
    """A record as its department writes it; the last column makes each file's bytes its own."""
    value, key = WRONG if record.value is None else record.value, record.key
    mark = f"批{file.number}"
    if file.dataset == SNAPSHOT:
        return [file.period, VILLAGE, CATEGORIES[key], value, 100, mark]
    if file.dataset == APPEND:
        return [key_text(APPEND, key), VILLAGE, f"{file.period}-05", "直播带货", value, mark]
    return [key_text(UPSERT, key), VILLAGE, NAMES[key], IDS[key], f"1380013800{key}", value, "是", mark]


def base_name(file: File) -> str:
    """The name under which a department drops it."""
    correction = "" if not file.revision else "__更正" + ("" if file.revision == 1 else str(file.revision))
    ending = "xlsx" if file.encoding == "xlsx" else "csv"
    return f"{file.dataset}__{file.period}{correction}.{ending}"
