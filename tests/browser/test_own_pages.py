"""Stewards and departments in a real browser: each opens its own page, which shows what its own file holds."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from playwright.sync_api import Browser, Page
from tests.browser.conftest import logged_in
from tests.browser.dashboards import Dashboards
from tests.browser.overview import open_dashboard, problems, table_rows

from agrilake.contract.load import load_registry
from agrilake.contract.roles import load_roles
from agrilake.paths import project_root
from agrilake.superset.own_pages import pages_of

pytestmark = [pytest.mark.browser, pytest.mark.superset, pytest.mark.slow]

PAGES = {item.dashboard.slug: item for item in pages_of(load_registry((project_root() / "schemas",)), load_roles())}
WAITING = """
    SELECT title, count(*) FROM quarantine_finding GROUP BY title, problem ORDER BY count(*) DESC LIMIT 1"""


@pytest.fixture
def own_page(chromium: Browser, dashboards: Dashboards, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page in which the login has come in."""
    yield from logged_in(chromium, dashboards, request.param)


@pytest.mark.parametrize(
    ("own_page", "slug"),
    [("steward", "steward"), ("dept_agri", "department_agri"), ("dept_civil", "department_civil")],
    indirect=["own_page"],
)
def test_the_login_opens_its_own_page_and_reads_its_own_file(own_page: Page, dashboards: Dashboards, slug: str) -> None:
    page = PAGES[slug]
    assert own_page.url.endswith(f"/superset/dashboard/{slug}/")
    open_dashboard(own_page, dashboards.url, slug, len(page.charts))
    assert problems(own_page) == []
    file = dashboards.database.parent / f"{page.database.file}.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:
        (waiting,) = connection.execute("SELECT count(*) FROM quarantine_finding").fetchone() or (0,)
        (overdue,) = connection.execute("SELECT count(*) FROM catalogue_overdue").fetchone() or (0,)
        (most,) = connection.execute(WAITING).fetchall()
    numbers = own_page.evaluate("[...document.querySelectorAll('.lake-card-number')].map(item => item.innerText)")
    assert waiting > 10
    assert numbers[:2] == [f"{waiting:,}", f"{overdue:,}"]
    [first, *_] = table_rows(own_page, "按数据集和问题种类")
    assert str(most[1]) in first
    lines = table_rows(own_page, "逐行清单")
    assert lines
    assert all(any(cell.isdigit() for cell in cells) for cells in lines), "each names a line of a file"
