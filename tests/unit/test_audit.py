"""The audit log: every altered, removed, reordered or added line is found, and a crash's cut line is no false alarm."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest

from agrilake.lake import audit
from agrilake.lake.audit import Broken, Entry, Head, broken_chain, entries, log_file
from agrilake.lake.state import Delivery, State
from agrilake.paths import Home

Lines = list[bytes]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home.at(tmp_path / "home").prepare()
    for number in range(6):
        audit.record(made, "delivered", f"delivery{number}", by="张处长", bytes=number)
    return made


def findings(home: Home, anchors: dict[str, Head] | None = None, deliveries: dict[str, int] | None = None) -> list[str]:
    return broken_chain(home, anchors or {}, deliveries or {})


def changed(home: Home, change: Callable[[Lines], Lines]) -> None:
    path = log_file(home)
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def rehashed(lines: Lines, start: int) -> Lines:
    """The lines from `start` on with numbers, links and hashes made anew, as somebody who knows the code would."""
    kept = lines[:start]
    for raw in lines[start:]:
        body = json.loads(raw)
        before = json.loads(kept[-1])
        body |= {"number": before["number"] + 1, "previous": before["hash"]}
        body.pop("hash")
        body["hash"] = audit._hash(body)
        kept.append(json.dumps(body, ensure_ascii=False, sort_keys=True).encode() + b"\n")
    return kept


def test_a_whole_log_has_no_findings_and_begins_with_its_opening(home: Home) -> None:
    found = list(entries(home))
    assert [item.act for item in found if isinstance(item, Entry)] == ["opened", *["delivered"] * 6]
    assert findings(home, {"paper": audit.head(home)}) == []
    assert log_file(home).stat().st_mode & 0o777 == 0o600
    assert log_file(home).parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda lines: [*lines[:3], lines[3].replace(b"delivery2", b"delivery9"), *lines[4:]],
            "line 4: found a record that was",
        ),
        (lambda lines: [*lines[:3], *lines[4:]], "line 4: found record 5, expected record 4"),
        (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], "line 4: found record 5, expected record 4"),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], "line 4: found record 3, expected record 4"),
        (lambda lines: [*lines[:3], b"{}\n", *lines[3:]], "line 4: found a line that is no record"),
        (lambda lines: [*lines[:3], lines[3][:40] + b"\n", *lines[4:]], "line 4: found a line that is no record"),
        (lambda lines: lines[1:], "line 1: found record 2, expected record 1"),
    ],
    ids=["altered", "removed", "reordered", "repeated", "added", "cut", "beheaded"],
)
def test_what_was_done_to_the_log_is_found(home: Home, change: Callable[[Lines], Lines], said: str) -> None:
    changed(home, change)
    assert any(said in line for line in findings(home)), findings(home)


def test_lines_taken_off_the_end_are_found_by_a_head_that_was_written_down(home: Home) -> None:
    newest = audit.head(home)
    changed(home, lambda lines: lines[:-2])
    assert findings(home) == []
    assert findings(home, {"publication 3": newest}) == [
        f"publication 3: record 7 had hash {newest.hash[:12]}; audit.jsonl ends at record 5"
    ]


def test_a_chain_that_was_made_anew_is_found_by_a_head_that_was_written_down(home: Home) -> None:
    newest = audit.head(home)
    changed(home, lambda lines: rehashed([*lines[:3], *lines[4:]], 3))
    audit.record(home, "ran", "silver/x")
    assert not [item for item in entries(home) if isinstance(item, Broken)]
    assert findings(home, {"publication 3": newest}) == [
        f"publication 3: record 7 had hash {newest.hash[:12]}; it is another one"
    ]


def test_a_delivery_without_a_record_of_its_arrival_is_found(home: Home) -> None:
    changed(home, lambda lines: rehashed([*lines[:3], *lines[4:]], 3))
    known = {f"delivery{number}": number + 1 for number in range(6)}
    assert findings(home, deliveries=known) == ["delivery delivery2: no record of its arrival"]


def test_deliveries_of_before_the_log_need_no_record(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home").prepare()
    state = State(home.state_file)
    old = state.record_delivery(Delivery("old", "d", "agri", "2024-01", "f.csv", "0", 1, "accepted"))
    audit.record(home, "delivered", "new")
    assert findings(home, deliveries={"old": old.sequence, "new": 2}) == []


def test_a_lake_with_deliveries_and_no_log_is_found(home: Home) -> None:
    log_file(home).unlink()
    assert findings(home, deliveries={"delivery0": 1}) == [
        "audit.jsonl: missing or empty, although the lake holds 1 deliveries"
    ]


@pytest.mark.parametrize("kept", [1, 60])
def test_a_line_that_a_crash_cut_off_is_told_by_the_next_record(home: Home, kept: int) -> None:
    changed(home, lambda lines: [*lines[:-1], lines[-1][:kept]])
    assert findings(home), "until then it is a finding"
    audit.record(home, "ran", "silver/x")
    assert findings(home) == []
    assert [item.act for item in entries(home) if isinstance(item, Entry)][-2:] == ["torn", "ran"]


def test_records_longer_than_what_is_read_at_once_are_found_from_the_end(home: Home) -> None:
    audit.record(home, "ran", "x" * (2 * audit.TAIL_BYTES))
    assert audit.record(home, "ran", "short").number == 9
    assert findings(home) == []


def _append_ten(root: Path) -> None:
    for number in range(10):
        audit.record(Home.at(root), "ran", f"table{number}")


def test_processes_that_record_at_once_make_one_chain(home: Home) -> None:
    workers = [multiprocessing.get_context("spawn").Process(target=_append_ten, args=(home.root,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert findings(home) == []
    assert audit.head(home).number == 47


def test_an_unknown_act_is_refused(home: Home) -> None:
    with pytest.raises(ValueError, match="not an act"):
        audit.record(home, "opened", "x")
