"""Every file of cases/*.yaml in one lake: each its written outcome and receipt, nothing lost, nothing leaked."""

from __future__ import annotations

import csv
import io
import logging
import re
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.corpus.making import Case, drop_case, load_cases
from tests.corpus.words import PLANTED, WORDS, filled, household
from tests.support.intake import everything_written, reference_lake, take

from agrilake.contract.model import Privacy
from agrilake.intake.raw import LINE
from agrilake.lake.files import scan
from agrilake.pipeline import arriving, intake
from agrilake.pipeline.context import Lake
from agrilake.pipeline.outcomes import Outcome

CASES = load_cases()
RUN = re.compile(r"[=+\-@\t\r]")
PLAIN_NUMBER = re.compile(r"[+-]?[\d,]+(?:\.\d+)?%?")
MEMORY = Path("/dev/shm")  # noqa: S108 -- a folder of its own is made there: each delivery syncs six files
GOOD = Path("agri/agri_farm_household__2024-02.csv")
TAKEN = [case for case in CASES if case.counts[0] and not case.repeat]
SECOND_DROP = CASES[::3]


@dataclass(frozen=True)
class Drop:
    """All cases and a good file: those without a case before them dropped together, then the others in turn."""

    lake: Lake
    outcomes: dict[str, Outcome]
    places: dict[str, str]
    said: str

    @cached_property
    def findings(self) -> pl.DataFrame:
        """The whole quarantine."""
        table = scan(self.lake.home.table("quarantine"))
        assert table is not None
        return table.sort("delivery_id", "sheet", "line", "column").collect()

    @cached_property
    def written(self) -> bytes:
        """What stands where people look."""
        return everything_written(self.lake)

    @cached_property
    def _rows(self) -> dict[tuple[str, str], pl.DataFrame]:
        found = {}
        for dataset in {case.delivery.dataset for case in self.outcomes.values()}:
            for layer in ("bronze", "accepted"):
                table = scan(self.lake.home.table(layer, dataset)) if dataset else None
                if table is not None:
                    for (delivery,), part in table.collect().partition_by("_delivery_id", as_dict=True).items():
                        found[layer, str(delivery)] = part.sort("_sheet", LINE)
        return found

    def rows(self, layer: str, delivery: str) -> pl.DataFrame:
        """A delivery's rows of bronze or accepted, in file order; no columns where there are none."""
        return self._rows.get((layer, delivery), pl.DataFrame({LINE: []}))


@dataclass
class Round:
    """What was dropped so far."""

    lake: Lake
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def drop(self, cases: list[Case]) -> None:
        """Drop and take these cases at once."""
        for case in cases:
            before = self.outcomes.get(case.after or "")
            receipt, table = ("", None) if before is None else (before.delivery.id[:8], before.receipt)
            self.places[case.case] = drop_case(case, self.lake.home.inbox, receipt, table and table.csv)
        found = take(self.lake)
        self.outcomes |= {case.case: found[self.places[case.case]] for case in cases}
        self.outcomes |= {"": found[GOOD.as_posix()]} if GOOD.as_posix() in found else {}


