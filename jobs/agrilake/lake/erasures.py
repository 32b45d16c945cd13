"""Erasures that there were, and which versions of tables went with them. Nothing here tells who was erased.

decisions/erasure         one row an act, written before anything is done
decisions/erasure_stage   one row a stage that an act has reached: stored (files and tables), published (all of it)
decisions/erasure_purged  one row a table and act: the oldest Delta version that can be read since
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from deltalake import DeltaTable, write_deltalake

from agrilake.lake.files import scan
from agrilake.lake.locks import table_lock
from agrilake.lake.state import now
from agrilake.paths import Home

ACTS, STAGES, PURGED = ("decisions", "erasure"), ("decisions", "erasure_stage"), ("decisions", "erasure_purged")
STORED, PUBLISHED = "stored", "published"
ACT = {
    "erasure_no": pl.Int64,
    "erased_by": pl.String,
    "erased_at": pl.String,
    "reason": pl.String,
    "marks": pl.String,
    "places": pl.String,
}
"""`marks` (agrilake.intake.forgotten) and `places` (`delivery:sheet:line`, sheet empty where there is none), a line
each."""
STAGE = {"erasure_no": pl.Int64, "stage": pl.String, "reached_at": pl.String, "records": pl.Int64, "files": pl.Int64}
GONE = {"table": pl.String, "first_version": pl.Int64, "erasure_no": pl.Int64, "purged_at": pl.String}


@dataclass(frozen=True)
class Erasure:
    """An act: its number, who, when, why; marks of the numbers and places of the records that it is about; the stage
    that it has reached (empty: none yet) and when, records that were erased and files rewritten."""

    number: int
    by: str
    at: str
    reason: str
    marks: tuple[str, ...]
    places: tuple[str, ...]
    stage: str = ""
    reached_at: str = ""
    records: int = 0
    files: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do for it."""
        return self.stage == PUBLISHED


def erasures(home: Home) -> list[Erasure]:
    """Every erasure there ever was, oldest first."""
    acts, stages = scan(home.table(*ACTS)), scan(home.table(*STAGES))
    if acts is None:
        return []
    reached = (
        {} if stages is None else {row["erasure_no"]: row for row in stages.collect().sort("reached_at").to_dicts()}
    )
    return [_erasure(row, reached.get(row["erasure_no"], {})) for row in acts.collect().sort("erasure_no").to_dicts()]


def were_any(home: Home) -> bool:
    """Whether anybody was ever erased."""
    return DeltaTable.is_deltatable(str(home.table(*ACTS)))


def _erasure(row: dict[str, Any], reached: dict[str, Any]) -> Erasure:
    return Erasure(
        number=row["erasure_no"],
        by=row["erased_by"],
        at=row["erased_at"],
        reason=row["reason"],
        marks=tuple(row["marks"].splitlines()),
        places=tuple(row["places"].splitlines()),
        stage=reached.get("stage", ""),
        reached_at=reached.get("reached_at", ""),
        records=reached.get("records", 0),
        files=reached.get("files", 0),
    )


def note_erasure(home: Home, by: str, reason: str, marks: Sequence[str], places: Sequence[str]) -> Erasure:
    """Put an act on record, before anything is done."""
    path = home.table(*ACTS)
    with table_lock(path):
        act = Erasure(len(erasures(home)) + 1, by, now(), reason, tuple(marks), tuple(places))
        _note(home, act)
    return act


def note_again(home: Home, earlier: Sequence[Erasure]) -> list[Erasure]:
    """Put acts of a lake on record in one that was brought back from before them; those that it did not know."""
    with table_lock(home.table(*ACTS)):
        known = erasures(home)
        done = {(act.at, act.marks, act.places) for act in known}
        new = [act for act in earlier if (act.at, act.marks, act.places) not in done]
        acts = [
            Erasure(number, act.by, act.at, act.reason, act.marks, act.places)
            for number, act in enumerate(new, start=len(known) + 1)
        ]
        for act in acts:
            _note(home, act)
    return acts


def _note(home: Home, act: Erasure) -> None:
    row = (act.number, act.by, act.at, act.reason, "\n".join(act.marks), "\n".join(act.places))
    _append(home, ACTS, row, ACT)


def note_stage(home: Home, act: Erasure, stage: str, records: int, files: int) -> None:
    """An act has reached a stage."""
    with table_lock(home.table(*STAGES)):
        _append(home, STAGES, (act.number, stage, now(), records, files), STAGE)


def note_purged(home: Home, table: str, first_version: int, number: int) -> None:
    """Versions of a table (layer/name) before `first_version` are gone."""
    with table_lock(home.table(*PURGED)):
        _append(home, PURGED, (table, first_version, number, now()), GONE)


def oldest_versions(home: Home) -> dict[str, int]:
    """The oldest version that can be read of each table that an erasure has cut, {layer/table: version}."""
    gone = scan(home.table(*PURGED))
    if gone is None:
        return {}
    return dict(gone.group_by("table").agg(pl.col("first_version").max()).collect().iter_rows())


def _append(home: Home, table: tuple[str, str], row: tuple[object, ...], schema: dict[str, type[pl.DataType]]) -> None:
    frame = pl.DataFrame([row], schema=schema, orient="row")
    write_deltalake(str(home.table(*table)), frame.to_arrow(), mode="append")
