"""Every bad file of cases/*.yaml in one drop: each its written outcome and receipt, nothing lost, nothing leaked."""

from __future__ import annotations

import csv
import io
import logging
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.corpus.making import PLANTED, WORDS, Case, drop_case, household, load_cases
from tests.support.intake import everything_written, findings, reference_lake, rows_of, take

from agrilake.intake.raw import LINE
from agrilake.pipeline import intake
from agrilake.pipeline.context import Lake
from agrilake.pipeline.intake import Outcome

CASES = load_cases()
GOOD = Path("agri/agri_farm_household__2024-02.csv")


@dataclass(frozen=True)
class Drop:
    """All cases and a good file, dropped together."""

    lake: Lake
    outcomes: dict[str, Outcome]
    said: str


@pytest.fixture(scope="module")
def drop(tmp_path_factory: pytest.TempPathFactory) -> Drop:
    lake = reference_lake(tmp_path_factory.mktemp("corpus") / "home")
    for case in CASES:
        drop_case(case, lake.home.inbox)
    (lake.home.inbox / GOOD).write_text(f"{WORDS['header']}\n{household(0)}\n{household(1)}\n", encoding="utf-8")
    said, handler = io.StringIO(), logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(handler)
    try:
        with redirect_stdout(said), redirect_stderr(said):
            outcomes = take(lake)
    finally:
        logging.getLogger().removeHandler(handler)
    return Drop(lake, outcomes, said.getvalue() + handler.stream.getvalue())


def test_the_case_names_are_unique() -> None:
    assert len({case.case for case in CASES}) == len({case.place for case in CASES}) == len(CASES)


def test_the_good_file_of_the_drop_went_on(drop: Drop) -> None:
    delivery = drop.outcomes[GOOD.as_posix()].delivery
    assert (delivery.status, delivery.records, delivery.accepted) == ("accepted", 2, 2)
    assert intake.pending_files(drop.lake, settle=False) == []
    assert intake.stale_deliveries(drop.lake) == []
    assert drop.lake.state.open_failures() == []


@pytest.mark.parametrize("case", CASES, ids=[case.case for case in CASES])
def test_it_has_its_written_outcome(case: Case, drop: Drop) -> None:
    outcome = drop.outcomes[case.place]
    delivery = outcome.delivery
    assert (delivery.status, delivery.code) == (case.status, case.code), delivery.reason
    counts = (delivery.records, delivery.accepted, delivery.quarantined, delivery.duplicate)
    assert counts == tuple(case.counts)
    assert delivery.records == delivery.accepted + delivery.quarantined + delivery.duplicate
    if delivery.is_final:
        found = findings(drop.lake, delivery).filter(severity="error")
        assert dict(found.group_by("rule").len().iter_rows()) == case.rules
        assert found.select("line", "sheet").unique().height == delivery.quarantined
        bronze, accepted = rows_of(drop.lake, "bronze", delivery), rows_of(drop.lake, "accepted", delivery)
        assert set(accepted[LINE]) <= set(bronze[LINE])
        assert accepted.height == delivery.accepted


@pytest.mark.parametrize("case", CASES, ids=[case.case for case in CASES])
def test_its_department_gets_a_receipt(case: Case, drop: Drop) -> None:
    outcome = drop.outcomes[case.place]
    parts = Path(case.place).parts
    assert outcome.receipt is not None
    assert outcome.receipt.html.parent == drop.lake.home.outbox / (parts[0] if len(parts) > 1 else "其他")
    page = outcome.receipt.html.read_text(encoding="utf-8")
    assert case.told in page
    rows = list(csv.reader(io.StringIO(outcome.receipt.csv.read_text(encoding="utf-8-sig"))))
    assert rows[0][:3] == ["原行号", "问题", "改法"]
    assert len(rows) == 1 + max(1, outcome.delivery.quarantined)
    if outcome.delivery.reason:
        assert outcome.delivery.reason in rows[1][1]
        assert outcome.delivery.reason.split("“")[0] in page


@pytest.mark.parametrize("case", [case for case in CASES if case.status == "refused"], ids=lambda case: case.case)
def test_a_refused_file_lies_where_its_department_finds_it(case: Case, drop: Drop) -> None:
    inbox, parts = drop.lake.home.inbox, Path(case.place).parts
    returned = inbox.joinpath(*parts[:1] if len(parts) > 1 else ()) / "退回" / parts[-1]
    if "link" in case.make:
        assert returned.readlink() == Path(case.make["link"])
        return
    assert returned.read_bytes() == case.content
    assert not (inbox / case.place).exists()


@pytest.mark.parametrize("value", PLANTED)
def test_nothing_personal_is_written_where_people_look(value: str, drop: Drop) -> None:
    assert value.encode() not in everything_written(drop.lake)
    assert value not in drop.said


def test_no_cell_of_a_receipt_is_run_by_a_spreadsheet(drop: Drop) -> None:
    for outcome in drop.outcomes.values():
        assert outcome.receipt is not None
        for row in csv.reader(io.StringIO(outcome.receipt.csv.read_text(encoding="utf-8-sig"))):
            assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))], row


def test_a_second_drop_of_the_same_files_ends_the_same(drop: Drop) -> None:
    for case in CASES:
        drop_case(case, drop.lake.home.inbox)
    again = take(drop.lake)
    for case in CASES:
        one, two = drop.outcomes[case.place].delivery, again[case.place].delivery
        assert (one.id, one.status, one.code) == (two.id, two.status, two.code), case.case
    left = [path for path in drop.lake.home.inbox.rglob("*") if path.is_symlink() or path.is_file()]
    assert len(left) == len([case for case in CASES if case.status == "refused"])
