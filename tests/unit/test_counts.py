"""Small counts: what is hidden cannot be worked out, by an attack that shares nothing with the code that hides."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from agrilake.contract.counts import Quantity, load_quantities
from agrilake.contract.load import load_registry
from agrilake.errors import ContractError
from agrilake.indicators.load import load_indicators
from agrilake.publish.attack import exposed, intervals, unknown_parts
from agrilake.publish.counts import Counts, Sighting, counts_of
from agrilake.publish.protection import Protection, protect

K = 5
DISTRICT = "500112000000"
MONTHS = ("2024-01", "2024-02", "2024-03")
FLOW = {"visited": Quantity("visited", "探访到的老人", "persons", "flow")}
PARTS = {
    "elders": Quantity("elders", "在册老人", "persons", "state"),
    "alone": Quantity("alone", "独居老人", "persons", "state", ("elders",)),
}
Table = dict[tuple[str, str], int]
Grid = list[list[list[int]]]

grids = st.lists(
    st.lists(st.lists(st.sampled_from([0, 1, 2, 3, 4, 5, 7, 12, 30]), min_size=2, max_size=2), min_size=2, max_size=3),
    min_size=2,
    max_size=3,
)
"""Townships of villages of months."""


def table_of(grid: Grid) -> Table:
    """{(place, period): count} with the sums of townships, the district and the quarter."""
    found: Table = {}
    for t, township in enumerate(grid):
        for v, village in enumerate(township):
            for month, value in zip(MONTHS, village, strict=False):
                places = (f"500112{t + 101:03d}{v + 201:03d}", f"500112{t + 101:03d}000", DISTRICT)
                for place, period in itertools.product(places, (month, "2024Q1")):
                    found[place, period] = found.get((place, period), 0) + value
    return found


def hide(tables: dict[str, Table], quantities: dict[str, Quantity], complementary: bool = True) -> dict[str, set]:  # type: ignore[type-arg]
    """What is hidden of each quantity's table."""
    seen = {
        (name, *key): Sighting("t", row, name, name, key[0], key[1], value)
        for name, table in tables.items()
        for row, (key, value) in enumerate(table.items())
    }
    counts: Counts = counts_of(list(seen.values()), quantities, K)
    protection: Protection = protect(counts.problem, complementary=complementary)
    assert not protection.unprotected
    return {
        name: {key for key in table if set(counts.shown_by[seen[(name, *key)]]) & protection.hidden}
        for name, table in tables.items()
    }


def widths(table: Table, hidden: set[tuple[str, str]]) -> dict[tuple[str, str], float]:
    """How wide a reader's interval of every hidden cell is: two linear programs over all cells, from the published
    table and the divisions' and months' sums alone."""
    cells = sorted(table)
    at = {cell: column for column, cell in enumerate(cells)}
    rows = []
    for place, period in cells:
        below = [c for c in cells if c[1] == period and c[0] != place and _parent(c[0]) == place]
        months = [c for c in cells if c[0] == place and c[1] in MONTHS] if period == "2024Q1" else []
        for parts in filter(None, (below, months)):
            row = np.zeros(len(cells))
            row[at[place, period]] = 1
            row[[at[part] for part in parts]] = -1
            rows.append(row)
    bounds = [(1, None) if cell in hidden else (table[cell], table[cell]) for cell in cells]
    found = {}
    for cell in hidden:
        aim = np.zeros(len(cells))
        aim[at[cell]] = 1
        ends = [linprog(sign * aim, A_eq=np.array(rows), b_eq=np.zeros(len(rows)), bounds=bounds) for sign in (1, -1)]
        assert ends[0].status == 0 and ends[1].status in (0, 3)
        found[cell] = np.inf if ends[1].status == 3 else -ends[1].fun - ends[0].fun
    return found


def _parent(place: str) -> str:
    return f"{place[:9]}000" if not place.endswith("000") else DISTRICT


LONE = [[[3, 30], [30, 30]], [[30, 12], [7, 7]]]
"""One small count among large ones: the sums give it away unless others are hidden with it."""


@settings(max_examples=40, deadline=None)
@given(grids)
@example(LONE)
def test_no_hidden_count_can_be_worked_out(grid: Grid) -> None:
    table = table_of(grid)
    hidden = hide({"visited": table}, FLOW)["visited"]
    assert {cell for cell, value in table.items() if 0 < value < K} <= hidden
    assert all(table[cell] > 0 for cell in hidden)
    assert all(width >= K - 1e-6 for width in widths(table, hidden).values())


