"""Files that want more memory, time or trust than they deserve. Each maker takes the one number or text of its case."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping

from tests.corpus.words import HEADER, household
from tests.corpus.workbooks import book

SHEET = "xl/worksheets/sheet1.xml"


def long_line(size: int) -> bytes:
    """A third line of `size` bytes."""
    return f"{HEADER}\n{household(0)}\n".encode() + b"H" * size + b"\n"


def one_cell(size: int) -> bytes:
    """A quoted cell of `size` bytes, with a line end in every hundred."""
    cell = (b"x" * 99 + b"\n") * (size // 100)
    return f'{HEADER}\n{household(0)}\nH50011210009,"'.encode() + cell + b'",x,x,,3,x\n'


def columns(count: int) -> bytes:
    """`count` columns more than the header has."""
    more = "".join(f",备用{number}" for number in range(count))
    return f"{HEADER}{more}\n{household(0)}{',' * count}\n".encode()


def lines(count: int) -> bytes:
    """`count` blank lines between two rows."""
    return f"{HEADER}\n{household(0)}\n".encode() + b"\n" * count + f"{household(1)}\n".encode()


def quotes(count: int) -> bytes:
    """`count` lines that each open a quote and never close it."""
    return f"{HEADER}\n{household(0)}\n".encode() + b'H50011210009,"x\n' * count


def wrong(count: int) -> bytes:
    """`count` rows in which every cell is wrong."""
    return f"{HEADER}\n".encode() + "".join(f"X{at},没有的村,,{at},{at},零,也许\n" for at in range(count)).encode()


def long_titles(rows: int) -> bytes:
    """A hundred unknown columns with titles of 2,500 characters over so many rows."""
    titles = ",".join(f"{'列' * 2_500}{at}" for at in range(100))
    table = "".join(f"{household(0, household_id=f'H{at:011d}')}{',1' * 100}\n" for at in range(rows))
    return f"{HEADER},{titles}\n{table}".encode()


def plain_workbook() -> dict[str, bytes]:
    """The members of a good workbook of one household."""
    made = book([{"name": "农户", "rows": [HEADER.split(","), household(0).split(",")]}])
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def packed(members: Mapping[str, bytes | Iterator[bytes]], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of the members, in their order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, data in members.items():
            with archive.open(name, "w") as member:
                for piece in [data] if isinstance(data, bytes) else data:
                    member.write(piece)
    return buffer.getvalue()


def _zeros(size: int) -> Iterator[bytes]:
    block = bytes(1 << 20)
    for _ in range(size >> 20):
        yield block


def zip_bomb(size: int) -> bytes:
    """A workbook whose sheet unfolds to `size` bytes."""
    return packed({**plain_workbook(), SHEET: _zeros(size)})


def strings_bomb(size: int) -> bytes:
    """A workbook whose table of texts unfolds to `size` bytes."""
    return packed({**plain_workbook(), "xl/sharedStrings.xml": _zeros(size)})


def lying_zip(size: int) -> bytes:
    """A workbook whose directory states one byte for a sheet that unfolds to `size` bytes."""
    made = bytearray(zip_bomb(size))
    at = made.rindex(SHEET.encode()) - 46  # the sheet's entry in the central directory (APPNOTE 4.3.12)
    assert made[at : at + 4] == b"PK\x01\x02"
    made[at + 24 : at + 28] = struct.pack("<I", 1)
    return bytes(made)


def members(count: int) -> bytes:
    """A workbook with `count` members more than it needs."""
    return packed({**plain_workbook(), **{f"xl/media/image{at}.png": b"x" for at in range(count)}})


def sheets_of(count: int) -> bytes:
    """A workbook of `count` sheets that each hold a household."""
    rows = [HEADER.split(","), household(0).split(",")]
    return book([{"name": f"村{at}", "rows": rows} for at in range(count)])


def far_cells(count: int) -> bytes:
    """A sheet in which each of `count` rows has a cell in Excel's last column."""
    rows = b"".join(b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (at, at) for at in range(3, count + 3))
    return _with_rows(rows)


def far_corner(row: int) -> bytes:
    """A good sheet with one stray cell in its row number `row`."""
    return _with_rows(b'<row r="%d"><c r="ZZ%d"><v>1</v></c></row>' % (row, row))


def many_cells(rows: int) -> bytes:
    """A sheet of so many rows of 100 numbers, not packed, so that no ratio gives it away."""
    return _with_rows((b"<row>" + b"<c><v>1</v></c>" * 100 + b"</row>") * rows, zipfile.ZIP_STORED)


