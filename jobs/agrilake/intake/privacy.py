"""Direct identifiers: keyed tokens for silver, masks for everything that a person may read."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from agrilake.checks import CHECKS
from agrilake.contract.model import Column, Dataset, Privacy
from agrilake.errors import SecretError
from agrilake.intake.identities import PREFILTER, Found, find, is_name, plain_number
from agrilake.intake.keys import Key, KeyRing
from agrilake.intake.text import NOTHING, NOTHING_IN_WORDS
from agrilake.paths import Home

TOKEN_CHARACTERS = 32
VEIL = "（号码已遮盖）"
"""What stands in the lake for a number that someone wrote into a text."""
NAME_PARTS = re.compile(r"([_\s\-—()（）.+、&]+)")
CODED = r"^[A-Z]+\d+$|^\d{16,}$"


@dataclass(frozen=True)
class Pseudonymiser:
    """Keyed one-way tokens `<key id>:<32 hex>`; the same identifier gives the same token in every dataset.

    HMAC-SM3 (GB/T 32905) where OpenSSL has it, else HMAC-SHA-256. The key file names the algorithm, so a lake
    that moves to a machine without SM3 stops instead of quietly making other tokens.

    The first key makes a token from the identifier, each later one (`later`, oldest first) from the token before it.
    So a stored token can be raised to the newest key without the identifier, and then equals that of a new delivery.
    """

    key_id: str
    key: bytes = field(repr=False)
    algorithm: str
    later: tuple[Key, ...] = ()

    @classmethod
    def from_environment(cls, home: Home) -> Pseudonymiser:
        """Tokens by the keys of AGRILAKE_KEY_FILE; SecretError as `KeyRing.from_file`."""
        return cls.of(KeyRing.from_environment(home))

    @classmethod
    def from_file(cls, path: Path, home: Home) -> Pseudonymiser:
        """Tokens by the keys of a file; SecretError as `KeyRing.from_file`."""
        return cls.of(KeyRing.from_file(path, home))

    @classmethod
    def of(cls, ring: KeyRing) -> Pseudonymiser:
        """Tokens by all keys of a ring."""
        first, *later = reversed(ring.keys)
        return cls(first.id, first.secret, first.algorithm, tuple(later))

    @property
    def current_id(self) -> str:
        """The key id that its tokens carry."""
        return self.later[-1].id if self.later else self.key_id

    def tokens(self, values: pl.Series, pii: str | None) -> pl.Series:
        """Tokens of canonical values; `pii` separates kinds, so a phone never equals a card; null stays null.

        Each distinct value is computed once; copying a prepared HMAC is three times as fast as a new one.
        """
        kind = f"{pii or 'other'}\x00".encode()
        distinct = values.drop_nulls().unique()
        tokens = self._lifted(_hashed(distinct, self.key_id, hmac.new(self.key, kind, self.algorithm)))
        return values.replace_strict(distinct, tokens, default=None, return_dtype=pl.String)

    def raised(self, tokens: pl.Series) -> pl.Series:
        """Tokens under any of the keys as they are under the newest; SecretError for a token under another key."""
        known = [self.key_id, *(key.id for key in self.later)]
        foreign = set(tokens.drop_nulls().str.split(":").list.first().unique()) - set(known)
        if foreign:
            raise SecretError(f"tokens under {', '.join(sorted(foreign))} are stored, and the key file has no such key")
        distinct = tokens.drop_nulls().unique()
        return tokens.replace_strict(distinct, self._lifted(distinct), default=None, return_dtype=pl.String)

    def _lifted(self, tokens: pl.Series) -> pl.Series:
        for before, key in zip([self.key_id, *(key.id for key in self.later)], self.later, strict=False):
            old = tokens.filter(tokens.str.starts_with(f"{before}:")).unique()
            if len(old):
                tokens = tokens.replace(old, _hashed(old, key.id, hmac.new(key.secret, b"token\x00", key.algorithm)))
        return tokens


def has_tokens(dataset: Dataset) -> bool:
    """Whether silver keeps tokens of it."""
    return any(column.privacy is Privacy.PSEUDONYM for column in dataset.columns)


def _hashed(distinct: pl.Series, key_id: str, prepared: hmac.HMAC) -> pl.Series:
    def token(value: str) -> str:
        state = prepared.copy()
        state.update(value.encode())
        return f"{key_id}:{state.hexdigest()[:TOKEN_CHARACTERS]}"

    return pl.Series([token(value) for value in distinct], dtype=pl.String)


def mask(value: str, pii: str) -> str:
    """What may be shown of a personal value: enough to find the cell again, too little to know it.

    A word for "nothing" (无) is nobody's and stays.
    """
    text = value.strip()
    if not text or text in NOTHING or text in NOTHING_IN_WORDS:
        return text
    if pii == "name":
        return text[0] + "*" * max(1, len(text) - 1)
    if pii == "address":
        return text[:6] + "***" if len(text) > 8 else text[:2] + "***"
    head, tail = {"id_no": (3, 1), "phone": (3, 4), "bank_card": (0, 4)}.get(pii, (1, 0))
    if len(text) < head + tail + 4:
        head, tail = 1, 0
    hidden = len(text) - head - tail
    return text[:head] + "*" * max(3, hidden) + (text[-tail:] if tail else "")


def mask_text(text: str) -> str:
    """A text as people may read it: every number in it that may be personal masked, and the names beside them."""
    return _replaced(text, find(text, strict=False), lambda part, kind: mask(plain_number(part, kind), kind))


def mask_file_name(name: str) -> str:
    """A file's or folder's name as people may read it: besides, a part of it that is a person's name is masked."""
    parts = NAME_PARTS.split(mask_text(name))
    return "".join(mask(part, "name") if is_name(part) else part for part in parts)


