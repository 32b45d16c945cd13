"""The same person links within a publication, across departments, and not from one publication key to the next."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.support.intake import reference_lake, take
from tests.support.two_registers import ELDERS, HOUSEHOLDS, elders, households, put, to_silver

from agrilake.contract.load import load_registry
from agrilake.contract.settings import BY_TOKEN, PER_PUBLICATION, PER_YEAR, load_settings
from agrilake.errors import ContractError, UsageError
from agrilake.intake.keys import KEY_VARIABLE, KeyRing, create_key
from agrilake.lake.audit import Entry, entries
from agrilake.linking.build import build_linked
from agrilake.pipeline import steps
from agrilake.pipeline.compare import compare_publications
from agrilake.pipeline.context import Lake
from agrilake.pipeline.rotation import rotate
from agrilake.pipeline.whose import whose
from agrilake.publish import Publication, publish
from agrilake.publish.opening import read_only
from agrilake.publish.persons import TOKEN, person_numbers, persons_of, published_columns

LINK = "household_link"
DIVISIONS = ("stats_division", "stats_division_crosswalk")
JOINED = f"""
SELECT l.household_id, l.record_no FROM {LINK} AS l
JOIN {HOUSEHOLDS} AS h ON h.household_id = l.household_id JOIN {ELDERS} AS e ON e.elder_id = l.record_no
"""


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Five households whose heads are elders of the other register."""
    made = reference_lake(tmp_path / "home")
    monkeypatch.setenv(KEY_VARIABLE, str(create_key(tmp_path / "keys" / "own.key")))
    made.ensure_key()
    put(
        made, {"agri_farm_household__2024-01": households(0, 1, 2, 3, 4), "civil_elder__2024-01": elders(0, 1, 2, 3, 4)}
    )
    take(made)
    to_silver(made)
    build_linked(made.home, made.registry.gold[LINK], made.registry)
    declared = made.registry
    datasets = {name: declared.datasets[name] for name in (HOUSEHOLDS, ELDERS, *DIVISIONS, "civil_assistance")}
    gold = {name: declared.gold[name] for name in (LINK, "indicator_value")}
    return dataclasses.replace(made, registry=dataclasses.replace(declared, datasets=datasets, gold=gold))


def published(lake: Lake, how: str = PER_YEAR, held: dict[str, str] | None = None) -> Publication:
    lake.state.record_lake_version(steps.lake_tables(lake))
    settings = dataclasses.replace(lake.settings, person_rows=BY_TOKEN, person_tokens=how)
    return publish(lake.home, lake.registry, settings, lake.state, held or {}, (), steps.catalogue(lake))


def asked(publication: Publication, sql: str, role: str = "analyst") -> list[tuple[Any, ...]]:
    with closing(read_only(publication.database(role))) as connection:
        return connection.execute(sql).fetchall()


def another(lake: Lake) -> None:
    """Something else to publish."""
    month = len(lake.state.lake_versions()) + 1
    put(lake, {f"agri_farm_household__2024-{month:02}": households(0, 1, 2, 3, 4)})
    take(lake)
    to_silver(lake)


def values(publication: Publication) -> set[str]:
    """Every text of the analysts' tables about persons."""
    tables = (HOUSEHOLDS, ELDERS, LINK)
    return {str(value) for table in tables for row in asked(publication, f"SELECT * FROM {table}") for value in row}


def test_tables_of_a_publication_link_and_no_number_of_a_register_is_in_it(lake: Lake) -> None:
    found = published(lake)
    pairs = asked(found, JOINED)
    assert len(set(pairs)) == 5
    assert all(TOKEN.fullmatch(token) and token.startswith("y") for pair in pairs for token in pair)
    titles = f"SELECT comment FROM duckdb_columns() WHERE table_name = '{ELDERS}' ORDER BY column_index"
    assert asked(found, titles)[0] == ("老人编号（代号）",)
    data = found.database("analyst").read_bytes() + found.database("leader").read_bytes()
    for register, column in ((HOUSEHOLDS, "household_id"), (ELDERS, "elder_id")):
        numbers = pl.read_delta(str(lake.home.table("silver", register)))[column].to_list()
        assert len(numbers) == 5
        assert not any(number.encode() in data for number in numbers)


def test_two_publications_with_different_keys_do_not_link(lake: Lake) -> None:
    """By no value of a row that only one person has, nor by the order of rows."""
    first = published(lake, PER_PUBLICATION)
    another(lake)
    second = published(lake, PER_PUBLICATION)
    assert (first.version, second.version) == (1, 2)
    assert len(asked(first, JOINED)) == len(asked(second, JOINED)) == 5
    for table, key in ((HOUSEHOLDS, "household_id"), (ELDERS, "elder_id"), (LINK, "household_id")):
        shared = {
            column: {row[0] for row in asked(first, f'SELECT "{column}" FROM {table}')}
            & {row[0] for row in asked(second, f'SELECT "{column}" FROM {table}')}
            for (column,) in asked(first, f"SELECT column_name FROM duckdb_columns() WHERE table_name = '{table}'")
        }
        assert shared[key] == set()
        unique = [column for column, both in shared.items() if len(both - {None}) > 2]
        assert unique == [], table
        for publication in (first, second):
            stored = [row[0] for row in asked(publication, f"SELECT {key} FROM {table}")]
            assert stored == sorted(stored)


