"""Who was erased, known again without being known: marks of numbers, and what of a file is about their owners.

A mark is an HMAC of a number (identity, card, phone, or the number by which a register of persons knows somebody) under
a key that is derived for this alone. Marks tell whether a number is one of those erased; nobody gets from a mark, or
from a token of the lake, to a number.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import polars as pl

from agrilake.contract.model import Dataset, Privacy
from agrilake.intake.identities import PREFILTER, SEPARATOR, UNSEEN, find, plain_number
from agrilake.intake.keys import KeyRing
from agrilake.intake.privacy import VEIL
from agrilake.intake.raw import LINE, ORIGIN_LINE, ORIGIN_SHEET, SHEET, RawTable, SetAside
from agrilake.intake.text import unescape

PURPOSE = "erasure"
MARK_CHARACTERS = 32
WHOLE = frozenset({"id_no", "bank_card"})
"""Kinds of personal columns by which a whole record is somebody's, where silver keeps them as a token."""
BETWEEN = rf"(?:{SEPARATOR}|[{UNSEEN}])+"
NEW_ID = 18
Place = tuple[str | None, int]
"""Sheet and line of a record."""
RUNS = re.compile(rb"[0-9]{8,20}[Xx]?")
WIDE_RUNS = re.compile(r"[\d０-９]{8,20}[XxＸｘ]?")
WORDS = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,62}")
SEARCHED = 1 << 24
"""Bytes that are searched at once."""
SPELT_OUT = 1 << 22
"""Bytes of a text up to which numbers with something between their digits are looked for as well."""
OVERLAP = 64
FULL_WIDTH = {"utf-8": b"\xef\xbc", "gb18030": b"\xa3"}
"""What digits in full width begin with."""
DEEPEST = 2
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)
"""What archives that are torn, locked or packed in another way are answered with."""


