"""A delivery that is withdrawn: the lake is as one that never saw the file, and the record says what happened."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from tests.support.intake import open_lake, reference_lake, take
from tests.support.samples import SAMPLE, drop
from typer.testing import CliRunner

from agrilake.commands.main import app
from agrilake.errors import UsageError
from agrilake.lake import audit
from agrilake.lake.failpoints import VARIABLE, WITHDRAW_POINTS
from agrilake.lake.files import delivery_rows, scan
from agrilake.lake.state import Delivery
from agrilake.pipeline import intake, steps
from agrilake.pipeline.arrivals import arrivals
from agrilake.pipeline.context import Lake
from agrilake.pipeline.withdrawal import finish, withdraw, withdrawals
from agrilake.tables.order import refs

BY, WHY = "王某", "报错了期"
SALES, VISITS, ELDERS = "commerce_ecommerce_sales", "civil_elder_visit", "civil_elder"
FIRST, CORRECTED = (
    "commerce/commerce_ecommerce_sales__2024-02.csv",
    "commerce/commerce_ecommerce_sales__2024-02__更正.csv",
)
JANUARY = "commerce/农产品网络零售__2024-01.xlsx"
ELDERS_FIRST, ELDERS_LATER = "civil/civil_elder__2024-01.csv", "civil/老人数据库__2024-02.xlsx"
PEOPLE, PEOPLE_LATER = "stats/stats_population__2023.xls", "stats/人口户数__2024年.xlsx"
MEND = "mend"


def bring(lake: Lake, *names: str) -> None:
    """Files of the sample, in this order, taken up to silver; MEND is the receipt's CSV of the file before it."""
    for name in names:
        if name == MEND:
            newest = max((i for i in lake.state.deliveries() if i.quarantined), key=lambda item: item.sequence)
            drop_mend(lake, newest)
        else:
            drop(SAMPLE / "inbox" / name, lake.home.root)
        take(lake)
    settle(lake)


def drop_mend(lake: Lake, delivery: Delivery) -> None:
    """The receipt's CSV comes back, with what a person would write into the first cell that was wrong."""
    (source,) = lake.home.outbox.rglob(f"*补正-{delivery.id[:8]}-1.csv")
    drop(source, lake.home.root, department=delivery.department)


def settle(lake: Lake) -> None:
    for name in lake.registry.datasets:
        if not lake.registry.get(name).large:
            steps.update_silver(lake, name)


def of(lake: Lake, name: str, mend: bool = False) -> Delivery:
    """The newest delivery of that file, or its newest mend."""
    base = [item for item in lake.state.deliveries() if item.file_name == Path(name).name][-1]
    return (
        [item for item in lake.state.deliveries() if item.mends and base.id.startswith(item.mends)][-1]
        if mend
        else base
    )


def contents(lake: Lake) -> dict[str, pl.DataFrame]:
    """Silver and history, bronze, accepted and quarantine, what is waited for and what the indicators know of arrivals;
    without arrival numbers, and without empty tables."""
    found: dict[str, pl.DataFrame] = {}
    folders = [path for layer in ("bronze", "accepted", "silver") for path in (lake.home.root / layer).iterdir()]
    for path in (*folders, lake.home.table("quarantine")):
        table = None if path.name.startswith(".") else scan(path)
        if table is not None:
            rows = table.drop("_sequence", strict=False).collect()
            if rows.height:
                found[path.relative_to(lake.home.root).as_posix()] = rows.sort(rows.columns, nulls_last=True)
    return found


def known(lake: Lake) -> object:
    """What gold, the indicators and the catalogue learn of the deliveries."""
    state, today = lake.state.deliveries(), steps.today(lake)
    datasets = lake.registry.datasets.values()
    counting = {item.id: (item.accepted, item.quarantined, item.reason) for item in state if item.is_final}
    tables = {name: table.to_pylist() for name, table in steps.catalogue(lake).items()}
    for row in tables["catalogue"]:
        row["last_delivery_at"] = None  # the two lakes took the files a moment apart
    return arrivals(datasets, state, today, lake.settings.timezone), counting, tables


def assert_same(one: Lake, other: Lake) -> None:
    left, right = contents(one), contents(other)
    assert left.keys() == right.keys()
    for name, rows in left.items():
        assert rows.equals(right[name].select(rows.columns)), name
    assert known(one) == known(other)


