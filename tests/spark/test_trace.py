"""From a number back to the line of the file that a department dropped."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.samples import SAMPLE

from agrilake.errors import UsageError
from agrilake.indicators.load import load_indicators
from agrilake.paths import Home
from agrilake.tables.asof import lake_sql
from agrilake.trace import SourceLine, trace

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def line_of(source: SourceLine) -> str:
    """The physical line, read from the sample as it was dropped."""
    folder = source.dataset.split("_")[0]
    data = (SAMPLE / "inbox" / folder / str(source.file_name)).read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030")
    return text.split("\n")[source.line - 1]


def test_a_share_leads_to_its_villages_and_to_the_lines_that_served_them(small_lake: Path) -> None:
    found = trace(Home.at(small_lake), "建制村周五班率", limit=5)
    numerator, denominator = found.parts
    assert (numerator.rows, denominator.rows) == (found.numerator, found.denominator)
    assert found.value is not None
    assert abs(found.value - Decimal(100) * numerator.rows / denominator.rows) < Decimal("0.000001")
    assert len(numerator.shown) == min(5, numerator.rows)
    assert numerator.lines_behind
    assert {line.dataset for line in numerator.lines_behind} == {"postal_parcel"}
    for line in numerator.lines_behind:
        assert re.search("到站|到达|到件|进站|妥投|签收|投递成功", line_of(line)), "an arrival or a delivery"
        assert re.search("进村|下行|进", line_of(line))


def test_a_statistic_leads_to_the_very_line_of_each_parcel(small_lake: Path) -> None:
    found = trace(Home.at(small_lake), "delivery_hours_p95", limit=10)
    part = found.parts[0]
    assert part.rows >= len(part.shown) == len(part.lines_behind) == 10
    for row, line in zip(part.shown, part.lines_behind, strict=True):
        assert line_of(line).split(",")[0].split("\t")[0].strip() == row["waybill_no"]


def test_growth_leads_to_both_years_and_their_difference_is_its_numerator(small_lake: Path) -> None:
    home = Home.at(small_lake)
    found = trace(home, "online_retail_growth", limit=10_000)
    now, then = found.parts
    assert then.period[:4] == str(int(now.period[:4]) - 1)
    sums = [sum(row["amount_yuan"] for row in part.shown) for part in (now, then)]
    assert sums[0] - sums[1] == found.numerator
    assert sums[1] == found.denominator


def test_every_number_of_the_lake_counts_the_rows_that_its_trace_finds(small_lake: Path) -> None:
    """For each indicator that counts rows, in the newest month, for the district and one township."""
    home = Home.at(small_lake)
    township = lake_sql(home, "SELECT min(division_code) c FROM gold.division WHERE level = 'township'").to_pylist()
    counted = 0
    for item in load_indicators():
        for division in (None, *([township[0]["c"]] if "township" in item.grain else [])):
            found = trace(home, item.id, division, limit=1)
            for part in found.parts:
                if part.expression == "count(*)" and part.part != "value" and found.value is not None:
                    assert getattr(found, part.part) == part.rows, (item.id, division, part.part)
                    counted += 1
    assert counted > 20


def test_a_missing_value_says_why_and_shows_what_there_is(small_lake: Path) -> None:
    """The contribution of 2022 lacks 2017: each of its four growth rates shows both years, one of them empty."""
    found = trace(Home.at(small_lake), "agri_tech_contribution_rate", period="2022", limit=2)
    assert found.value is None
    assert found.flag == "missing"
    assert [(part.period, part.rows) for part in found.parts] == [("2022", 1), ("2017", 0)] * 4
    assert any("缺失" in line for line in found.lines())


@pytest.mark.parametrize(
    ("indicator", "part", "dataset"),
    [
        ("agri_tech_contribution_rate", "numerator", "stats_agri_growth"),
        ("iot_device_online_rate", "numerator", "agri_iot_reading"),
        ("planned_five_a_week_rate", "numerator", "postal_route"),
        ("elder_visit_on_time_rate", "numerator", "civil_elder_visit"),
        ("informatised_crop_area_share", "denominator", "agri_crop_production"),
        ("village_coop_site_coverage", "numerator", "coop_service_site"),
    ],
)
def test_wide_summarised_and_combined_values_lead_to_lines(
    small_lake: Path, indicator: str, part: str, dataset: str
) -> None:
    found = trace(Home.at(small_lake), indicator, limit=3)
    lines = [line for one in found.parts if one.part == part for line in one.lines_behind]
    assert lines
    assert {line.dataset for line in lines} == {dataset}
    assert all(line.file_name for line in lines)


def test_what_does_not_exist_is_a_usage_error(small_lake: Path) -> None:
    home = Home.at(small_lake)
    for arguments in (("no_such",), ("trace_batches", "999999999999"), ("trace_batches", None, "1999-01")):
        with pytest.raises(UsageError):
            trace(home, *arguments)
    with pytest.raises(UsageError):
        trace(home, "trace_batches", "' OR 1=1 --")


def test_a_query_can_only_read_tables_of_the_lake(small_lake: Path, tmp_path: Path) -> None:
    home, target = Home.at(small_lake), tmp_path / "out.csv"
    queries = (
        f"COPY (SELECT 1) TO '{target}'",
        f"SELECT * FROM read_text('{SAMPLE}/README.md')",
        f"ATTACH '{target}'",
        "SET enable_external_access = true",
        "SELECT * FROM gold.no_such_table",
    )
    for query in queries:
        with pytest.raises(UsageError):
            lake_sql(home, query)
    assert not target.exists()


def test_a_register_s_number_leads_to_the_rows_and_lines_that_were_valid_then(small_lake: Path) -> None:
    """The households of January are January's, also those that February's delivery has changed since."""
    home = Home.at(small_lake)
    january, february = (
        trace(home, "poverty_alleviated_household_share", period=period, limit=100_000)
        for period in ("2024-01", "2024-02")
    )
    for found in (january, february):
        numerator, denominator = found.parts
        assert (numerator.rows, denominator.rows) == (found.numerator, found.denominator)
        assert len(denominator.lines_behind) == denominator.rows
    files = [{line.file_name for line in found.parts[1].lines_behind} for found in (january, february)]
    assert files[0] == {"agri_farm_household__2024-01.csv"}
    assert files[1] == files[0] | {"农户__2024-02.xlsx"}
    changed = "SELECT household_id FROM gold.household_history WHERE valid_to IS NOT NULL"
    assert lake_sql(home, changed).num_rows > 0
    assert {row["household_id"] for row in lake_sql(home, changed).to_pylist()} <= {
        row["household_id"] for row in january.parts[1].shown
    }
