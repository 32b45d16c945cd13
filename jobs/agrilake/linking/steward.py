"""A steward's work on doubtful pairs: what there is to decide, and deciding it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from agrilake.contract.load import Registry
from agrilake.errors import UsageError
from agrilake.lake import audit
from agrilake.lake.files import scan
from agrilake.lake.state import now
from agrilake.linking.build import PAIR, REVIEW
from agrilake.linking.clusters import key_of
from agrilake.linking.decisions import Decision, Verdict, decisions, record
from agrilake.linking.stations import REGISTERS, stations
from agrilake.paths import Home

REASONS = {
    "doubtful": "概率居中",
    "department": "同一部门在该处所已有站点",
    "contradiction": "与该处所其他站点明显不符",
    "person": "与人工结论不符",
}


@dataclass(frozen=True)
class StationRecord:
    """A station as its department sent it; coordinates in degrees of EPSG:4490."""

    site_id: str
    department: str
    name: str
    address: str | None
    village: str | None
    township: str | None
    lon: float | None
    lat: float | None
    services: str | None
    opened_on: date | None
    closed_on: date | None


@dataclass(frozen=True)
class DoubtfulPair:
    """Two stations side by side: the probability that they are one place, what speaks for and against, why it is on
    the list, and whether they are one place now."""

    pair_id: str
    probability: float
    reason: str
    linked: bool
    evidence: str
    left: StationRecord
    right: StationRecord


def doubtful_pairs(home: Home, registry: Registry, township: str | None = None) -> list[DoubtfulPair]:
    """What there is to decide, the likeliest first, of one township (code or name) where given.

    Raises UsageError where no places have been made yet, or nothing is known of the township.
    """
    table = _gold(home, REVIEW)
    if township is not None:
        known = table.filter((pl.col("township_code") == township) | (pl.col("township_name") == township))
        if known.is_empty() and township not in _townships(home):
            raise UsageError(f"no township {township!r} in the division table; give its 12-digit code or full name")
        table = known
    sides = [table["left_id"].to_list(), table["right_id"].to_list()]
    records = _records(home, registry, {site for side in sides for site in side})
    order = table.sort("probability", "left_id", "right_id", descending=[True, False, False])
    return [
        DoubtfulPair(
            row["pair_id"],
            row["probability"],
            REASONS[row["reason"]],
            row["linked"],
            row["evidence"],
            records[row["left_id"]],
            records[row["right_id"]],
        )
        for row in order.iter_rows(named=True)
    ]


def decide(home: Home, registry: Registry, key: Sequence[str], verdict: Verdict, by: str, reason: str) -> Decision:
    """Keep a person's word on a pair: `key` is its number on the list, or two station ids (dataset:site_no).

    It takes effect when the places are next made. Raises UsageError for a pair or station that does not exist, and for
    what `decisions.record` refuses.
    """
    left, right = _pair(home, key)
    missing = sorted({left, right} - set(_records(home, registry, {left, right})))
    if missing:
        raise UsageError(f"no village station {missing[0]!r}; a station is written dataset:site_no")
    if verdict == "withdrawn" and decisions(home).filter(left_id=left, right_id=right).is_empty():
        raise UsageError(f"nothing was decided about {left} and {right}; see agrilake review --decided")
    scored = _gold(home, PAIR).filter(left_id=left, right_id=right)
    probability = None if scored.is_empty() else float(scored["probability"][0])
    decision = Decision(left, right, verdict, by.strip(), now(), reason.strip(), probability)
    audit.record(home, "reviewed", f"{left} {right}", decision.decided_by, verdict=verdict)
    record(home, decision)
    return decision


def _pair(home: Home, key: Sequence[str]) -> tuple[str, str]:
    if len(key) == 2:
        if key[0] == key[1]:
            raise UsageError("a pair is two different stations")
        return key_of(key[0], key[1])
    if len(key) != 1:
        raise UsageError("give the number of a pair, or two stations")
    found = _gold(home, REVIEW).filter(pl.col("pair_id") == key[0])
    if found.is_empty():
        raise UsageError(f"no pair {key[0]!r} on the list; `agrilake review` shows it (decided pairs leave it)")
    return found["left_id"][0], found["right_id"][0]


def _gold(home: Home, name: str) -> pl.DataFrame:
    table = scan(home.table("gold", name))
    if table is None:
        raise UsageError("no places have been made yet: run `agrilake run` first")
    return table.collect()


def _townships(home: Home) -> set[str]:
    table = scan(home.table("silver", "stats_division"))
    if table is None:
        return set()
    towns = table.filter(pl.col("level") == "township").select("code", "name").collect()
    return {*towns["code"], *towns["name"]}


def _records(home: Home, registry: Registry, wanted: set[str]) -> dict[str, StationRecord]:
    tables = {name: scan(home.table("silver", name)) for name in REGISTERS}
    found = stations({name: table.collect() for name, table in tables.items() if table is not None})
    divisions = scan(home.table("silver", "stats_division"))
    names: dict[str, str] = {}
    if divisions is not None:
        names = dict(divisions.sort("_period").select("code", "name").collect().iter_rows())
    rows = found.filter(pl.col("site_id").is_in(sorted(wanted)))
    return {row["site_id"]: _record(row, registry, names) for row in rows.iter_rows(named=True)}


def _record(row: dict[str, Any], registry: Registry, names: dict[str, str]) -> StationRecord:
    kept = ("site_id", "name", "address", "lon", "lat", "services", "opened_on", "closed_on")
    return StationRecord(
        department=registry.datasets[row["dataset"]].department_title,
        village=names.get(row["division_code"]),
        township=names.get(row["township_code"]),
        **{name: row[name] for name in kept},
    )
