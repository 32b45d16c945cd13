"""How a person goes from a bar to what lies below it: clicks on what ECharts has painted."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page

BAR_COLOUR = "#1f6f5c"  # the first of the colour scheme of superset_config.py
HOLDER = '[data-test="dashboard-component-chart-holder"]'
HEADER = '[data-test="slice-header"]'
# Inside the tallest upright bar of a colour: its middle, a little to the right of its left edge. {x, y} of the page.
TALLEST_BAR = """(holder, colour) => {
  const canvas = holder.querySelector('canvas');
  if (!canvas) return null;
  const {width, height} = canvas;
  const {data} = canvas.getContext('2d').getImageData(0, 0, width, height);
  const wanted = [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16));
  const painted = (x, y) => wanted.every((part, i) => Math.abs(data[4 * (y * width + x) + i] - part) < 4);
  const wide = (x, y) => [0, 4, 8, 12].every(more => painted(x + more, y));
  let best = null;
  for (let x = 0; x < width - 12; x++) {
    for (let y = 0, run = 0; y < height; y++) {
      run = wide(x, y) ? run + 1 : 0;
      if (run > (best?.run ?? 20)) best = {run, x: x + 6, y: y - Math.floor(run / 2)};
    }
  }
  if (!best) return null;
  const box = canvas.getBoundingClientRect();
  return {x: box.left + best.x * box.width / width, y: box.top + best.y * box.height / height};
}"""


def tallest_bar(page: Page, title: str) -> tuple[float, float]:
    """Where on the page the tallest bar of the chart of that title stands, after it was scrolled to the middle."""
    holder = page.locator(HOLDER).filter(has=page.locator(HEADER, has_text=title))
    before = None
    while True:  # charts above it that are drawn on the way move it once more
        holder.evaluate("element => element.scrollIntoView({block: 'center', behavior: 'instant'})")
        found = page.wait_for_function(
            f"([holder, colour]) => ({TALLEST_BAR})(holder, colour)", arg=[holder.element_handle(), BAR_COLOUR]
        ).json_value()
        if found == before:
            return found["x"], found["y"]
        before = found
        page.wait_for_timeout(500)


def drill_by(page: Page, bar: tuple[float, float], column: str) -> Locator:
    """Right-click the bar, choose the column to drill by, and switch to the figures: the dialog that shows them."""
    page.mouse.click(*bar, button="right")
    point_at(page, page.get_by_role("menuitem").filter(has_text=re.compile("^钻取：$")))
    point_at(page, page.locator('[data-test="drill-by-submenu"]').get_by_text(column, exact=True))
    with page.expect_response(lambda answer: "/api/v1/chart/data" in answer.url):
        page.mouse.down()
        page.mouse.up()
    dialog = page.get_by_role("dialog")
    dialog.locator('[data-test="drill-by-display-toggle"]').get_by_text("表", exact=True).click()
    dialog.locator('[data-test="drill-by-results-table"] [role="row"]').nth(1).wait_for()
    return dialog


def point_at(page: Page, item: Locator) -> None:
    """Move the mouse there once it stands still. Playwright's own hover scrolls the page, which closes a menu."""
    before = None
    while (box := item.bounding_box()) is None or box != before:
        before = box
        page.wait_for_timeout(100)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def drilled(dialog: Locator) -> list[dict[str, str]]:
    """The figures of the dialog, as far as it shows them: {column: text} a row."""
    rows: list[dict[str, str]] = dialog.evaluate(
        """dialog => {
          const named = cell => dialog.querySelector(
            `[role="columnheader"][col-id="${CSS.escape(cell.getAttribute('col-id'))}"]`)?.innerText.trim();
          const rows = {};
          for (const cell of dialog.querySelectorAll('[role="row"] [role="gridcell"]')) {
            const number = cell.closest('[role="row"]').getAttribute('row-index');
            if (named(cell)) (rows[number] ??= {})[named(cell)] = cell.innerText.trim();
          }
          return Object.values(rows);
        }"""
    )
    return rows
