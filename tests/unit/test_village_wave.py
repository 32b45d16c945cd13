"""The five departments' facts fit together: sites behind one door, visits and elders, routes and nodes, growth."""

from __future__ import annotations

import json
import math
from pathlib import Path

import polars as pl
import pytest

from agrilake.sample import civil, commerce, elder_care, info_sites, postal, routes, village_sites
from agrilake.sample.agri_growth import accounts
from agrilake.sample.places import load_places
from agrilake.sample.records import Row
from agrilake.sample.shared_places import TO_DEGREES, doors, place_of, write

SEED = 7
MONTHS = tuple(f"2024-{month:02d}" for month in range(1, 13))
PLACES = load_places(SEED)


@pytest.fixture(scope="module")
def registers() -> dict[str, list[Row]]:
    shops = commerce.sites(PLACES, MONTHS, SEED)
    found = {
        "commerce_service_site": _all(shops),
        "agri_info_service_site": _all(info_sites.sites(PLACES, shops, MONTHS, SEED)),
        "postal_site": _all(postal.sites(PLACES, MONTHS, SEED).rows),
    }
    for network in (village_sites.CONVENIENCE, village_sites.COOP):
        sites = village_sites.sites(network, PLACES, doors(found), MONTHS, SEED)
        found[network.extract.dataset] = _all(sites)
    return found


def _all(rows: dict[str, list[Row]]) -> list[Row]:
    return [row for part in rows.values() for row in part]


def test_every_site_has_one_place(registers: dict[str, list[Row]], tmp_path: Path) -> None:
    write(registers, tmp_path)
    table = pl.read_csv(tmp_path / "places.csv", infer_schema=False)
    assert table.height == len({(name, row["site_no"]) for name, rows in registers.items() for row in rows})
    assert table.select(pl.struct("dataset", "site_no").is_duplicated().any()).item() is False
    together = table.group_by("place_id").agg(pl.col("dataset").n_unique().alias("departments"))
    counts = dict(together.group_by("departments").len().iter_rows())
    assert counts[1] > counts[2] > counts[3] > 10
    pairs = table.filter(pl.len().over("place_id") > 1)
    assert set(pairs["dataset"]) == set(TO_DEGREES)


def test_records_of_one_place_lie_together_and_are_told_differently(registers: dict[str, list[Row]]) -> None:
    points: dict[str, list[tuple[float, float, str]]] = {}
    told: dict[str, set[tuple[str, str | None]]] = {}
    for dataset, rows in registers.items():
        for row in rows:
            place = place_of(dataset, row)
            told.setdefault(place, set()).add((row["name"], row["address"]))
            if row["lon"] is not None:
                lat, lon = TO_DEGREES[dataset]((row["lat"], row["lon"]), check_china=False)
                points.setdefault(place, []).append((lon, lat, row["division_code"]))
    for place, found in points.items():
        lon, lat, village = found[0]
        assert all(other[2] == village for other in found), place
        assert all(math.hypot(other[0] - lon, other[1] - lat) < 0.012 for other in found), place
    shared = [names for names in told.values() if len(names) > 1]
    assert len(shared) > 100
    assert sum(len({address for _, address in names}) > 1 for names in shared) > len(shared) / 3


def test_elders_who_are_visited_are_in_the_register() -> None:
    elders = civil.elders(PLACES, MONTHS[:3], SEED, 0.1)
    for month, rows in elder_care.visits(elders, MONTHS[:3], SEED).items():
        known = {row["elder_id"]: row["division_code"] for row in elders.current(month)}
        assert rows
        assert all(known[row["elder_id"]] == row["division_code"] for row in rows)


def test_a_route_starts_at_a_node_and_numbers_its_stops() -> None:
    nodes = postal.sites(PLACES, MONTHS, SEED)
    rows = routes.routes(nodes, MONTHS, SEED)["2024Q4"]
    stops: dict[str, list[int]] = {}
    for row in rows:
        stops.setdefault(row["route_no"], []).append(row["stop_no"])
    assert {row["from_site"] for row in rows} <= {site.site_no for site in nodes.all if site.level == "township"}
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in stops.values())
    assert len({row["division_code"] for row in rows}) == len(rows)


def test_growth_at_constant_prices_leaves_a_plausible_share_to_progress() -> None:
    """农业科技进步贡献率 over the five years of a file lies where published values do: a third to four fifths."""
    rows = accounts(PLACES, (2023, 2024), SEED)["2024"]
    first, last = rows[0], rows[-1]
    prices = math.prod(float(row["price_index"]) / 100 for row in rows[1:])

    def growth(column: str, deflator: float = 1) -> float:
        return (float(last[column]) / float(first[column]) / deflator) ** (1 / (len(rows) - 1)) - 1

    output, material = growth("gross_output_wan_yuan", prices), growth("material_cost_wan_yuan", prices)
    inputs = 0.55 * material + 0.20 * growth("labour") + 0.25 * growth("sown_area_mu")
    assert len(rows) == 6
    assert 1 / 3 < (output - inputs) / output < 4 / 5, json.dumps(rows, default=str)
