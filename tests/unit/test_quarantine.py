"""The steward's view of the quarantine, and letting rows go after a rule was wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from tests.support.intake import reference_lake, take
from tests.support.pausing import paused_at
from tests.support.samples import SAMPLE, drop
from typer.testing import CliRunner

from agrilake.commands.main import app
from agrilake.contract.load import Registry
from agrilake.contract.model import Column
from agrilake.errors import UsageError
from agrilake.lake.files import scan
from agrilake.lake.state import Delivery
from agrilake.pipeline import steps
from agrilake.pipeline.context import Lake
from agrilake.pipeline.quarantine import findings, lines, release, releases, trend, waiting

SALES = "commerce_ecommerce_sales"
FILES = ("commerce/commerce_ecommerce_sales__2024-02.csv", "commerce/农产品网络零售__2024-01.xlsx")
OTHER = "civil/civil_elder__2024-01.csv"


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two months of sales and a register of elders, with the lines that the sample spoilt. Read only."""
    lake = reference_lake(tmp_path_factory.mktemp("quarantine") / "home")
    for name in (*FILES, OTHER):
        drop(SAMPLE / "inbox" / name, lake.home.root)
    take(lake)
    return lake


def changed(lake: Lake, change: Callable[[Column], Column], version: str = "9.0.0") -> Lake:
    """The lake under a contract of sales whose columns were changed, as its author raises its version."""
    dataset = lake.registry.get(SALES)
    columns = tuple(change(column) for column in dataset.columns)
    declared = {**lake.registry.datasets, SALES: replace(dataset, columns=columns, version=version)}
    return Lake(lake.home, Registry(declared, lake.registry.gold), lake.settings, lake.state)


def without_maximum(lake: Lake) -> Lake:
    """What was too much is no longer."""
    return changed(lake, lambda column: replace(column, maximum=None))


def of(lake: Lake, name: str) -> Delivery:
    return next(item for item in lake.state.deliveries(SALES) if item.file_name == Path(name).name)


def test_waiting_records_are_counted_by_dataset_and_reason(taken: Lake) -> None:
    rows = waiting(taken, findings(taken))
    assert {row.dataset for row in rows} == {SALES, "civil_elder", "stats_division"}
    assert [row.records for row in rows] == sorted((row.records for row in rows), reverse=True)
    partial = {item.id: item.quarantined for item in taken.state.deliveries() if item.quarantined}
    found = findings(taken)
    each = found.select("delivery_id", "sheet", "line").unique()["delivery_id"].value_counts()
    assert dict(each.iter_rows()) == partial
    civil = waiting(taken, findings(taken, department="区民政局"))
    assert {row.dataset for row in civil} == {"civil_elder"}
    one = waiting(taken, findings(taken, reason=civil[0].reason, department="civil"))
    assert [row.rule for row in one] == [civil[0].rule]


def test_what_does_not_exist_is_named(taken: Lake) -> None:
    with pytest.raises(UsageError, match="no department 'nobody'; known: agri "):
        findings(taken, department="nobody")
    with pytest.raises(UsageError, match=r"nothing waits for 'nonsense'; reasons: .*maximum 超过上限"):
        findings(taken, reason="nonsense")


def test_the_trend_is_a_share_of_what_was_delivered(taken: Lake) -> None:
    rows = [row for row in trend(taken, findings(taken)) if row.dataset == SALES]
    assert [row.period for row in rows] == ["2024-01", "2024-02"]
    for row, name in zip(rows, reversed(FILES), strict=True):
        delivery = of(taken, name)
        assert (row.records, row.waiting) == (delivery.records, delivery.quarantined)
        assert row.percent == round(100 * delivery.quarantined / delivery.records, 2)


def test_lines_are_those_of_the_receipt_masked_alike(taken: Lake) -> None:
    found = findings(taken, dataset="civil_elder")
    listed = lines(taken, found)
    assert [row["line"] for row in listed] == sorted(row["line"] for row in listed)
    assert {row["file_name"] for row in listed} == {Path(OTHER).name}
    stored = scan(taken.home.table("quarantine"))
    assert stored is not None
    assert {row["found"] for row in listed} <= set(stored.collect()["found"])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake of one's own with a month of sales in silver."""
    lake = reference_lake(tmp_path / "home")
    drop(SAMPLE / "inbox" / FILES[0], lake.home.root)
    take(lake)
    steps.update_silver(lake, SALES)
    return lake


def silver(lake: Lake) -> pl.DataFrame:
    table = scan(lake.home.table("silver", SALES))
    assert table is not None
    return table.collect()


