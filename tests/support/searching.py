"""Looking for given texts in everything that lies under a folder, whatever it is packed in.

Files are read as bytes (UTF-8, GB18030, UTF-16, base64, hexadecimal), unpacked (gzip, zip, zlib) and decoded (Parquet,
SQLite, DuckDB). Numbers are also found in full width, with spaces, hyphens or unseen characters inside, and as a hash
without a key. What is reported are places, never a value.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
import shutil
import sqlite3
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import re2

BETWEEN = re.compile(r"[\s\u00ad\u200b-\u200f\u2010-\u2015\u2060-\u2064\ufeff.．·•\-—]+")
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
CHINESE = str.maketrans("〇零一二三四五六七八九", "00123456789")
ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
HASHES = ("md5", "sha1", "sha256", "sm3")
TEXTS = ("utf-8", "gb18030", "utf-16")
DEEPEST = 4
SPELT_OUT = 4_000_000
"""Bytes of a text up to which it is also read without what stands between its digits."""


@dataclass(frozen=True)
class Searcher:
    """Looks for `wanted`, a text by the name under which it is reported."""

    wanted: Mapping[str, str]

    @cached_property
    def _bytes(self) -> re2._Regexp:
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.max_mem = 256 << 20
        spelt = sorted({written for text in self.wanted.values() for written in spellings(text)})
        return re2.compile(b"|".join(re2.escape(item) for item in spelt), options=options)

    def in_tree(self, folder: Path, leave_out: Collection[str] = ()) -> list[str]:
        """Places under the folder, `path: name of the text`; parts of it in `leave_out` are not looked into."""
        found: list[str] = []
        for path in sorted(folder.rglob("*")):
            place = path.relative_to(folder)
            if place.parts[0] in leave_out:
                continue
            shown = self.hidden(str(place))
            found += [f"{shown}: {name} in its name" for name in self.in_text(path.name)]
            if path.is_symlink():
                found += [f"{shown}: {name} in what it points to" for name in self.in_text(str(path.readlink()))]
            elif path.is_file():
                found += [f"{shown}: {name}" for name in self.in_file(path)]
        return list(dict.fromkeys(found))

    def hidden(self, text: str) -> str:
        """A place's own words without the texts that are looked for."""
        for value in self.wanted.values():
            text = text.replace(value, "…")
        return text

    def in_file(self, path: Path) -> list[str]:
        """Names of the texts that the file holds, decoded where it is a table or a database."""
        content = path.read_bytes()
        found = self.in_bytes(content)
        for text in tables_in(path, content):
            found += self.in_text(text)
        return list(dict.fromkeys(found))

    def in_bytes(self, content: bytes, depth: int = 0) -> list[str]:
        """Names of the texts in bytes, unpacked as far as they can be."""
        found = list(self._plain(content))
        if len(content) <= SPELT_OUT:
            for encoding in TEXTS:
                try:
                    found += self.in_text(content.decode(encoding))
                    break
                except UnicodeDecodeError:
                    continue
        if depth < DEEPEST:
            for part in unpacked(content):
                found += self.in_bytes(part, depth + 1)
        return found

    def in_text(self, text: str) -> list[str]:
        """Names of the texts in a text, also spelt out otherwise."""
        plain = BETWEEN.sub("", unicodedata.normalize("NFKC", text).translate(CHINESE).upper())
        return [
            name for name, value in self.wanted.items() if BETWEEN.sub("", value.translate(CHINESE)).upper() in plain
        ]

    def _plain(self, content: bytes) -> Iterator[str]:
        at = 0
        while match := self._bytes.search(content, at):
            at = match.end()
            yield from (name for name, value in self.wanted.items() if match.group() in spellings(value))


def spellings(text: str) -> frozenset[bytes]:
    """The bytes by which a text may be told in a file that nobody decodes."""
    written = {text, text.translate(WIDE)}
    plain = {item.encode(encoding) for item in written for encoding in ENCODINGS}
    escaped = {text.encode("unicode_escape"), text.encode("unicode_escape").replace(b"\\u", b"\\\\u")}
    hashes = {
        hashlib.new(name, text.encode()).hexdigest().encode() for name in HASHES if name in hashlib.algorithms_available
    }
    coded = {part for item in (text.encode(), text.encode("gb18030")) for part in (*_base64(item), item.hex().encode())}
    return frozenset(plain | escaped | hashes | coded)


def _base64(content: bytes) -> Iterator[bytes]:
    """What stays the same in base64 wherever the bytes stand in a longer text."""
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + content)
        yield coded[(0, 2, 3)[shift] : -4 if (shift + len(content)) % 3 else None]


def unpacked(content: bytes) -> Iterator[bytes]:
    if content[:2] == b"\x1f\x8b":
        yield from _quietly(lambda: [gzip.decompress(content)])
    elif content[:4] == b"PK\x03\x04":
        yield from _quietly(lambda: list(_members(content)))
    elif content[:1] == b"\x78":
        yield from _quietly(lambda: [zlib.decompress(content)])


def _members(content: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        yield archive.comment
        for member in archive.infolist():
            yield member.filename.encode()
            yield archive.read(member)


def _quietly(unpack) -> Iterable[bytes]:  # type: ignore[no-untyped-def]
    """What is torn or no such archive is searched as plain bytes alone."""
    try:
        return unpack()
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return []


def tables_in(path: Path, content: bytes) -> Iterator[str]:
    """All cells of a Parquet file, of a SQLite or a DuckDB database, as text."""
    if content[:4] == b"PAR1":
        yield from _parquet(path)
    elif content[:16] == b"SQLite format 3\0":
        yield from _sqlite(path)
    elif content[8:12] == b"DUCK":
        yield from _duckdb(path)


def _parquet(path: Path) -> Iterator[str]:
    for name, column in zip((table := pq.read_table(path)).column_names, table.columns, strict=True):
        values = column.unique() if pa.types.is_string(column.type) or pa.types.is_large_string(column.type) else column
        yield "\n".join((name, *(_cell(value) for value in values.to_pylist() if value is not None)))


def _sqlite(path: Path) -> Iterator[str]:
    """From a copy with its log, so that looking changes nothing."""
    with tempfile.TemporaryDirectory() as folder:
        for part in path.parent.glob(f"{path.name}*"):
            shutil.copy(part, folder)
        with closing(sqlite3.connect(Path(folder) / path.name)) as connection:
            connection.text_factory = lambda value: value.decode("utf-8", "replace")
            tables = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
            for name, sql in tables:
                yield str(sql)
                for row in connection.execute(f'SELECT * FROM "{name}"'):
                    yield "\n".join(_cell(value) for value in row)


def _cell(value: object) -> str:
    if not isinstance(value, bytes):
        return str(value)
    parts = [value, *unpacked(value)]
    return "\n".join(part.decode("utf-8", "replace") for part in parts)


def _duckdb(path: Path) -> Iterator[str]:
    with closing(duckdb.connect(str(path), read_only=True)) as connection:
        found = connection.execute("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal").fetchall()
        for table, column in found:
            query = f'SELECT DISTINCT "{column}"::VARCHAR FROM "{table}" WHERE "{column}" IS NOT NULL'
            yield "\n".join((table, column, *(row[0] for row in connection.execute(query).fetchall())))
        comments = "SELECT comment FROM duckdb_columns() UNION ALL SELECT comment FROM duckdb_tables()"
        yield "\n".join(str(row[0]) for row in connection.execute(comments).fetchall())