SCENARIOS: dict[str, tuple[Sequence[str], str, Sequence[str]]] = {
    "an appended file": ([JANUARY, FIRST], FIRST, [JANUARY]),
    "a correction, so that the first counts again": ([JANUARY, FIRST, CORRECTED], CORRECTED, [JANUARY, FIRST]),
    "a first file that was corrected": ([FIRST, CORRECTED], FIRST, [CORRECTED]),
    "with its mend": ([JANUARY, FIRST, MEND], FIRST, [JANUARY]),
    "a correction with its mend": ([FIRST, CORRECTED, MEND], CORRECTED, [FIRST]),
    "a register's changes": ([ELDERS_FIRST, ELDERS_LATER], ELDERS_LATER, [ELDERS_FIRST]),
    "a register's beginning": ([ELDERS_FIRST, ELDERS_LATER], ELDERS_FIRST, [ELDERS_LATER]),
    "a snapshot": ([PEOPLE, PEOPLE_LATER], PEOPLE_LATER, [PEOPLE]),
    "all that a dataset has": (
        [JANUARY, ELDERS_FIRST, ELDERS_LATER, MEND],
        ELDERS_FIRST,
        [JANUARY, ELDERS_LATER, MEND],
    ),
    "the only one": ([JANUARY, PEOPLE], PEOPLE, [JANUARY]),
}


SAMPLED = ("a correction, so that the first counts again", "with its mend", "a register's changes", "the only one")
FULL = os.environ.get("AGRILAKE_FULL")


@pytest.mark.parametrize("name", SCENARIOS if FULL else SAMPLED)
def test_the_lake_is_as_one_that_never_saw_the_file(name: str, tmp_path: Path) -> None:
    brought, wrong, right = SCENARIOS[name]
    lake, other = reference_lake(tmp_path / "one"), reference_lake(tmp_path / "other")
    bring(lake, *brought)
    before = contents(lake)
    withdraw(lake, of(lake, wrong).id[:10], BY, WHY)
    bring(other, *right)
    assert contents(lake).keys() != before.keys() or any(
        not rows.equals(before[table]) for table, rows in contents(lake).items()
    )
    assert_same(lake, other)
    assert all(steps.silver_is_current(lake, dataset) for dataset in lake.registry.datasets)