@dataclass(frozen=True)
class Forgotten:
    """The marks of all who were erased, and the key by which marks are made. `registers` names the datasets whose key
    tells one person, each with its key column."""

    secret: bytes = field(repr=False)
    marks: frozenset[str]
    registers: Mapping[str, str]

    @classmethod
    def of(cls, ring: KeyRing, marks: Iterable[str], registers: Mapping[str, str]) -> Forgotten:
        """By the oldest key of the ring, which stays whatever is rotated."""
        return cls(ring.keys[-1].derived(PURPOSE), frozenset(marks), registers)

    def __bool__(self) -> bool:
        return bool(self.marks)

    def knows(self, number: str) -> bool:
        """Whether the number, written in any way, is one of those erased."""
        return self.mark(number) in self.marks

    def mark(self, number: str) -> str:
        """The mark of a number."""
        return hmac.new(self.secret, _plain(number).encode(), "sha256").hexdigest()[:MARK_CHARACTERS]

    def register_mark(self, dataset: str, number: str) -> str:
        """The mark of a register's number, which means nothing outside that register."""
        return self.mark(f"{dataset} {number}")

    def marks_of(self, number: str) -> list[str]:
        """The marks of all forms of a number: a resident id has one of 15 digits as well."""
        plain = _plain(number)
        old = [plain[:6] + plain[8:17]] if len(plain) == NEW_ID else []
        return [self.mark(form) for form in (plain, *old)]

    def known(self, values: pl.Series) -> pl.Series:
        """Which cells are a number of somebody erased, whatever stands between its digits."""
        plain = unescape(values).str.normalize("NFKC").str.replace_all("[×]", "X").str.replace_all(BETWEEN, "")
        distinct = plain.drop_nulls().unique()
        found = pl.Series([value for value in distinct if value and self.knows(value)], dtype=pl.String)
        return plain.is_in(found.implode()).fill_null(False)

    def within(self, rows: pl.DataFrame, dataset: Dataset, alive: Mapping[str, Collection[str]]) -> pl.Series:
        """Which records are somebody's who was erased: by an identity or card number, or by the number of a register of
        persons. `alive` are numbers, by register, that somebody else has by now."""
        mine = pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True)
        for column in dataset.columns:
            if column.name not in rows.columns:
                continue
            if column.pii in WHOLE and column.privacy is Privacy.PSEUDONYM:
                mine |= self.known(rows[column.name])
            register = column.reference.dataset if column.reference else ""
            if self.registers.get(register) == (column.reference.column if column.reference else None):
                mine |= self._registered(rows[column.name], register, alive.get(register, ()))
        return mine

    def _registered(self, values: pl.Series, register: str, alive: Collection[str]) -> pl.Series:
        plain = unescape(values)
        wanted = [
            value
            for value in plain.drop_nulls().unique()
            if value not in alive and self.register_mark(register, value) in self.marks
        ]
        return plain.is_in(pl.Series(wanted, dtype=pl.String).implode()).fill_null(False)

    def veiled(self, values: pl.Series) -> pl.Series:
        """The cells with the numbers of those erased replaced; a cell that is such a number is left empty."""
        alone = self.known(values)
        bare = pl.select(pl.when(~alone).then(values)).to_series().alias(values.name)
        suspects = bare.filter(bare.str.contains(PREFILTER).fill_null(False)).unique()
        texts = [self.veiled_text(text) for text in suspects]
        return bare.replace(suspects, pl.Series(texts, dtype=pl.String)) if texts else bare

    def veiled_text(self, text: str) -> str:
        """The text with the numbers of those erased replaced."""
        parts, at = [], 0
        for item in find(text, strict=False):
            if item.kind != "name" and self.knows(plain_number(text[item.start : item.end], item.kind)):
                parts += [text[at : item.start], VEIL]
                at = item.end
        return "".join([*parts, text[at:]])

    def mentioned_in(self, path: Path, registers: Collection[str] = ()) -> bool:
        """Whether a number of somebody erased stands anywhere in a file: cell, note, comment or property. So does the
        number by which one of the `registers` knows them, which means nothing in files about other things."""
        with path.open("rb") as file:
            return self._mentioned(file, registers, 0)

    def _mentioned(self, file: IO[bytes], registers: Collection[str], depth: int) -> bool:
        return self._in_bytes(file, registers) or (depth < DEEPEST and self._in_members(file, registers, depth))

    def _in_members(self, file: IO[bytes], registers: Collection[str], depth: int) -> bool:
        """Whether one stands in a member of an archive or workbook; what is torn was searched as it lies there."""
        file.seek(0)
        try:
            with zipfile.ZipFile(file) as archive:
                for member in archive.infolist():
                    with archive.open(member) as part:
                        if self._mentioned(part, registers, depth + 1):
                            return True
        except UNREADABLE:
            pass
        return False

    def _in_bytes(self, file: IO[bytes], registers: Collection[str]) -> bool:
        before = b""
        while chunk := file.read(SEARCHED):
            if any(self.knows(run) for run in _runs(before + chunk)):
                return True
            for text in _words(before + chunk) if registers else ():
                if any(self.register_mark(register, text) in self.marks for register in registers):
                    return True
            if not before and len(chunk) < SPELT_OUT and self._spelt(chunk):
                return True
            before = chunk[-OVERLAP:]
        return False

    def _spelt(self, content: bytes) -> bool:
        """Whether one of the numbers stands in a text with something between its digits."""
        for encoding in ("utf-8", "gb18030"):
            try:
                lines = pl.Series(content.decode(encoding).splitlines(), dtype=pl.String)
            except UnicodeDecodeError:
                continue
            suspects = lines.filter(lines.str.contains(PREFILTER)).unique()
            return any(self.veiled_text(line) != line for line in suspects)
        return False


