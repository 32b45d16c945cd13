"""The key file: secrets from which tokens, publication tokens and encryption keys are made. It lies outside the lake,
and is its owner's alone.

One line a key, the newest first: `k2:sm3:<hex> <when it was made>`. Older keys stay: a token under k2 is the HMAC of
the token under k1 (agrilake.intake.privacy), and what was encrypted under k1 is read with k1.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from agrilake.errors import SecretError
from agrilake.paths import Home

KEY_VARIABLE = "AGRILAKE_KEY_FILE"
KEY_BYTES = 32
MAX_BYTES = 65536
LINE = re.compile(r"(k[1-9][0-9]{0,3}):(?:(sm3|sha256):)?((?:[0-9a-f]{2}){32,})(?: (\S+))?")


@dataclass(frozen=True)
class Key:
    """One secret: its id (k1, k2, …), the hash of its HMACs, and when it was made (empty where the file is silent)."""

    id: str
    algorithm: str
    secret: bytes = field(repr=False)
    made_at: str = ""

    @property
    def fingerprint(self) -> str:
        """What a lake keeps to know its key again; tells nothing of the key."""
        return hmac.new(self.secret, b"agrilake fingerprint", "sha256").hexdigest()[:32]

    def derived(self, purpose: str, length: int = KEY_BYTES) -> bytes:
        """A key for one purpose (HKDF, RFC 5869): none of them leads to another, nor back."""
        return HKDF(SHA256(), length, None, f"agrilake/{purpose}/{self.id}".encode()).derive(self.secret)


@dataclass(frozen=True)
class KeyRing:
    """The keys of a file, newest first; there is at least one."""

    path: Path
    keys: tuple[Key, ...]

    @property
    def current(self) -> Key:
        """The key by which everything new is made."""
        return self.keys[0]

    def key(self, key_id: str) -> Key:
        """The key of that id; SecretError where the file lacks it."""
        for key in self.keys:
            if key.id == key_id:
                return key
        raise SecretError(f"{self.path}: no key {key_id}, by which stored data was made; put its line back")

    def refuse_foreign(self, known: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise SecretError where a lake was made with a key that the ring lacks, or has another of that id; `known` is
        what the lake's registry says: {id: {fingerprint}}."""
        for key_id, facts in known.items():
            if self.key(key_id).fingerprint != facts["fingerprint"]:
                raise SecretError(
                    f"{self.path}: its {key_id} is the key of another lake; name this lake's own key file"
                )

    @classmethod
    def from_environment(cls, home: Home) -> KeyRing:
        """The ring of AGRILAKE_KEY_FILE; SecretError as `from_file`."""
        return cls.from_file(key_path(), home)

    @classmethod
    def from_file(cls, path: Path, home: Home) -> KeyRing:
        """Read a key file. SecretError if it is missing, inside the lake, a link, another user's, readable by others,
        where others can replace it, malformed, or for HMAC-SM3, which this machine lacks."""
        refuse_place(path, home)
        keys = tuple(_key(path, line) for line in _text(path).splitlines() if line.strip())
        if not keys or len({key.id for key in keys}) < len(keys):
            raise _malformed(path)
        for key in keys:
            if key.algorithm == "sm3" and strongest() != "sm3":
                raise SecretError(f"{path}: {key.id} is for HMAC-SM3, which this machine's OpenSSL lacks")
        return cls(path, keys)


def key_path() -> Path:
    """Where the key file is: AGRILAKE_KEY_FILE, else the user's configuration folder; never in the lake."""
    override = os.environ.get(KEY_VARIABLE)
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path(override) if override else base / "agrilake" / "pseudonym.key"


def create_key(path: Path | None = None) -> Path:
    """Make a key file with one key (mode 0600) where none is; an existing one is never replaced.

    Losing it cuts every link between old and new deliveries, and with it goes whatever was encrypted: it has to be kept
    as long as the lake.
    """
    path = path or key_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _draft(path, [_made("k1")])
    try:
        os.link(draft, path)  # fails where a key exists, so two starts at once agree on one key
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path


def add_key(ring: KeyRing) -> KeyRing:
    """Put a new key before the others, in one step: who reads the file sees all of it or none."""
    number = 1 + max(int(key.id.removeprefix("k")) for key in ring.keys)
    keys = (_made(f"k{number}"), *ring.keys)
    draft = _draft(ring.path, keys)
    try:
        draft.replace(ring.path)
    finally:
        draft.unlink(missing_ok=True)
    _sync(ring.path.parent)
    return KeyRing(ring.path, keys)


def strongest() -> str:
    """SM3 where this machine has it, else SHA-256."""
    try:
        hashlib.new("sm3")
    except ValueError:
        return "sha256"
    return "sm3"


def _made(key_id: str) -> Key:
    return Key(key_id, strongest(), secrets.token_bytes(KEY_BYTES), datetime.now(UTC).isoformat(timespec="seconds"))


def _draft(path: Path, keys: Iterable[Key]) -> Path:
    """The keys on disk under a name of this process's own."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.writelines(f"{key.id}:{key.algorithm}:{key.secret.hex()} {key.made_at}".rstrip() + "\n" for key in keys)
        file.flush()
        os.fsync(file.fileno())
    return draft


def refuse_place(path: Path, home: Home) -> None:
    """SecretError for a place in the lake, with which the key would be copied, or where others may replace it."""
    where = path.parent.resolve() / path.name
    for folder in (home.root, home.inbox, home.outbox):
        if where.is_relative_to(folder) or path.resolve().is_relative_to(folder):
            raise SecretError(f"{path}: the key lies inside the lake; move it out and set {KEY_VARIABLE}")
    try:
        mode = where.parent.stat().st_mode
    except OSError:
        return  # the file itself is then missing, which is said next
    if mode & 0o022 and not mode & stat.S_ISVTX:
        raise SecretError(f"{where.parent}: others may write in the key's folder and replace it; run chmod go-w on it")


def _text(path: Path) -> str:
    """The file's text, looked at and read through one handle."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise SecretError(f"{path}: no pseudonym key; make one (agrilake key new) or set {KEY_VARIABLE}") from error
    except OSError as error:
        what = "is a link" if path.is_symlink() else f"cannot be read ({type(error).__name__})"
        raise SecretError(f"{path}: the pseudonym key {what}; name the file itself in {KEY_VARIABLE}") from error
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise SecretError(f"{path}: the pseudonym key is no regular file")
        if found.st_uid != os.geteuid():
            raise SecretError(f"{path}: the pseudonym key belongs to another user; run chown on it")
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise SecretError(f"{path}: others may read the pseudonym key; run chmod 600 on it")
        try:
            return file.read(MAX_BYTES).decode("ascii")
        except UnicodeDecodeError:
            raise _malformed(path) from None


def _key(path: Path, line: str) -> Key:
    match = LINE.fullmatch(line.strip())
    if match is None:
        raise _malformed(path)
    return Key(match[1], match[2] or strongest(), bytes.fromhex(match[3]), match[4] or "")


def _malformed(path: Path) -> SecretError:
    form = "one line a key, each id once: k1:<sm3 or sha256>:<64 hex digits>"
    return SecretError(f"{path}: not a pseudonym key; expected {form}")


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
