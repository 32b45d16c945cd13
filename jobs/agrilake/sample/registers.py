"""The year's registers of stations as silver would hold them, with the places that they share: no files in between."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from agrilake.sample import commerce, info_sites, postal, shared_places, village_sites
from agrilake.sample.labelled_sites import COLUMNS
from agrilake.sample.places import load_places
from agrilake.sample.records import Row


def year_sites(seed: int, months: Sequence[str]) -> pl.DataFrame:
    """Every village station of a year's extracts, its newest row: columns as those of the labelled sites. The truth
    about places is that of truth/places.csv; coordinates are converted back to EPSG:4490."""
    places = load_places(seed)
    shops = commerce.sites(places, months, seed)
    registers = {
        "commerce_service_site": _rows(shops),
        "agri_info_service_site": _rows(info_sites.sites(places, shops, months, seed)),
        "postal_site": [row for row in _rows(postal.sites(places, months, seed).rows) if row["level"] == "village"],
    }
    for network in (village_sites.CONVENIENCE, village_sites.COOP):
        found = village_sites.sites(network, places, shared_places.doors(registers), months, seed)
        registers[network.extract.dataset] = _rows(found)
    rows = [_station(dataset, row) for dataset, found in registers.items() for row in found]
    return pl.DataFrame(rows, schema=COLUMNS).unique(["dataset", "site_no"], keep="last", maintain_order=True)


def _rows(by_period: dict[str, list[Row]]) -> list[Row]:
    return [row for rows in by_period.values() for row in rows]


def _station(dataset: str, row: Row) -> Row:
    lon, lat = row["lon"], row["lat"]
    if lon is not None:
        lat, lon = shared_places.TO_DEGREES[dataset]((lat, lon), check_china=False)
    kept = {name: row[name] for name in ("site_no", "name", "address", "division_code")}
    place_id = shared_places.place_of(dataset, row)
    return {"dataset": dataset, **kept, "lon": lon, "lat": lat, "place_id": place_id, "difficulty": ""}
