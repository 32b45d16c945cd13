"""A person who is erased: no file, table, old version or backup holds them, and all others are as they were."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from tests.support.intake import open_lake, reference_lake, take
from tests.support.planted import bank_card
from tests.support.searching import Searcher
from tests.support.two_registers import ELDERS, HOUSEHOLDS, IDS, NAMES, elders, households, put
from typer.testing import CliRunner

from agrilake.commands.main import app
from agrilake.errors import UsageError
from agrilake.intake.kept import kept_file
from agrilake.intake.keys import KEY_VARIABLE, create_key
from agrilake.intake.privacy import VEIL
from agrilake.lake import audit
from agrilake.lake.erasures import erasures, oldest_versions
from agrilake.lake.failpoints import ERASURE_POINTS, VARIABLE
from agrilake.lake.files import scan
from agrilake.pipeline import steps
from agrilake.pipeline.audited import audit_findings
from agrilake.pipeline.context import Lake
from agrilake.pipeline.erasure import erase, finish, held_of
from agrilake.pipeline.rotation import rotate
from agrilake.recovery.backup import backup, backups
from agrilake.recovery.verify import verify

BY, WHY = "王某", "本人撤回同意"
WHO, OTHER = 1, 2
CARD, PHONE = bank_card(4711), f"1380013800{WHO}"
VISITS, SUBSIDIES = "civil_elder_visit", "agri_subsidy_payment"
STORED_POINTS = [
    point for point in ERASURE_POINTS if point not in ("erasure_gold_purged", "erasure_publications_removed")
]


def visits(*numbers: int) -> Sequence[Sequence[Any]]:
    """Visits of the elder register's persons: by their number alone."""
    head = ("探访编号", "老人编号", "所在村", "探访日期", "探访结果")
    return [head, *((f"TF20240100000{n}", f"E000000000{n}", "500112129201", "2024-01-15", "情况正常") for n in numbers)]


def workbook(lake: Lake) -> None:
    """The household register once more, as a workbook: the person in a comment, a hidden sheet, and a note as well."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in households(0, WHO, OTHER):
        sheet.append([str(cell) for cell in row])
    sheet.append([f"注：{NAMES[WHO]} {IDS[WHO]} 已核实"])
    sheet["C2"].comment = openpyxl.comments.Comment(f"同户 {IDS[WHO]}", NAMES[WHO])
    hidden = book.create_sheet("底册")
    hidden.append([NAMES[WHO], IDS[WHO]])
    hidden.sheet_state = "hidden"
    book.properties.title = IDS[WHO]
    path = lake.home.inbox / "agri" / "agri_farm_household__2024-03.xlsx"
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def delivered(root: Path) -> Lake:
    """A lake in which the person stands in all ways that a department may have put them."""
    lake = reference_lake(root)
    lake.ensure_key()
    wrong = [list(row) for row in households(WHO, OTHER)]
    wrong[1][1] = wrong[2][1] = "没有这个村"  # both lines wait in quarantine
    note = [[*households(0)[0], "备注"], *([*row, f"与{IDS[WHO]}同户"] for row in households(0, WHO)[1:])]
    put(lake, {"agri_farm_household__2024-01": households(0, WHO, OTHER, 3), "agri_farm_household__2024-02": wrong})
    put(lake, {"civil_elder__2024-01": elders(0, WHO, OTHER), "civil_elder_visit__2024-01": visits(0, WHO, OTHER)})
    put(lake, {"agri_farm_household__2024-04": note})
    workbook(lake)
    take(lake)
    mend(lake)
    put(lake, {"agri_farm_household__2024-01__更正": households(0, WHO, OTHER)})
    put(lake, {"agri_farm_household__2024-05": [["坏", "表"], [IDS[WHO], NAMES[WHO]]]})
    take(lake)
    settle(lake)
    return lake


def mend(lake: Lake) -> None:
    """The receipt of what waits comes back with the village put right, numbers still masked."""
    (waiting,) = [item for item in lake.state.deliveries(HOUSEHOLDS) if item.quarantined]
    (receipt,) = lake.home.outbox.rglob(f"*补正-{waiting.id[:8]}-1.csv")
    rows = list(csv.reader(receipt.read_text(encoding="utf-8-sig").splitlines()))
    target = lake.home.inbox / waiting.department / receipt.name
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([[cell.replace("没有这个村", "500112129201") for cell in row] for row in rows])
    take(lake)


def settle(lake: Lake) -> None:
    for name in (HOUSEHOLDS, ELDERS, VISITS):
        steps.update_silver(lake, name)


@pytest.fixture
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, str(create_key(tmp_path / "keys" / "own.key")))
    monkeypatch.setenv("AGRILAKE_HOME", str(tmp_path / "home"))


@pytest.fixture
def lake(tmp_path: Path, own_key: None) -> Lake:
    return delivered(tmp_path / "home")


def traces(lake: Lake) -> dict[str, str]:
    """What tells the person: numbers, name, phone, and the tokens that the lake has for them."""
    tokens = lake.pseudonymiser.tokens(pl.Series([IDS[WHO]]), "id_no")
    known = {"id": IDS[WHO], "name": NAMES[WHO], "phone": PHONE, "token": tokens[0], "elder": f"E000000000{WHO}"}
    return {**known, "token text": tokens[0].partition(":")[2]}


def found(lake: Lake, names: Sequence[str] = ()) -> set[str]:
    """Which traces are in the files of the home, the department's own (inbox) left out."""
    wanted = {name: text for name, text in traces(lake).items() if not names or name in names}
    return {line.rpartition(": ")[2] for line in Searcher(wanted).in_tree(lake.home.root, leave_out=("inbox",))}


