"""An xlsx is a zip of XML: checked member by member, in a stream, before any reader unfolds it in memory."""

from __future__ import annotations

import html
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from agrilake.contract.settings import Limits
from agrilake.errors import RefusedFile
from agrilake.intake.celltext import MONTH_FORMAT_IDS, tells_more
from agrilake.intake.limits import too_many_cells
from agrilake.intake.sniff import SAVE_AS, bad_workbook, encrypted

CHUNK = 1 << 20
FAR_CELLS = 3_000
GRID_CELLS = 50_000_000
"""Cells of a full grid that a reader may make of a sheet, empty ones among them."""
HARMLESS = 10_000_000
"""Unfolded bytes below which no ratio is a bomb."""
DECLARATIONS = (b"<!DOCTYPE", "<!DOCTYPE".encode("utf-16-le"))
"""A document type in the encodings that readers take; its entities could unfold, or lead out of the file."""
SEAM = 2 * len("<!DOCTYPE")
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError)
SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
RICH_CELL = re.compile(rb'<(?:\w+:)?f[ >/]|\st="e"')
RICH_HINTS = (b"<f", b":f", b't="e"')
"""One of them stands wherever RICH_CELL matches; looking for them is ten times as fast."""
FAR_COLUMN = re.compile(rb'<c r="[A-Z]{3}\d')
WIDE_COLUMN = re.compile(rb'<c r="[A-Z]{2}\d')
ROW = re.compile(rb'<row [^>]*?\br="(\d+)"')
MERGE = re.compile(rb'<(?:\w+:)?mergeCell ref="\$?([A-Z]+)\$?(\d+):\$?([A-Z]+)\$?(\d+)"')
FORMATS = re.compile(r'<(?:\w+:)?numFmt [^>]*?numFmtId="(\d+)"[^>]*?formatCode="([^"]*)"')
CELL_FORMATS = re.compile(r"<(?:\w+:)?cellXfs.*?</(?:\w+:)?cellXfs>", re.DOTALL)
FORMAT_ID = re.compile(r'numFmtId="(\d+)"')
PERCENT_IDS = frozenset({9, 10})


@dataclass
class SheetFacts:
    """What the XML of one sheet tells: formulas or errors, extent, merged ranges (rows, columns 0-based).

    `far` counts cells beyond column ZZ, each of which makes a reader fill up to 16,384 cells before it; `marks` counts
    whatever may be a cell, in any spelling of XML.
    """

    rich: bool = False
    cells: int = 0
    marks: int = 0
    far: int = 0
    rows: int = 0
    columns: int = 26
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)

    @property
    def dense(self) -> bool:
        """Whether a reader that makes a full grid of it stays within reason (one cell at XFD1048576 does not)."""
        return self.rows * self.columns <= min(40 * self.cells + 1_000_000, GRID_CELLS)


@dataclass(frozen=True)
class ArchiveFacts:
    """`plain`: every cell is what its stored value says, and no sheet is sparse; `sheets` by member name."""

    plain: bool
    sheets: dict[str, SheetFacts]


