"""Bad files from their description in cases/*.yaml: made-up people, real bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import xlsxwriter
import yaml
from msoffcrypto.format.ooxml import OOXMLFile

from agrilake.sample.identifiers import PHONE_PREFIX, resident_id, stream

FOLDER = Path(__file__).parent / "cases"
NAMES = ("欧阳砚秋", "司徒砚冬", "上官砚春", "诸葛砚夏")
IDS = [resident_id(stream(4, "corpus", name), date(1960 + at, 5, 8)) for at, name in enumerate(NAMES)]
PHONES = [f"{PHONE_PREFIX}7734{1000 + at}" for at, _ in enumerate(NAMES)]
HEADER = "农户编号,所在村,户主姓名,户主身份证号,联系电话,家庭人口,是否脱贫户"
VILLAGE = "500112129201"
PLANTED = (*NAMES, *IDS, *PHONES)
"""What may stand in landing, bronze and the department's own folder, and nowhere else."""


def household(at: int, **changes: str) -> str:
    """A line of agri_farm_household for the person `at`, cells changed by their English names."""
    cells = {
        "household_id": f"H5001121000{at}",
        "village": VILLAGE,
        "name": NAMES[at],
        "id_no": IDS[at],
        "phone": PHONES[at],
        "members": str(at + 2),
        "poor": "是",
    }
    return ",".join((cells | changes).values())


WORDS = {
    "header": HEADER,
    **{f"row{at}": household(at) for at in range(len(NAMES))},
    **{f"name{at}": name for at, name in enumerate(NAMES)},
    **{f"id{at}": number for at, number in enumerate(IDS)},
    **{f"phone{at}": number for at, number in enumerate(PHONES)},
    "village": VILLAGE,
}


@dataclass(eq=False)
class Case:
    """One bad file: where it is dropped, what is in it, and the outcome that its department is told.

    `counts` are records, accepted, quarantined, duplicate; `rules` the quarantine's findings by rule; `told` is a
    piece of the receipt's text.
    """

    case: str
    outcome: str
    path: str
    make: dict[str, Any]
    status: str
    code: str | None = None
    counts: tuple[int, int, int, int] = (0, 0, 0, 0)
    rules: dict[str, int] = field(default_factory=dict)
    told: str = ""

    @property
    def place(self) -> str:
        """Path in the inbox."""
        return self.path.format(**WORDS)

    @cached_property
    def content(self) -> bytes:
        """The file's bytes, made once: a password's salt is never the same twice."""
        return content(self.make)


def load_cases() -> list[Case]:
    """All cases of cases/*.yaml."""
    return [Case(**item) for path in sorted(FOLDER.glob("*.yaml")) for item in yaml.safe_load(path.read_text("utf-8"))]


def drop_case(case: Case, inbox: Path) -> None:
    """Put the case's file (or link) into the inbox."""
    path = inbox / case.place
    path.parent.mkdir(parents=True, exist_ok=True)
    if "link" in case.make:
        path.symlink_to(case.make["link"])
    else:
        path.write_bytes(case.content)


def content(make: dict[str, Any]) -> bytes:
    """The bytes that a description asks for; exactly one of its kinds, then truncate or password."""
    kinds = {name: maker for name, maker in MAKERS.items() if name in make}
    assert len(kinds) == 1, make
    (name, maker), *_ = kinds.items()
    data: bytes = maker(make[name], make)
    if "truncate" in make:
        data = data[: make["truncate"]]
    if "password" in make:
        target = io.BytesIO()
        OOXMLFile(io.BytesIO(data)).encrypt(make["password"], target)
        data = target.getvalue()
    return data


def _text(text: str, make: dict[str, Any]) -> bytes:
    filled = text.replace("\\0", "\0")
    for word, value in WORDS.items():
        filled = filled.replace("{" + word + "}", value)
    return filled.encode(make.get("encoding", "utf-8"))


def _parts(parts: list[dict[str, Any]], _: dict[str, Any]) -> bytes:
    return b"".join(bytes.fromhex(part["hex"]) if "hex" in part else _text(part["text"], part) for part in parts)


def _long_line(size: int, _: dict[str, Any]) -> bytes:
    return f"{HEADER}\n{household(0)}\n".encode() + b"H" * size + b"\n"


def _columns(count: int, _: dict[str, Any]) -> bytes:
    more = "".join(f",备用{number}" for number in range(count))
    return f"{HEADER}{more}\n{household(0)}{',' * count}\n".encode()


def _workbook(sheets: dict[str, list[str]], _: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False}) as book:
        for name, lines in sheets.items():
            page = book.add_worksheet(_text(name, {}).decode())
            for at, line in enumerate(lines):
                page.write_row(at, 0, _text(line, {}).decode().split(","))
    return buffer.getvalue()


def _zip_bomb(size: int, _: dict[str, Any]) -> bytes:
    """A workbook whose sheet unfolds to `size` bytes."""
    plain, buffer = io.BytesIO(_workbook({"农户": [HEADER]}, {})), io.BytesIO()
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            if info.filename != "xl/worksheets/sheet1.xml":
                target.writestr(info.filename, source.read(info))
        with target.open("xl/worksheets/sheet1.xml", "w") as member:
            for piece in _zeros(size):
                member.write(piece)
    return buffer.getvalue()


def _zeros(size: int) -> Iterator[bytes]:
    block = bytes(1 << 20)
    for _ in range(size >> 20):
        yield block


MAKERS = {
    "text": _text,
    "parts": _parts,
    "long_line": _long_line,
    "columns": _columns,
    "workbook": _workbook,
    "zip_bomb": _zip_bomb,
}