def test_the_attack_succeeds_where_only_small_counts_are_hidden() -> None:
    table = table_of(LONE)
    hidden = hide({"visited": table}, FLOW, complementary=False)["visited"]
    assert hidden == {("500112101201", "2024-01")}
    assert widths(table, hidden) == {("500112101201", "2024-01"): pytest.approx(0)}


@given(grids)
@settings(max_examples=10, deadline=None)
def test_the_same_counts_give_the_same_hidden_cells_in_any_order(grid: Grid) -> None:
    table = table_of(grid)
    turned = dict(sorted(table.items(), reverse=True))
    assert hide({"visited": table}, FLOW) == hide({"visited": turned}, FLOW)


@given(grids)
@settings(max_examples=20, deadline=None)
def test_what_hangs_together_can_be_looked_at_alone(grid: Grid) -> None:
    """With one cell fewer hidden, the part that it is in exposes what the whole does."""
    seen = [
        Sighting("t", row, "n", "visited", *cell, value) for row, (cell, value) in enumerate(table_of(grid).items())
    ]
    problem = counts_of(seen, FLOW, K).problem
    hidden = protect(problem).hidden
    for part in unknown_parts(problem, hidden):
        for name in sorted(hidden & part.cells.keys()):
            whole = exposed(problem, hidden - {name}, {})
            assert exposed(part, (hidden & part.cells.keys()) - {name}, {}) == whole


def test_a_small_rest_between_a_part_and_its_whole_is_not_told() -> None:
    places = ("500112101201", "500112101202", "500112101203", "500112101000")
    elders = dict(zip(((place, "2024-01") for place in places), (20, 30, 25, 75), strict=True))
    alone = dict(zip(((place, "2024-01") for place in places), (18, 10, 9, 37), strict=True))
    hidden = hide({"elders": elders, "alone": alone}, PARTS)
    assert {("500112101201", "2024-01")} & (hidden["elders"] | hidden["alone"])
    assert hidden["elders"] | hidden["alone"] != set(elders)
    for table, own in ((elders, hidden["elders"]), (alone, hidden["alone"])):
        assert all(width >= K - 1e-6 for width in widths(table, own).values())


def test_one_number_in_two_tables_is_one_cell() -> None:
    both = [Sighting(name, 0, "n", "elders", "500112101201", "2024-01", 3) for name in ("profile", "indicator")]
    counts = counts_of(both, PARTS, K)
    assert len(counts.problem.cells) == 1
    assert {counts.shown_by[one] for one in both} == {tuple(counts.problem.cells)}


def test_a_quarters_state_is_its_newest_months() -> None:
    shown = [
        Sighting("t", row, "n", "elders", "500112101201", period, 9) for row, period in enumerate((*MONTHS, "2024Q1"))
    ]
    counts = counts_of(shown, PARTS, K)
    assert counts.shown_by[shown[3]] == counts.shown_by[shown[2]]


def test_intervals_are_the_least_and_the_most_that_fit() -> None:
    shown = [
        Sighting("t", row, "n", "elders", place, "2024-01", value)
        for row, (place, value) in enumerate(
            [("500112101201", 3), ("500112101202", 7), ("500112101203", 9), ("500112101000", 19)]
        )
    ]
    counts = counts_of(shown, PARTS, K)
    small, other = (counts.shown_by[one][0] for one in shown[:2])
    assert intervals(counts.problem, {small, other}) == {small: pytest.approx((1, 9)), other: pytest.approx((1, 9))}


def test_every_quantity_is_declared_and_used() -> None:
    registry = load_registry()
    used = {c.counts for table in (*registry.datasets.values(), *registry.gold.values()) for c in table.columns}
    used |= {table.rows_count for table in (*registry.datasets.values(), *registry.gold.values())}
    used |= {measure.counts for item in load_indicators() for measure in item.measures.values()}
    assert used - {""} == set(load_quantities())


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("elders: {of: people, time: state}", "elders.of"),
        ("elders: {of: persons, time: daily}", "elders.time"),
        ("elders: {of: persons, time: state, part_of: [families]}", "elders.part_of"),
        ("elders: {of: persons, time: state, kind: x}", "kind"),
    ],
)
def test_a_wrong_quantity_is_an_error_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "counts.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError, match=place):
        load_quantities(path)
