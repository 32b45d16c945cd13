"""What a person does on a dashboard: open it, wait until it is drawn, choose in a filter, read it."""

from __future__ import annotations

from collections.abc import Mapping

from playwright.sync_api import Page

from agrilake.superset.assets import identity

# Drawn: every chart has its body, none is loading, and the cards (which a filter redraws) are there.
DRAWN = """charts => {
  const holders = [...document.querySelectorAll('[data-test="chart-grid-component"]')];
  const empty = holder => !holder.querySelector('[data-test="slice-container"]')?.innerText?.trim()
    && !holder.querySelector('canvas, svg, .ant-empty');
  return holders.length === charts
    && !document.querySelector('[data-test="loading-indicator"], .loading')
    && !holders.some(empty)
    && document.querySelectorAll('.lake-card').length > 0;
}"""
PROBLEMS = '[data-test="toast-container"], .ant-alert-error, .toast--danger, [data-test="alert-container"]'


def open_overview(page: Page, url: str, charts: int) -> None:
    """Go to the overview and wait until all charts are drawn."""
    open_dashboard(page, url, "overview", charts)


def open_dashboard(page: Page, url: str, slug: str, charts: int) -> None:
    """Go to a dashboard and wait until all charts are drawn."""
    page.goto(f"{url}/superset/dashboard/{slug}/")
    wait_until_drawn(page, charts)


def wait_until_drawn(page: Page, charts: int) -> None:
    """Wait for the page and not for a time: until every chart is drawn."""
    page.wait_for_function(DRAWN, arg=charts)


def choose(page: Page, title: str, option: str, charts: int) -> None:
    """Choose an option of a native filter, apply it, and wait for the answer of the charts that it reaches."""
    name = f"NATIVE_FILTER-{identity('filter', title)[:8]}"
    page.locator(f'[data-test="{name}"] .ant-select-selector').click()
    page.keyboard.type(option)
    page.locator(f'.ant-select-item-option[title="{option}"]').click()
    apply = page.locator('[data-test="filter-bar__apply-button"]')
    with page.expect_response(lambda answer: "/api/v1/chart/data" in answer.url):
        apply.click()
    page.wait_for_function("name => document.querySelector(`.lake-card`)?.innerText.includes(name)", arg=option)
    wait_until_drawn(page, charts)


def cards(page: Page) -> Mapping[str, Mapping[str, str]]:
    """{indicator: {part: text}} of the head cards."""
    found = page.evaluate(
        """() => [...document.querySelectorAll('.lake-card')].map(card => ({
          name: card.querySelector('.lake-card-name').innerText,
          number: card.querySelector('.lake-card-number').innerText,
          unit: card.querySelector('.lake-card-unit').innerText,
          foot: [...card.querySelectorAll('.lake-card-foot')].map(line => line.innerText).join(' '),
        }))"""
    )
    return {card["name"]: card for card in found}


def table_rows(page: Page, title: str) -> list[list[str]]:
    """Cells of the table in the chart of that title, as far as its first page shows them."""
    rows: list[list[str]] = page.evaluate(
        """title => {
          const holders = [...document.querySelectorAll('[data-test="dashboard-component-chart-holder"]')];
          const holder = holders.find(item =>
            item.querySelector('[data-test="slice-header"]')?.innerText.includes(title));
          return [...holder.querySelectorAll('tbody tr')].map(row =>
            [...row.querySelectorAll('td')].map(cell => cell.innerText.trim()));
        }""",
        title,
    )
    return rows


def problems(page: Page) -> list[str]:
    """Texts of error toasts and failed charts."""
    return page.locator(PROBLEMS).all_inner_texts()
