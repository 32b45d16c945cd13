"""Files in which made-up persons hide wherever a department could leave them."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import openpyxl
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from tests.support.samples import SAMPLE, drop

AREA, VILLAGE = "500112", "玉峰山镇石岩村"
NAMES = ("汤沐蕤", "莫听笙", "欧阳栖迟", "贺远岫", "钟漱玉", "龚照野", "邹霁明", "曾望舒", "向晚棠", "武怀瑾")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def resident_id(number: int) -> str:
    """A made-up resident id with its right check character (GB 11643)."""
    born = dt.date(1950, 1, 1) + dt.timedelta(days=number * 17)
    body = f"{AREA}{born:%Y%m%d}{number % 1000:03d}"
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11]


def bank_card(number: int) -> str:
    """A made-up card of 19 digits with its Luhn digit."""
    body = f"62284804{number:010d}"
    total = sum(sum(divmod(int(digit) * (2 - at % 2), 10)) for at, digit in enumerate(reversed(body)))
    return f"{body}{-total % 10}"


@dataclass
class People:
    """Gives out made-up persons one value at a time, and remembers where each was put."""

    planted: dict[str, str]

    def _put(self, where: str, kind: str, value: str) -> str:
        self.planted[f"{kind} {len(self.planted)} in {where}"] = value
        return value

    def phone(self, where: str) -> str:
        """A mobile number of its own for that place."""
        number = len(self.planted)
        return self._put(where, "phone", f"1397{number:03d}{number * 7919 % 10000:04d}")

    def id_no(self, where: str) -> str:
        """A resident id of its own for that place."""
        return self._put(where, "id", resident_id(len(self.planted)))

    def card(self, where: str) -> str:
        """A bank card of its own for that place."""
        return self._put(where, "card", bank_card(9_900_000_000 + len(self.planted) * 7919))

    def name(self, where: str, number: int) -> str:
        """One of NAMES."""
        return self._put(where, "name", NAMES[number])


def parts(number: str, between: str, *sizes: int) -> str:
    """The number in parts of those sizes."""
    found, at = [], 0
    for size in (*sizes, len(number)):
        found.append(number[at : at + size])
        at += size
    return between.join(part for part in found if part)


def drop_planted(home: Path) -> dict[str, str]:
    """Drop the division tables and the planted files into the home's inbox; {where: value} of all that was planted."""
    people = People({})
    for name in ("行政区划__2024.xlsx", "区划代码对照__2024.txt"):
        drop(SAMPLE / "inbox" / "stats" / name, home)
    for path, content in _texts(people).items():
        _write(home / "inbox" / path, content.encode("gb18030"))
    _workbook(people, home / "inbox" / "coop" / f"coop_service_site__2024Q1__{people.name('file name', 9)}.xlsx")
    _refused(people, home / "inbox")
    for path in (home / "inbox").rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000), follow_symlinks=False)
    return people.planted


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _texts(people: People) -> dict[str, str]:
    p = people
    return {
        f"agri/agri_farm_household__2024-01__{p.id_no('file name')}.csv": _lines(_households(p)),
        "agri/agri_farm_household__2024-02.csv": _lines(_slipped(p)),
        "civil/civil_elder__2024-01.csv": _lines(_elders(p)),
        "agri/agri_subsidy_payment__2024-01.csv": _lines(_subsidies(p)),
        "agri/agri_trace_batch__2024-01.csv": _lines(_batches(p)),
        "commerce/commerce_ecommerce_sales__2024-01.csv": _lines(_sales(p)),
        "postal/postal_parcel__2024-01.csv": _lines(_parcels(p)),
        f"commerce/commerce_service_site__2024-01__{p.phone('file name')}.csv": _lines(_sites(p)),
    }


def _lines(rows: Iterator[list[str]]) -> str:
    return "".join(",".join(f'"{cell}"' if "\n" in cell else cell for cell in row) + "\r\n" for row in rows)


