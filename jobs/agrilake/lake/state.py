"""The lake's own record: deliveries, applied deliveries, suite results, lake versions, failures, holds.

One SQLite file (WAL) shared by the tasks and the command line; each call is one transaction, so a killed
process leaves either the old or the new record. No personal value is ever stored here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agrilake.errors import AgrilakeError

SCHEMA = """
CREATE TABLE IF NOT EXISTS delivery (
  id TEXT PRIMARY KEY, dataset TEXT, department TEXT, period TEXT, kind TEXT, revision INTEGER, mends TEXT,
  file_name TEXT, sha256 TEXT, bytes INTEGER, status TEXT, code TEXT, reason TEXT, remedy TEXT, records INTEGER,
  accepted INTEGER, quarantined INTEGER, duplicate INTEGER, details TEXT, reference_version TEXT,
  contract_version TEXT, sequence INTEGER, received_at TEXT);
CREATE INDEX IF NOT EXISTS delivery_by_sha ON delivery (sha256, dataset);
CREATE TABLE IF NOT EXISTS applied (dataset TEXT, delivery_id TEXT, digest TEXT, PRIMARY KEY (dataset, delivery_id));
CREATE TABLE IF NOT EXISTS suite_result (
  dataset TEXT PRIMARY KEY, table_version INTEGER, decision TEXT, results TEXT, checked_at TEXT);
