"""Strict decoding of text files: which encoding the whole file is in, and its lines as UTF-8.

Order: byte order mark, then UTF-8 where the whole file is valid UTF-8, then GB18030 over the whole file, UTF-16
with or without mark. UTF-8 goes before the contract's encoding because Chinese text in GB18030 practically
never is valid UTF-8, while UTF-8 often "decodes" as GB18030 into other characters; the contract decides where
both are possible (nothing but two-byte sequences, e.g. 联通 in GBK or ² in UTF-8). Nothing is ever replaced.
"""

from __future__ import annotations

import codecs
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from agrilake.contract.settings import Limits
from agrilake.errors import RefusedFile
from agrilake.intake.encodings import Scan, gb_block, looks_like_utf16, scan
from agrilake.intake.limits import long_line, unreadable

CHUNK = 4 << 20
DOS_END = b"\x1a"
"""Ends a text file of FoxPro, dBase and other programs of DOS; it is no part of the table."""
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
GB_NAMES = frozenset({"gb18030", "gbk", "gb2312", "cp936"})
RESAVE = "请用原软件重新导出，或用 Excel 另存为“CSV UTF-8（逗号分隔）”后报送。"


@dataclass(frozen=True)
class Block:
    """Whole lines: `text` without the last line's end, CRLF as LF; `first_line` is 1-based."""

    first_line: int
    text: str

    @property
    def lines(self) -> list[str]:
        """The physical lines."""
        return self.text.split("\n")


@dataclass(frozen=True)
class Text:
    """A decoded file: `stream` is UTF-8 from `offset` on, `encoding` what the department used."""

    stream: BinaryIO
    offset: int
    encoding: str
    newline: bytes = b"\n"

    def blocks(self, size: int = CHUNK) -> Iterator[Block]:
        """Blocks of whole lines of about `size` bytes; memory stays bounded by it and the longest line."""
        self.stream.seek(self.offset)
        rest, line = b"", 1
        while True:
            chunk = self.stream.read(size)
            if chunk and self.newline != b"\n":
                chunk = chunk.replace(self.newline, b"\n")
            data = rest + chunk if chunk else rest.rstrip(DOS_END)
            cut = data.rfind(b"\n") + 1 if chunk else len(data)
            if cut:
                block = _block(line, data[:cut])
                yield block
                line += block.text.count("\n") + 1
            rest = data[cut:]
            if not chunk:
                return


def _block(line: int, data: bytes) -> Block:
    text = data.decode("utf-8").replace("\r\n", "\n")
    return Block(line, text[:-1] if text.endswith("\n") else text.removesuffix("\r"))


@contextmanager
def decoded(path: Path, declared: str, limits: Limits, scratch: Path | None = None) -> Iterator[Text]:
    """The file as UTF-8 text; other encodings go through a nameless temporary file in `scratch`.

    Raises RefusedFile nul_bytes, long_line, mixed_encoding or unreadable, each with the physical line.
    """
    try:
        source = path.open("rb")
    except OSError as error:
        raise unreadable(error) from error
    with source, tempfile.TemporaryFile(dir=scratch) as target:
        encoding, mark = _marked(source)
        found = scan(source, mark, limits) if encoding in (None, "utf-8-sig") else Scan()
        if encoding is None and found.nul_line and looks_like_utf16(source):
            encoding = looks_like_utf16(source)
        if encoding in ("utf-16-le", "utf-16-be"):
            lines = _utf16(source, mark, encoding, limits)
            yield _written(target, lines, encoding if mark == 0 else "utf-16")
            return
        _refuse_bytes(found, limits)
        if encoding == "utf-8-sig" and found.utf8_error_line:
            raise _undecodable(found.utf8_error_line, "UTF-8")
        if not found.utf8_error_line and not (declared in GB_NAMES and _only_pairs(source, found)):
            yield Text(source, mark, encoding or "utf-8", b"\r" if found.old_mac else b"\n")
            return
        yield _written(target, _gb18030(source), "gb18030", b"\r" if found.old_mac else b"\n")


def _marked(source: BinaryIO) -> tuple[str | None, int]:
    head = source.read(4)
    for mark, encoding in BOMS:
        if head.startswith(mark):
            return encoding, len(mark)
    return None, 0


def _refuse_bytes(found: Scan, limits: Limits) -> None:
    if found.long_line:
        raise long_line(found.long_line, limits)
    if found.nul_line:
        raise _nul(found.nul_line)


def _nul(line: int) -> RefusedFile:
    return RefusedFile("nul_bytes", f"第 {line} 行有空字节（NUL），文件可能已损坏。", RESAVE, line=line)


def _undecodable(line: int, expected: str) -> RefusedFile:
    reason = f"文件是 {expected} 编码，但第 {line} 行有不属于该编码的字节（混用了编码，或文件损坏、被截断）。"
    return RefusedFile("mixed_encoding", reason, RESAVE, line=line)


def _only_pairs(source: BinaryIO, found: Scan) -> bool:
    """Valid UTF-8 by accident? True if it has no character of three bytes and is GB18030 all through."""
    if found.ascii or found.wide:
        return False
    decoder = codecs.getincrementaldecoder("gb18030")("strict")
    source.seek(0)
    try:
        while chunk := source.read(CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _written(target: BinaryIO, lines: Iterator[str], encoding: str, newline: bytes = b"\n") -> Text:
    for text in lines:
        target.write(text.encode("utf-8"))
    target.flush()
    return Text(target, 0, encoding, newline)


def _gb18030(source: BinaryIO) -> Iterator[str]:
    """Decode block by block; a block whose lines are not all GB18030 refuses the file with the line."""
    source.seek(0)
    line, base, rest = 1, "", b""
    while True:
        chunk = source.read(CHUNK)
        data = rest + chunk
        cut = data.rfind(b"\n") + 1 if chunk else len(data)
        if cut:
            text, base = gb_block(data[:cut], line, base)
            yield text
            line += text.count("\n")
        rest = data[cut:]
        if not chunk:
            return


def _utf16(source: BinaryIO, mark: int, encoding: str, limits: Limits) -> Iterator[str]:
    source.seek(mark)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line, pending = 1, 0
    while True:
        chunk = source.read(min(CHUNK, limits.max_line_bytes))
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            good = bytes(error.object)[: error.start].decode(encoding, errors="ignore")
            raise _undecodable(line + good.count("\n"), "UTF-16") from None
        if "\0" in text:
            raise _nul(line + text[: text.index("\0")].count("\n"))
        yield text
        for part in text.split("\n")[:-1]:
            if 2 * (pending + len(part)) > limits.max_line_bytes:
                raise long_line(line, limits)
            line, pending = line + 1, 0
        pending += len(text) - (text.rfind("\n") + 1)
        if 2 * pending > limits.max_line_bytes:
            raise long_line(line, limits)
        if not chunk:
            return
