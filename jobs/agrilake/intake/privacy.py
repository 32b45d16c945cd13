"""Direct identifiers: keyed tokens for silver, masks for everything that a person may read."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from agrilake.checks import CHECKS
from agrilake.contract.model import Column
from agrilake.errors import SecretError
from agrilake.intake.identities import PREFILTER, Found, find, is_name, plain_number
from agrilake.intake.text import NOTHING, NOTHING_IN_WORDS
from agrilake.paths import Home

KEY_VARIABLE = "AGRILAKE_KEY_FILE"
KEY_BYTES = 32
TOKEN_CHARACTERS = 32
VEIL = "（号码已遮盖）"
"""What stands in the lake for a number that someone wrote into a text."""
NAME_PARTS = re.compile(r"([_\s\-—()（）.+、&]+)")
CODED = r"^[A-Z]+\d+$|^\d{16,}$"


def key_path() -> Path:
    """Where the pseudonym key is: AGRILAKE_KEY_FILE, else the user's configuration folder; never in the lake."""
    override = os.environ.get(KEY_VARIABLE)
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path(override) if override else base / "agrilake" / "pseudonym.key"


def create_key(path: Path | None = None) -> Path:
    """Make a key (one line `k1:<algorithm>:<hex>`, mode 0600) where none is; an existing key is never replaced.

    Losing it cuts every link between old and new deliveries: it has to be kept as long as the lake.
    """
    path = path or key_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"k1:{_strongest()}:{secrets.token_hex(KEY_BYTES)}\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails where a key exists, so two starts at once agree on one key
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path


@dataclass(frozen=True)
class Pseudonymiser:
    """Keyed one-way tokens `<key id>:<32 hex>`; the same identifier gives the same token in every dataset.

    HMAC-SM3 (GB/T 32905) where OpenSSL has it, else HMAC-SHA-256. The key file names the algorithm, so a lake
    that moves to a machine without SM3 stops instead of quietly making other tokens.
    """

    key_id: str
    key: bytes
    algorithm: str

    @classmethod
    def from_environment(cls, home: Home) -> Pseudonymiser:
        """Read the key; SecretError if it is missing, inside the lake, readable by others, or malformed."""
        return cls.from_file(key_path(), home)

    @classmethod
    def from_file(cls, path: Path, home: Home) -> Pseudonymiser:
        """Read the key from a file of the form that `create_key` makes."""
        if path.resolve().is_relative_to(home.root):
            raise SecretError(f"{path}: the key lies inside the lake; move it out and set {KEY_VARIABLE}")
        try:
            mode, text = path.stat().st_mode, path.read_text(encoding="ascii").strip()
        except FileNotFoundError as error:
            raise SecretError(f"{path}: no pseudonym key; make one or set {KEY_VARIABLE}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise SecretError(f"{path}: the pseudonym key cannot be read ({type(error).__name__})") from error
        if stat.S_IMODE(mode) & 0o077:
            raise SecretError(f"{path}: others may read the pseudonym key; run chmod 600 on it")
        match = re.fullmatch(r"(k[0-9]{1,4}):(?:(sm3|sha256):)?([0-9a-f]{64,})", text)
        if match is None:
            raise SecretError(f"{path}: not a pseudonym key; expected one line k1:<sm3 or sha256>:<64 hex digits>")
        algorithm = match[2] or _strongest()
        if algorithm == "sm3" and _strongest() != "sm3":
            raise SecretError(f"{path}: the key is for HMAC-SM3, which this machine's OpenSSL lacks")
        return cls(match[1], bytes.fromhex(match[3]), algorithm)

    def __repr__(self) -> str:
        return f"Pseudonymiser({self.key_id}, {self.algorithm})"

    def tokens(self, values: pl.Series, pii: str | None) -> pl.Series:
        """Tokens of canonical values; `pii` separates kinds, so a phone never equals a card; null stays null.

        Each distinct value is computed once; copying a prepared HMAC is three times as fast as a new one.
        """
        distinct = values.drop_nulls().unique()
        prepared = hmac.new(self.key, f"{pii or 'other'}\x00".encode(), self.algorithm)

        def token(value: str) -> str:
            state = prepared.copy()
            state.update(value.encode())
            return f"{self.key_id}:{state.hexdigest()[:TOKEN_CHARACTERS]}"

        known = pl.Series([token(value) for value in distinct], dtype=pl.String)
        return values.replace_strict(distinct, known, default=None, return_dtype=pl.String)


def _strongest() -> str:
    """SM3 where this machine has it, else SHA-256."""
    try:
        hashlib.new("sm3")
    except ValueError:
        return "sha256"
    return "sm3"


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

    With `people` the row is somebody's, and names that slipped into the column are masked as well. A code that fits its column's pattern and holds letters (a waybill, a trace code) is left whole,
    although a part of it may look like a card number; so is a number that fits it and has the check digit neither of a
    card nor of a resident (the code of a parcel).
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
    return pl.select(pl.when(nobodys).then(values).otherwise(changed(values, mask_text))).to_series().alias(values.name)


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
