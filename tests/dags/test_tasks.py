"""What the tasks decide, without Airflow and without Spark."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake
from tests.support.intake import open_lake, reference_lake, take
from tests.support.samples import SAMPLE, drop, drop_sample

from agrilake.errors import ConsistencyError, UsageError
from agrilake.lake.files import table_version
from agrilake.lake.state import Delivery
from agrilake.pipeline import endings, tasks
from agrilake.pipeline.context import Lake


def delivery(number: int, dataset: str, size: int) -> Delivery:
    name = f"{dataset}__2024-01.csv"
    return Delivery(f"{number:016x}", dataset, "agri", "2024-01", name, "", size, "received", sequence=number)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose files count as complete at once."""
    root = tmp_path / "home"

    def lake() -> Lake:
        found = open_lake(root)
        limits = replace(found.settings.limits, settle_seconds=0)
        return replace(found, settings=replace(found.settings, limits=limits))

    monkeypatch.setattr(endings, "open_lake", lake)
    return root


@pytest.fixture
def lake(home: Path) -> Lake:
    """A lake that knows the divisions, as after the silver DAGs of the reference data."""
    found = reference_lake(home)
    for dataset in found.registry.reference():
        _mark_applied(found, dataset.id)
        found.state.record_suite(dataset.id, table_version(home / "silver" / dataset.id) or 0, "pass", [])
    return found


def _mark_applied(lake: Lake, dataset: str) -> None:
    from agrilake.pipeline.steps import delivery_digests

    final = lake.state.deliveries(dataset, status=("accepted", "partial"))
    lake.state.record_applied(dataset, delivery_digests(final))


class TestGroups:
    def test_a_dataset_is_never_parted_and_stays_in_order_of_arrival(self) -> None:
        items = [delivery(3, "a", 10), delivery(1, "a", 10), delivery(2, "b", 5), delivery(4, "c", 5)]
        groups = tasks.in_groups(items, 2)
        assert groups == [
            {"datasets": ["a"], "deliveries": [f"{1:016x}", f"{3:016x}"]},
            {"datasets": ["b", "c"], "deliveries": [f"{2:016x}", f"{4:016x}"]},
        ]

    def test_there_are_no_more_groups_than_datasets(self) -> None:
        assert len(tasks.in_groups([delivery(1, "a", 1)], 4)) == 1
        assert tasks.in_groups([], 4) == []