def _households(p: People) -> Iterator[list[str]]:
    yield [f"农户表 填表人：{p.name('preamble', 0)} 电话{p.phone('preamble')}"]
    header = ["户编号", "区划代码", "户主", "身份证号", "手机号", "家庭人口数", "脱贫户"]
    yield [*header, f"备注{p.phone('header')}{NAMES[0]}", f"经办{NAMES[1]}"]
    for at in range(1, 4):
        row = [f"H1212900000{at}", VILLAGE, p.name("name column", at), p.id_no("id column"), p.phone("phone column")]
        yield [*row, "4", "否", p.card("unknown column"), f"{NAMES[1]}经办"]
    yield ["合计", p.phone("total"), NAMES[0], "", "", "12", "", p.id_no("total"), ""]
    yield [f"注：联系人{NAMES[0]}{p.phone('note')}", *[""] * 8]


def _slipped(p: People) -> Iterator[list[str]]:
    """A name, a number or a card in each column in turn, so that each column has its error."""
    yield ["户编号", "区划代码", "户主", "身份证号", "手机号", "家庭人口数", "脱贫户"]
    right = ["H12129000010", VILLAGE, "赵小满", resident_id(900), "13600000000", "4", "否"]
    kinds = {"id": p.id_no, "phone": p.phone, "card": p.card}
    number = 11
    for at in range(len(right)):
        for kind, value in kinds.items():
            wrong = list(right)
            wrong[0], wrong[3] = f"H121290000{number}", resident_id(900 + number)
            if (at, kind) not in {(3, "id"), (4, "phone")}:
                wrong[at] = value(f"slipped into column {at}")
            number += 1
            yield wrong
        wrong = list(right)
        wrong[0] = f"H121290000{number}"
        if at != 2:
            wrong[at] = NAMES[3 + at % 3]
        number += 1
        yield wrong
    yield [*right[:3], p.id_no("row with too many cells"), *right[4:], NAMES[4], p.phone("row with too many cells")]
    yield [f'"{NAMES[5]}', p.phone("open quote"), *right[2:]]
    same = p.id_no("key conflict")
    yield ["H12129000099", VILLAGE, NAMES[4], same, p.phone("key conflict"), "4", "否"]
    yield ["H12129000099", VILLAGE, NAMES[5], same, p.phone("key conflict"), "5", "否"]


def _elders(p: People) -> Iterator[list[str]]:
    yield ["编号", "区划代码", "老人姓名", "身份证号码", "手机号", "住址", "出生年月", "独居", "失能程度", "护理等级"]
    for at in range(4, 7):
        place = f"{VILLAGE}{p.name('elder', at)}院子{at}号"
        row = [f"E500112000{at}", VILLAGE, NAMES[at], p.id_no("elder"), p.phone("elder"), place]
        yield [*row, "1950-02", "是", "能力完好", "一级" if at == 5 else NAMES[at]]


def _subsidies(p: People) -> Iterator[list[str]]:
    yield ["流水号", "户编号", "区划代码", "补贴种类", "补贴面积", "发放金额", "入账日期", "一卡通账号", "备注"]
    row = ["H12129000001", VILLAGE, "农作物良种补贴", "2.01", "30.15", "20240101"]
    yield ["BT20240100000001", *row, p.card("card column"), f"代领人{NAMES[6]}{p.id_no('unknown column')}"]
    yield ["BT20240100000002", *row[:4], p.phone("amount"), *row[5:], p.card("card column"), ""]
    yield ["BT20240100000003", *row[:3], p.card("area"), *row[4:], p.card("card column"), ""]
    yield [p.card("flow number"), *row, bank_card(1)[:-1] + "0", ""]


def _batches(p: People) -> Iterator[list[str]]:
    yield ["追溯编码", "统一社会信用代码", "产地村", "产品名称", "采收日期", "数量", "销售去向"]
    base = ["92500199MA0000031X", VILLAGE, "土鸡蛋", "2024-01-01", "182.6"]
    for at, text in enumerate(_spelt(p, "destination")):
        yield [f"ZS500112202401{at:04d}", *base, text]