def shared_text(cells: int) -> bytes:
    """One text of 30,000 characters in so many cells."""
    text = b"<si><t>" + "长".encode() * 30_000 + b"</t></si>"
    strings = plain_workbook()["xl/sharedStrings.xml"]
    place = strings.count(b"<si>")
    rows = (b'<row><c t="s"><v>%d</v></c></row>' % place) * cells
    sheet = plain_workbook()[SHEET].replace(b"</sheetData>", rows + b"</sheetData>")
    members = {**plain_workbook(), SHEET: sheet, "xl/sharedStrings.xml": strings.replace(b"</sst>", text + b"</sst>")}
    return packed(members, zipfile.ZIP_STORED)


def merges(count: int) -> bytes:
    """A sheet with `count` merged ranges that each reach over all rows."""
    ranges = b"".join(b'<mergeCell ref="A2:XFD%d"/>' % (1_048_576 - at) for at in range(count))
    sheet = plain_workbook()[SHEET]
    return packed(
        {
            **plain_workbook(),
            SHEET: sheet.replace(b"</sheetData>", b"</sheetData><mergeCells>" + ranges + b"</mergeCells>"),
        }
    )


def xml(declaration: str) -> bytes:
    """A workbook whose sheet begins with the declaration (entities that unfold, or that lead outside)."""
    sheet = re.sub(rb"<\?xml[^>]*\?>", b"", plain_workbook()[SHEET])
    return packed({**plain_workbook(), SHEET: declaration.encode() + sheet})


def late_declaration(size: int) -> bytes:
    """A workbook whose sheet hides a declaration behind a comment of `size` bytes."""
    comment = "<!--" + "x" * size + "-->"
    return xml(f'<?xml version="1.0"?>{comment}<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>')


def foreign_zip(name: str) -> bytes:
    """An archive that is no workbook, with that one member."""
    return packed({"[Content_Types].xml": b"<Types/>", name: b"x"})


def deep(levels: int) -> bytes:
    """A sheet whose XML is nested so many levels, with a formula, so that its cells are read one by one."""
    nest = b"<x>" * levels + b"</x>" * levels
    sheet = plain_workbook()[SHEET].replace(b"<sheetData>", nest + b"<sheetData>")
    rich = sheet.replace(b"</sheetData>", b'<row r="3"><c r="F3"><f>1+1</f></c></row></sheetData>')
    return packed({**plain_workbook(), SHEET: rich})


def member(name: str) -> bytes:
    """A workbook with one member more, of that name."""
    return packed({**plain_workbook(), name: b"x"})


def without_member(name: str) -> bytes:
    """A workbook that lacks one of its members."""
    return packed({key: data for key, data in plain_workbook().items() if key != name})


def twice(name: str) -> bytes:
    """A workbook with two members of that name, which readers tell apart differently."""
    buffer = io.BytesIO(packed(plain_workbook()))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(name.swapcase(), b"x")
    return buffer.getvalue()


def flipped(place: int) -> bytes:
    """A workbook with one byte of its packed sheet turned round."""
    made = bytearray(packed(plain_workbook()))
    at = made.index(SHEET.encode()) + len(SHEET) + place
    made[at] ^= 0xFF
    return bytes(made)


def deep_json(levels: int) -> bytes:
    """A boundary whose GeoJSON is nested so many levels."""
    nest = "[" * levels + "]" * levels
    geometry = '{""type"":""Polygon"",""coordinates"":' + nest + "}"
    return f'区划,界线,坐标系\n玉峰山镇,"{geometry}",EPSG:4490\n'.encode()


def _with_rows(rows: bytes, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    sheet = plain_workbook()[SHEET]
    return packed({**plain_workbook(), SHEET: sheet.replace(b"</sheetData>", rows + b"</sheetData>")}, how)


MAKERS = (
    "long_line",
    "one_cell",
    "columns",
    "lines",
    "quotes",
    "wrong",
    "long_titles",
    "zip_bomb",
    "strings_bomb",
    "lying_zip",
    "members",
    "sheets_of",
    "far_cells",
    "far_corner",
    "many_cells",
    "shared_text",
    "merges",
    "xml",
    "late_declaration",
    "foreign_zip",
    "deep",
    "member",
    "without_member",
    "twice",
    "flipped",
    "deep_json",
)
