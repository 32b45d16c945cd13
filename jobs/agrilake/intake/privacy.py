"""Direct identifiers: keyed tokens for silver, masks for everything that a person may read."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from agrilake.checks import CHECKS
from agrilake.contract.model import Column, Dataset, Privacy
from agrilake.errors import SecretError
from agrilake.intake.keys import Key, KeyRing
from agrilake.paths import Home

TOKEN_CHARACTERS = 32
# Most specific first: a resident id contains what looks like a phone number
PERSONAL_NUMBERS = re.compile(
    r"(?<!\d)(?:(?P<id_no>[1-9]\d{16}[\dXx])|(?P<bank_card>[1-9]\d{15,18})|(?P<phone>1[3-9]\d{9}))(?!\d)"
)
MIGHT_BE_PERSONAL = r"\d{11}|\d{4}[ -]\d{4}|[\uFF10-\uFF19]{8}"
SPACED_DIGITS = re.compile(r"(?<=\d)[ \-](?=\d)")


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
    """What may be shown of a personal value: enough to find the cell again, too little to know it."""
    text = value.strip()
    if not text:
        return ""
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
    """Free text with every resident id, bank card and mobile number in it masked (also with spaces inside)."""

    def shorten(match: re.Match[str]) -> str:
        return mask(match[0], match.lastgroup or "id_no")

    masked = PERSONAL_NUMBERS.sub(shorten, text)
    plain = SPACED_DIGITS.sub("", masked.translate(_HALF_WIDTH))
    return PERSONAL_NUMBERS.sub(shorten, plain) if PERSONAL_NUMBERS.search(plain) else masked


_HALF_WIDTH = {0xFF10 + digit: 0x30 + digit for digit in range(10)}


def shown(values: pl.Series, column: Column | None = None) -> pl.Series:
    """The cells as a person may see them: masked by the column's kind, else free of personal numbers.

    A code that fits its column's pattern and holds letters (a waybill, a trace code) is left whole, although
    a part of it may look like a card number; so is a number that fits it and has the check digit neither of a card nor
    of a resident (the code of a parcel).
    """
    if column is not None and column.pii is not None:
        distinct = values.drop_nulls().unique()
        masks = pl.Series([mask(value, column.pii) for value in distinct], dtype=pl.String)
        return values.replace_strict(distinct, masks, default=None, return_dtype=pl.String)
    suspects = values.filter(values.str.contains(MIGHT_BE_PERSONAL).fill_null(False)).unique()
    if column is not None and column.pattern and len(suspects):
        nobodys = suspects.str.contains(r"^\d{16,}$")
        for check in ("bank_card", "resident_id"):
            nobodys &= ~CHECKS[check].holds(suspects)
        codes = suspects.str.contains(f"^(?:{column.pattern})$") & (suspects.str.contains(r"^[A-Z]+\d+$") | nobodys)
        suspects = suspects.filter(~codes)
    if suspects.is_empty():
        return values
    masks = pl.Series([mask_text(value) for value in suspects], dtype=pl.String)
    return values.replace(suspects, masks)