def others(lake: Lake) -> dict[str, pl.DataFrame]:
    """All rows of silver and its history, accepted, bronze and quarantine that are not the person's."""
    token, said = traces(lake)["token"], {}
    for layer in ("silver", "accepted", "bronze"):
        for path in sorted((lake.home.root / layer).glob("[!.]*")):
            rows = scan(path)
            if rows is None:
                continue
            frame = rows.drop("_sequence", strict=False).collect()
            text = [pl.col(name) for name, kind in frame.schema.items() if kind == pl.String]
            hers = pl.any_horizontal(one.is_in([token, IDS[WHO], f"E000000000{WHO}"]) for one in text)
            kept = frame.filter(~hers.fill_null(False)).with_columns(pl.col(pl.String).str.replace(IDS[WHO], VEIL))
            said[f"{layer}/{path.name}"] = kept.sort(kept.columns, nulls_last=True)
    return said


def test_no_file_table_or_old_version_holds_the_person_and_the_others_are_as_they_were(lake: Lake) -> None:
    everything = set(traces(lake))
    assert found(lake) == everything, "else the search proves nothing"
    before, counts = others(lake), {item.id: item for item in lake.state.deliveries()}
    act = erase(lake, [IDS[WHO]], BY, WHY)
    assert found(lake) == set()
    after = others(lake)
    assert {name for name in before if before[name].height} <= after.keys()
    for name, rows in before.items():
        assert rows.select(after[name].columns).equals(after[name]), name
    for item in lake.state.deliveries():
        was = counts[item.id]
        assert item.records + item.erased == was.records, item.file_name
        assert item.records == item.accepted + item.quarantined + item.duplicate
    # a file and its correction, one that waited and its mend, a note, a workbook; the register, a visit
    assert act.records == 6 + 2
    assert act.stage == "stored"


