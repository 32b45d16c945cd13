"""Silver tables: what deliveries add up to, on real Delta tables with tiny deliveries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable
from tests.support.tables import dataset

from agrilake.contract.model import Dataset
from agrilake.errors import ConsistencyError
from agrilake.lake.files import replace_delivery, scan, table_version
from agrilake.paths import Home
from agrilake.tables.order import DeliveryRef, winners
from agrilake.tables.silver import apply_silver

KEY = {"name": "id", "type": "string", "required": True, "primary_key": True}
NUMBER = {"name": "n", "type": "integer", "minimum": 0, "maximum": 99}
JANUARY = DeliveryRef("d1", "2024-01", sequence=1)
FEBRUARY = DeliveryRef("d2", "2024-02", sequence=2)
CORRECTED = DeliveryRef("d3", "2024-01", revision=1, sequence=3)


Case = Callable[..., Dataset]


@pytest.fixture(params=["small", "large"])
def case(request: pytest.FixtureRequest) -> Case:
    """A dataset that is written whole, and one whose periods and keys are replaced file by file."""

    def make(load: str, *more: dict[str, Any], **rest: Any) -> Dataset:
        return dataset([KEY, NUMBER, *more], load=load, large=request.param == "large", **rest)

    return make


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path).prepare()


def deliver(
    home: Home, of: Dataset, ref: DeliveryRef, rows: Mapping[str | None, int | None], **columns: Any
) -> DeliveryRef:
    """Accepted rows of a delivery, from line 2 on, as the intake leaves them."""
    frame = pl.DataFrame({"id": list(rows), "n": list(rows.values())}, schema={"id": pl.String, "n": pl.Int64})
    frame = frame.with_columns(
        *[pl.lit(value).alias(name) for name, value in columns.items()],
        pl.lit(ref.id).alias("_delivery_id"),
        pl.int_range(2, len(rows) + 2, dtype=pl.Int64).alias("_line"),
        pl.lit(None, pl.String).alias("_sheet"),
        pl.lit(ref.period).alias("_period"),
    )
    replace_delivery(home.table("accepted", of.id), frame, ref.id)
    return ref


def stored(home: Home, of: Dataset, version: int | None = None, *columns: str) -> list[tuple[Any, ...]]:
    """The silver table: id, n, and the delivery that the row is from."""
    table = scan(home.table("silver", of.id), version)
    assert table is not None
    return sorted(table.select(*(columns or ("id", "n", "_delivery_id"))).collect().iter_rows(), key=str)


def test_a_corrected_snapshot_replaces_its_period_alone_and_the_old_state_can_be_read(home: Home, case: Case) -> None:
    of = case("snapshot")
    deliver(home, of, JANUARY, {"a": 1, "b": 2})
    deliver(home, of, FEBRUARY, {"a": 5})
    first = apply_silver(home, of, [JANUARY, FEBRUARY], None)
    deliver(home, of, CORRECTED, {"a": 9})
    apply_silver(home, of, [JANUARY, FEBRUARY, CORRECTED], {"d1", "d2"})
    assert stored(home, of) == [("a", 5, "d2"), ("a", 9, "d3")]
    assert stored(home, of, first.version) == [("a", 1, "d1"), ("a", 5, "d2"), ("b", 2, "d1")]


def test_a_mend_adds_and_overrides_by_key_and_falls_with_the_base_that_it_mends(home: Home, case: Case) -> None:
    of = case("snapshot")
    deliver(home, of, JANUARY, {"a": 1, "b": 2})
    mend = deliver(home, of, DeliveryRef("m1", "2024-01", "mend", 1, 5, mends="d1"), {"b": 7, "c": 3})
    apply_silver(home, of, [JANUARY, mend], None)
    assert stored(home, of) == [("a", 1, "d1"), ("b", 7, "m1"), ("c", 3, "m1")]
    deliver(home, of, CORRECTED, {"a": 1})
    apply_silver(home, of, [JANUARY, mend, CORRECTED], {"d1", "m1"})
    assert stored(home, of) == [("a", 1, "d3")]


@pytest.mark.parametrize("load", ["upsert", "append"])
def test_the_newest_delivery_of_a_key_wins_whatever_the_order_of_arrival(home: Home, case: Case, load: str) -> None:
    of = case(load)
    late = replace(JANUARY, sequence=9)
    deliver(home, of, FEBRUARY, {"a": 5, "b": 6})
    apply_silver(home, of, [FEBRUARY], None)
    deliver(home, of, late, {"a": 1, "c": 3})
    apply_silver(home, of, [FEBRUARY, late], {"d2"})
    assert stored(home, of) == [("a", 5, "d2"), ("b", 6, "d2"), ("c", 3, "d1")]


def test_a_correction_of_events_takes_away_what_it_lacks_and_brings_back_what_was_hidden(
    home: Home, case: Case
) -> None:
    of = case("append")
    again = DeliveryRef("d4", "2024-02", revision=1, sequence=4)
    deliver(home, of, JANUARY, {"a": 1, "b": 2})
    deliver(home, of, FEBRUARY, {"a": 5, "c": 6})
    apply_silver(home, of, [JANUARY, FEBRUARY], None)
    deliver(home, of, again, {"d": 7})
    apply_silver(home, of, [JANUARY, FEBRUARY, again], {"d1", "d2"})
    assert stored(home, of) == [("a", 1, "d1"), ("b", 2, "d1"), ("d", 7, "d4")]


@pytest.mark.parametrize("load", ["snapshot", "upsert", "append"])
def test_step_by_step_is_the_same_as_all_at_once_and_a_repeat_changes_nothing(
    home: Home, case: Case, load: str
) -> None:
    of = case(load)
    contents = [(FEBRUARY, {"a": 5, "b": 6}), (JANUARY, {"a": 1, "c": 3}), (CORRECTED, {"a": 2, "d": 4})]
    refs = [deliver(home, of, ref, rows) for ref, rows in contents]
    apply_silver(home, of, refs[:1], None)
    apply_silver(home, of, refs[:2], {"d2"})
    apply_silver(home, of, refs, {"d1", "d2"})
    steps = stored(home, of, None, "id", "n", "_delivery_id", "_line", "_period")
    apply_silver(home, of, refs, {"d1", "d2"})  # killed after the commit, before it was recorded
    assert stored(home, of, None, "id", "n", "_delivery_id", "_line", "_period") == steps
    apply_silver(home, of, refs[::-1], None)
    assert stored(home, of, None, "id", "n", "_delivery_id", "_line", "_period") == steps


def test_a_delivery_checked_again_with_fewer_rows_loses_the_others(home: Home, case: Case) -> None:
    of = case("upsert")
    deliver(home, of, JANUARY, {"a": 1, "b": 2})
    apply_silver(home, of, [JANUARY], None)
    deliver(home, of, JANUARY, {"b": 2})
    apply_silver(home, of, [JANUARY], None)
    assert stored(home, of) == [("b", 2, "d1")]


def test_without_any_delivery_left_the_table_is_empty(home: Home, case: Case) -> None:
    of = case("upsert")
    deliver(home, of, JANUARY, {"a": 1})
    apply_silver(home, of, [JANUARY], None)
    apply_silver(home, of, [], None)
    assert stored(home, of) == []


def test_the_table_itself_refuses_what_the_contract_excludes(home: Home, case: Case) -> None:
    of = case("upsert")
    deliver(home, of, JANUARY, {"a": 1})
    apply_silver(home, of, [JANUARY], None)
    for row in ({"x": 100}, {None: 1}):
        deliver(home, of, FEBRUARY, row)
        with pytest.raises(Exception, match=r"violate|DELTA_(NOT_NULL|VIOLATE)_CONSTRAINT"):
            apply_silver(home, of, [JANUARY, FEBRUARY], None)
    assert stored(home, of) == [("a", 1, "d1")]


def test_a_changed_contract_waits_for_its_version_then_the_table_follows(home: Home, case: Case) -> None:
    of = case("upsert")
    deliver(home, of, JANUARY, {"a": 1})
    apply_silver(home, of, [JANUARY], None)
    wider = case("upsert", {"name": "kind", "type": "string", "enum": [{"value": "x", "label": "某"}]})
    with pytest.raises(ConsistencyError, match=r"kind.*raise the contract's version"):
        apply_silver(home, wider, [JANUARY], {"d1"})
    raised = replace(wider, version="1.1.0")
    apply_silver(home, raised, [JANUARY], {"d1"})
    deliver(home, of, FEBRUARY, {"b": 2}, kind="x")
    apply_silver(home, raised, [JANUARY, FEBRUARY], {"d1"})
    assert stored(home, of, None, "id", "n", "kind") == [("a", 1, None), ("b", 2, "x")]
    parted = DeltaTable(str(home.table("silver", of.id))).metadata().partition_columns
    assert parted == (["_period"] if of.large else []), "a rebuild keeps the partitions"


def test_a_code_list_or_range_changes_with_the_version_and_stored_rows_must_fit(home: Home, case: Case) -> None:
    of = case("upsert")
    deliver(home, of, JANUARY, {"a": 99})
    apply_silver(home, of, [JANUARY], None)
    wide = dataset([KEY, {**NUMBER, "maximum": 200}], load="upsert", large=of.large)
    with pytest.raises(ConsistencyError, match="a code list or a range"):
        apply_silver(home, wide, [JANUARY], {"d1"})
    deliver(home, of, FEBRUARY, {"b": 150})
    apply_silver(home, replace(wide, version="1.1.0"), [JANUARY, FEBRUARY], {"d1"})
    assert stored(home, of) == [("a", 99, "d1"), ("b", 150, "d2")]
    narrow = replace(dataset([KEY, {**NUMBER, "maximum": 98}], load="upsert", large=of.large), version="1.2.0")
    with pytest.raises(ConsistencyError, match="have them corrected first"):
        apply_silver(home, narrow, [JANUARY, FEBRUARY], {"d1", "d2"})


@pytest.mark.parametrize("load", ["snapshot", "upsert", "append"])
def test_the_newest_row_of_each_key_counts(home: Home, case: Case, load: str) -> None:
    """Many deliveries that share keys, and within a delivery lines and sheets that share a key; told by hand."""
    of = case(load)
    chance = Random(load)  # noqa: S311 (rows for a test)
    delivered: dict[str, list[tuple[Any, ...]]] = {}
    for number in range(9):
        name, period = f"d{number}", f"2024-0{number % 3 + 1}"
        places = {(f"k{chance.randrange(12)}", line, chance.choice("甲乙")) for line in range(2, 22)}
        delivered[name] = [(key, chance.randrange(99), name, line, sheet, period) for key, line, sheet in places]
        rows = pl.DataFrame(
            delivered[name], schema=["id", "n", "_delivery_id", "_line", "_sheet", "_period"], orient="row"
        )
        replace_delivery(home.table("accepted", of.id), rows, name)
    refs = [DeliveryRef(name, rows[0][-1], sequence=int(name[1:])) for name, rows in delivered.items()]
    chance.shuffle(refs)
    expected = {}
    for name in winners(of.load, refs):
        for row in sorted(delivered[name], key=lambda row: row[3:5]):
            expected[row[0], row[5] if load == "snapshot" else ""] = row
    apply_silver(home, of, refs, None)
    names = ("id", "n", "_delivery_id", "_line", "_sheet", "_period")
    assert stored(home, of, None, *names) == sorted(expected.values(), key=str)
    other = replace(of, id="other")
    for name in delivered:
        rows = scan(home.table("accepted", of.id)).filter(_delivery_id=name).collect()  # type: ignore[union-attr]
        replace_delivery(home.table("accepted", other.id), rows, name)
    for count in range(1, len(refs) + 1):
        apply_silver(home, other, refs[:count], {ref.id for ref in refs[: count - 1]})
    assert stored(home, other, None, *names) == stored(home, of, None, *names)


def test_rows_that_are_the_same_are_left_alone(home: Home, case: Case) -> None:
    """A repeated merge rewrites no row: the new commit, if any, updates none."""
    from deltalake import DeltaTable

    of = case("upsert")
    deliver(home, of, JANUARY, {"a": 1, "b": 2})
    apply_silver(home, of, [JANUARY], None)
    before = table_version(home.table("silver", of.id))
    apply_silver(home, of, [JANUARY], set())
    last = DeltaTable(str(home.table("silver", of.id))).history(1)[0]
    if table_version(home.table("silver", of.id)) != before:
        assert last["operationMetrics"]["numTargetRowsUpdated"] == "0"


def register(home: Home, of: Dataset, day: str) -> list[tuple[Any, ...]]:
    """The register's rows that were valid on a day: id, n, and the delivery that they are from."""
    table = scan(home.table("silver", f"{of.id}_history"))
    assert table is not None
    on = date.fromisoformat(day)
    valid = (pl.col("valid_from") <= on) & (pl.col("valid_to").is_null() | (pl.col("valid_to") > on))
    return sorted(table.filter(valid).select("id", "n", "_delivery_id").collect().iter_rows())


