"""A Superset of its own over one publication, and a headless Chromium in which a leader has logged in."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.browser.dashboards import Dashboards

from agrilake.paths import project_root
from agrilake.services import superset
from agrilake.superset.setup import setup

CHROMIUM = os.environ.get("AGRILAKE_CHROMIUM", "/usr/bin/chromium")
# The machine's network is closed: without these Chromium asks Google's hosts at every start.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WAIT_MS = 240_000
LOGINS = 3


@pytest.fixture(scope="session")
def lake_home(request: pytest.FixtureRequest) -> Path:
    """A home with a publication: the one that AGRILAKE_TEST_HOME names, else the small lake of this session."""
    given = os.environ.get("AGRILAKE_TEST_HOME")
    return Path(given) if given else request.getfixturevalue("small_lake")


@pytest.fixture(scope="session")
def dashboards(lake_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboards]:
    """Superset over a copy of the lake's current publication, set up from nothing and stopped at the end."""
    home = tmp_path_factory.mktemp("superset") / "home"
    first = home / "publications" / "first"
    first.mkdir(parents=True)
    (first / "department").mkdir()
    current = (lake_home / "publications" / "current").resolve()
    for file in current.rglob("*.duckdb"):
        shutil.copy(file, first / file.relative_to(current))
    (home / "publications" / "current").symlink_to("first")
    assert setup(home, project_root()), "a fresh home has everything to do"
    running = superset.ensure_superset(home)
    try:
        yield Dashboards(home, f"http://127.0.0.1:{running.port}")
    finally:
        superset.stop_superset(home)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def leader_page(chromium: Browser, dashboards: Dashboards) -> Iterator[Page]:
    """A page in which the leader has logged in; it shows what Superset opens first."""
    yield from logged_in(chromium, dashboards, "leader")


@pytest.fixture
def analyst_page(chromium: Browser, dashboards: Dashboards) -> Iterator[Page]:
    """A page in which the analyst has logged in."""
    yield from logged_in(chromium, dashboards, "analyst")


def logged_in(chromium: Browser, dashboards: Dashboards, user: str) -> Iterator[Page]:
    """A page of a user's own, after the login."""
    context = chromium.new_context(viewport={"width": 1600, "height": 1000}, locale="zh-CN")
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    for _ in range(LOGINS):
        # A late answer to the login page puts its own session cookie over the one that the login brings: then it shows
        # again, and one logs in again.
        page.goto(f"{dashboards.url}/login/", wait_until="networkidle")
        page.fill("#username", user)
        page.fill("#password", dashboards.password(user))
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/superset/dashboard/\w+/|/login/\?"))
        if "/dashboard/" in page.url:
            break
    assert "/dashboard/" in page.url, f"{user} is not let in"
    yield page
    context.close()
