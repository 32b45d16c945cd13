"""Gold tables in groups: a subject's tables share one, and no group waits for one that waits for it."""

from __future__ import annotations

from dataclasses import replace

from agrilake.contract.load import Registry, load_registry
from agrilake.contract.order import TableGroup, in_groups, in_order

REAL = load_registry()


def registry(*tables: tuple[str, str, tuple[str, ...]]) -> Registry:
    """Gold tables of (id, subject, inputs)."""
    model = next(iter(REAL.gold.values()))
    return Registry({}, {name: replace(model, id=name, subject=said, inputs=made) for name, said, made in tables})


def test_a_chain_within_a_subject_is_one_group_in_order() -> None:
    found = in_groups(registry(("b", "people", ("a",)), ("a", "people", ()), ("c", "people", ("b",))))
    assert found == [TableGroup("people", ("a", "b", "c"), ())]


def test_a_table_of_another_subject_parts_the_tables_around_it() -> None:
    found = in_groups(registry(("a", "people", ()), ("b", "land", ("a",)), ("c", "people", ("b", "a"))))
    assert found == [
        TableGroup("people", ("a",), ()),
        TableGroup("land", ("b",), ("a",)),
        TableGroup("people", ("c",), ("a", "b")),
    ]


def test_subjects_that_rest_on_nothing_of_each_other_stand_side_by_side() -> None:
    found = in_groups(registry(("a", "people", ()), ("b", "land", ())))
    assert [group.after for group in found] == [(), ()]


def test_every_table_is_in_one_group_that_comes_after_those_it_is_made_from() -> None:
    groups = in_groups(REAL)
    group_of = {name: group for group in groups for name in group.tables}
    assert sorted(name for group in groups for name in group.tables) == sorted(table.id for table in in_order(REAL))
    done: set[str] = set()
    for group in groups:
        for name in group.tables:
            before = {other for other in REAL.gold[name].inputs if other in group_of}
            assert before <= done
            assert {group_of[other].name for other in before} - {group.name} <= set(group.after)
            done.add(name)