def test_verify_and_the_audit_log_are_content_and_the_act_names_nobody(lake: Lake) -> None:
    erase(lake, [IDS[WHO]], BY, f"{NAMES[WHO]} 电话{PHONE} 要求")
    assert [(check.id, check.findings) for check in verify(lake) if check.findings] == []
    assert audit_findings(lake) == []
    (act,) = erasures(lake.home)
    assert PHONE not in act.reason
    tokens = traces(lake)
    assert not any(text in act.marks for text in tokens.values())
    acts = [item for item in audit.entries(lake.home) if isinstance(item, audit.Entry) and item.act == "erased"]
    assert [(item.subject, item.by, item.about["stage"]) for item in acts] == [
        ("erasure 1", BY, "noted"),
        ("erasure 1", BY, "stored"),
    ]


def test_who_was_erased_comes_in_no_more_and_the_household_may_have_another_head(lake: Lake) -> None:
    erase(lake, [IDS[WHO]], BY, WHY)
    rotate(lake, BY, "年度更换")
    new_head = [households(0)[0], (f"H5001121000{WHO}", "500112129201", NAMES[4], IDS[4], "13800138004", 2, "是")]
    put(lake, {"agri_farm_household__2024-06": households(0, WHO, 5), "civil_elder__2024-02": elders(WHO, 3)})
    put(lake, {"civil_elder_visit__2024-02": visits(WHO, OTHER), "agri_farm_household__2024-07": new_head})
    outcomes = {path.rpartition("/")[2]: outcome.delivery for path, outcome in take(lake).items()}
    settle(lake)
    assert found(lake) == set()
    said = {name.partition(".")[0]: (item.records, item.erased) for name, item in outcomes.items()}
    assert said == {
        "agri_farm_household__2024-06": (2, 1),
        "civil_elder__2024-02": (1, 1),
        "civil_elder_visit__2024-02": (1, 1),
        "agri_farm_household__2024-07": (1, 0),
    }
    rows = scan(lake.home.table("silver", HOUSEHOLDS))
    assert rows is not None
    assert rows.filter(household_id=f"H5001121000{WHO}").collect().height == 1
    (page,) = lake.home.outbox.rglob(f"*{outcomes['agri_farm_household__2024-06.csv'].id[:8]}.html")
    assert "另有 1 行是依法删除了个人信息的人的记录" in page.read_text(encoding="utf-8")


def test_the_same_file_again_is_a_repeat_and_brings_nobody_back(lake: Lake) -> None:
    erase(lake, [IDS[WHO]], BY, WHY)
    put(lake, {"civil_elder__2024-01": elders(0, WHO, OTHER), "civil_elder__2024-02": elders(0, WHO, OTHER)})
    outcomes = {path.rpartition("/")[2]: outcome for path, outcome in take(lake).items()}
    assert outcomes["civil_elder__2024-01.csv"].repeat_of
    assert outcomes["civil_elder__2024-02.csv"].delivery.code == "same_bytes_other_period"
    assert found(lake) == set()


