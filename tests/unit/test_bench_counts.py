"""What the benchmark counts: commits by table, and the charts' queries."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from benchmarks.harness.commits import commits, versions
from benchmarks.workloads.charts import queries, sql

from agrilake.paths import Home, project_root


def test_commits_are_counted_by_table(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home").prepare()
    rows = pl.DataFrame({"a": [1]})
    rows.write_delta(home.table("silver", "one"))
    rows.write_delta(home.table("silver", "two"))
    rows.write_delta(home.table("quarantine"))
    before = versions(home)
    assert before == {"quarantine": 0, "silver/one": 0, "silver/two": 0}
    rows.write_delta(home.table("silver", "two"), mode="append")
    rows.write_delta(home.table("gold", "three"))
    assert commits(before, before) == {}
    assert commits(before, versions(home)) == {"silver/two": 1, "gold/three": 1}


def test_every_chart_of_the_leader_is_a_query() -> None:
    exported = {path.stem for path in (project_root() / "superset_exports" / "charts").glob("*.yaml")}
    assert len(queries()) > 100
    assert set(queries()) <= exported


def test_a_chart_is_asked_as_it_is_declared() -> None:
    dataset = {
        "table_name": "site",
        "sql": None,
        "columns": [{"column_name": "kind", "expression": "upper(raw)"}, {"column_name": "town", "expression": None}],
        "metrics": [{"metric_name": "rows", "expression": "COUNT(*)"}],
    }
    where = [
        {"subject": "kind", "operator": "==", "comparator": "it's"},
        {"subject": "town", "operator": "IN", "comparator": ["a", "b"]},
    ]
    counted = sql({"x_axis": "town", "groupby": ["kind"], "metrics": ["rows"], "adhoc_filters": where}, dataset)
    assert counted == (
        'SELECT "town" AS "town", upper(raw) AS "kind", COUNT(*) AS "rows" FROM "site" AS source '
        "WHERE upper(raw) = 'it''s' AND \"town\" IN ('a', 'b') GROUP BY 1, 2 LIMIT 10000"
    )
    listed = {"query_mode": "raw", "all_columns": ["town"], "order_by_cols": ['["town", false]'], "row_limit": 5}
    assert sql(listed, {**dataset, "sql": "SELECT 1"}) == (
        'SELECT "town" AS "town" FROM (SELECT 1) AS source ORDER BY "town" DESC LIMIT 5'
    )
