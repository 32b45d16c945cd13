"""What a file really is, by its first bytes: departments rename text and web pages to .xls."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

import msoffcrypto
from msoffcrypto.exceptions import FileFormatError

from agrilake.errors import RefusedFile
from agrilake.intake.limits import unreadable

OLE = bytes.fromhex("D0CF11E0A1B11AE1")
ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
BIFF = (b"\x09\x08", b"\x09\x04", b"\x09\x02", b"\x09\x00")
MARKUP = re.compile(rb"\s*<(?:!doctype|html|head|meta|table|body|style|\?xml|!--)", re.IGNORECASE)
FOREIGN = {
    b"%PDF": "PDF",
    b"Rar!": "RAR 压缩包",
    b"7z\xbc\xaf": "7z 压缩包",
    b"\x1f\x8b": "gzip 压缩包",
    b"{\\rtf": "RTF 文档",
    b"\xff\xd8\xff": "图片",
    b"\x89PNG": "图片",
}
SAVE_AS = "请在 Excel 或 WPS 中打开，另存为“Excel 工作簿（.xlsx）”后报送。"
UNLOCK = "请取消打开密码，另存后重新报送；口令不要写在文件名里。"


def kind_of(path: Path) -> str:
    """xlsx, xls or text; raises RefusedFile unsupported_format, encrypted_workbook, bad_workbook, unreadable."""
    try:
        with path.open("rb") as source:
            head = source.read(512)
            if head.startswith(OLE):
                return _ole(source)
    except OSError as error:
        raise unreadable(error) from error
    if head.startswith(ZIP):
        return "xlsx"
    if head.startswith(BIFF) and head[2:3] in b"\x04\x06\x08\x10" and b"\0" in head[:8]:
        return "xls"
    for magic, title in FOREIGN.items():
        if head.startswith(magic):
            raise RefusedFile("unsupported_format", f"文件内容其实是{title}，不是表格。", SAVE_AS)
    if MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")):
        raise RefusedFile("unsupported_format", "文件内容其实是网页（HTML/XML），只是改了扩展名。", SAVE_AS)
    return "text"


def _ole(source: BinaryIO) -> str:
    """An old workbook, or the envelope of an encrypted new one."""
    source.seek(0)
    try:
        office = msoffcrypto.OfficeFile(source)
        if office.is_encrypted():
            raise encrypted()
        format_name = office.format
    except FileFormatError:
        raise RefusedFile("unsupported_format", "文件内容不是 Excel 工作簿。", SAVE_AS) from None
    except RefusedFile:
        raise
    except Exception as error:  # on damaged bytes the parser raises whatever it runs into
        raise bad_workbook() from error
    if format_name != "xls97":
        raise RefusedFile("unsupported_format", "文件内容是 Word 或 PowerPoint 文档，不是表格。", SAVE_AS)
    return "xls"


def encrypted() -> RefusedFile:
    """A workbook with a password."""
    return RefusedFile("encrypted_workbook", "工作簿设有打开密码，无法读取。", UNLOCK)


def bad_workbook(detail: str = "文件损坏或没有传完") -> RefusedFile:
    """A workbook that no reader can open."""
    return RefusedFile("bad_workbook", f"Excel 文件打不开（{detail}）。", "请确认能用 Excel 打开，另存后重新报送。")
