"""Another key for all tokens. Each stored token becomes the HMAC of itself under the new key, which is what a new
delivery's identifier becomes too: no identifier is read, and every join that held holds again.

While some tables are raised and others not, nothing is made from them (`steps.held_tables`) and no lake version is
recorded. Whatever was ended in the middle is brought to its end by the next run. Earlier Delta versions keep the tokens
that they had, all under one key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from agrilake.contract.model import Dataset, Privacy
from agrilake.errors import UsageError
from agrilake.intake.keys import add_key
from agrilake.intake.landing import sealed_by
from agrilake.intake.privacy import has_tokens
from agrilake.lake import audit
from agrilake.lake.bronze import sealed_with
from agrilake.lake.failpoints import reach
from agrilake.lake.files import delivery_rows, replace_delivery, scan
from agrilake.lake.locks import table_lock
from agrilake.lake.state import KEY, Delivery
from agrilake.pipeline.context import Lake
from agrilake.pipeline.steps import is_rekeying, update_silver

LONGEST = 200


@dataclass(frozen=True)
class Rotated:
    """What a rotation did: the key that all tokens are under now, and the deliveries and silver tables raised to it."""

    key_id: str
    deliveries: int
    tables: tuple[str, ...]


def rotate(lake: Lake, by: str, reason: str) -> Rotated:
    """Make another key and raise all stored tokens to it; where a rotation was ended in the middle, end that one.

    Raises UsageError without a person or a reason, SecretError where the key file is not this lake's.
    """
    for name, text in (("by", by), ("reason", reason)):
        if not text.strip() or len(text) > LONGEST:
            raise UsageError(f"a rotation needs --{name}, at most {LONGEST} characters")
    with table_lock(lake.home.root / "run" / "key"):
        lake.forget_key()
        lake.ensure_key()
        if not is_rekeying(lake.state):
            key = add_key(lake.ring).current
            reach("key_made")
            lake.forget_key()
            lake.ensure_key()
            audit.record(lake.home, "key_rotated", key.id, by.strip(), before=lake.ring.keys[1].id)
    return settle_keys(lake)


def settle_keys(lake: Lake) -> Rotated:
    """Raise what is stored under older keys to the newest; looks before it acts, so a second call does nothing."""
    key, raised, tables = lake.ring.current, 0, []
    if not is_rekeying(lake.state):
        return Rotated(key.id, 0, ())
    with table_lock(lake.home.root / "run" / "key"):
        for dataset in filter(has_tokens, lake.registry.datasets.values()):
            for delivery in lake.state.deliveries(dataset.id, status=("accepted", "partial")):
                if delivery.key_id != key.id:
                    _raise(lake, dataset, delivery)
                    raised += 1
            if update_silver(lake, dataset.id) is not None:
                tables.append(dataset.id)
        lake.state.record_key(key.id, key.fingerprint, settled=True)
        reach("rotation_settled")
    return Rotated(key.id, raised, tuple(tables))


@dataclass(frozen=True)
class KeyUse:
    """A key and what is made by it: values in silver tables, files of landing, deliveries of bronze; never the key."""

    key_id: str
    algorithm: str
    made_at: str
    is_current: bool
    values: int
    tables: int
    files: int
    deliveries: int


def key_use(lake: Lake) -> list[KeyUse]:
    """Every key of the key file, the newest first."""
    found = dict(_stored_tokens(lake))
    files = Counter(sealed_by(path) for path in lake.home.landing.glob("*/*"))
    bronze = Counter(key for name in lake.registry.datasets for key in sealed_with(lake.home, name).values())
    return [
        KeyUse(
            *(key.id, key.algorithm, key.made_at, key == lake.ring.current),
            values=sum(counts.get(key.id, 0) for counts in found.values()),
            tables=sum(key.id in counts for counts in found.values()),
            files=files[key.id],
            deliveries=bronze[key.id],
        )
        for key in lake.ring.keys
    ]


def _stored_tokens(lake: Lake) -> Iterator[tuple[str, Counter[str]]]:
    """Of each silver table with tokens, how many are under which key."""
    for dataset in filter(has_tokens, lake.registry.datasets.values()):
        names = [item.name for item in dataset.columns if item.privacy is Privacy.PSEUDONYM]
        for table in filter(None, (dataset.id, dataset.history_table)):
            rows = scan(lake.home.table("silver", table))
            if rows is not None:
                keys = rows.select(pl.col(names).str.split(":").list.first()).collect()
                yield table, Counter(value for name in names for value in keys[name].drop_nulls())


def _raise(lake: Lake, dataset: Dataset, delivery: Delivery) -> None:
    """One delivery's accepted rows under the newest key, in one commit; then the record of it."""
    path = lake.home.table("accepted", dataset.id)
    rows = delivery_rows(path, delivery.id)
    if rows is not None:
        names = [item.name for item in dataset.columns if item.privacy is Privacy.PSEUDONYM and item.name in rows]
        new = rows.with_columns(lake.pseudonymiser.raised(rows[name].cast(pl.String)) for name in names)
        if not new.equals(rows):
            replace_delivery(path, new, delivery.id)
    reach("tokens_raised")
    lake.state.record_delivery(replace(delivery, details={**delivery.details, KEY: lake.ring.current.id}))
