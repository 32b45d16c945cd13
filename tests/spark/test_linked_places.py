"""Golden places in a lake that took the sample in one run: the rate that they make, the way back, what is published."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from agrilake.linking.stations import REGISTERS
from agrilake.paths import Home
from agrilake.publish.model import ANALYST, LEADER
from agrilake.publish.opening import open_publication
from agrilake.tables.asof import lake_sql
from agrilake.trace import trace

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def test_the_rate_counts_golden_places_and_leads_to_every_departments_line(small_lake: Path) -> None:
    home = Home.at(small_lake)
    found = trace(home, "多站合一率", limit=500)
    (counted,) = lake_sql(
        home, "SELECT count(*) AS places, count(*) FILTER (WHERE is_shared) AS shared FROM gold.service_place"
    ).to_pylist()
    numerator, denominator = found.parts
    assert (numerator.rows, denominator.rows) == (counted["shared"], counted["places"])
    assert found.value is not None
    assert abs(found.value - Decimal(100) * numerator.rows / denominator.rows) < Decimal("0.000001")
    assert {line.dataset for line in denominator.lines_behind} <= set(REGISTERS)
    assert len({line.dataset for line in numerator.lines_behind}) == len(REGISTERS)
    assert all(line.file_name for line in numerator.lines_behind)


def test_every_village_station_is_at_one_place(small_lake: Path) -> None:
    home = Home.at(small_lake)
    stations = " UNION ALL ".join(
        f"SELECT '{name}:' || site_no AS site_id FROM silver.{name}"
        + (" WHERE level = 'village'" if name == "postal_site" else "")
        for name in REGISTERS
    )
    query = f"SELECT site_id FROM ({stations}) ANTI JOIN gold.service_place_member USING (site_id)"
    assert lake_sql(home, query).num_rows == 0
    orphans = "SELECT * FROM gold.service_place_member ANTI JOIN gold.service_place USING (place_id)"
    assert lake_sql(home, orphans).num_rows == 0


def test_leaders_see_the_places_and_what_waits_for_a_steward_analysts_all_links(small_lake: Path) -> None:
    shown = {}
    for role in (LEADER, ANALYST):
        with open_publication(Home.at(small_lake), role) as connection:
            shown[role] = {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert {"service_place", "service_place_member", "place_review"} <= shown[LEADER]
    doubts = {"service_place_change", "household_link", "business_entity_link"}
    assert doubts | {"place_review"} <= shown[ANALYST]
    assert not doubts & shown[LEADER]
    assert not {"service_site_pair", "place_pair"} & shown[ANALYST]


def test_records_of_entities_lead_to_the_register(small_lake: Path) -> None:
    """Nearly every code that departments write stands in the register; machines of no organisation have none."""
    query = (
        "SELECT linked_by, count(*) AS n FROM gold.business_entity_link WHERE given_code IS NOT NULL GROUP BY linked_by"
    )
    counts = {row["linked_by"]: row["n"] for row in lake_sql(Home.at(small_lake), query).to_pylist()}
    assert counts["credit_code"] > 0.8 * sum(counts.values())
    assert "name" not in counts