def test_a_mend_alone_puts_its_rows_back_into_quarantine(tmp_path: Path) -> None:
    lake, other = reference_lake(tmp_path / "one"), reference_lake(tmp_path / "other")
    bring(lake, FIRST, MEND)
    bring(other, FIRST)
    done = withdraw(lake, of(lake, FIRST, mend=True).id, BY, WHY)
    assert done.taken_along == ()
    assert_same(lake, other)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A correction with its mend, and the file that it replaced."""
    lake = reference_lake(tmp_path / "home")
    bring(lake, FIRST, CORRECTED, MEND)
    return lake


def test_record_receipt_and_log_say_who_when_and_why(lake: Lake) -> None:
    delivery, mend = of(lake, CORRECTED), of(lake, CORRECTED, mend=True)
    done = withdraw(lake, delivery.id, BY, WHY)
    assert (done.taken_along, done.accepted) == ((mend.id,), delivery.accepted + mend.accepted)
    acts = withdrawals(lake.home).to_dicts()
    assert [(act["delivery_id"], act["taken_along_with"]) for act in acts] == [
        (delivery.id, None),
        (mend.id, delivery.id),
    ]
    assert {(act["withdrawn_by"], act["reason"]) for act in acts} == {(BY, WHY)}
    assert acts[0]["accepted"] == delivery.accepted
    after = of(lake, CORRECTED)
    assert (after.id, after.status, after.records, after.accepted) == (delivery.id, "withdrawn", 0, 0)
    assert (after.sequence, after.received_at) == (delivery.sequence, delivery.received_at)
    page = next(lake.home.outbox.rglob(f"*{delivery.id[:8]}.html")).read_text(encoding="utf-8")
    assert "已撤回" in page
    assert WHY in page
    assert not list(lake.home.outbox.rglob(f"*补正-{delivery.id[:8]}-1.csv")), "nothing is left to mend"
    assert f"回执 {delivery.id[:8]}" in str(of(lake, CORRECTED, mend=True).reason)
    told = [item for item in audit.entries(lake.home) if isinstance(item, audit.Entry) and item.act == "withdrawn"]
    assert [(item.subject, item.by) for item in told] == [(delivery.id, BY), (mend.id, BY)]
    landed = lake.home.landing / delivery.sha256[:2] / delivery.sha256
    assert landed.is_file()


def test_a_second_withdrawal_changes_nothing(lake: Lake) -> None:
    delivery = of(lake, CORRECTED)
    withdraw(lake, delivery.id, BY, WHY)
    before = contents(lake), lake.state.deliveries(), withdrawals(lake.home)
    again = withdraw(lake, delivery.id, "李某", "又一次")
    assert again.silver_version is None
    assert contents(lake).keys() == before[0].keys()
    assert lake.state.deliveries() == before[1]
    assert withdrawals(lake.home).equals(before[2])


def test_what_cannot_be_withdrawn_says_why(lake: Lake) -> None:
    delivery = of(lake, CORRECTED)
    with pytest.raises(UsageError, match="no single delivery begins with 'zzz'"):
        withdraw(lake, "zzz", BY, WHY)
    for by, reason, said in (("", WHY, "--by"), (BY, " ", "--reason"), (BY, "x" * 201, "--reason")):
        with pytest.raises(UsageError, match=said):
            withdraw(lake, delivery.id, by, reason)
    crosswalk = next(item for item in lake.state.deliveries() if item.dataset == "stats_division_crosswalk")
    with pytest.raises(UsageError, match="the only stats_division_crosswalk of the lake"):
        withdraw(lake, crosswalk.id, BY, WHY)
    drop(SAMPLE / "inbox" / "commerce" / "农村电商服务站.csv", lake.home.root)
    take(lake)
    refused = next(item for item in lake.state.deliveries() if item.status == "refused")
    with pytest.raises(UsageError, match="was refused, so it brought nothing"):
        withdraw(lake, refused.id, BY, WHY)
    assert withdrawals(lake.home).is_empty()


def test_a_division_table_is_withdrawn_where_another_is_left(tmp_path: Path) -> None:
    """What was resolved by it is resolved again by the one that is in force then."""
    lake, other = reference_lake(tmp_path / "one"), reference_lake(tmp_path / "other")
    bring(lake, ELDERS_FIRST)
    withdraw(lake, of(lake, "行政区划__2024.xlsx").id, BY, WHY)
    (again,) = intake.stale_deliveries(lake)
    assert again.file_name == Path(ELDERS_FIRST).name
    take(lake)
    settle(lake)
    withdraw(other, of(other, "行政区划__2024.xlsx").id, BY, WHY)
    bring(other, ELDERS_FIRST)
    assert_same(lake, other)


def test_the_same_file_again_is_a_new_delivery(lake: Lake) -> None:
    delivery = of(lake, CORRECTED)
    before = delivery_rows(lake.home.table("silver", SALES), delivery.id)
    assert before is not None
    withdraw(lake, delivery.id, BY, WHY)
    for _ in range(2):
        bring(lake, CORRECTED)
        fresh = of(lake, CORRECTED)
        assert fresh.id != delivery.id
        assert (fresh.status, fresh.accepted) == (delivery.status, delivery.accepted)
        rows = delivery_rows(lake.home.table("silver", SALES), fresh.id)
        assert rows is not None
        assert rows.height == fresh.accepted
        withdraw(lake, fresh.id, BY, WHY)
        assert lake.state.delivery(delivery.id) == lake.state.deliveries(SALES)[1], "the first record stands"


def test_dropped_for_the_wrong_period_it_is_taken_under_its_right_name(tmp_path: Path) -> None:
    """The same bytes for another period are refused as long as the wrong delivery stands."""
    lake = reference_lake(tmp_path / "home")
    source = SAMPLE / "inbox" / ELDERS_FIRST
    drop(source, lake.home.root, name=f"{ELDERS}__2024-03.csv")
    take(lake)
    wrong = of(lake, f"{ELDERS}__2024-03.csv")
    drop(source, lake.home.root)
    take(lake)
    assert of(lake, ELDERS_FIRST).code == "same_bytes_other_period"
    withdraw(lake, wrong.id, BY, WHY)
    drop(source, lake.home.root)
    take(lake)
    assert (of(lake, ELDERS_FIRST).status, of(lake, ELDERS_FIRST).accepted) == (wrong.status, wrong.accepted)


def test_a_receipt_that_asked_about_the_withdrawn_file_asks_no_more(tmp_path: Path) -> None:
    lake = reference_lake(tmp_path / "home")
    drop(SAMPLE / "inbox" / ELDERS_FIRST, lake.home.root, name=f"{ELDERS}__2024-03.csv")
    take(lake)
    text = (SAMPLE / "inbox" / ELDERS_FIRST).read_bytes() + b"\n"
    other = tmp_path / Path(ELDERS_FIRST).name
    other.write_bytes(text)
    drop(other, lake.home.root, department="civil")
    take(lake)
    assert "核对是否选错了文件" in str(of(lake, ELDERS_FIRST).reason)
    withdraw(lake, of(lake, f"{ELDERS}__2024-03.csv").id, BY, WHY)
    assert of(lake, ELDERS_FIRST).reason is None


def test_a_mend_that_comes_after_the_withdrawal_is_refused_with_the_reason(tmp_path: Path) -> None:
    lake = reference_lake(tmp_path / "home")
    bring(lake, FIRST)
    delivery = of(lake, FIRST)
    drop_mend(lake, delivery)
    withdraw(lake, delivery.id, BY, WHY)
    take(lake)
    mend = of(lake, FIRST, mend=True)
    assert (mend.status, mend.code) == ("refused", "withdrawn_delivery")
    assert "已经撤回" in str(mend.reason)


def test_a_file_that_was_being_taken_while_it_was_withdrawn_stays_so(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its task began before, and stores its rows after."""
    delivery = of(lake, CORRECTED)
    monkeypatch.setattr(intake, "withdrawn", lambda *_: None)
    withdraw(lake, delivery.id, BY, WHY)
    before = contents(lake)
    assert intake.process(lake, delivery).delivery.status == "withdrawn"
    assert of(lake, CORRECTED).status == "withdrawn"
    assert all(rows.equals(before[name]) for name, rows in contents(lake).items())