def veil_text(text: str) -> str:
    """A text as the lake keeps it: nothing of its personal numbers, of names beside them the surname."""
    return _replaced(text, find(text), lambda part, kind: mask(part, kind) if kind == "name" else VEIL)


def _replaced(text: str, found: Sequence[Found], change: Callable[[str, str], str]) -> str:
    parts, at = [], 0
    for item in found:
        parts += [text[at : item.start], change(text[item.start : item.end], item.kind)]
        at = item.end
    return "".join([*parts, text[at:]])


def changed(values: pl.Series, change: Callable[[str], str]) -> pl.Series:
    """The series with `change` applied to each distinct text in which a person might be found."""
    suspects = values.filter(values.str.contains(PREFILTER).fill_null(False)).unique()
    if suspects.is_empty():
        return values
    return values.replace(suspects, pl.Series([change(value) for value in suspects], dtype=pl.String))


def shown(values: pl.Series, column: Column | None = None, people: bool = False) -> pl.Series:
    """The cells as a person may see them: masked by the column's kind, else free of personal numbers.

    With `people` the row is somebody's, and names that slipped into the column are masked as well. A code that fits its
    column's pattern and holds letters (a waybill, a trace code) is left whole, although a part of it may look like a
    card number; so is a number that fits it and has the check digit neither of a card nor of a resident (the code of a
    parcel).
    """
    if column is not None and column.pii is not None:
        distinct = values.drop_nulls().unique()
        masks = pl.Series([mask(value, column.pii) for value in distinct], dtype=pl.String)
        return values.replace_strict(distinct, masks, default=None, return_dtype=pl.String)
    if people and column is not None:
        values = without_slipped_names(values, column)
    if column is None or not column.pattern:
        return changed(values, mask_text)
    codes = values.str.contains(f"^(?:{column.pattern})$") & values.str.contains(CODED)
    nobodys = codes.fill_null(False)
    for check in ("bank_card", "resident_id"):
        nobodys &= ~CHECKS[check].holds(values).fill_null(False)
    others = changed(values.set(nobodys, None), mask_text)  # looking into a text costs more than all else here
    return pl.select(pl.when(nobodys).then(values).otherwise(others)).to_series().alias(values.name)


def without_slipped_names(values: pl.Series, column: Column) -> pl.Series:
    """The cells with a person's name masked that stands alone where a code, a number, a date or a title should be.

    Places and titles of two characters are left: too many of them begin with a surname. So are texts in which anything
    may stand (高粱 and 石榴 look like names).
    """
    if column.is_free_text and not column.is_title:
        return values
    shortest = 3 if column.division_level or column.is_title else 2
    spellings = {word for item in column.enum for word in (item.value, item.label, *item.synonyms)}
    distinct = (value for value in values.drop_nulls().unique() if len(value.strip()) >= shortest)
    names = [value for value in distinct if value not in spellings and is_name(value.strip())]
    return values.replace(names, [mask(name, "name") for name in names]) if names else values
