"""The audit log: who delivered, ran, reviewed, released, withdrew, erased, published and read restricted data.

`<home>/audit/audit.jsonl` is only ever appended to, one JSON object a line, each with the hash of the line before it:
who changes a line has to change all later ones. What lies elsewhere holds the chain fast: every publication's manifest
carries the head of its time, the registry knows each delivery, and `agrilake audit head` prints a head to be kept on
paper. No personal value is ever in it; the names in `by` are those of the district's staff.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agrilake.errors import ConsistencyError
from agrilake.lake.files import sync
from agrilake.lake.locks import table_lock
from agrilake.paths import Home

ACTOR = "AGRILAKE_ACTOR"
FIRST = "0" * 64
OPENED, TORN = "opened", "torn"
ACTS = {
    OPENED: "开始记录",
    "delivered": "报送",
    "ran": "运行",
    "reviewed": "核对",
    "released": "放行",
    "withdrawn": "撤回",
    "erased": "删除个人信息",
    "consent": "同意变更",
    "published": "发布",
    "read": "查阅受限数据",
    "backed_up": "备份",
    "restored": "恢复",
    "key_rotated": "更换密钥",
    TORN: "断行",
}
"""What is recorded, with its Chinese title. `torn` stands after a line that a crash cut off, and names its hash."""
TAIL_BYTES = 65536


@dataclass(frozen=True)
class Head:
    """The newest line: its number and hash (hex); number 0 for an empty log."""

    number: int
    hash: str


@dataclass(frozen=True)
class Entry:
    """One act. `line` is its line in the file, `number` its place in the chain, `at` an ISO moment in UTC."""

    line: int
    number: int
    at: str
    act: str
    subject: str
    by: str
    about: Mapping[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True)
class Broken:
    """A line that does not fit the chain: what was found, and what was expected."""

    line: int
    found: str
    expected: str


def record(home: Home, act: str, subject: str, by: str = "", **about: str | int) -> Head:
    """Append an act; on disk before this returns. ValueError for an act that is not in ACTS.

    `subject` is what it was done to (a delivery, table, publication); `by` who did it (default: AGRILAKE_ACTOR, else
    the user of the operating system); `about` counts and identifiers. The first record of a log is `opened`.
    """
    if act not in ACTS or act in (OPENED, TORN):
        raise ValueError(f"{act!r} is not an act of agrilake.lake.audit.ACTS")
    who = by or actor()
    with _appending(home) as handle:
        last, cut = _last(handle)
        if last.number == 0 and not cut:
            last = _append(handle, last, OPENED, "audit", who, {"deliveries": _known(home)})
        if cut:
            os.write(handle, b"\n")
            last = _append(handle, last, TORN, hashlib.sha256(cut).hexdigest(), who, {})
        return _append(handle, last, act, subject, who, about)


def actor() -> str:
    """Who is at work: AGRILAKE_ACTOR, else the user of the operating system."""
    try:
        return os.environ.get(ACTOR) or getpass.getuser()
    except (KeyError, OSError):  # a user without an entry, as in some containers
        return str(os.getuid())


def head(home: Home) -> Head:
    """The newest whole line's number and hash."""
    found = Head(0, FIRST)
    for entry in entries(home):
        if isinstance(entry, Entry):
            found = Head(entry.number, entry.hash)
    return found


def entries(home: Home) -> Iterator[Entry | Broken]:
    """The log's lines, oldest first, each checked against the one before it."""
    previous, number = FIRST, 0
    path = log_file(home)
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    for place, raw in enumerate(lines, 1):
        entry = _parsed(place, raw)
        if entry is None:
            if not _is_told(lines, place):
                yield Broken(place, "a line that is no record", f"record {number + 1}")
            continue
        if entry.number != number + 1:
            yield Broken(place, f"record {entry.number}", f"record {number + 1}")
        elif entry.previous != previous:
            yield Broken(place, f"a record that follows {entry.previous[:12]}", f"one that follows {previous[:12]}")
        elif _hash(_body(entry)) != entry.hash:
            yield Broken(place, "a record that was changed", f"the one with hash {entry.hash[:12]}")
        yield entry
        previous, number = entry.hash, entry.number


