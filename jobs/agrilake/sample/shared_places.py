"""Sites of several departments behind one door (多站合一): which records are the same physical place.

A row of a site may carry `place_id`: the place whose door it shares. A row without one is a place of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from prcoords import bd_wgs_bored, gcj_wgs_bored

from agrilake.sample.places import Place
from agrilake.sample.records import Row

Inverse = Callable[..., tuple[float, float]]
TO_DEGREES: dict[str, Inverse] = {
    "commerce_service_site": gcj_wgs_bored,
    "agri_info_service_site": gcj_wgs_bored,
    "postal_site": bd_wgs_bored,
    "civil_convenience_site": bd_wgs_bored,
    "coop_service_site": gcj_wgs_bored,
}
"""The five departments' registers of sites, and the way back from the coordinates that each writes."""

Registers = Mapping[str, Iterable[Row]]


@dataclass(frozen=True)
class Door:
    """One physical place: its id, its point in degrees (EPSG:4490), and what the first department says of it."""

    place_id: str
    village: str
    lon: float
    lat: float
    address: str | None
    manager: str | None
    phone: str | None


def doors(registers: Registers) -> dict[str, list[Door]]:
    """The places of the registers by village, in their order; a place is taken from the first record of it."""
    found: dict[str, dict[str, Door]] = {}
    for dataset, rows in registers.items():
        for row in rows:
            place_id = place_of(dataset, row)
            if row["lon"] is None or place_id in found.get(row["division_code"], {}):
                continue
            lat, lon = TO_DEGREES[dataset]((row["lat"], row["lon"]), check_china=False)
            door = Door(place_id, row["division_code"], lon, lat, row["address"], row.get("manager"), row.get("phone"))
            found.setdefault(door.village, {})[place_id] = door
    return {village: list(places.values()) for village, places in found.items()}


def place_of(dataset: str, row: Row) -> str:
    """The id of the row's place: the first record of it as dataset:site_no."""
    return row.get("place_id") or f"{dataset}:{row['site_no']}"


def retold(address: str | None, place: Place, township: str, rng: np.random.Generator) -> str | None:
    """The address as another department writes it: 社 for 组, with the town, without the village, or not at all."""
    if address is None:
        return f"{place.short}村委会旁" if rng.random() < 0.5 else None
    spellings: Sequence[str | None] = (
        address,
        address,
        address.replace("组", "社"),
        township + address,
        address.removeprefix(place.short),
        None,
    )
    return spellings[int(rng.integers(len(spellings)))]


def write(registers: Registers, folder: Path) -> None:
    """places.csv in the truth's folder: dataset, site_no, place_id of every site."""
    rows = {(dataset, row["site_no"], place_of(dataset, row)) for dataset, rows in registers.items() for row in rows}
    folder.mkdir(parents=True, exist_ok=True)
    table = pl.DataFrame(sorted(rows), schema=["dataset", "site_no", "place_id"], orient="row")
    table.write_csv(folder / "places.csv")
