"""The leader's dashboard in a real browser shows what the publication holds, and nothing more can be reached."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Page
from tests.browser.dashboards import Dashboards
from tests.browser.drill import drill_by, drilled, tallest_bar
from tests.browser.overview import cards, choose, open_overview, problems, table_rows, wait_until_drawn

from agrilake.contract.load import load_registry
from agrilake.indicators.load import load_indicators
from agrilake.paths import project_root
from agrilake.superset.export import charts_in, surroundings
from agrilake.superset.setup import setup

pytestmark = [pytest.mark.browser, pytest.mark.superset, pytest.mark.slow]

AROUND = surroundings(load_registry((project_root() / "schemas",)), load_indicators())
CHARTS = len(charts_in(AROUND)["overview"])
HEAD = AROUND.dashboards[0].cards
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
RESIDENT_ID = re.compile(r"(?<!\w)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\w)")
PHONE = re.compile(r"(?<!\w)1[3-9]\d{9}(?!\w)")
TOKEN = re.compile(r"k\d+:[0-9a-f]{32}")


@pytest.fixture(scope="module")
def overview(leader_page: Page, dashboards: Dashboards) -> Page:
    """The overview as it opens."""
    open_overview(leader_page, dashboards.url, CHARTS)
    return leader_page


def shown_period(page: Page) -> str:
    """The month that the cards show, as YYYY-MM."""
    found = re.search(r"(\d{4})年(\d{1,2})月", next(iter(cards(page).values()))["foot"])
    assert found, "no period on the card"
    return f"{found[1]}-{int(found[2]):02d}"


def expected(database: Path, period: str, level: str, name: str | None) -> dict[str, tuple[str, str]]:
    """{indicator: (number, unit)} of the head indicators as the publication has them, money in 万元."""
    condition = "division_level = ? AND period = ?" + (" AND division_name = ?" if name else "")
    query = f"SELECT indicator_name, value, unit, decimals FROM indicator_value WHERE {condition} AND indicator_id IN ?"
    arguments = [level, period, *([name] if name else []), list(HEAD)]
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(query, arguments).fetchall()
    texts = {}
    for title, value, unit, decimals in rows:
        divisor, places, shown = (10_000, 2, "万元") if unit == "元" else (1, decimals, unit)
        texts[title] = ("暂无" if value is None else f"{float(value) / divisor:,.{places}f}", shown)
    return texts


def test_login_opens_the_overview_without_any_error(overview: Page) -> None:
    assert problems(overview) == []
    assert overview.locator(".lake-banner-title").inner_text().endswith("数字乡村总览")
    assert overview.locator(".lake-notice").count() >= 1


def test_cards_show_the_numbers_of_the_lake(overview: Page, dashboards: Dashboards) -> None:
    found = {name: (card["number"], card["unit"]) for name, card in cards(overview).items()}
    wanted = expected(dashboards.database, shown_period(overview), "district", None)
    assert len(wanted) == len(HEAD)
    assert found == wanted
    assert any(number != "暂无" for number, _ in found.values())


def test_every_card_says_period_source_and_freshness(overview: Page) -> None:
    for name, card in cards(overview).items():
        assert re.search(r"\d{4}年\d{1,2}月", card["foot"]), name
        assert "来源：" in card["foot"], name
        assert "更新至" in card["foot"], name


def test_the_map_shows_each_township_that_has_a_boundary(overview: Page, dashboards: Dashboards) -> None:
    """Drawn without tiles, network or WebGL: an outline a township, and its value when the mouse rests on it."""
    drawn = overview.evaluate("[...document.querySelectorAll('.lake-map .lake-area')].map(area => area.textContent)")
    shown = overview.locator(".lake-map-name").inner_text()
    query = (
        "SELECT v.division_name, v.value, v.decimals, v.unit FROM indicator_value v JOIN map_area "
        "USING (division_code) WHERE v.indicator_name = ? AND v.period = ? AND v.division_level = 'township'"
    )
    with duckdb.connect(str(dashboards.database), read_only=True) as connection:
        rows = connection.execute(query, [shown, shown_period(overview)]).fetchall()
    wanted = set()
    for name, value, places, unit in rows:
        number = "暂无" if value is None else f"{float(value):,.{places}f}"
        wanted.add(f"{name}：{number} {unit}")
    assert wanted
    assert {text.split("（")[0] for text in drawn} == wanted
    box = overview.locator(".lake-map-drawing").bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) > 200
    assert overview.locator(".lake-area").first.evaluate("area => area.getBBox().width") > 10


def test_screenshot(overview: Page, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("screenshots") / "overview.png"
    overview.screenshot(path=file)
    assert file.stat().st_size > 50_000


def test_township_filter_changes_cards_and_villages(overview: Page, dashboards: Dashboards) -> None:
    period = shown_period(overview)
    with duckdb.connect(str(dashboards.database), read_only=True) as connection:
        row = connection.execute(
            "SELECT division_name, count(value) AS known FROM indicator_value WHERE division_level = 'township' "
            "AND period = ? GROUP BY ALL ORDER BY known DESC, division_name LIMIT 1",
            [period],
        ).fetchone()
    assert row is not None
    township = row[0]
    before = {name: card["number"] for name, card in cards(overview).items()}
    choose(overview, "乡镇/街道", township, CHARTS)
    found = {name: (card["number"], card["unit"]) for name, card in cards(overview).items()}
    assert found == expected(dashboards.database, period, "township", township)
    assert {name: number for name, (number, _) in found.items()} != before
    villages = table_rows(overview, "逐村明细")
    assert villages
    assert {cells[0] for cells in villages} == {township}
    assert problems(overview) == []


def test_a_click_on_a_townships_bar_leaves_its_villages(overview: Page, dashboards: Dashboards) -> None:
    open_overview(overview, dashboards.url, CHARTS)
    period = shown_period(overview)
    with overview.expect_response(lambda answer: "/api/v1/chart/data" in answer.url):
        overview.mouse.click(*tallest_bar(overview, "各乡镇（街道）对比"))
    wait_until_drawn(overview, CHARTS)
    with duckdb.connect(str(dashboards.database), read_only=True) as connection:
        (township,) = connection.execute(
            "SELECT division_name FROM indicator_value WHERE division_level = 'township' AND period = ? "
            "AND indicator_id = ? ORDER BY value DESC NULLS LAST LIMIT 1",
            [period, HEAD[0]],
        ).fetchone() or ("",)
    villages = table_rows(overview, "逐村明细")
    assert villages
    assert {cells[0] for cells in villages} == {township}
    assert problems(overview) == []


def test_a_right_click_on_a_bar_drills_by_village_to_the_numbers_of_the_lake(
    overview: Page, dashboards: Dashboards
) -> None:
    open_overview(overview, dashboards.url, CHARTS)
    dialog = drill_by(overview, tallest_bar(overview, "农产品网络零售额"), "村（社区）")
    drilled_from = dialog.locator('[data-test="drill-by-breadcrumb-item"]').first.inner_text()
    platform = re.fullmatch(r"平台 \((.+)\)", drilled_from)
    assert platform, drilled_from
    platforms = load_registry().get("commerce_ecommerce_sales").column("platform").enum
    with duckdb.connect(str(dashboards.database), read_only=True) as connection:
        rows = connection.execute(
            "SELECT period, division_name, sum(amount_yuan)::DOUBLE / 10000 FROM online_trade "
            "WHERE platform = ? AND division_name IS NOT NULL GROUP BY ALL",
            [next(item.value for item in platforms if item.label == platform[1])],
        ).fetchall()
    wanted = {(period, village): amount for period, village, amount in rows}
    found = drilled(dialog)
    numbers = {
        (row["period"], village): float(text.replace(",", ""))
        for row in found
        for village, text in row.items()
        if village != "period" and re.fullmatch(r"[\d.,]+", text)
    }
    assert len(numbers) > len(found) > 1
    assert numbers == pytest.approx({key: wanted[key] for key in numbers}, rel=1e-3)
    overview.locator('[data-test="close-drill-by-modal"]').click()
    assert problems(overview) == []


def test_new_publication_is_seen_without_restart(overview: Page, dashboards: Dashboards) -> None:
    dashboards.republish(
        "second", "UPDATE indicator_value SET value = 12.3 WHERE unit = '%'; UPDATE publication SET version = 987"
    )
    open_overview(overview, dashboards.url, CHARTS)
    assert "数据版本 987" in overview.locator(".lake-banner").inner_text()
    assert cards(overview)["建制村周五班率"]["number"] == "12.3"


def headers_of(page: Page, url: str) -> dict[str, str]:
    """What Superset asks of a request that posts something."""
    token = page.context.request.get(f"{url}/api/v1/security/csrf_token/").json()["result"]
    return {"X-CSRFToken": token, "Referer": url}


def test_leader_cannot_reach_sql(leader_page: Page, dashboards: Dashboards) -> None:
    context, url = leader_page.context, dashboards.url
    assert context.request.get(f"{url}/sqllab/").status == 403
    headers = headers_of(leader_page, url)
    query = {"database_id": 1, "sql": "SELECT 1", "schema": "main"}
    assert context.request.post(f"{url}/api/v1/sqllab/execute/", data=query, headers=headers).status == 403
    assert context.request.get(f"{url}/api/v1/database/").status == 403
    for expression in ("max((SELECT content FROM read_text('/etc/hostname')))", "max(read_text('/etc/hostname'))"):
        metric = {"expressionType": "SQL", "sqlExpression": expression, "label": "x"}
        body = {"datasource": {"id": 1, "type": "table"}, "queries": [{"columns": [], "metrics": [metric]}]}
        answer = context.request.post(f"{url}/api/v1/chart/data", data=body, headers=headers)
        assert answer.status in (400, 403, 422), answer.text()


def rows_of_dataset(page: Page, dashboards: Dashboards, name: str) -> tuple[int, int | None]:
    """What the chart API answers to the user of the page: status, and the number of rows that it counts."""
    with sqlite3.connect(dashboards.home / "superset" / "superset.db") as connection:
        (number,) = connection.execute("SELECT id FROM tables WHERE table_name = ?", [name]).fetchone()
    request, url = page.context.request, dashboards.url
    body = {"datasource": {"id": number, "type": "table"}, "queries": [{"columns": [], "metrics": ["rows"]}]}
    answer = request.post(f"{url}/api/v1/chart/data", data=body, headers=headers_of(page, url))
    return answer.status, answer.json()["result"][0]["data"][0]["rows"] if answer.ok else None


def test_every_department_dataset_is_the_analysts_and_not_the_leaders(
    analyst_page: Page, leader_page: Page, dashboards: Dashboards
) -> None:
    analysts_file = dashboards.database.with_name("analyst.duckdb")
    names = list(load_registry((project_root() / "schemas",)).datasets)
    with duckdb.connect(str(analysts_file), read_only=True) as connection:
        counts = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone() for name in names}
    assert sum(1 for count in counts.values() if count and count[0]) > 10
    for name, count in counts.items():
        assert count is not None
        assert rows_of_dataset(analyst_page, dashboards, name) == (200, count[0]), name
        assert rows_of_dataset(leader_page, dashboards, name) == (403, None), name
    assert analyst_page.context.request.get(f"{dashboards.url}/sqllab/").status == 403


def test_import_again_makes_no_duplicates(dashboards: Dashboards) -> None:
    def counts() -> list[int]:
        with sqlite3.connect(dashboards.home / "superset" / "superset.db") as connection:
            tables = ("dbs", "tables", "slices", "dashboards", "ab_user", "table_columns", "sql_metrics")
            return [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]

    before = counts()
    assert not setup(dashboards.home, project_root()), "nothing changed, so nothing is to do"
    (dashboards.home / "superset" / "imported.json").unlink()
    assert setup(dashboards.home, project_root())
    assert counts() == before


def test_published_file_holds_no_identifier(dashboards: Dashboards) -> None:
    with duckdb.connect(str(dashboards.database), read_only=True) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND data_type = 'VARCHAR'"
        ).fetchall()
        for table, column in columns:
            for (value,) in connection.execute(f'SELECT DISTINCT "{column}" FROM "{table}"').fetchall():
                text = value or ""
                assert not TOKEN.search(text), f"a pseudonym in {table}.{column}"
                assert not PHONE.search(text), f"a phone number in {table}.{column}"
                # Codes of organisations may look like one by chance; the check character tells them apart mostly.
                ids = [] if column == "credit_code" else RESIDENT_ID.findall(text)
                assert not any(map(has_check_character, ids)), f"a resident id in {table}.{column}"


def has_check_character(number: str) -> bool:
    """GB 11643: the last character follows from the first seventeen."""
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, number, strict=False))
    return "10X98765432"[total % 11] == number[17].upper()