def test_a_register_keeps_its_state_of_every_period_and_a_correction_changes_the_old_one(
    home: Home, case: Case
) -> None:
    of = case("upsert", history="scd2")
    deliver(home, of, JANUARY, {"a": 1, "b": 2})
    deliver(home, of, FEBRUARY, {"a": 5})
    apply_silver(home, of, [JANUARY, FEBRUARY], None)
    assert register(home, of, "2023-12-31") == []
    assert register(home, of, "2024-01-31") == [("a", 1, "d1"), ("b", 2, "d1")]
    assert register(home, of, "2024-02-29") == register(home, of, "2024-06-30") == [("a", 5, "d2"), ("b", 2, "d1")]
    deliver(home, of, CORRECTED, {"a": 9})
    mend = deliver(home, of, DeliveryRef("m1", "2024-01", "mend", 1, 5, mends="d1"), {"c": 3})
    apply_silver(home, of, [JANUARY, FEBRUARY, CORRECTED, mend], {"d1", "d2"})
    assert register(home, of, "2024-01-31") == [("a", 9, "d3"), ("b", 2, "d1"), ("c", 3, "m1")]
    assert register(home, of, "2024-02-29") == [("a", 5, "d2"), ("b", 2, "d1"), ("c", 3, "m1")]
    assert register(home, of, "2024-02-29") == stored(home, of)
    apply_silver(home, of, [FEBRUARY], None)
    assert register(home, of, "2024-01-31") == []