@pytest.mark.parametrize(
    "point", STORED_POINTS if os.environ.get("AGRILAKE_FULL") else ["erasure_noted", "erasure_rows_stored"]
)
def test_an_erasure_that_is_killed_is_ended_by_the_next_run(lake: Lake, point: str) -> None:
    code = f"from agrilake.pipeline.erasure import *\nerase(Lake.start(), [input()], {BY!r}, {WHY!r})"
    environment = {**os.environ, VARIABLE: point}
    done = subprocess.run([sys.executable, "-c", code], input=IDS[WHO], text=True, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    again = open_lake(lake.home.root)
    finish(again)
    assert found(again) == set()
    assert [item.stage for item in erasures(again.home)] == ["stored"]
    assert [check.findings for check in verify(again) if check.findings] == []


def test_backups_that_hold_the_person_go_with_the_next_one(lake: Lake, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    backup(lake, target)
    wanted = Searcher({"id": IDS[WHO]})
    assert wanted.in_tree(target)
    erase(lake, [IDS[WHO]], BY, WHY)
    done = backup(lake, target)
    assert (done.removed, done.manifest.missing) == (1, ())
    assert [item.name for item in backups(target)] == [done.manifest.name]
    assert wanted.in_tree(target) == []


def test_encrypted_files_and_tables_lose_the_person_too(tmp_path: Path, own_key: None, monkeypatch: Any) -> None:
    monkeypatch.setenv("AGRILAKE_ENCRYPT", "1")
    lake = delivered(tmp_path / "home")
    erase(lake, [IDS[WHO]], BY, WHY)
    personal = [item for name in (HOUSEHOLDS, ELDERS) for item in lake.state.deliveries(name)]
    kept = [path for item in personal if (path := kept_file(lake.home, item.sha256, item.id))]
    assert len(kept) == 6 + 1
    assert all(path.name.endswith(".k1.age") for path in kept)
    assert found(lake) == set()
    assert held_of(lake, [IDS[WHO]]) == []
    assert [check.findings for check in verify(lake) if check.findings] == []


def test_what_is_asked_as_of_a_day_before_says_that_it_is_gone(lake: Lake) -> None:
    lake.state.record_lake_version(steps.lake_tables(lake))
    erase(lake, [IDS[WHO]], BY, WHY)
    assert oldest_versions(lake.home).keys() >= {"silver/civil_elder", "accepted/civil_elder", "quarantine"}
    said = CliRunner().invoke(app, ["sql", "select count(*) from silver.civil_elder", "--version", "1"])
    assert said.exit_code != 0
    assert "was taken away when a person was erased" in said.output


def test_a_record_without_a_number_is_erased_by_its_place(lake: Lake) -> None:
    nameless = [list(row) for row in elders(4, 5)]
    nameless[1][3] = "不详"
    put(lake, {"civil_elder__2024-03": nameless})
    (outcome,) = take(lake).values()
    place = f"{outcome.delivery.id[:8]}:2"
    assert [item.records for item in held_of(lake, [], [place])] == [1]
    assert Searcher({"name": NAMES[4]}).in_tree(lake.home.root, leave_out=("inbox",))
    erase(lake, [], BY, WHY, [place])
    assert Searcher({"name": NAMES[4]}).in_tree(lake.home.root, leave_out=("inbox",)) == []
    again = lake.state.delivery(outcome.delivery.id)
    assert again is not None
    assert (again.records, again.erased) == (1, 1)


@pytest.mark.parametrize(
    ("numbers", "by", "places", "words"),
    [
        (["500112195005080000"], BY, [], "check digit is wrong"),
        (["13800"], BY, [], "check digit is wrong"),
        ([IDS[WHO]], " ", [], "needs --by"),
        ([], BY, [], "standard input"),
        ([], BY, ["nothing:2"], "expected DELIVERY:LINE"),
    ],
)
def test_what_cannot_be_erased_says_why_and_repeats_no_number(
    lake: Lake, numbers: list[str], by: str, places: list[str], words: str
) -> None:
    with pytest.raises(UsageError, match=words) as said:
        erase(lake, numbers, by, WHY, places)
    assert not any(number in str(said.value) for number in numbers)
    assert erasures(lake.home) == []


def test_the_command_reads_numbers_from_standard_input_alone(lake: Lake) -> None:
    run = CliRunner()
    told = run.invoke(app, ["erase", "--dry-run", "--json"], input=f"{IDS[WHO]}\n")
    assert told.exit_code == 0, told.output
    assert sum(item["records"] for item in json.loads(told.stdout)) == 6 + 2
    assert erasures(lake.home) == []
    done = run.invoke(app, ["erase", "--by", BY, "--reason", WHY, "--json"], input=f"{IDS[WHO]}\n")
    assert done.exit_code == 0, done.output
    listed = run.invoke(app, ["erase", "--list"])
    assert IDS[WHO] not in told.output + done.output + listed.output
    assert WHY in listed.output
    assert run.invoke(app, ["erase", IDS[WHO]]).exit_code != 0
