"""Tables whose every cell has a known meaning, and the bytes of files with something broken in them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from tests.corpus import workbooks
from tests.corpus.making import Case, load_bases, load_cases
from tests.corpus.words import CREDITS

from agrilake.contract.load import load_registry

BAD = object()
"""The meaning of a cell that must not be taken."""
VILLAGES = {"中心村": "500112129201", "玉峰山镇石岩村": "500112129202", "500112130203": "500112129203"}
GOOD_CELLS: dict[str, dict[str, Any]] = {
    "division": {**VILLAGES, "渝北区玉峰山镇中心村": "500112129201", "500112129201": "500112129201"},
    "yes": {"是": True, "√": True, "1": True, "否": False, "无": False, "×": False, " 是 ": True},
    "kw": {
        "6.3": "6.3",
        "1,200.5": BAD,
        "12": "12",
        "44.100": "44.1",
        "６．３": "6.3",
        "10马力": "7.35",
        "0": "0",
        "0.5千瓦": "0.5",
    },
    "day": {
        "2022-04-20": "2022-04-20",
        "2022/4/20": "2022-04-20",
        "2022年4月20日": "2022-04-20",
        "20220420": "2022-04-20",
        "": None,
    },
    "machine": {"微耕机": "tiller", "拖拉机": "tractor"},
    "credit": {CREDITS[0]: CREDITS[0], f" {CREDITS[1]}": CREDITS[1], "": None, "-": None},
    "month": {"2024-01": "2024-01", "2024年1月": "2024-01", "202401": "2024-01", "2024/1": "2024-01"},
    "relief": {"最低生活保障": "minimum_living", "特困供养": "destitute"},
    "persons": {"2": 2, "3人": 3, "4.0": 4, "１": 1},
    "event": {"妥投": "delivered", "到站": "arrived", "已签收": "delivered"},
    "way": {"进村": "inbound", "出村": "outbound"},
    "node": {
        "YZ40112035": "YZ40112035",
        " YZ40112036": "YZ40112036",
        "ＹＺ40112035": "YZ40112035",
        "YZ\u200b40112035": "YZ40112035",
    },
    "moment": {
        "2024-01-12 10:32:05": "2024-01-12 10:32:05",
        "2024/1/12 10:32": "2024-01-12 10:32:00",
        "45303.4375": "2024-01-12 10:30:00",
    },
    "kg": {"1.250": "1.25", "1250克": "1.25", "2.5斤": "1.25", "": None, "0.5kg": "0.5", "1,0": BAD},
    "yuan": {"1120": "1120", "1,120.50": "1120.5", "0.112万元": "1120", "￥900": "900"},
}
BAD_CELLS = {
    "division": ("没有的村", "玉峰山镇", "兴隆社区", "", "5.00112E+11", "12"),
    "yes": ("也许", "", "2", "是否"),
    "kw": ("很大", "6.3吨", "-1", "6.3456", "6;3", "", "#REF!"),
    "day": ("2022-02-30", "22-4-20", "2022-04", "2024-04-01", "以后", "4/20/2022"),
    "machine": ("飞机", "", "微耕机、拖拉机"),
    "credit": ("93500199MA0077346X", "无证", "9.35E+17"),
    "month": ("2024-02", "一月", "2024-01-15", "", "2024"),
    "relief": ("其他", "", "低保、特困"),
    "persons": ("0", "2.5", "两人", "", "21"),
    "event": ("丢失", "", "妥投/退回"),
    "way": ("往返", "", "1"),
    "node": ("YZ4011203", "YZ40112035A", "", "yz40112035", "40112035"),
    "moment": ("2024-01-12", "2024-02-01 00:00:00", "10:32", "", "2024-01-12 25:00"),
    "kg": ("-1", "1.2345", "两斤", "1001", "1.25米"),
    "yuan": ("1,12", "一千", "", "1120.005", "-5"),
}
TABLES: dict[str, dict[str, str]] = {
    "machine": {
        "division_code": "division",
        "kind": "machine",
        "power_kw": "kw",
        "hill_suited": "yes",
        "smart_terminal": "yes",
        "owner_credit_code": "credit",
        "acquired_on": "day",
    },
    "parcel": {"event": "event", "site_no": "node", "event_at": "moment", "direction": "way", "weight_kg": "kg"},
    "assistance": {
        "period": "month",
        "division_code": "division",
        "kind": "relief",
        "persons": "persons",
        "amount_yuan": "yuan",
    },
}
"""Base -> its columns (all but the key) by the kind of their cells."""
KEYS = {"machine": "NJ{:08d}", "assistance": "H{:011d}", "parcel": "YL{:011d}"}
LARGEST_SEED = 6_000


@dataclass(frozen=True)
class Table:
    """A file and what it says: for each row its columns' meanings, in the order of the rows."""

    name: str
    data: bytes
    rows: list[dict[str, Any]]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A table of one to eight rows in any layout, some cells bad."""
    base = draw(st.sampled_from(sorted(TABLES)))
    dataset, kinds = load_registry().get(load_bases()[base]["dataset"]), TABLES[base]
    names = draw(st.permutations([dataset.key[0], *kinds]))
    rows, texts = [], []
    for at in range(draw(st.integers(1, 8))):
        key = KEYS[base].format(at)
        meanings, cells = {dataset.key[0]: key}, {dataset.key[0]: key}
        for name, kind in kinds.items():
            cells[name], meanings[name] = draw(_cells(kind))
        rows.append(meanings)
        texts.append([cells[name] for name in names])
    titles = [draw(st.sampled_from((dataset.column(name).title, *dataset.column(name).synonyms))) for name in names]
    above = draw(st.lists(st.sampled_from([["渝北区统计表"], ["填报单位：某镇"], [""]]), max_size=3))
    below = draw(st.lists(st.sampled_from([[""], ["备注：无"], ["合计"]]), max_size=2))
    lines = [*above, titles, *texts, *below]
    return Table(f"{dataset.id}__{load_bases()[base]['period']}", draw(_written(lines)), rows)


def _cells(kind: str) -> st.SearchStrategy[tuple[str, Any]]:
    good = st.sampled_from(sorted(GOOD_CELLS[kind].items(), key=str))
    bad = st.sampled_from([(text, BAD) for text in BAD_CELLS[kind]])
    return st.one_of(good, good, good, good, good, good, bad)


@st.composite
def _written(draw: st.DrawFn, lines: list[list[str]]) -> bytes:
    form = draw(st.sampled_from(["csv", "csv", "csv", "xlsx"]))
    if form == "xlsx":
        return workbooks.book([{"name": "Sheet1", "rows": lines}])
    target = io.StringIO()
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.writer(
        target,
        delimiter=draw(st.sampled_from(",\t;|")),
        quoting=quoting,
        lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
    )
    writer.writerows(lines)
    return target.getvalue().encode(draw(st.sampled_from(["gb18030", "utf-8", "utf-8-sig", "utf-16"])))


NAME_TOKENS = (
    *(
        "农户",
        "惠农补贴",
        "agri_farm_household",
        "__",
        "_",
        "＿＿",
        "2024",
        "２０２４",
        "٢٠٢٤",
        "-01",
        "年",
        "1月",
        "第一季度",
        "Q1",
        "20240230",
        "更正",
        "更正2",
        "更正0",
        "补正-",
        "0a1b2c3d",
        "-1",
        "确认",
        "(1)",
        " - 副本",
        "..",
        ".",
        " ",
        "①",
        "½",
        "㋀",
        "²",
        "%",
        "'",
        ".csv",
        ".CSV",
        ".xlsx",
        ".exe",
    ),
    "\u200b",
    "\u202e",
    chr(0xD83D),
)
names = st.lists(st.sampled_from(NAME_TOKENS), min_size=1, max_size=9).map("".join)
"""File names from the pieces of right and wrong ones."""

json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(["2024-01", "0" * 64, "", "x", "²", "½"])
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
manifests = st.dictionaries(st.sampled_from(["size", "sha256", "rows", "period", "revision", "行数"]), json_values)
"""What a manifest might say."""


def seeds() -> list[tuple[str, bytes]]:
    """File names and bytes of the corpus' cases that are small and have a dataset's name."""
    found = []
    for case in load_cases():
        if _is_seed(case) and len(case.content) <= LARGEST_SEED:
            found.append((case.place().rsplit("/", 1)[-1], case.content))
    return found


def _is_seed(case: Case) -> bool:
    return (
        case.after is None
        and case.code in (None, "mixed_encoding", "no_header", "missing_columns", "bad_workbook")
        and (case.make.keys() & {"text", "base", "sheets", "parts"} != set())
    )


TOKENS = (
    b'"',
    b'""',
    b",",
    b"\t",
    b";",
    b"\n",
    b"\r\n",
    b"\r",
    b"\0",
    b"\x1a",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xff",
    b"=",
    b"'",
    b"9" * 40,
    b"1e400",
    b"-",
    "合计".encode(),
    "合计".encode("gb18030"),
    "，".encode(),
    b"<",
    b"&",
    b"PK\x03\x04",
    b"(",
    "\u200b".encode(),
    b"%",
    b"0",
)


@st.composite
def mutated(draw: st.DrawFn, files: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    """A corpus file with some bytes changed, put in, left out, doubled, or taken from another file."""
    name, data = draw(st.sampled_from(files))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 40)))
        change = draw(st.sampled_from(["token", "byte", "delete", "double", "splice", "truncate"]))
        if change == "token":
            data = data[:at] + draw(st.sampled_from(TOKENS)) + data[at:]
        elif change == "byte":
            data = data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]
        elif change == "delete":
            data = data[:at] + data[end:]
        elif change == "double":
            data = data[:end] + data[at:end] + data[end:]
        elif change == "splice":
            _, other = draw(st.sampled_from(files))
            data = data[:at] + other[min(at, len(other)) :]
        else:
            data = data[:at]
    return name, data