@pytest.fixture(scope="module")
def drop() -> Iterator[Drop]:
    with tempfile.TemporaryDirectory(prefix="agrilake-corpus-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield dropped(reference_lake(Path(folder) / "home"))


def dropped(lake: Lake) -> Drop:
    """The lake with all cases taken, each after the one that it names."""
    good = lake.home.inbox / GOOD
    good.parent.mkdir(parents=True, exist_ok=True)
    good.write_text(f"{WORDS['header']}\n{household(0)}\n{household(1)}\n", encoding="utf-8")
    said, handler = io.StringIO(), logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(handler)
    at, waiting = Round(lake), list(CASES)
    try:
        with redirect_stdout(said), redirect_stderr(said):
            while waiting:
                ready = [case for case in waiting if case.after is None or case.after in at.outcomes]
                assert ready, [case.after for case in waiting]
                at.drop(ready)
                waiting = [case for case in waiting if case not in ready]
    finally:
        logging.getLogger().removeHandler(handler)
    return Drop(lake, at.outcomes, at.places, said.getvalue() + handler.stream.getvalue())


def test_the_case_names_are_unique() -> None:
    assert len({case.case for case in CASES}) == len(CASES)
    assert len({case.place(case.after or "") for case in CASES}) == len(CASES)


def test_every_case_with_rows_says_what_became_of_them() -> None:
    """Who reads a case learns which rows were taken with which values, or which were not and why."""
    silent = [case.case for case in TAKEN if case.counts[1] and not case.accepted]
    silent += [case.case for case in TAKEN if case.counts[2] and not case.rules]
    assert silent == []


def test_the_good_file_of_the_drop_went_on(drop: Drop) -> None:
    delivery = drop.outcomes[""].delivery
    assert (delivery.status, delivery.records, delivery.accepted) == ("accepted", 2, 2)
    assert arriving.pending_files(drop.lake, settle=False) == []
    assert intake.stale_deliveries(drop.lake) == []
    assert drop.lake.state.open_failures() == []


@pytest.mark.parametrize("case", CASES, ids=[case.case for case in CASES])
def test_it_has_its_written_outcome(case: Case, drop: Drop) -> None:
    outcome = drop.outcomes[case.case]
    delivery = outcome.delivery
    assert (delivery.status, delivery.code) == (case.status, case.code), delivery.reason
    assert (outcome.repeat_of is not None) == case.repeat
    counts = (delivery.records, delivery.accepted, delivery.quarantined, delivery.duplicate)
    assert counts == tuple(case.counts)
    assert delivery.records == delivery.accepted + delivery.quarantined + delivery.duplicate
    assert {key: delivery.details.get(key) for key in case.details} == case.details
    if not delivery.is_final or case.repeat:
        return
    found = drop.findings.filter(pl.col("delivery_id") == delivery.id)
    errors, warnings = (found.filter(severity=severity) for severity in ("error", "warn"))
    assert dict(errors.group_by("rule").len().iter_rows()) == case.rules
    for listed, stated in ((errors, case.findings), (warnings, case.warnings)):
        places = [list(row) for row in listed.select("line", "column", "rule").rows()]
        assert stated is None or sorted(places, key=str) == sorted(stated, key=str)
    assert errors.select("line", "sheet").unique().height == delivery.quarantined
    bronze, accepted = drop.rows("bronze", delivery.id), drop.rows("accepted", delivery.id)
    assert set(accepted[LINE]) <= set(bronze[LINE])
    assert accepted.height == delivery.accepted
    for column, values in (case.accepted or {}).items():
        wanted = [meant(case, column, value, drop) for value in values]
        assert [said(value) for value in accepted[column]] == [said(value, accepted[column].dtype) for value in wanted]


def meant(case: Case, column: str, value: Any, drop: Drop) -> Any:
    """What stands in silver for a value of a case: its words put in, the token where the contract asks for one."""
    delivery = drop.outcomes[case.case].delivery
    dataset = drop.lake.registry.get(delivery.dataset)
    whole = filled(value, case.case) if isinstance(value, str) else value
    found = next((item for item in dataset.columns if item.name == column), None)
    if found is None or found.privacy is not Privacy.PSEUDONYM:
        return whole
    return drop.lake.pseudonymiser.tokens(pl.Series([whole], dtype=pl.String), found.pii)[0]


def said(value: Any, kind: pl.DataType | None = None) -> Any:
    """Numbers by their value, also those that a case has as text, and times as ISO 8601."""
    if isinstance(value, str) and kind is not None and kind.is_numeric():
        value = Decimal(value)
    match value:
        case bool() | None:
            return value
        case int() | float() | Decimal():
            return round(Decimal(str(value)), 7)
        case datetime():
            return value.isoformat(sep=" ")
        case date():
            return value.isoformat()
        case _:
            return str(value)


@pytest.mark.parametrize("case", CASES, ids=[case.case for case in CASES])
def test_its_department_gets_a_receipt(case: Case, drop: Drop) -> None:
    outcome = drop.outcomes[case.case]
    parts = Path(drop.places[case.case]).parts
    assert outcome.receipt is not None
    assert outcome.receipt.html.parent == drop.lake.home.outbox / (parts[0] if len(parts) > 1 else "其他")
    page = outcome.receipt.html.read_text(encoding="utf-8")
    for piece in case.pieces:
        assert piece in page
    for technical in ("Traceback", "Error", "polars", "None", "Exception"):
        assert technical not in page
    rows = list(csv.reader(io.StringIO(outcome.receipt.csv.read_text(encoding="utf-8-sig"))))
    assert [title for title in rows[0] if title != "原工作表"][:3] == ["原行号", "问题", "改法"]
    if outcome.repeat_of:
        return
    assert len(rows) == 1 + max(1, outcome.delivery.quarantined)
    if outcome.delivery.reason:
        if not outcome.delivery.quarantined:
            assert outcome.delivery.reason in rows[1][1]
        assert outcome.delivery.reason.split("“")[0] in page
        assert re.search("[一-龥]", outcome.delivery.reason)
        assert re.search("[一-龥]", outcome.delivery.remedy or "")


@pytest.mark.parametrize("case", [case for case in CASES if case.status == "refused"], ids=lambda case: case.case)
def test_a_refused_file_lies_where_its_department_finds_it(case: Case, drop: Drop) -> None:
    inbox, place = drop.lake.home.inbox, drop.places[case.case]
    parts = Path(place).parts
    returned = inbox.joinpath(*parts[:1] if len(parts) > 1 else ()) / "退回" / parts[-1]
    if "link" in case.make:
        assert returned.readlink() == Path(case.make["link"])
        return
    assert returned.exists()
    assert "mended" in case.make or returned.read_bytes() == case.content
    assert not (inbox / place).exists()


@pytest.mark.parametrize("value", PLANTED)
def test_nothing_personal_is_written_where_people_look(value: str, drop: Drop) -> None:
    assert value.encode() not in drop.written
    assert value not in drop.said


def test_no_cell_of_a_receipt_is_run_by_a_spreadsheet(drop: Drop) -> None:
    for outcome in drop.outcomes.values():
        assert outcome.receipt is not None
        for row in csv.reader(io.StringIO(outcome.receipt.csv.read_text(encoding="utf-8-sig"))):
            assert not [cell for cell in row if RUN.match(cell) and not PLAIN_NUMBER.fullmatch(cell)], row


def test_a_second_drop_of_the_same_files_ends_the_same(drop: Drop) -> None:
    cases = [case for case in SECOND_DROP if case.after is None and not case.repeat and case.manifest is None]
    for case in cases:
        drop_case(case, drop.lake.home.inbox)
    again = take(drop.lake)
    for case in cases:
        one, two = drop.outcomes[case.case].delivery, again[drop.places[case.case]].delivery
        assert (one.id, one.status, one.code) == (two.id, two.status, two.code), case.case
    inbox = drop.lake.home.inbox
    left = [path for path in inbox.rglob("*") if path.is_symlink() or path.is_file()]
    assert [path for path in left if path.parent.name != "退回"] == []
    assert len(left) == len([case for case in CASES if case.status == "refused"])