CREATE TABLE IF NOT EXISTS lake_version (
  version INTEGER PRIMARY KEY AUTOINCREMENT, recorded_at TEXT, tables TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS failure (
  id INTEGER PRIMARY KEY AUTOINCREMENT, happened_at TEXT, step TEXT, subject TEXT, message TEXT, resolved_at TEXT);
CREATE TABLE IF NOT EXISTS pseudonym_key (id TEXT PRIMARY KEY, fingerprint TEXT, known_since TEXT, settled_at TEXT);
CREATE TABLE IF NOT EXISTS receipt_owed (delivery_id TEXT PRIMARY KEY);
"""
FINAL = ("accepted", "partial")
REFUSED, WITHDRAWN = "refused", "withdrawn"
LAYOUT = "layout"
KEY = "key"
ERASED = "erased"


@dataclass(frozen=True)
class Delivery:
    """One dropped file and what became of it.

    status: accepted | partial | refused | waiting | received | withdrawn. `kind` base or mend; `sequence` is the order
    of first arrival. `details` holds counts by rule, set-aside lines by kind, encoding and sheets; never a value.
    """

    id: str
    dataset: str
    department: str
    period: str
    file_name: str
    sha256: str
    bytes: int
    status: str
    kind: str = "base"
    revision: int = 0
    mends: str | None = None
    code: str | None = None
    reason: str | None = None
    remedy: str | None = None
    records: int = 0
    accepted: int = 0
    quarantined: int = 0
    duplicate: int = 0
    details: dict[str, Any] = field(default_factory=dict)
    reference_version: str | None = None
    contract_version: str | None = None
    sequence: int = 0
    received_at: str = ""

    @property
    def is_final(self) -> bool:
        """Whether its accepted rows belong to the lake."""
        return self.status in FINAL

    @property
    def layout(self) -> str:
        """Fingerprint of the earlier layout that it was read by; empty where it was today's contract."""
        return str(self.details.get(LAYOUT, ""))

    @property
    def erased(self) -> int:
        """Records that the file had and that were erased: they are in none of the counts."""
        return int(self.details.get(ERASED, 0))

    @property
    def key_id(self) -> str:
        """Id of the key that its tokens are made by; empty where it has none."""
        return str(self.details.get(KEY, ""))


@dataclass(frozen=True)
class LakeVersion:
    """A consistent set of Delta versions, `{layer/table: version}`, recorded after a run."""

    version: int
    recorded_at: str
    tables: dict[str, int]


@dataclass(frozen=True)
class Failure:
    """A step that failed, as one readable line of `agrilake status`."""

    id: int
    happened_at: str
    step: str
    subject: str
    message: str

    @property
    def line(self) -> str:
        """Step, subject and what went wrong."""
        return f"{self.step} {self.subject}: {self.message}"


def now() -> str:
    """The present moment, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class State:
    """The registry in `<home>/state/lake.sqlite`; made on first use."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with self._connect() as connection:
            for statement in SCHEMA.split(";"):
                connection.execute(statement)

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=60, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise AgrilakeError(f"{self._path}: {error}; is the disk full? nothing is lost, run again") from error
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        finally:
            connection.close()

    def record_delivery(self, delivery: Delivery) -> Delivery:
        """Insert or replace; the first arrival's sequence and time are kept, and returned with it. One that was
        withdrawn stays so, whatever another process makes of it meanwhile, and is returned as it stands."""
        with self._connect() as connection:
            known = connection.execute("SELECT * FROM delivery WHERE id = ?", (delivery.id,)).fetchone()
            if known and known["status"] == WITHDRAWN != delivery.status:
                return _stored(known)
            if known:
                sequence, received_at = known["sequence"], known["received_at"]
            else:
                sequence = connection.execute("SELECT coalesce(max(sequence), 0) + 1 FROM delivery").fetchone()[0]
                latest = connection.execute("SELECT coalesce(max(received_at), '') FROM delivery").fetchone()[0]
                received_at = max(now(), latest)  # in order of arrival, also where the clock was set back
            row = {**asdict(delivery), "sequence": sequence, "received_at": received_at}
            row["details"] = json.dumps(row["details"], ensure_ascii=False, sort_keys=True)
            columns = ", ".join(row)
            marks = ", ".join(f":{name}" for name in row)
            connection.execute(f"INSERT OR REPLACE INTO delivery ({columns}) VALUES ({marks})", row)
        return Delivery(**{**row, "details": delivery.details})

    def delivery(self, prefix: str) -> Delivery | None:
        """The delivery whose id begins with the prefix (None if none or several do)."""
        found = self._deliveries("WHERE id LIKE ? || '%' LIMIT 2", (prefix,))
        return found[0] if len(found) == 1 else None

    def deliveries(self, dataset: str | None = None, status: Iterable[str] | None = None) -> list[Delivery]:
        """Deliveries in order of arrival, of a dataset and with one of the statuses where given."""
        found = self._deliveries("ORDER BY sequence", ())
        wanted = set(status) if status is not None else None
        return [
            item
            for item in found
            if (dataset is None or item.dataset == dataset) and (wanted is None or item.status in wanted)
        ]

    def same_bytes(self, sha256: str, dataset: str) -> list[Delivery]:
        """Deliveries of the dataset with these very bytes that were taken or are about to be, and not withdrawn."""
        found = self._deliveries("WHERE sha256 = ? AND dataset = ? ORDER BY sequence", (sha256, dataset))
        return [item for item in found if item.status not in (REFUSED, WITHDRAWN)]

    def _deliveries(self, where: str, arguments: tuple[Any, ...]) -> list[Delivery]:
        with self._connect() as connection:
            rows = connection.execute(f"SELECT * FROM delivery {where}", arguments).fetchall()
        return [_stored(row) for row in rows]

    def applied(self, dataset: str) -> dict[str, str]:
        """Deliveries that the silver table already holds, with the digest of what was applied."""
        with self._connect() as connection:
            rows = connection.execute("SELECT delivery_id, digest FROM applied WHERE dataset = ?", (dataset,))
            return {row["delivery_id"]: row["digest"] for row in rows}

    def record_applied(self, dataset: str, digests: dict[str, str]) -> None:
        """Replace what the silver table is recorded to hold; called after its commit."""
        with self._connect() as connection:
            connection.execute("DELETE FROM applied WHERE dataset = ?", (dataset,))
            connection.executemany(
                "INSERT INTO applied VALUES (?, ?, ?)",
                [(dataset, key, value) for key, value in digests.items()],
            )

    def record_suite(self, dataset: str, table_version: int, decision: str, results: list[dict[str, Any]]) -> None:
        """The last suite result of a dataset (expectations, counts and severities; no values)."""
        text = json.dumps(results, ensure_ascii=False, default=str)
        with self._connect() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO suite_result VALUES (?, ?, ?, ?, ?)",
                (dataset, table_version, decision, text, now()),
            )

    def suites(self) -> dict[str, dict[str, Any]]:
        """Last suite result of every dataset: {dataset: {table_version, decision, results, checked_at}}."""
        with self._connect() as connection:
            rows = connection.execute("SELECT * FROM suite_result ORDER BY dataset").fetchall()
        return {row["dataset"]: {**dict(row), "results": json.loads(row["results"])} for row in rows}

    def record_lake_version(self, tables: dict[str, int]) -> LakeVersion:
        """Record a consistent set of Delta versions; the same set again is the same lake version."""
        text = json.dumps(dict(sorted(tables.items())))
        with self._connect() as connection:
            last = connection.execute("SELECT * FROM lake_version ORDER BY version DESC LIMIT 1").fetchone()
            if last is None or last["tables"] != text:
                connection.execute("DELETE FROM lake_version WHERE tables = ?", (text,))
                moment = max(now(), last["recorded_at"] if last else "")  # so that no answer as of a day changes later
                connection.execute("INSERT INTO lake_version (recorded_at, tables) VALUES (?, ?)", (moment, text))
                last = connection.execute("SELECT * FROM lake_version ORDER BY version DESC LIMIT 1").fetchone()
        return LakeVersion(last["version"], last["recorded_at"], json.loads(last["tables"]))

    def lake_versions(self) -> list[LakeVersion]:
        """All lake versions, oldest first."""
        with self._connect() as connection:
            rows = connection.execute("SELECT * FROM lake_version ORDER BY version").fetchall()
        return [LakeVersion(row["version"], row["recorded_at"], json.loads(row["tables"])) for row in rows]

    def keys(self) -> dict[str, dict[str, Any]]:
        """Keys that the lake was made with, oldest first: {id: {fingerprint, known_since, settled_at}}; settled is one
        by which all stored tokens are made."""
        with self._connect() as connection:
            rows = connection.execute("SELECT * FROM pseudonym_key ORDER BY rowid").fetchall()
        return {row["id"]: dict(row) for row in rows}

    def record_key(self, key_id: str, fingerprint: str, settled: bool) -> None:
        """Know a key from now on, and whether all stored tokens are made by it."""
        with self._connect() as connection:
            connection.execute(
                "INSERT INTO pseudonym_key VALUES (?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET settled_at = excluded.settled_at",
                (key_id, fingerprint, now(), now() if settled else None),
            )

    def owe_receipt(self, delivery_id: str) -> None:
        """What becomes of the delivery is about to be recorded, and its department is to be told."""
        with self._connect() as connection:
            connection.execute("INSERT OR IGNORE INTO receipt_owed VALUES (?)", (delivery_id,))

    def receipt_given(self, delivery_id: str) -> None:
        """The receipt lies in the outbox."""
        with self._connect() as connection:
            connection.execute("DELETE FROM receipt_owed WHERE delivery_id = ?", (delivery_id,))

    def owed_receipts(self) -> list[Delivery]:
        """Deliveries whose outcome is recorded and whose receipt was not written, in order of arrival."""
        return self._deliveries(
            "WHERE status != 'received' AND id IN (SELECT delivery_id FROM receipt_owed) ORDER BY sequence", ()
        )

    def record_failure(self, step: str, subject: str, message: str) -> None:
        """One readable line for `agrilake status`."""
        with self._connect() as connection:
            connection.execute(
                "INSERT INTO failure (happened_at, step, subject, message) VALUES (?, ?, ?, ?)",
                (now(), step, subject, message),
            )

    def resolve_failures(self, step: str, subject: str) -> None:
        """The step has since succeeded for the subject."""
        with self._connect() as connection:
            connection.execute(
                "UPDATE failure SET resolved_at = ? WHERE step = ? AND subject = ? AND resolved_at IS NULL",
                (now(), step, subject),
            )

    def open_failures(self) -> list[Failure]:
        """Failures that no later success resolved, oldest first."""
        names = [item.name for item in fields(Failure)]
        with self._connect() as connection:
            rows = connection.execute("SELECT * FROM failure WHERE resolved_at IS NULL ORDER BY id").fetchall()
        return [Failure(**{name: row[name] for name in names}) for row in rows]


def _stored(row: sqlite3.Row) -> Delivery:
    return Delivery(**{**dict(row), "details": json.loads(row["details"] or "{}")})
