"""Files that cannot be taken at all, each with the code that its receipt must state."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime

import xlsxwriter

from agrilake.sample.drop import Drop
from agrilake.sample.places import Places
from agrilake.sample.records import Row

HOUSEHOLD_HEADER = "农户编号,所在村,户主姓名,户主身份证号,联系电话,家庭人口,是否脱贫户\r\n"
SITE_HEADER = "站点编号,站点名称,所在村,经度,纬度,开办日期,服务项目\r\n"
MADE = datetime(2024, 1, 1)  # noqa: DTZ001 (a workbook's property has no zone)


def deliver(drop: Drop, months: Sequence[str], households: Sequence[Row]) -> None:
    """One file for each way of being refused."""
    month, row = months[-1], _household_line(drop.places, households[0])
    plain = (HOUSEHOLD_HEADER + row).encode("gb18030")
    wrong_period = f"{month[:4]}Q3"
    refuse, name = drop.refuse, f"agri_farm_household__{month}"
    refuse("agri", f"{name}__空文件.csv", b"", "empty_file", "agri_farm_household", month)
    refuse(
        "agri", f"{name}__只有表头.csv", HOUSEHOLD_HEADER.encode("gb18030"), "header_only", "agri_farm_household", month
    )
    refuse("agri", f"{name}__没有表头.csv", (row * 3).encode("gb18030"), "no_header", "agri_farm_household", month)
    refuse("agri", f"{name}__缺列.csv", _without_members(row), "missing_columns", "agri_farm_household", month)
    refuse("agri", f"{name}__列重复.csv", _header_twice(row), "duplicate_header", "agri_farm_household", month)
    refuse("agri", f"{name}__混合编码.csv", _two_encodings(row), "mixed_encoding", "agri_farm_household", month)
    refuse("agri", f"{name}__空字节.csv", plain.replace(b"H", b"\0H", 1), "nul_bytes", "agri_farm_household", month)
    refuse("agri", f"{name}__截断.xlsx", _workbook(row)[:900], "bad_workbook", "agri_farm_household", month)
    refuse("agri", f"{name}__列太多.csv", _columns(3000, row), "too_many_columns", "agri_farm_household", month)
    refuse("agri", f"agri_farm_household__{wrong_period}.csv", plain, "wrong_period")
    refuse("agri", f"农机补贴资金__{month}.csv", plain, "unknown_dataset")
    refuse(
        "commerce",
        f"commerce_service_site__{month}__装错表.csv",
        plain,
        "wrong_dataset",
        "commerce_service_site",
        month,
    )
    refuse("commerce", "农村电商服务站.csv", SITE_HEADER.encode("gb18030"), "bad_name")


def _household_line(places: Places, row: Row) -> str:
    place = places.by_code[row["division_code"]]
    cells = (row["household_id"], place.code, row["head_name"], row["head_id_no"], row["phone"] or "", "4", "否")
    return ",".join(cells) + "\r\n"


def _without_members(row: str) -> bytes:
    lines = [HOUSEHOLD_HEADER, row]
    return "".join(",".join(line.rstrip().split(",")[:5]) + "\r\n" for line in lines).encode("gb18030")


def _header_twice(row: str) -> bytes:
    header = HOUSEHOLD_HEADER.replace("联系电话", "家庭人口")
    return (header + row).encode("gb18030")


def _two_encodings(row: str) -> bytes:
    return (HOUSEHOLD_HEADER + row * 3).encode("gb18030") + (row * 2).encode("utf-8")


def _columns(count: int, row: str) -> bytes:
    header = HOUSEHOLD_HEADER.rstrip() + "".join(f",备用{number}" for number in range(count)) + "\r\n"
    return (header + row).encode("gb18030")


def _workbook(row: str) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.set_properties({"created": MADE})
        sheet = book.add_worksheet("农户")
        for at, line in enumerate((HOUSEHOLD_HEADER, row)):
            sheet.write_row(at, 0, line.rstrip().split(","))
    return buffer.getvalue()