def _killed(root: Path, point: str, delivery: str) -> None:
    os.environ[VARIABLE] = point
    withdraw(open_lake(root), delivery, BY, WHY)


KILLS = [(point, again) for point in (*WITHDRAW_POINTS, "silver_written") for again in (True, False)]
ONE_EACH = [("withdrawal_noted", False), ("withdrawn_rows_removed", True)]


@pytest.mark.parametrize(("point", "again"), KILLS if FULL else ONE_EACH)
def test_killed_at_any_point_it_is_ended_by_the_command_or_the_next_run(
    point: str, again: bool, lake: Lake, tmp_path: Path
) -> None:
    whole = open_lake(Path(shutil.copytree(lake.home.root, tmp_path / "whole")))
    delivery = of(lake, CORRECTED)
    withdraw(whole, delivery.id, BY, WHY)
    process = multiprocessing.get_context("spawn").Process(target=_killed, args=(lake.home.root, point, delivery.id))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL, f"{point} was not reached"
    if again:
        withdraw(lake, delivery.id, "李某", "再来一次")
    else:
        finish(lake)
        settle(lake)
    assert_same(lake, whole)
    assert finish(lake) == []
    assert withdrawals(lake.home).drop("withdrawn_at").equals(withdrawals(whole.home).drop("withdrawn_at"))
    assert of(lake, CORRECTED).details == {}
    assert [item.reason for item in lake.state.deliveries(SALES)][-1]
    assert sorted(p.name for p in lake.home.outbox.rglob("*.*")) == sorted(
        p.name for p in whole.home.outbox.rglob("*.*")
    )


def test_the_command_lists_and_says_what_it_would_do(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGRILAKE_HOME", str(lake.home.root))
    run, delivery = CliRunner().invoke, of(lake, CORRECTED)
    would = json.loads(run(app, ["withdraw", delivery.id[:8], "--dry-run", "--json"]).output)
    assert [item["id"] for item in would] == [delivery.id, of(lake, CORRECTED, mend=True).id]
    assert of(lake, CORRECTED).is_final
    assert run(app, ["withdraw", delivery.id[:8]]).exit_code == UsageError.exit_code
    assert run(app, ["withdraw"]).exit_code == UsageError.exit_code
    done = run(app, ["withdraw", delivery.id[:8], "--by", BY, "--reason", WHY])
    assert done.exit_code == 0
    assert "连同补正1份" in "".join(done.output.split())
    listed = json.loads(run(app, ["withdraw", "--list", "--json"]).output)
    assert [item["delivery_id"] for item in listed] == [item["id"] for item in would]
    assert "撤回记录" in run(app, ["withdraw", "--list"]).output


def test_only_what_is_final_counts_for_silver(lake: Lake) -> None:
    """The task of Airflow that looks for tables whose update was missed sees the withdrawal."""
    delivery = of(lake, CORRECTED)
    lake.state.record_delivery(
        Delivery(**{**vars(delivery), "status": "withdrawn", "records": 0, "accepted": 0, "quarantined": 0})
    )
    assert not steps.silver_is_current(lake, SALES)
    assert delivery.id not in {item.id for item in refs(lake.state.deliveries(SALES))}
