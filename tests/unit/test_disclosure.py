"""Rows of persons in the analysts' file: generalised, none in a group that is small, nothing left out that is few."""

from __future__ import annotations

import dataclasses
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.counted import CATALOGUE, SETTINGS, VILLAGES, Lake

from agrilake.contract.disclosure import Generalisation, load_generalisations
from agrilake.contract.load import Registry, load_registry
from agrilake.contract.settings import BY_TOKEN, load_settings
from agrilake.errors import ContractError
from agrilake.intake.values import silver_type
from agrilake.publish import publish
from agrilake.publish.disclosure import generalised, measured
from agrilake.publish.opening import read_only
from agrilake.publish.persons import published_columns

K = 5
HOW = Generalisation(("year", "alone"), ("care",), {"year": 10})
REAL = load_registry()
rows_of_elders = st.lists(
    st.tuples(st.integers(1925, 1964), st.booleans(), st.sampled_from(["full", "part", None])), max_size=80
)


def frame(rows: list[tuple[int, bool, str | None]]) -> pl.DataFrame:
    schema = {"year": pl.Int64, "alone": pl.Boolean, "care": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


@settings(max_examples=60, deadline=None)
@given(rows_of_elders)
def test_every_group_that_is_shown_has_k_rows_and_what_is_left_out_is_none_or_k(
    rows: list[tuple[int, bool, str | None]],
) -> None:
    banded = Counter((year // 10 * 10, alone, care) for year, alone, care in rows)
    shown = generalised(frame(rows), HOW, K)
    found = Counter(shown.rows.rows())
    assert all(count >= K and count == banded[group] for group, count in found.items())
    assert shown.left_out == len(rows) - found.total()
    for column in (None, 0, 1, 2):
        missing: Counter[Any] = Counter()
        for group, count in (banded - found).items():
            missing[None if column is None else group[column]] += count
        partly = {None if column is None else group[column] for group in found}
        assert all(count >= K for value, count in missing.items() if value in partly)


def test_k_l_and_t_are_those_of_the_rows() -> None:
    """Two groups: in one all are cared for alike, in the other half of them; half and a quarter of all are `full`."""
    rows = [(1940, True, "full")] * 6 + [(1950, False, "full")] * 6 + [(1950, False, "part")] * 6
    found = measured(frame(rows), HOW)
    assert found == {"k": 6, "l": 1, "t": pytest.approx(1 / 3, abs=1e-6)}
    assert measured(frame([]), HOW) == {}


def elder(number: int, **more: Any) -> dict[str, Any]:
    base = {"elder_id": f"E{number:04}", "division_code": VILLAGES[0], "division_name": "某村", "birth_year": 1940}
    back = {"source_dataset": "civil_elder", "delivery_id": "d", "line": number}
    return {**base, **back, "living_alone": number % 2 == 0, "disability_level": "intact", **more}


def asked(lake: Lake, registry: Registry, rows: list[dict[str, Any]], how: str, sql: str) -> list[tuple[Any, ...]]:
    for name in ("elder", "elder_history"):
        kinds = {column.name: silver_type(column) for column in registry.gold[name].columns}
        known = [{key: value for key, value in row.items() if key in kinds} for row in rows]
        path = lake.home.table("gold", name)
        if not path.exists():
            pl.DataFrame(known, schema=kinds).write_delta(str(path))
    lake.state.record_lake_version({"gold/elder": 0, "gold/elder_history": 0, "silver/stats_division": 0})
    settings_of = dataclasses.replace(SETTINGS, person_rows=how)
    made = publish(lake.home, registry, settings_of, lake.state, {}, (), CATALOGUE)
    with closing(read_only(made.database("analyst"))) as connection:
        return connection.execute(sql).fetchall()


def test_analysts_see_generalised_elders_and_no_row_of_tables_that_are_not_declared(tmp_path: Path) -> None:
    chosen = ("elder", "elder_history", "indicator_value")
    registry = Registry({}, {name: REAL.gold[name] for name in chosen})
    rows = [elder(number) for number in range(40)]
    rows += [elder(40 + number, birth_year=1955) for number in range(14)]  # left out too: three and three are few
    rows += [elder(54 + number, birth_year=1925, care_level="full") for number in range(6)]
    lake = Lake(tmp_path)
    columns = "elder_id, division_code, line, birth_year, living_alone, care_level"
    shown = f"SELECT {columns}, count(*) FROM elder GROUP BY ALL"
    found = asked(lake, registry, rows, load_settings().person_rows, shown)
    nothing = (None, None, None)
    assert sorted(found, key=str) == [(*nothing, 1940, False, None, 20), (*nothing, 1940, True, None, 20)]
    assert asked(lake, registry, rows, load_settings().person_rows, "SELECT * FROM elder_history") == []
    columns = "treatment, quasi_identifiers, sensitive, k, l, shown, left_out"
    told = f"SELECT {columns} FROM disclosure_control WHERE subject = "
    assert asked(lake, registry, rows, load_settings().person_rows, f"{told}'elder'") == [
        ("泛化后发布", "birth_year、living_alone", "disability_level、care_level", 20, 1, 40, 20)
    ]
    assert asked(lake, registry, rows, load_settings().person_rows, f"{told}'elder_history'") == [
        ("不逐行发布", None, None, None, None, 0, None)
    ]
    assert asked(lake, registry, rows, BY_TOKEN, "SELECT count(DISTINCT elder_id) FROM elder") == [(60,)]


def test_what_is_declared_are_tables_of_persons_and_their_columns() -> None:
    columns = published_columns(REAL)
    for name, how in load_generalisations().items():
        assert columns[name].tokens
        assert set(how.columns) <= {column.name for column in REAL.gold[name].columns}
        assert not set(how.columns) & {*columns[name].tokens, *columns[name].hidden}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("elder: {sensitive: [care_level]}", "quasi is missing"),
        ("elder: {quasi: [birth_year], bands: {members: 2}}", "members"),
        ("elder: {quasi: [birth_year], drop: [x]}", "drop"),
    ],
)
def test_a_wrong_declaration_is_an_error_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "disclosure.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError, match=place):
        load_generalisations(path)
