"""What a reader may ask of his own dataset, altered by hand: no other file, no statement, no setting, no template."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.browser.dashboards import Dashboards
from tests.browser.visitors import Target, Visitor, target, visit

pytestmark = [pytest.mark.browser, pytest.mark.superset, pytest.mark.slow]

LOGINS = ("dept_agri", "analyst", "admin")
FILE = "/etc/passwd"
SECRETS = ("root:", "/publications/", "ababab")
SNIPPETS = (
    f"(SELECT content FROM read_text('{FILE}'))",
    f"read_text('{FILE}')",
    f"(SELECT count(*) FROM read_csv('{FILE}'))",
    f"(SELECT string_agg(a) FROM read_csv('{FILE}') AS f(a))",
    "(SELECT string_agg(file) FROM glob('/*'))",
    "(SELECT string_agg(path) FROM duckdb_databases())",
    "(SELECT count(*) FROM duckdb_secrets())",
    "(SELECT string_agg(value) FROM duckdb_settings())",
    "(SELECT max(problem) FROM query('SELECT * FROM quarantine_finding'))",
    "getenv('AGRILAKE_SUPERSET_SECRET_FILE')",
    "{{ 'ab' * 3 }}",
    "{{ current_user_id() }}",
    "1); ATTACH '/etc/passwd' AS other; SELECT (1",
    "1; INSTALL httpfs; LOAD httpfs; SELECT 1",
    "1; SET enable_external_access = true; SELECT 1",
    f"1; COPY delivery TO '{FILE}.copy'; SELECT 1",
)


def metric(sql: str) -> dict[str, Any]:
    return {"expressionType": "SQL", "sqlExpression": sql, "label": "stolen"}


def altered(sql: str, column: str) -> dict[str, dict[str, Any]]:
    """The places of a query that take text: what each of them asks for."""
    return {
        "metric": {"metrics": [metric(f"max({sql})")]},
        "bare metric": {"metrics": [metric(sql)]},
        "column": {"columns": [metric(sql)]},
        "where": {"columns": [column], "extras": {"where": f"'' <> CAST({sql} AS VARCHAR)"}},
        "having": {"columns": [column], "metrics": [metric("count(*)")], "extras": {"having": f"1 < ({sql})"}},
        "union": {"columns": [column], "extras": {"where": f"1 = 1) UNION SELECT CAST({sql} AS VARCHAR) WHERE (1 = 1"}},
        "order": {"columns": [column], "orderby": [[metric(sql), True]]},
        "filter": {"columns": [column], "filters": [{"col": metric(sql), "op": "IS NOT NULL"}]},
    }


@pytest.fixture(scope="module")
def visitors(dashboards: Dashboards) -> Iterator[dict[str, Visitor]]:
    """A session of each login."""
    found = {login: visit(dashboards, login) for login in LOGINS}
    yield found
    for visitor in found.values():
        visitor.http.close()


@pytest.fixture(scope="module")
def own(dashboards: Dashboards) -> dict[str, Target]:
    """A dataset of each login's own."""
    agri = target(dashboards, "department_agri", "department_agri_waiting_finding", "problem")
    overview = target(dashboards, "overview", "indicator_view", "indicator_name")
    return {"dept_agri": agri, "analyst": overview, "admin": agri}


@pytest.mark.parametrize("login", ["dept_agri", "analyst"])
def test_no_place_of_a_query_leads_out_of_the_dataset(
    visitors: dict[str, Visitor], own: dict[str, Target], login: str
) -> None:
    of, who = own[login], visitors[login]
    assert who.data(of.dataset, columns=[of.column]).status_code == httpx.codes.OK, "unaltered it is answered"
    for snippet in SNIPPETS:
        for place, query in altered(snippet, of.column).items():
            answer = who.data(of.dataset, **query)
            # a filter on what is no column is dropped, and the answer is as without it
            answered = {200} if place == "filter" else set()
            assert answer.status_code in {400, 403, 422, 500} | answered, (place, snippet, answer.text[:300])
            assert not [word for word in SECRETS if word in answer.text], (place, snippet, answer.text[:300])


STATEMENTS = (
    f"SELECT * FROM read_text('{FILE}')",
    f"SELECT * FROM read_csv('{FILE}')",
    f"SELECT * FROM '{FILE}'",
    "SELECT * FROM glob('/*')",
    f"ATTACH '{FILE}' AS other",
    "ATTACH 'publications/current/analyst.duckdb' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SELECT * FROM read_csv('https://example.org/a.csv')",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "SET profiling_output = '/tmp/stolen'",
    f"COPY delivery TO '{FILE}.copy'",
    "EXPORT DATABASE '/tmp/stolen'",
    "CREATE TABLE mine AS SELECT 1",
    "DELETE FROM delivery",
    "SELECT getenv('HOME')",
    "CREATE SECRET s (TYPE s3, KEY_ID 'a')",
)


def test_sql_lab_of_the_administrator_stays_within_the_file(
    visitors: dict[str, Visitor], own: dict[str, Target]
) -> None:
    who, database = visitors["admin"], own["dept_agri"].database
    body = {"database_id": database, "schema": "main", "runAsync": False}
    good = who.post("/api/v1/sqllab/execute/", body | {"sql": "SELECT count(*) AS n FROM delivery"})
    assert good.status_code == httpx.codes.OK, good.text[:300]
    assert good.json()["data"][0]["n"] > 0
    for statement in STATEMENTS:
        answer = who.post("/api/v1/sqllab/execute/", body | {"sql": statement})
        assert answer.status_code >= httpx.codes.BAD_REQUEST, (statement, answer.text[:300])
        assert "root:" not in answer.text
    assert not Path(f"{FILE}.copy").exists()


def test_a_connection_to_another_file_is_refused(visitors: dict[str, Visitor], dashboards: Dashboards) -> None:
    """Not even the administrator points Superset at a file that is no publication's."""
    who = visitors["admin"]
    secret = dashboards.home / "superset" / "superset.db"
    for uri in (
        f"duckdb:///{secret}",
        "duckdb:///:memory:",
        "duckdb:///publications/current/../../state/state.sqlite",
        "duckdb:///publications/current/leader.duckdb?enable_external_access=true",
        f"sqlite:///{secret}",
    ):
        body = {"database_name": "other", "sqlalchemy_uri": uri, "extra": "{}", "impersonate_user": False}
        answer = who.post("/api/v1/database/test_connection/", body)
        allowed = uri.startswith("duckdb:///publications/current/leader")  # its own words are dropped
        assert (answer.status_code == httpx.codes.OK) is allowed, (uri, answer.text[:300])