def _spelt(p: People, where: str) -> Iterator[str]:
    """Texts with persons in all the ways that people write them."""
    wide = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
    yield f"送{p.phone(where)}"
    yield f"送{p.phone(where).translate(wide)}"
    yield f"送 {parts(p.phone(where), '-', 3, 4)} 收"
    yield parts(p.phone(where), " ", 3, 4)
    yield parts(p.phone(where), "\u00a0", *[1] * 10)
    yield parts(p.phone(where), "\n", 5)
    yield parts(p.phone(where), ".", 3, 4)
    yield f"＋86 {p.phone(where)}转交"
    yield p.phone(where).translate(str.maketrans("0123456789", "零一二三四五六七八九"))
    yield f"身份证{p.id_no(where)}的亲戚"
    yield parts(p.id_no(where), " ", 6, 8)
    yield p.id_no(where).translate(wide)
    yield p.id_no(where).lower()
    yield f"残疾证{p.id_no(where)}44"
    yield f"转账至{p.card(where)}"
    yield parts(p.card(where), " ", 4, 4, 4, 4)
    yield f"{p.name(where, 7)}（{p.phone(where)}）"
    yield f"联系人：{p.name(where, 8)}"
    yield f"{p.phone(where)}{p.phone(where)}"


def _sales(p: People) -> Iterator[list[str]]:
    yield ["月份", "统一社会信用代码", "销售平台", "产品", "品牌", "订单量", "销售额（元）"]
    row = ["2024-01", "92500199MA0000031X"]
    yield [*row, "淘宝", f"脐橙{p.phone('key')}", f"玉峰{p.id_no('brand')}", "10", "100.00"]
    yield [*row, "淘宝", "柑橘", "玉峰", p.phone("quantity"), p.phone("amount")]


def _parcels(p: People) -> Iterator[list[str]]:
    yield ["运单号", "事件", "节点编号", "事件时间", "方向", "重量", "寄件人电话", "收件人电话"]
    for number in ("YT24050000121", p.phone("waybill"), p.id_no("waybill")):
        yield [
            number,
            "揽收",
            "YZ50011201",
            "2024-01-02 08:00:00",
            "出村",
            "1.5",
            p.phone("sender"),
            p.phone("receiver"),
        ]


def _sites(p: People) -> Iterator[list[str]]:
    yield ["站点编号", "名称", "区划代码", "地址", "负责人", "手机号", "经度", "纬度", "建成日期", "服务内容"]
    for at, text in enumerate(("旁", p.phone("address"), p.id_no("address"))):
        row = [f"5001120{at}", f"龙门电商站{p.phone('title')}", VILLAGE, f"龙门村3社{text}", NAMES[6], p.phone("phone")]
        yield [*row, "106.75", "29.72", "2020-01-01", f"找{NAMES[6]}办理，{p.card('services')}"]