def check_archive(path: Path, limits: Limits) -> ArchiveFacts:
    """Read every member once; raises RefusedFile zip_bomb, bad_workbook, encrypted_workbook, unsupported_format,
    too_many_columns, too_large."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_directory(archive, limits)
            facts: dict[str, SheetFacts] = {}
            rich, longest = False, 0
            for info in archive.infolist():
                pieces = _pieces(archive, info)
                if SHEET.fullmatch(info.filename):
                    facts[info.filename] = _sheet_facts(pieces)
                elif info.filename.lower() == "xl/styles.xml":
                    rich = _rich_styles(b"".join(pieces).decode("utf-8", errors="strict"))
                elif info.filename.lower() == "xl/sharedstrings.xml":
                    longest = _longest_text(pieces)
                else:
                    for _ in pieces:
                        pass
    except BROKEN as error:
        raise bad_workbook() from error
    if any(sheet.far > FAR_CELLS for sheet in facts.values()):
        raise RefusedFile(
            "too_many_columns", "工作表用到了第 702 列（ZZ）以后的列。", "请只保留需要的列，另存后重新报送。"
        )
    cells = sum(sheet.marks for sheet in facts.values())
    if cells > limits.max_cells:
        raise too_many_cells(cells, limits)
    # calamine copies a shared text into each cell, openpyxl does not
    copied = cells * longest <= limits.max_zip_bytes
    plain = not rich and copied and all(sheet.dense and not sheet.rich for sheet in facts.values())
    return ArchiveFacts(plain, facts)


def _check_directory(archive: zipfile.ZipFile, limits: Limits) -> None:
    members = archive.infolist()
    if len(members) > limits.max_zip_members:
        raise _bomb(f"压缩包里有 {len(members)} 个文件")
    if any(info.flag_bits & 1 for info in members):
        raise encrypted()
    unfolded = sum(info.file_size for info in members)
    folded = max(sum(info.compress_size for info in members), 1)
    if unfolded > limits.max_zip_bytes:
        raise _bomb(f"解压后超过 {limits.max_zip_bytes // 1_000_000} MB")
    if unfolded > HARMLESS and unfolded / folded > limits.max_zip_ratio:
        raise _bomb(f"压缩比达到 {unfolded // folded} 倍")
    names = {info.filename.lower() for info in members}
    if len(names) != len(members):
        raise bad_workbook("内部有重名文件")
    if "[content_types].xml" not in names or "xl/workbook.xml" not in names:
        raise RefusedFile("unsupported_format", "文件是压缩包或其他文档，不是 xlsx 工作簿。", SAVE_AS)


def _bomb(what: str) -> RefusedFile:
    return RefusedFile("zip_bomb", f"Excel 文件异常（{what}），没有打开。", "请新建工作簿，只粘贴数据后重新报送。")


def _pieces(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """A member in chunks; `zipfile` stops at the stated size and checks the sum, so a lie ends in an error."""
    markup, seam = info.filename.lower().endswith((".xml", ".rels")), b""
    with archive.open(info) as member:
        while chunk := member.read(CHUNK):
            if markup and any(declaration in seam + chunk for declaration in DECLARATIONS):
                raise bad_workbook("含有不允许的 XML 声明")
            seam = chunk[-SEAM:]
            yield chunk


def _sheet_facts(pieces: Iterator[bytes]) -> SheetFacts:
    facts, rest = SheetFacts(), b""
    for piece in pieces:
        data = rest + piece
        cut = data.rfind(b"<")
        cut = cut if 0 <= len(data) - cut < CHUNK else len(data)
        _look(facts, data[:cut])
        rest = data[cut:]
    _look(facts, rest)
    return facts


def _longest_text(pieces: Iterator[bytes]) -> int:
    """Bytes of the longest text of the table of shared texts, markup included."""
    longest, open_length = 0, 0
    for piece in pieces:
        first, *others = piece.split(b"<si")
        longest = max(longest, open_length + len(first), *map(len, others), 0)
        open_length = len(others[-1]) if others else open_length + len(first)
    return longest


def _look(facts: SheetFacts, data: bytes) -> None:
    facts.rich = facts.rich or (any(hint in data for hint in RICH_HINTS) and RICH_CELL.search(data) is not None)
    facts.cells += data.count(b"<c ")
    facts.marks += data.count(b"<c") + data.count(b":c")
    last = data.rfind(b"<row ")
    if last >= 0 and (row := ROW.match(data, last)):
        facts.rows = max(facts.rows, int(row[1]))
    far = len(FAR_COLUMN.findall(data))
    facts.far += far
    if far:
        facts.columns = 16_384
    elif facts.columns == 26 and WIDE_COLUMN.search(data):
        facts.columns = 702
    for left, top, right, bottom in MERGE.findall(data) if b"mergeCell" in data else ():
        facts.merges.append((int(top) - 1, _column(left), int(bottom) - 1, _column(right)))


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _rich_styles(styles: str) -> bool:
    """Whether cells use formats that change what is read: percent, leading zeros, months without a day."""
    own = {int(number): code for number, code in FORMATS.findall(styles)}
    section = CELL_FORMATS.search(styles)
    used = {int(number) for number in FORMAT_ID.findall(section[0])} if section else set()
    return any(
        tells_more(html.unescape(own[number])) if number in own else number in PERCENT_IDS | MONTH_FORMAT_IDS
        for number in used
    )
