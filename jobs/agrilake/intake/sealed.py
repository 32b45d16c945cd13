"""Encryption at rest: files in age's format (pyrage), rows by AES-SIV. Both keys are derived from one of the key file.

A file can be opened without this program, by `age -d -i IDENTITY` (`agrilake key identity` prints the identity).
AES-SIV needs no nonce: the same rows under the same key are the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from pyrage import DecryptError, EncryptError, decrypt_io, encrypt_io, x25519

from agrilake.errors import ConsistencyError, SecretError
from agrilake.intake.keys import Key

FILES, ROWS = "landing", "bronze"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


class Hashing:
    """A file object that knows the SHA-256 and the length of what went through it."""

    def __init__(self, file: Any) -> None:
        self._file, self._digest, self.size = file, hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        data: bytes = self._file.read(size)
        return self._seen(data)

    def write(self, data: bytes) -> int:
        """Write on."""
        self._file.write(self._seen(data))
        return len(data)

    def flush(self) -> None:
        """As of the file."""
        self._file.flush()

    @property
    def sha256(self) -> str:
        """Of all bytes so far."""
        return self._digest.hexdigest()

    def _seen(self, data: bytes) -> bytes:
        self._digest.update(data)
        self.size += len(data)
        return data


class _Telling:
    """A file object that keeps its own error, of which the library tells the text alone."""

    def __init__(self, file: Any) -> None:
        self._file, self.failed = file, list[Exception]()

    def read(self, size: int = -1) -> bytes:
        return self._told(self._file.read, size)

    def write(self, data: bytes) -> int:
        return self._told(self._file.write, data)

    def flush(self) -> None:
        self._told(self._file.flush)

    def _told(self, act: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return act(*arguments)
        except Exception as error:
            self.failed.append(error)
            raise


def seal_file(source: Any, target: Any, key: Key) -> None:
    """Encrypt from one file object to another, block by block; raises what they raise."""
    ends = _Telling(source), _Telling(target)
    try:
        encrypt_io(*ends, [_identity(key).to_public()])
    except (EncryptError, OSError) as error:
        raise next((one for end in ends for one in end.failed), error) from None


def open_file(source: Any, target: Any, key: Key, name: str) -> None:
    """Decrypt from one file object to another, block by block. Raises SecretError where the key is another than the
    file was encrypted with, ConsistencyError where its bytes were changed or cut off, and what the file objects raise.
    """
    ends = _Telling(source), _Telling(target)
    try:
        decrypt_io(*ends, [_identity(key)])
    except (DecryptError, OSError) as error:
        if failed := next((one for end in ends for one in end.failed), None):
            raise failed from None
        if "No matching keys" in str(error):
            raise SecretError(
                f"{name}: encrypted with another key than the {key.id} of the key file, or its head is damaged"
            ) from None
        raise _damaged(name) from None


def identity_text(key: Key) -> str:
    """The key as age knows it (AGE-SECRET-KEY-1…): a secret."""
    return _bech32("age-secret-key-", key.derived(FILES)).upper()


def seal_rows(data: bytes, key: Key, place: str) -> bytes:
    """Encrypt a block of rows that can be opened again only as that of its `place`."""
    return _siv(key).encrypt(data, [place.encode()])


def open_rows(data: bytes, key: Key, place: str) -> bytes:
    """Decrypt a block of rows; ConsistencyError where it was changed, or was made for another place."""
    try:
        return _siv(key).decrypt(data, [place.encode()])
    except InvalidTag:
        raise _damaged(place) from None


def _damaged(name: str) -> ConsistencyError:
    return ConsistencyError(f"{name}: the encrypted bytes were changed or cut off; restore them from a backup")


def _siv(key: Key) -> AESSIV:
    return AESSIV(key.derived(ROWS, 64))


def _identity(key: Key) -> x25519.Identity:
    return x25519.Identity.from_str(identity_text(key))


def _bech32(prefix: str, data: bytes) -> str:
    """BIP 173, as age writes its keys."""
    bits = int.from_bytes(data, "big") << 4  # 256 bits are 52 groups of five
    groups = [(bits >> 5 * place) & 31 for place in reversed(range(52))]
    head = [*(ord(letter) >> 5 for letter in prefix), 0, *(ord(letter) & 31 for letter in prefix)]
    check = _checksum([*head, *groups, *[0] * 6]) ^ 1
    groups += [(check >> 5 * (5 - place)) & 31 for place in range(6)]
    return f"{prefix}1{''.join(BECH32[group] for group in groups)}"


def _checksum(values: list[int]) -> int:
    found = 1
    for value in values:
        top = found >> 25
        found = (found & 0x1FFFFFF) << 5 ^ value
        for place, part in enumerate(GENERATOR):
            found ^= part if (top >> place) & 1 else 0
    return found