def _workbook(p: People, path: Path) -> None:
    """Every corner of a workbook in which a person may stand."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = f"网点{p.phone('sheet name')}"
    header = ["网点编号", "名称", "区划代码", "地址", "负责人", "手机号", "经度", "纬度", "建成日期", "服务内容"]
    sheet.append([f"供销网点 审核人：{p.name('preamble of a workbook', 5)}"])
    sheet.append(header)
    for at, text in enumerate(_spelt(p, "services of a workbook")):
        phone = p.phone("phone of a workbook")
        row = [f"WW500112{at:02d}", "龙门网点", VILLAGE, "龙门村3社", NAMES[5], phone, 106.75, 29.72, "2020-01-01"]
        sheet.append([*row, text])
    sheet.append(
        ["WW50011299", NAMES[5], p.phone("division"), p.id_no("address"), "", "", p.phone("longitude"), "x", "x"]
    )
    sheet.append(
        ["WW50011298", "龙门网点", VILLAGE, "", "", "", 106.75, 29.72, "2020-01-01", f"={p.phone('formula')}&1"]
    )
    sheet["B3"].comment = Comment(f"见{p.id_no('comment')}", p.name("author of a comment", 6))
    sheet["B4"].hyperlink = f"tel:{p.phone('hyperlink')}"
    sheet.row_dimensions[4].hidden = True
    sheet.column_dimensions["J"].hidden = True
    sheet.oddHeader.center.text = p.phone("page header")
    sheet.oddFooter.left.text = p.id_no("page footer")
    validation = DataValidation(type="list", formula1=f'"甲,{p.phone("list of a validation")}"')
    validation.prompt, validation.error = p.phone("prompt"), p.id_no("error of a validation")
    sheet.add_data_validation(validation)
    validation.add("A3")
    hidden = book.create_sheet(f"名单{p.phone('name of a hidden sheet')}")
    hidden.append([NAMES[4], p.id_no("hidden sheet"), p.phone("hidden sheet")])
    hidden.sheet_state = "hidden"
    very = book.create_sheet(NAMES[5])
    very.append([p.id_no("very hidden sheet")])
    very.sheet_state = "veryHidden"
    other = book.create_sheet(f"说明{NAMES[5]}")
    other.append([f"联系{p.phone('another sheet')}"])
    book.defined_names["who"] = DefinedName("who", attr_text=f'"{p.id_no("defined name")}"')
    about = book.properties
    about.creator, about.lastModifiedBy = p.name("author", 7), p.name("last author", 8)
    about.title, about.subject, about.keywords = p.phone("title"), p.id_no("subject"), p.card("keywords")
    about.description, about.category = p.phone("description"), p.phone("category")
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def _refused(p: People, inbox: Path) -> None:
    """Files that cannot be taken: their names, headers and manifests are all that is told of them."""
    right = b"a,b\r\n1,2\r\n"
    _write(inbox / "agri" / f"{NAMES[2]}{p.phone('unknown file')}.csv", right)
    _write(inbox / "agri" / f"agri_machinery__{p.phone('period')}.csv", right)
    _write(inbox / "agri" / f"agri_machinery__2024Q1__补正{p.phone('mend')}.csv", right)
    _write(inbox / "agri" / f"农户{p.id_no('dataset')}__2024-03.csv", right)
    _write(inbox / "agri" / "agri_machinery__2024Q1.doc", p.id_no("unknown format").encode())
    _write(
        inbox / "agri" / p.phone("subfolder") / f"agri_machinery__2024Q1__{p.phone('file of a subfolder')}.csv", right
    )
    _write(inbox / f"{p.phone('file outside a department')}.csv", right)
    _write(inbox / p.phone("department") / "agri_machinery__2024Q1.csv", right)
    twice = f"户编号,户主,户主姓名（{p.phone('double header')}）,备注{NAMES[3]},备注{NAMES[3]}\r\n"
    _write(inbox / "agri" / "agri_farm_household__2024-04.csv", twice.encode("gb18030"))
    _write(
        inbox / "agri" / "agri_farm_household__2024-05.csv", f"{NAMES[4]},{p.id_no('no header')}\r\n".encode("gb18030")
    )
    mixed = f"户编号,户主\r\n1,{NAMES[5]}{p.phone('mixed encoding')}\r\n"
    _write(inbox / "agri" / "agri_farm_household__2024-06.csv", mixed.encode("gb18030") + mixed.encode("utf-8"))
    _write(
        inbox / "agri" / "agri_farm_household__2024-07.csv",
        f"户编号,户主\r\n\0{p.id_no('nul bytes')}".encode("gb18030"),
    )
    _archive(p, inbox / "agri" / "agri_farm_household__2024-08.xlsx")
    _torn(p, inbox / "agri" / "agri_farm_household__2024-09.xlsx")
    manifest = inbox / "agri" / "agri_machinery__2024Q2.csv"
    _write(manifest, right)
    _write(manifest.with_name(f"{manifest.name}.manifest.json"), json.dumps(_stated(p)).encode())
    link = inbox / "agri" / f"agri_machinery__2024Q3__{p.phone('link')}.csv"
    link.symlink_to(f"/nowhere/{p.phone('target of a link')}")


def _stated(p: People) -> Mapping[str, object]:
    return {"period": p.phone("period of a manifest"), p.phone("key of a manifest"): 1}


def _archive(p: People, path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.comment = p.phone("comment of an archive").encode()
        file.writestr(f"{p.id_no('member of an archive')}.csv", p.phone("content of an archive"))


def _torn(p: People, path: Path) -> None:
    whole = path.with_suffix(".whole")
    _workbook(People(p.planted), whole)
    path.write_bytes(whole.read_bytes()[:-200])
    whole.unlink()


def copy_tree(source: Path, target: Path) -> Path:
    """A copy of a lake."""
    return Path(shutil.copytree(source, target, symlinks=True))
