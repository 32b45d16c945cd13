"""Each role tries to reach what is another's, by guessed numbers at every door; the administrator shows that the same
question is answered to one who may."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import jwt
import pytest
from tests.browser.dashboards import Dashboards
from tests.browser.visitors import ANONYMOUS, Target, Visitor, chart_data, target, visit

from agrilake.contract.roles import load_roles

pytestmark = [pytest.mark.browser, pytest.mark.superset, pytest.mark.slow]

ADMIN, LEADER, ANALYST, STEWARD, AGRI, CIVIL = ("admin", "leader", "analyst", "steward", "dept_agri", "dept_civil")
LOGINS = (ADMIN, LEADER, ANALYST, STEWARD, AGRI, CIVIL, ANONYMOUS)
OWNERS = {
    "department_agri": {AGRI},
    "department_civil": {CIVIL},
    "steward": {STEWARD},
    "overview": {LEADER, ANALYST},
}
FOREIGN = [(slug, login) for slug, owners in OWNERS.items() for login in LOGINS if login not in owners | {ADMIN}]
OWN = [(slug, login) for slug, owners in OWNERS.items() for login in sorted(owners)]
REFUSED = {400, 401, 403, 404, 405}
READ = (
    "/api/v1/dataset/{dataset}",
    "/api/v1/dataset/{dataset}/related_objects",
    "/api/v1/dataset/{dataset}/drill_info/?q=(dashboard_id:{dashboard})",
    "/api/v1/dataset/export/?q=!({dataset})",
    "/api/v1/dashboard/{dashboard}",
    "/api/v1/dashboard/{slug}",
    "/api/v1/dashboard/{dashboard}/charts",
    "/api/v1/dashboard/{dashboard}/datasets",
    "/api/v1/dashboard/{dashboard}/tabs",
    "/api/v1/dashboard/export/?q=!({dashboard})",
    "/api/v1/chart/{chart}",
    "/api/v1/chart/{chart}/data/?format=csv",
    "/api/v1/chart/{chart}/data/?format=json",
    "/api/v1/chart/export/?q=!({chart})",
    "/api/v1/database/{database}",
    "/api/v1/database/{database}/schemas/",
    "/api/v1/database/{database}/tables/?q=(schema_name:main)",
    "/api/v1/database/{database}/table_metadata/?name=delivery&schema=main",
    "/api/v1/database/{database}/select_star/delivery/main/",
    "/api/v1/database/export/?q=!({database})",
    "/api/v1/datasource/table/{dataset}/column/{column}/values/",
    "/api/v1/explore/?datasource_id={dataset}&datasource_type=table",
    "/api/v1/explore/?slice_id={chart}",
    "/datasource/get/table/{dataset}/",
    "/datasource/external_metadata/table/{dataset}/",
    "/superset/fetch_datasource_metadata?datasourceKey={dataset}__table",
    "/superset/dashboard/{slug}/",
    "/superset/dashboard/{dashboard}/",
)
WITHOUT_A_CONTEXT = {path for path in READ if path.startswith("/api/v1/chart/{chart}/data/")}
"""Answered to nobody, as imported charts have no saved query; a chart that an analyst saves has one."""
Attack = Callable[[Visitor, Target], httpx.Response]
ATTACKS: dict[str, Attack] = {
    "another dataset's number": lambda who, of: who.data(of.dataset, columns=[of.column]),
    "as CSV": lambda who, of: who.post(
        "/api/v1/chart/data", chart_data(of.dataset, columns=[of.column]) | {"result_format": "csv"}
    ),
    "its samples": lambda who, of: who.post("/api/v1/chart/data", chart_data(of.dataset) | {"result_type": "samples"}),
    "its columns": lambda who, of: who.post("/api/v1/chart/data", chart_data(of.dataset) | {"result_type": "columns"}),
    "its SQL": lambda who, of: who.post(
        "/api/v1/chart/data", chart_data(of.dataset, columns=[of.column]) | {"result_type": "query"}
    ),
    "as a filter of its dashboard": lambda who, of: who.post(
        "/api/v1/chart/data",
        chart_data(of.dataset, columns=[of.column])
        | {"form_data": {"dashboardId": of.dashboard, "type": "NATIVE_FILTER", "native_filter_id": "NATIVE_FILTER-1"}},
    ),
    "as a chart of its dashboard": lambda who, of: who.post(
        "/api/v1/chart/data",
        chart_data(of.dataset, columns=[of.column])
        | {"form_data": {"dashboardId": of.dashboard, "slice_id": of.chart, "datasource": f"{of.dataset}__table"}},
    ),
    "samples of the old kind": lambda who, of: who.post(
        f"/datasource/samples?datasource_id={of.dataset}&datasource_type=table", {}
    ),
    "keeping a form": lambda who, of: who.post(
        "/api/v1/explore/form_data",
        {"datasource_id": of.dataset, "datasource_type": "table", "chart_id": of.chart, "form_data": "{}"},
    ),
    "keeping a filter's state": lambda who, of: who.post(
        f"/api/v1/dashboard/{of.dashboard}/filter_state", {"value": "{}"}
    ),
    "a permanent link": lambda who, of: who.post(f"/api/v1/dashboard/{of.dashboard}/permalink", {"urlParams": []}),
    "warming its cache": lambda who, of: who.ask(
        "PUT", "/api/v1/chart/warm_up_cache", json={"chart_id": of.chart, "dashboard_id": of.dashboard}
    ),
    "SQL Lab": lambda who, of: who.post(
        "/api/v1/sqllab/execute/", {"database_id": of.database, "sql": "SELECT 1 AS one", "schema": "main"}
    ),
    "a chart of one's own over it": lambda who, of: who.post(
        "/api/v1/chart/",
        {"slice_name": "stolen", "viz_type": "table", "datasource_id": of.dataset, "datasource_type": "table"},
    ),
    "a dataset of one's own over it": lambda who, of: who.post(
        "/api/v1/dataset/",
        {"database": of.database, "schema": "main", "table_name": f"stolen_from_{of.slug}", "sql": "SELECT 1 AS one"},
    ),
}
ANSWERED = {200, 201, 202}


@pytest.fixture(scope="module")
def visitors(dashboards: Dashboards) -> Iterator[dict[str, Visitor]]:
    """A session of each login, and one of nobody."""
    found = {login: visit(dashboards, login) for login in LOGINS}
    yield found
    for visitor in found.values():
        visitor.http.close()


@pytest.fixture(scope="module")
def targets(dashboards: Dashboards) -> dict[str, Target]:
    """What belongs to each role."""
    agri = ("department_agri_waiting_finding", "file_name", "agri_farm_household__", "农户")
    civil = ("department_civil_waiting_finding", "file_name", "civil_elder__", "老人")
    return {
        "department_agri": target(dashboards, "department_agri", *agri),
        "department_civil": target(dashboards, "department_civil", *civil),
        "steward": target(dashboards, "steward", "steward_waiting_finding", "file_name", "__2024-0", "农户"),
        "overview": target(dashboards, "overview", "indicator_view", "indicator_name", "建制村周五班率"),
    }


@pytest.mark.parametrize(("slug", "login"), FOREIGN)
def test_nothing_of_another_role_can_be_read(
    visitors: dict[str, Visitor], targets: dict[str, Target], slug: str, login: str
) -> None:
    of = targets[slug]
    for path in READ:
        answer = visitors[login].get(path.format(**of.names))
        if answer.status_code == httpx.codes.FOUND:
            assert answer.headers["location"].startswith("/login/"), path
        else:
            assert answer.status_code in REFUSED, (path, answer.status_code, answer.text[:200])
        assert not [word for word in of.words if word in answer.text], (path, answer.text[:300])


@pytest.mark.parametrize(("slug", "login"), FOREIGN)
def test_nothing_of_another_role_can_be_asked_for(
    visitors: dict[str, Visitor], targets: dict[str, Target], slug: str, login: str
) -> None:
    of = targets[slug]
    for what, attack in ATTACKS.items():
        answer = attack(visitors[login], of)
        assert answer.status_code in REFUSED | {422}, (what, answer.status_code, answer.text[:300])
        assert not [word for word in of.words if word in answer.text], (what, answer.text[:300])


@pytest.mark.parametrize("slug", sorted(OWNERS))
def test_the_administrator_is_answered_by_the_same_words(
    visitors: dict[str, Visitor], targets: dict[str, Target], slug: str
) -> None:
    """So that a refusal above is one of the role, and not of a question that nobody could ask."""
    of = targets[slug]
    for path in (path for path in READ if path not in WITHOUT_A_CONTEXT):
        answer = visitors[ADMIN].get(path.format(**of.names))
        assert answer.status_code in ANSWERED, (path, answer.status_code, answer.text[:300])
    for what, attack in ATTACKS.items():
        answer = attack(visitors[ADMIN], of)
        assert answer.status_code in ANSWERED, (what, answer.status_code, answer.text[:300])


@pytest.mark.parametrize(("slug", "login"), OWN)
def test_the_owner_reads_his_own_chart_dashboard_and_csv(
    visitors: dict[str, Visitor], targets: dict[str, Target], slug: str, login: str
) -> None:
    of, who = targets[slug], visitors[login]
    for path in ("/superset/dashboard/{slug}/", "/api/v1/dashboard/{dashboard}/charts"):
        assert who.get(path.format(**of.names)).status_code == httpx.codes.OK
    answer = who.post("/api/v1/chart/data", chart_data(of.dataset, columns=[of.column]) | {"result_format": "csv"})
    assert answer.status_code == httpx.codes.OK
    assert len(answer.text.splitlines()) > 2


@pytest.mark.parametrize("login", [LEADER, ANALYST, STEWARD, AGRI])
def test_sql_lab_is_the_administrators_also_over_ones_own_file(
    visitors: dict[str, Visitor], targets: dict[str, Target], login: str
) -> None:
    database = next(of.database for slug, of in targets.items() if login in OWNERS[slug])
    who, body = visitors[login], {"database_id": database, "sql": "SELECT 1 AS one", "schema": "main"}
    for path in ("execute/", "estimate/", "export_streaming/"):
        assert who.post(f"/api/v1/sqllab/{path}", body).status_code in REFUSED, path
    assert who.post(f"/api/v1/database/{database}/validate_sql/", body).status_code in REFUSED
    for path in (
        "/sqllab/",
        "/api/v1/query/",
        "/api/v1/saved_query/",
        "/api/v1/log/",
        "/api/v1/sqllab/results/?q=(key:a)",
    ):
        assert who.get(path).status_code in REFUSED | {410}, path


def test_what_one_role_has_cached_is_not_anothers(visitors: dict[str, Visitor], targets: dict[str, Target]) -> None:
    of = targets["department_agri"]
    question: dict[str, Any] = {"columns": [of.column], "orderby": [[of.column, True]]}
    visitors[AGRI].data(of.dataset, **question)
    again = visitors[AGRI].data(of.dataset, **question).json()["result"][0]
    assert again["is_cached"], "so it lies in the cache"
    for login in (LEADER, ANALYST, STEWARD, CIVIL, ANONYMOUS):
        assert visitors[login].data(of.dataset, **question).status_code in REFUSED, login
        assert visitors[login].get(f"/api/v1/chart/data/{again['cache_key']}").status_code in REFUSED, login


def test_links_and_kept_forms_of_others_lead_nowhere(visitors: dict[str, Visitor], targets: dict[str, Target]) -> None:
    of, admin = targets["department_agri"], visitors[ADMIN]
    link = ATTACKS["a permanent link"](admin, of).json()["key"]
    form = ATTACKS["keeping a form"](visitors[AGRI], of)
    state = ATTACKS["keeping a filter's state"](visitors[AGRI], of)
    assert {form.status_code, state.status_code} == {httpx.codes.CREATED}, "a reader may drill by and filter"
    paths = (
        f"/api/v1/dashboard/permalink/{link}",
        f"/api/v1/explore/form_data/{form.json()['key']}",
        f"/api/v1/explore/?form_data_key={form.json()['key']}",
        f"/api/v1/dashboard/{of.dashboard}/filter_state/{state.json()['key']}",
    )
    for path in paths:
        for login in (LEADER, ANALYST, STEWARD, CIVIL, ANONYMOUS):
            answer = visitors[login].get(path)
            assert answer.status_code in REFUSED, (login, path, answer.text[:300])
            assert not [word for word in of.words if word in answer.text], (login, path)
        assert admin.get(path).status_code == httpx.codes.OK, path


def test_a_chart_as_an_annotation_of_ones_own_gives_nothing_away(
    visitors: dict[str, Visitor], targets: dict[str, Target]
) -> None:
    """A chart may draw another one's rows over its own: not those of a chart that is another role's."""
    own, other = targets["department_civil"], targets["department_agri"]
    for kind in ("table", "line"):
        layer: dict[str, Any] = {
            "name": "other",
            "annotationType": "EVENT",
            "sourceType": kind,
            "value": other.chart,
            "show": True,
            "overrides": {},
        }
        answer = visitors[CIVIL].data(own.dataset, columns=[own.column], annotation_layers=[layer])
        assert answer.status_code in REFUSED | {422}, answer.text[:500]


def test_users_and_roles_cannot_be_listed(visitors: dict[str, Visitor]) -> None:
    everybody = {role.login for role in load_roles()}
    for login in (LEADER, ANALYST, STEWARD, AGRI):
        for kind in ("dashboard", "chart", "dataset"):
            for name in ("owners", "roles", "created_by", "changed_by"):
                answer = visitors[login].get(f"/api/v1/{kind}/related/{name}")
                found = answer.json().get("result", [])
                assert found == [], (login, kind, name)
                assert not [other for other in everybody - {login} if f"{other}@" in answer.text]
        for path in ("/api/v1/security/users/", "/api/v1/security/roles/", "/api/v1/security/groups/", "/users/list/"):
            assert visitors[login].get(path).status_code in REFUSED, (login, path)
    assert visitors[ADMIN].get("/api/v1/dashboard/related/owners").json()["count"] > len(LOGINS)


def test_a_wrong_password_and_an_unknown_user_are_told_the_same(dashboards: Dashboards) -> None:
    said = set()
    for name in ("dept_agri", "nobody_of_that_name"):
        who = visit(dashboards, ANONYMOUS)
        body = {"username": name, "password": "wrong", "provider": "db", "refresh": False}
        answer = who.post("/api/v1/security/login", body)
        said.add((answer.status_code, answer.text))
    assert len(said) == 1
    assert said.pop()[0] == httpx.codes.UNAUTHORIZED


def test_nobody_gets_no_guests_pass(
    dashboards: Dashboards, visitors: dict[str, Visitor], targets: dict[str, Target]
) -> None:
    of, who = targets["department_agri"], visitors[ANONYMOUS]
    claims = {
        "user": {"username": "guest"},
        "resources": [{"type": "dashboard", "id": str(of.dashboard)}],
        "rls_rules": [],
        "iat": 1_700_000_000,
        "exp": 4_000_000_000,
        "aud": f"{dashboards.url}/",
        "type": "guest",
    }
    forged = jwt.encode(claims, "test-guest-secret-change-me", algorithm="HS256")
    body = chart_data(of.dataset, columns=[of.column])
    answer = who.ask("POST", "/api/v1/chart/data", json=body, headers={"X-GuestToken": forged})
    assert answer.status_code in REFUSED
    assert who.post("/api/v1/security/guest_token/", claims).status_code in REFUSED
    for login in (LEADER, ANALYST, STEWARD, AGRI):
        assert visitors[login].post("/api/v1/security/guest_token/", claims).status_code in REFUSED
    for login in (*LOGINS,):
        assert visitors[login].get(f"/api/v1/dashboard/{of.dashboard}/embedded").status_code in REFUSED


def test_who_has_not_logged_in_may_do_nothing(dashboards: Dashboards) -> None:
    with closing(sqlite3.connect(dashboards.home / "superset" / "superset.db")) as connection:
        rows = connection.execute(
            "SELECT r.name, count(p.id) FROM ab_role r LEFT JOIN ab_permission_view_role p ON p.role_id = r.id "
            "GROUP BY r.name"
        ).fetchall()
    permissions = dict(rows)
    assert permissions.get("Public", 0) == 0
    assert permissions.get("", 0) == 0, "the role of AUTH_ROLE_PUBLIC"
    assert permissions["Admin"] > 100