def test_in_a_year_a_person_is_told_by_one_token_and_in_the_next_by_another(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = published(lake)
    another(lake)
    second = published(lake)
    assert set(asked(first, JOINED)) == set(asked(second, JOINED))
    monkeypatch.setattr("agrilake.publish.persons._year", lambda _: 1999)
    third = published(lake)
    assert third.version == 3
    assert len(asked(third, JOINED)) == 5
    assert not {token for pair in asked(third, JOINED) for token in pair} & values(second)


def test_another_key_is_another_publication(lake: Lake) -> None:
    first = published(lake)
    assert published(lake).version == first.version
    rotate(lake, "王密", "年度更换")
    second = published(lake)
    assert second.version == first.version + 1
    assert len(asked(second, JOINED)) == 5
    assert not {token for pair in asked(second, JOINED) for token in pair} & values(first)


def test_a_held_table_is_told_by_the_tokens_of_its_publication(lake: Lake) -> None:
    first = published(lake, PER_PUBLICATION)
    another(lake)
    second = published(lake, PER_PUBLICATION, {LINK: "质量检查未通过"})
    assert second.version == first.version + 1
    assert len(asked(second, JOINED)) == 5
    assert second.held


def test_publications_are_compared_by_the_lakes_own_numbers(lake: Lake) -> None:
    first = published(lake, PER_PUBLICATION)
    put(lake, {"agri_farm_household__2024-02": households(0, 1, 5)})
    take(lake)
    to_silver(lake)
    second = published(lake, PER_PUBLICATION)
    found = {item.table: item.diff for item in compare_publications(lake, first.version, second.version)}
    diff = found[HOUSEHOLDS]
    assert diff is not None
    assert (diff.added, diff.removed, diff.moved) == (1, 0, 2)


def test_who_may_read_the_lake_finds_the_line_and_is_recorded(lake: Lake) -> None:
    token = asked(published(lake), f"SELECT household_id FROM {HOUSEHOLDS} ORDER BY 1")[0][0]
    found = whose(lake, token)
    assert {(item.dataset, item.column) for item in found} == {(HOUSEHOLDS, "household_id")}
    silver = pl.read_delta(str(lake.home.table("silver", HOUSEHOLDS)))
    number = silver.filter(_line=found[0].line)["household_id"][0]
    persons = persons_of(lake.registry, lake.settings, lake.ring, 1)
    assert persons.tokens(pl.Series([number])).to_list() == [token]
    acts = [item for item in entries(lake.home) if isinstance(item, Entry) and item.act == "read"]
    assert [(item.subject, item.about["lines"]) for item in acts] == [(f"token {token}", 1)]
    own = asked(published(lake), f"SELECT household_id FROM {HOUSEHOLDS} ORDER BY 1", "department/agri")[0][0]
    assert own != token
    assert {(item.dataset, item.column) for item in whose(lake, own)} == {(HOUSEHOLDS, "household_id")}
    assert whose(lake, "y1999-" + "0" * 20) == []
    with pytest.raises(UsageError, match="no token"):
        whose(lake, number)


def test_the_contracts_say_which_columns_tell_a_person() -> None:
    registry = load_registry()
    numbers = person_numbers(registry)
    assert {table for table, column in numbers if column == "household_id"} == {
        name for name, item in {**registry.datasets, **registry.gold}.items() if "household_id" in names(item)
    }
    assert {table for table, column in numbers if column == "elder_id"} == {
        name for name, item in {**registry.datasets, **registry.gold}.items() if "elder_id" in names(item)
    }
    assert {column for _, column in numbers} == {"household_id", "elder_id", "record_no"}
    columns = published_columns(registry)
    assert columns["subsidy"].tokens == ("household_id", "payment_id")
    assert columns["parcel"].hidden == ("household_id",)
    leaders = [name for name, item in registry.gold.items() if "leader" in item.published]
    assert not set(leaders) & set(columns)


def names(table: Any) -> set[str]:
    return {column.name for column in table.columns}


def test_the_setting_is_one_of_two(tmp_path: Path) -> None:
    from agrilake.contract.settings import settings_path

    path = tmp_path / "district.yaml"
    path.write_text(settings_path().read_text().replace("person_tokens: per_year", "person_tokens: never"))
    with pytest.raises(ContractError, match="per_publication"):
        load_settings(path)


def test_the_key_of_a_publication_leads_nowhere_else(lake: Lake) -> None:
    ring = KeyRing.from_environment(lake.home)
    keys = {
        persons_of(lake.registry, dataclasses.replace(lake.settings, person_tokens=how), ring, version).key
        for how in (PER_YEAR, PER_PUBLICATION)
        for version in (1, 2)
    }
    assert len(keys) == 3
    assert ring.current.secret not in keys
