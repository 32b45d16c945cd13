"""What bytes tell about their encoding, line by line where it matters."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import BinaryIO

from agrilake.contract.settings import Limits
from agrilake.errors import RefusedFile

CHUNK = 4 << 20
SAMPLE = 1 << 20
WIDE_LEAD = re.compile(rb"[\xe3-\xef][\x80-\xbf]{2}")
IDEOGRAPH = re.compile("[\u3400-\u9fff]")
UTF16_SHARE = 0.1
"""In UTF-16 delimiters, digits and line ends are units with a zero byte; a table has at least this share."""


@dataclass
class Scan:
    """One pass over the bytes: lines (1-based) where something was found first, 0 where nothing was.

    `wide` says that the text has three-byte UTF-8 characters, `ascii` that it has nothing above 7 bits,
    `old_mac` that lines end in a lone CR.
    """

    lines: int = 0
    nul_line: int = 0
    long_line: int = 0
    utf8_error_line: int = 0
    wide: bool = False
    ascii: bool = True
    old_mac: bool = False


def scan(source: BinaryIO, start: int, limits: Limits) -> Scan:
    """Look at every byte once, in chunks; stops at the first line that is too long."""
    source.seek(start)
    found, decoder, carriage = Scan(), codecs.getincrementaldecoder("utf-8")("strict"), False
    line, pending = 1, 0
    while True:
        chunk = source.read(CHUNK)
        if not found.nul_line and b"\0" in chunk:
            found.nul_line = line + chunk[: chunk.index(0)].count(b"\n")
        if not found.utf8_error_line:
            _utf8(found, decoder, chunk, line)
        if not chunk.isascii():
            found.ascii = False
        carriage = carriage or b"\r" in chunk
        ends = chunk.count(b"\n")
        found.long_line = _long(chunk, line, pending, limits.max_line_bytes)
        if found.long_line:
            return found
        pending = len(chunk) - (chunk.rfind(b"\n") + 1) + (0 if ends else pending)
        line += ends
        if not chunk:
            break
    found.lines = line - 1 + (pending > 0)
    found.old_mac = carriage and line == 1
    return found


def _utf8(found: Scan, decoder: codecs.IncrementalDecoder, chunk: bytes, line: int) -> None:
    try:
        decoder.decode(chunk, final=not chunk)
    except UnicodeDecodeError as error:
        # the decoder may have put bytes of the chunk before in front; they hold no line end
        found.utf8_error_line = line + bytes(error.object)[: error.start].count(b"\n")
        return
    found.wide = found.wide or (not chunk.isascii() and WIDE_LEAD.search(chunk) is not None)


def _long(chunk: bytes, line: int, pending: int, limit: int) -> int:
    """Line number of the first line above the limit, else 0; `pending` bytes of the line came before."""
    if pending + len(chunk) <= limit:
        return 0
    for index, part in enumerate(chunk.split(b"\n")):
        if len(part) + (0 if index else pending) > limit:
            return line + index
    return 0


def looks_like_utf16(source: BinaryIO) -> str | None:
    """UTF-16 without a mark: many pairs with a zero byte, nearly always on the same side (一 is 4E 00), and a
    line end that is such a pair (so that a short text with a stray zero byte does not pass)."""
    source.seek(0)
    sample = source.read(SAMPLE)
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    units = max(len(sample) // 2, 1)
    for encoding, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros / units >= UTF16_SHARE and others <= zeros / 4 and "\n" in sample.decode(encoding, errors="ignore"):
            return encoding
    return None


def gb_block(data: bytes, first_line: int, base: str) -> tuple[str, str]:
    """Decode whole lines as GB18030.

    `base` is the encoding of the file's first non-ASCII line ("" while there was none) and is returned with
    the text. Raises RefusedFile mixed_encoding where a line is not of that encoding: UTF-8 lines inside a
    GB18030 file decode without error into other characters, so decoding alone would not notice them.
    """
    if data.isascii():
        return data.decode("ascii"), base
    if base in ("", "gb18030") and _is_gb2312(data):
        return data.decode("gb18030"), "gb18030"
    for index, line in enumerate(data.split(b"\n")):
        if line.isascii():
            continue
        kind = line_encoding(line)
        base = base or kind
        if kind != base or kind == "":
            raise _mixed(first_line + index, base, kind)
    return data.decode(base or "gb18030"), base


def line_encoding(line: bytes) -> str:
    """gb18030, utf-8 or "" (neither) for one line with non-ASCII bytes.

    A line that is valid in both is UTF-8 only if that reading has ideographs and the other one has characters
    outside GB 2312: bytes 80-A0, half of all UTF-8 continuation bytes, never occur there.
    """
    try:
        as_utf8 = line.decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030" if is_gb18030(line) else ""
    if not is_gb18030(line):
        return "utf-8"
    return "utf-8" if IDEOGRAPH.search(as_utf8) and not _is_gb2312(line) else "gb18030"


def _is_gb2312(data: bytes) -> bool:
    try:
        data.decode("gb2312")
    except UnicodeDecodeError:
        return False
    return True


def is_gb18030(data: bytes) -> bool:
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return True


def _mixed(line: int, base: str, kind: str) -> RefusedFile:
    if kind:
        names = {"utf-8": "UTF-8", "gb18030": "GB18030"}
        reason = f"文件前面是 {names[base]} 编码，从第 {line} 行起夹有 {names[kind]} 编码的内容。"
    else:
        reason = f"第 {line} 行有既不是 UTF-8 也不是 GB18030 的字节（混用了编码，或文件损坏、被截断）。"
    remedy = "请把各部分统一成一种编码，用 Excel 另存为“CSV UTF-8（逗号分隔）”后报送。"
    return RefusedFile("mixed_encoding", reason, remedy, line=line)
