"""Visitors of Superset without a browser: a session of each login, and the numbers of what they may try to reach."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import httpx
from tests.browser.dashboards import Dashboards

ANONYMOUS = ""
TOKEN = re.compile(r'csrf_token[^>]*?value="([^"]+)"|csrf_token&#34;: &#34;([^&]+)&#34;|"csrf_token": "([^"]+)"')


@dataclass
class Visitor:
    """A session of one login; ANONYMOUS has none. Waits where Superset says that it was asked too often."""

    login: str
    http: httpx.Client
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer, redirects not followed."""
        while True:
            answer = self.http.request(method, path, headers=self.headers | options.pop("headers", {}), **options)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                return answer
            time.sleep(1.0)

    def get(self, path: str) -> httpx.Response:
        """The answer to a GET."""
        return self.ask("GET", path)

    def post(self, path: str, body: Any) -> httpx.Response:
        """The answer to a POST of JSON."""
        return self.ask("POST", path, json=body)

    def data(self, dataset: int, **query: Any) -> httpx.Response:
        """The answer of the chart API to one query over a dataset."""
        return self.post("/api/v1/chart/data", chart_data(dataset, **query))


def chart_data(dataset: int, **query: Any) -> dict[str, Any]:
    """What a chart posts: one query over a dataset, of five rows."""
    return {
        "datasource": {"id": dataset, "type": "table"},
        "queries": [{"columns": [], "metrics": [], "row_limit": 5} | query],
        "result_format": "json",
        "result_type": "full",
    }


def visit(dashboards: Dashboards, login: str) -> Visitor:
    """A session in which the login has come in by the form."""
    visitor = Visitor(login, httpx.Client(base_url=dashboards.url, trust_env=False, timeout=120.0))
    if login == ANONYMOUS:
        return visitor
    form = TOKEN.search(visitor.get("/login/").text)
    assert form, "the login's page has a token"
    token = next(part for part in form.groups() if part)
    body = {"username": login, "password": dashboards.password(login), "csrf_token": token}
    answer = visitor.ask("POST", "/login/", data=body)
    assert answer.headers.get("location") == "/", f"{login} is not let in"
    given = visitor.get("/api/v1/security/csrf_token/").json()["result"]
    visitor.headers = {"X-CSRFToken": given, "Referer": dashboards.url}
    return visitor


@dataclass(frozen=True)
class Target:
    """What belongs to a role: the numbers of a dashboard, one of its charts, that chart's dataset, their database."""

    slug: str
    dashboard: int
    chart: int
    dataset: int
    column: str
    database: int
    words: tuple[str, ...]

    @property
    def names(self) -> dict[str, Any]:
        """To be put in where an address says {chart}."""
        return {name: getattr(self, name) for name in ("slug", "dashboard", "chart", "dataset", "column", "database")}


def target(dashboards: Dashboards, slug: str, dataset: str, column: str, *words: str) -> Target:
    """The numbers in Superset of a dashboard and of the first chart on it over the dataset; `words` stand in what it
    shows."""
    with closing(sqlite3.connect(dashboards.home / "superset" / "superset.db")) as connection:
        row = connection.execute(
            "SELECT d.id, s.id, t.id, t.database_id FROM dashboards d JOIN dashboard_slices j ON j.dashboard_id = d.id "
            "JOIN slices s ON s.id = j.slice_id JOIN tables t ON t.id = s.datasource_id "
            "WHERE d.slug = ? AND t.table_name = ? AND s.viz_type = 'table' ORDER BY s.id",
            [slug, dataset],
        ).fetchone()
    dashboard, chart, number, database = row
    return Target(slug, dashboard, chart, number, column, database, words)