def broken_chain(home: Home, anchors: Mapping[str, Head], deliveries: Mapping[str, int]) -> list[str]:
    """Everything that is wrong with the log, a line each; empty where it is whole.

    `anchors` are heads that were written down elsewhere ({where: head}), `deliveries` the lake's, with their sequence:
    each that came after the log was opened must stand in it.
    """
    found: list[str] = []
    hashes: dict[int, str] = {0: FIRST}
    delivered: set[str] = set()
    opened = None
    for entry in entries(home):
        if isinstance(entry, Broken):
            found.append(f"{log_file(home).name} line {entry.line}: found {entry.found}, expected {entry.expected}")
            continue
        hashes.setdefault(entry.number, entry.hash)
        if entry.act == OPENED and opened is None:
            opened = int(entry.about.get("deliveries", 0))
        if entry.act == "delivered":
            delivered.add(entry.subject)
    newest = max(hashes)
    for where, anchor in anchors.items():
        if hashes.get(anchor.number) != anchor.hash:
            said = f"{log_file(home).name} ends at record {newest}" if anchor.number > newest else "it is another one"
            found.append(f"{where}: record {anchor.number} had hash {anchor.hash[:12]}; {said}")
    if opened is None and deliveries:
        found.append(f"{log_file(home).name}: missing or empty, although the lake holds {len(deliveries)} deliveries")
        return found
    missing = [key for key, sequence in deliveries.items() if sequence > (opened or 0) and key not in delivered]
    found += [f"delivery {key}: no record of its arrival" for key in sorted(missing)]
    return found


def log_file(home: Home) -> Path:
    """Where the log lies."""
    return home.root / "audit" / "audit.jsonl"


@contextmanager
def _appending(home: Home) -> Iterator[int]:
    """The log, open under its lock."""
    path = log_file(home)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with table_lock(path):
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if os.fstat(handle).st_size == 0:
                sync(path.parent)
            yield handle
        finally:
            os.close(handle)


def _append(handle: int, last: Head, act: str, subject: str, by: str, about: Mapping[str, str | int]) -> Head:
    body = {
        "number": last.number + 1,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "act": act,
        "subject": subject,
        "by": by,
        "about": dict(about),
        "previous": last.hash,
    }
    digest = _hash(body)
    line = json.dumps({**body, "hash": digest}, ensure_ascii=False, sort_keys=True)
    os.write(handle, f"{line}\n".encode())
    os.fsync(handle)
    return Head(last.number + 1, digest)


def _last(handle: int) -> tuple[Head, bytes]:
    """The newest record, and what a crash left of a line after it."""
    size, many = os.fstat(handle).st_size, TAIL_BYTES
    while True:
        start = max(0, size - many)
        whole, _, cut = os.pread(handle, size - start, start).rpartition(b"\n")
        lines = whole.split(b"\n")[0 if start == 0 else 1 :]
        newest = next((entry for raw in reversed(lines) if (entry := _parsed(0, raw))), None)
        if newest is not None:
            return Head(newest.number, newest.hash), cut
        if start == 0 and whole:
            raise ConsistencyError("audit.jsonl holds no record, only other lines; see: agrilake audit verify")
        if start == 0:
            return Head(0, FIRST), cut
        many *= 4


def _known(home: Home) -> int:
    """How many deliveries came before the log was opened."""
    from agrilake.lake.state import State

    return max((item.sequence for item in State(home.state_file).deliveries()), default=0)


def _hash(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _body(entry: Entry) -> dict[str, Any]:
    names = ("number", "at", "act", "subject", "by", "about", "previous")
    return {name: getattr(entry, name) for name in names}


def _parsed(place: int, raw: bytes) -> Entry | None:
    try:
        return Entry(line=place, **json.loads(raw))
    except (ValueError, TypeError):
        return None


def _is_told(lines: list[bytes], place: int) -> bool:
    """Whether the record after line `place` says that this line was cut off."""
    torn = hashlib.sha256(lines[place - 1].rstrip(b"\n")).hexdigest()
    following = _parsed(place + 1, lines[place]) if place < len(lines) else None
    return following is not None and following.act == TORN and following.subject == torn