def without(
    raw: RawTable,
    restored: pl.DataFrame,
    dataset: Dataset,
    forgotten: Forgotten,
    alive: Mapping[str, Collection[str]],
    places: Collection[Place] = (),
    origins: Collection[Place] = (),
) -> RawTable:
    """The table without the records of those erased, and their numbers in no other cell.

    `restored` are the records with masked cells of a mend put back. What stands at `places` (sheet, line) is erased in
    any case, as are records that mend one of `origins`, places of another file. The same object where nobody is in it.
    """
    gone = forgotten.within(restored, dataset, alive) | _at(raw.frame, places, SHEET, LINE)
    gone |= _at(raw.frame, origins, ORIGIN_SHEET, ORIGIN_LINE)
    left = raw.frame.filter(~gone)
    texts = [name for name, kind in left.schema.items() if kind == pl.String and name not in (SHEET, ORIGIN_SHEET)]
    clean = left.with_columns(forgotten.veiled(left[name]).alias(name) for name in texts)
    if not gone.any() and clean.equals(raw.frame):
        return raw
    erased = raw.frame.filter(gone).select(SHEET, LINE).rows()
    return replace(untold(raw, forgotten), frame=clean, erased=(*raw.erased, *erased))


def untold(raw: RawTable, forgotten: Forgotten) -> RawTable:
    """The table without what stands beside its records: numbers of those erased in headers, and the sums of total
    lines, which tell by the difference what an erased record held."""
    return replace(
        raw,
        headers={name: forgotten.veiled_text(text) for name, text in raw.headers.items()},
        unmatched=tuple(forgotten.veiled_text(text) for text in raw.unmatched),
        sheets=tuple(forgotten.veiled_text(text) for text in raw.sheets),
        set_aside=tuple(SetAside(item.line, item.sheet, item.kind, item.lines) for item in raw.set_aside),
    )


def _at(frame: pl.DataFrame, places: Collection[Place], sheet: str, line: str) -> pl.Series:
    """Which records stand (by their columns `sheet` and `line`) at one of the places; without a sheet at any."""
    if not places or line not in frame.columns:
        return pl.repeat(False, frame.height, dtype=pl.Boolean, eager=True)
    wanted = pl.DataFrame(list(places), schema={"sheet": pl.String, "line": pl.Int64}, orient="row").unique()
    rows = frame.select(pl.col(line).alias("line"), pl.col(sheet).alias("_of")).with_row_index("row")
    pairs = rows.join(wanted, on="line").filter(pl.col("_of").is_null() | pl.col("_of").eq_missing(pl.col("sheet")))
    return rows["row"].is_in(pairs["row"].implode())


def _plain(number: str) -> str:
    text = unicodedata.normalize("NFKC", number).upper().replace("×", "X")
    return "".join(character for character in text if character.isalnum() or character == " ")


def _words(content: bytes) -> set[str]:
    """All that could be a register's number in bytes, whatever their encoding."""
    is_wide = content.count(0) > len(content) // 16
    encodings = ("utf-16-le", "utf-16-be") if is_wide else ("utf-8", "gb18030")
    texts = (content[shift:].decode(name, "ignore") for name in encodings for shift in ((0, 1) if is_wide else (0,)))
    return {word for text in texts for word in WORDS.findall(unicodedata.normalize("NFKC", text))}


def _runs(content: bytes) -> Iterator[str]:
    """Numbers in bytes, in plain digits and in full width, also in UTF-16."""
    seen = {run.decode("ascii") for run in RUNS.findall(content)}
    if content.count(0) > len(content) // 16:
        for encoding in ("utf-16-le", "utf-16-be"):
            for shift in (0, 1):
                seen |= set(WIDE_RUNS.findall(content[shift:].decode(encoding, "ignore")))
    for encoding, wide in FULL_WIDTH.items():
        if wide in content:
            seen |= {run for run in WIDE_RUNS.findall(content.decode(encoding, "ignore")) if not run.isascii()}
    for run in seen:
        yield run
        if len(run) > NEW_ID:
            yield run[:NEW_ID]