def test_rows_that_pass_now_get_to_silver_and_the_others_stay(lake: Lake) -> None:
    found, rest = (
        findings(lake, dataset=SALES).filter((pl.col("rule") == "maximum") == wrong) for wrong in (True, False)
    )
    alone = found.join(rest, on=["sheet", "line"], how="anti", nulls_equal=True)
    before, rows = of(lake, FILES[0]), silver(lake).height
    mended = without_maximum(lake)
    done = release(mended, "超过上限", SALES, "王某", "上限定低了")
    after = of(lake, FILES[0])
    assert done.released == alone.select("sheet", "line").n_unique() > 0
    assert (done.still_waiting, done.deliveries) == (0, (after.id,))
    assert (after.accepted, after.quarantined) == (before.accepted + done.released, before.quarantined - done.released)
    assert silver(lake).height == rows + done.released
    assert findings(mended, dataset=SALES).select("line", "rule").equals(rest.select("line", "rule"))
    receipt = next(lake.home.outbox.rglob(f"*{after.id[:8]}*.html")).read_text(encoding="utf-8")
    assert "超过上限" not in receipt
    act = releases(lake.home).to_dicts()[0]
    assert (act["rule"], act["records"], act["released_by"], act["reason"]) == (
        "maximum",
        done.released,
        "王某",
        "上限定低了",
    )
    assert act["contract_version"] == "9.0.0"
    assert (lake.home.root / "decisions").stat().st_mode & 0o777 == 0o700


def test_nothing_passes_as_long_as_the_contract_is_as_it_was(lake: Lake) -> None:
    before = of(lake, FILES[0])
    done = release(lake, "maximum", SALES, "王某", "再试一次")
    assert (done.released, done.deliveries, done.silver_version) == (0, (), None)
    assert done.still_waiting == findings(lake, reason="maximum").select("sheet", "line").n_unique()
    assert of(lake, FILES[0]) == before
    assert releases(lake.home).is_empty()


def test_a_contract_that_would_refuse_what_was_taken_releases_nothing(lake: Lake) -> None:
    def narrower(column: Column) -> Column:
        return replace(column, maximum=1.0) if column.name == "orders" else column

    before = silver(lake)
    with pytest.raises(UsageError, match=r"would now refuse \d+ records that were accepted; nothing was released"):
        release(changed(lake, narrower), "maximum", SALES, "王某", "上限")
    assert silver(lake).equals(before)
    assert releases(lake.home).is_empty()


RELEASER = """
import sys
from pathlib import Path
from tests.support.intake import open_lake
from tests.unit.test_quarantine import SALES, without_maximum
from agrilake.errors import UsageError
from agrilake.pipeline.quarantine import release
try:
    release(without_maximum(open_lake(Path(sys.argv[1]))), "maximum", SALES, sys.argv[2], "上限定低了")
except UsageError:
    sys.exit(3)
"""


def test_two_who_release_the_same_at_once_release_it_once(lake: Lake, tmp_path: Path) -> None:
    arguments = ("-c", RELEASER, str(lake.home.root))
    with paused_at("bronze_writing", (*arguments, "王某"), tmp_path / "armed"):
        other = subprocess.Popen([sys.executable, *arguments, "李某"])
        deadline = time.monotonic() + 8  # by then the other one would have noted its act, if it did not wait
        while releases(lake.home).height < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
    assert other.wait(timeout=120) in (0, 3)
    assert releases(lake.home)["released_by"].to_list() == ["王某"]


@pytest.mark.parametrize(("by", "reason", "said"), [("", "上限", "--by"), ("王某", " ", "--reason")])
def test_a_release_needs_a_person_and_a_reason(lake: Lake, by: str, reason: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        release(lake, "maximum", SALES, by, reason)


def test_the_command_speaks_to_people_and_scripts(taken: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGRILAKE_HOME", str(taken.home.root))
    run = CliRunner().invoke
    shown = json.loads(run(app, ["quarantine", "--json", "--department", "commerce"]).output)
    assert {row["dataset"] for row in shown} == {SALES}
    assert "隔离的记录" in run(app, ["quarantine"]).output
    assert "占比" in run(app, ["quarantine", "--trend"]).output
    assert "另有" in run(app, ["quarantine", "--lines", SALES, "--limit", "1"]).output
    assert json.loads(run(app, ["quarantine", "--released", "--json"]).output) == []
    refused = run(app, ["quarantine", "--release", "maximum"])
    assert refused.exit_code == UsageError.exit_code
    assert run(app, ["quarantine", "--trend", "--released"]).exit_code == UsageError.exit_code
