"""Each dashboard in a real browser: no chart fails, its numbers are the lake's, and no chart asks for much."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Page, Response
from tests.browser.dashboards import Dashboards
from tests.browser.overview import cards, open_dashboard, problems, table_rows

from agrilake.contract.load import load_registry
from agrilake.indicators.load import load_indicators
from agrilake.paths import project_root
from agrilake.superset.charts import ROW_LIMIT
from agrilake.superset.export import charts_in, surroundings

pytestmark = [pytest.mark.browser, pytest.mark.superset, pytest.mark.slow]

AROUND = surroundings(load_registry((project_root() / "schemas",)), load_indicators())
CHARTS = {slug: len(charts) for slug, charts in charts_in(AROUND).items()}
FILTERS = {item.slug: len(item.filters) for item in AROUND.dashboards}
# What people read in words and figures; an empty cell is shown as a dash by the page's style.
READ = ".dashboard td:not(.dt-is-null), .dashboard :is(.lake-banner, .lake-notice, .lake-caption, .lake-card)"
QUALITY = """
    SELECT count(*), (SELECT sum("count") FROM quarantine_summary), (SELECT count(*) FROM catalogue_overdue),
      (SELECT count(*) FROM check_result WHERE decision <> 'pass'), (SELECT count(*) FROM place_review)
    FROM delivery"""


@dataclass
class Asked:
    """What the page asked of its charts: rows of each answer, and answers that were no success."""

    rows: list[int] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@contextmanager
def listening(page: Page) -> Iterator[Asked]:
    """Collects the answers to charts while it is open."""
    answers: list[Response] = []

    def keep(answer: Response) -> None:
        if "/api/v1/chart/data" in answer.url:
            answers.append(answer)

    asked = Asked()
    page.on("response", keep)
    try:
        yield asked
    finally:
        page.remove_listener("response", keep)
    for answer in answers:
        if answer.ok:
            asked.rows += [query["rowcount"] or 0 for query in answer.json()["result"]]
        else:
            asked.failed.append(answer.text()[:300])


def shown(database: Path, sql: str, arguments: list[object]) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql, arguments).fetchall()


def period_of(text: str) -> str:
    """The period that a card names: 2024年5月, 2024年第1季度, 2024年."""
    found = re.search(r"(\d{4})年(?:(\d{1,2})月|第(\d)季度)?", text)
    assert found, f"no period: {text}"
    year, month, quarter = found.groups()
    return f"{year}-{int(month):02d}" if month else f"{year}Q{quarter}" if quarter else year


@pytest.mark.parametrize("slug", sorted(CHARTS))
def test_dashboard_shows_what_the_lake_holds(leader_page: Page, dashboards: Dashboards, slug: str) -> None:
    with listening(leader_page) as asked:
        started = time.monotonic()
        open_dashboard(leader_page, dashboards.url, slug, CHARTS[slug])
        print(f"{slug}: {CHARTS[slug]} charts drawn in {time.monotonic() - started:.1f} s")
    assert problems(leader_page) == []
    assert asked.failed == []
    assert len(asked.rows) <= CHARTS[slug] + FILTERS[slug], "each chart and each filter asks once"
    assert max(asked.rows) < ROW_LIMIT, "no chart is cut off, and none fetches a table whole"
    text = "\n".join(leader_page.locator(READ).all_inner_texts())
    assert not re.search(r"\b(N/A|null|undefined|NaN|true|false)\b", text)
    check = quality_is_the_lakes if slug == "quality" else cards_are_the_lakes
    check(leader_page, dashboards.database, slug)


def cards_are_the_lakes(page: Page, database: Path, slug: str) -> None:
    """Every card's number is the published value of its indicator and period, money in 万元, or that it is hidden."""
    [dashboard] = [item for item in AROUND.dashboards if item.slug == slug]
    found = cards(page)
    assert set(found) == {AROUND.indicators[name].name for name in dashboard.cards}
    assert any(card["number"] != "暂无" for card in found.values())
    for name, card in found.items():
        sql = (
            "SELECT value, unit, decimals, hidden FROM indicator_value"
            " WHERE division_level = 'district' AND indicator_name = ? AND period = ?"
        )
        [(value, unit, places, hidden)] = shown(database, sql, [name, period_of(card["foot"])])
        if value is None:
            assert card["number"] == ("保密" if hidden else "暂无"), name
        else:
            number = f"{float(value) / 10_000:,.2f}" if unit == "元" else f"{float(value):,.{places}f}"  # type: ignore[arg-type]
            assert card["number"] == number, name


def quality_is_the_lakes(page: Page, database: Path, slug: str) -> None:
    """Deliveries, quarantined records, overdue periods, failed checks, doubtful places; and each failed rule."""
    numbers = page.evaluate("[...document.querySelectorAll('.lake-card-number')].map(item => item.innerText)")
    [counts] = shown(database, QUALITY, [])
    assert [numbers[0], *numbers[2:]] == [f"{int(count or 0):,}" for count in counts]  # type: ignore[call-overload]
    wanted = shown(
        database, "SELECT title FROM check_result WHERE decision <> 'pass' ORDER BY failed_rows DESC, title", []
    )
    assert [cells[0] for cells in table_rows(page, "未通过的规则")] == [title for (title,) in wanted[:10]]


def test_the_row_of_links_leads_to_each_dashboard(leader_page: Page, dashboards: Dashboards) -> None:
    open_dashboard(leader_page, dashboards.url, "coop", CHARTS["coop"])
    links = leader_page.locator(".lake-links a")
    assert links.evaluate_all("links => links.map(link => new URL(link.href).pathname.split('/')[3])") == [
        item.slug for item in AROUND.dashboards
    ]
    links.filter(has_text="养老关爱").click()
    leader_page.wait_for_url(re.compile("/superset/dashboard/elders/"))