class TestIntake:
    def test_reference_data_goes_alone_and_the_rest_waits_for_silver(self, home: Path) -> None:
        drop_sample(home)
        groups = tasks.find_files()
        assert sorted(name for group in groups for name in group["datasets"]) == [
            "stats_division",
            "stats_division_crosswalk",
        ]
        for group in groups:
            tasks.take(group)
        assert tasks.find_files() == []
        assert tasks.datasets_behind(groups) == ["stats_division", "stats_division_crosswalk"]

    def test_then_the_rest_is_taken_in_a_few_groups(self, home: Path, lake: Lake) -> None:
        drop_sample(home)
        groups = tasks.find_files()
        datasets = [name for group in groups for name in group["datasets"]]
        assert len(groups) == tasks.FILE_WORKERS
        assert sorted(datasets) == sorted(set(datasets))
        assert not {"stats_division", "stats_division_crosswalk"} & set(datasets)

    def test_what_failed_has_a_line_keeps_no_other_file_and_is_left_alone_for_a_while(
        self, home: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drop(SAMPLE / "inbox" / "commerce" / "农产品网络零售__2024-01.xlsx", home)
        drop(SAMPLE / "inbox" / "commerce" / "commerce_service_site__2024-01.csv", home)
        (home / "bronze" / "commerce_ecommerce_sales").write_text("not a table", encoding="utf-8")
        ids = {group["datasets"][0]: group["deliveries"][0] for group in tasks.find_files()}
        sales, sites = ids["commerce_ecommerce_sales"], ids["commerce_service_site"]
        both = tasks.Group(datasets=list(ids), deliveries=[sales, sites])
        with pytest.raises(endings.SomeFailed, match=f"1 of 2 deliveries failed: {sales}"):
            tasks.take(both)
        (failure,) = lake.state.open_failures()
        assert (failure.step, failure.subject) == ("intake", sales)
        assert str(home) not in failure.message
        assert {item.id: item.is_final for item in lake.state.deliveries("commerce_service_site")} == {sites: True}
        assert tasks.find_files() == []

        (home / "bronze" / "commerce_ecommerce_sales").unlink()
        monkeypatch.setattr(tasks, "RETRY_AFTER", timedelta(0))
        (again,) = tasks.find_files()
        assert again["deliveries"] == [sales]
        tasks.take(again)
        assert lake.state.open_failures() == []

    def test_a_silver_table_whose_update_was_missed_is_announced_again(
        self, home: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drop(SAMPLE / "inbox" / "commerce" / "农产品网络零售__2024-01.xlsx", home)
        for group in tasks.find_files():
            tasks.take(group)
        assert tasks.find_files() == []  # it just arrived: its silver DAG is on its way
        monkeypatch.setattr(tasks, "RETRY_AFTER", timedelta(seconds=-1))
        groups = tasks.find_files()
        assert groups == [{"datasets": ["commerce_ecommerce_sales"], "deliveries": []}]
        tasks.take(groups[0])
        assert tasks.datasets_behind(groups) == ["commerce_ecommerce_sales"]
        _mark_applied(lake, "commerce_ecommerce_sales")
        assert tasks.find_files() == []

    def test_a_backfill_takes_a_period_of_a_dataset_and_its_silver_rows_anew(self, home: Path, lake: Lake) -> None:
        drop(SAMPLE / "inbox" / "commerce" / "农产品网络零售__2024-01.xlsx", home)
        take(lake)
        _mark_applied(lake, "commerce_ecommerce_sales")
        (group,) = tasks.find_deliveries("commerce_ecommerce_sales", "2024-01")
        tasks.take(group, True)
        assert tasks.datasets_behind([group]) == ["commerce_ecommerce_sales"]
        assert tasks.find_deliveries("commerce_ecommerce_sales", "*") == [group]
        with pytest.raises(UsageError, match="delivered periods: 2024-01"):
            tasks.find_deliveries("commerce_ecommerce_sales", "2024-02")


class TestGold:
    def test_it_waits_for_files_and_silver_tables_that_are_on_their_way(self, home: Path, lake: Lake) -> None:
        assert tasks.stale_gold() is not None
        drop(SAMPLE / "inbox" / "commerce" / "农产品网络零售__2024-01.xlsx", home)
        (group,) = tasks.find_files()
        assert tasks.stale_gold() is None
        tasks.take(group)
        assert tasks.stale_gold() is None

    def test_but_not_for_long(self, home: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
        drop(SAMPLE / "inbox" / "commerce" / "农产品网络零售__2024-01.xlsx", home)
        tasks.find_files()
        monkeypatch.setattr(tasks, "GOLD_WAITS", timedelta(0))
        assert tasks.stale_gold() is not None

    def test_nothing_is_built_of_nothing(self, home: Path) -> None:
        assert tasks.stale_gold() is None

    def test_nothing_is_built_from_what_no_suite_has_seen(self, home: Path, lake: Lake) -> None:
        lake.state.record_suite("stats_division", 7, "pass", [])
        lake.state.record_failure("suites", "stats_division", "KeyError (details in the log)")
        found = tasks.stale_gold()
        assert found is not None
        assert "division" not in found


class TestAGroupOfGoldTables:
    GROUP = ("household_link", "service_site_pair", "service_place_change")

    def lines(self, lake: Lake) -> dict[str, str]:
        assert {item.step for item in lake.state.open_failures()} <= {"gold"}
        return {item.subject: item.message for item in lake.state.open_failures()}

    def is_built(self, lake: Lake, name: str) -> bool:
        return table_version(lake.home.table("gold", name)) is not None

    @pytest.fixture
    def damaged(self, lake: Lake) -> Path:
        """A silver table of stations that lost its file, as on a bad disk."""
        path = lake.home.table("silver", "agri_info_service_site")
        write_deltalake(str(path), pl.DataFrame({"site_no": ["1"]}))
        for file in path.glob("*.parquet"):
            file.unlink()
        lake.state.record_suite(path.name, 0, "pass", [])
        return path

    def test_one_that_fails_keeps_those_that_rest_on_it_and_no_other(self, lake: Lake, damaged: Path) -> None:
        with pytest.raises(endings.SomeFailed, match="2 of 3 tables were not built: service_site_pair, service_place"):
            tasks.build_gold(self.GROUP)
        assert self.lines(lake)["service_place_change"] == "not built, since service_site_pair could not be"
        assert "details in the log" in self.lines(lake)["service_site_pair"]
        assert self.is_built(lake, "household_link")
        assert not self.is_built(lake, "service_place_change")

        with pytest.raises(tasks.NotBuilt):  # a group after it, which no further try can help
            tasks.build_gold(["service_place_change"], True)
        assert not self.is_built(lake, "service_place_change")

        shutil.rmtree(damaged)
        tasks.build_gold(self.GROUP)
        assert self.lines(lake) == {}
        assert self.is_built(lake, "service_place_change")

    def test_one_whose_rows_break_the_contract_is_not_tried_again(self) -> None:
        assert not endings.may_succeed_later(ConsistencyError("row counts differ"))
        assert endings.may_succeed_later(OSError("no space left"))

    def test_after_a_kill_each_table_that_is_still_to_be_built_has_a_line(self, lake: Lake) -> None:
        tasks.build_gold(["household_link"])
        endings.on_gold_failure({}, self.GROUP)
        told = "the task was ended from outside"
        assert self.lines(lake) == {"service_site_pair": told, "service_place_change": told}
        tasks.build_gold(self.GROUP)
        assert self.lines(lake) == {}


class TestFailureLines:
    def test_a_silver_task_names_the_half_that_failed(self, lake: Lake) -> None:
        drop(SAMPLE / "inbox" / "commerce" / "农产品网络零售__2024-01.xlsx", lake.home.root)
        for group in tasks.find_files():
            tasks.take(group)
        endings.on_silver_failure({"exception": OSError("disk")}, "commerce_ecommerce_sales")
        assert [item.step for item in lake.state.open_failures()] == ["silver"]
        _mark_applied(lake, "commerce_ecommerce_sales")
        endings.on_silver_failure({"exception": OSError("disk")}, "commerce_ecommerce_sales")
        assert [item.step for item in lake.state.open_failures()] == ["silver", "suites"]
        endings.on_silver_success({}, "commerce_ecommerce_sales")
        assert lake.state.open_failures() == []

    def test_our_own_errors_speak_and_foreign_ones_are_named(self, lake: Lake) -> None:
        endings.on_failure({"exception": ConsistencyError("row counts differ")}, "silver", "civil_elder")
        endings.on_failure({"exception": ValueError("张三 500199")}, "gold", "elder")
        endings.on_failure({}, "publish", "lake")
        lines = {(item.step, item.subject): item.message for item in lake.state.open_failures()}
        assert lines == {
            ("silver", "civil_elder"): "row counts differ",
            ("gold", "elder"): "ValueError (details in the log)",
            ("publish", "lake"): "the task was ended from outside",
        }

    def test_the_newest_line_stands_until_the_step_succeeds(self, lake: Lake) -> None:
        for message in ("first", "second"):
            endings.on_failure({"exception": ConsistencyError(message)}, "silver", "civil_elder")
        assert [item.message for item in lake.state.open_failures()] == ["second"]
        endings.on_success({}, "silver", "civil_elder")
        assert lake.state.open_failures() == []
