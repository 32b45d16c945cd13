"""Making a sample: facts from the seed, files from the facts, the truth beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agrilake.sample import (
    agri,
    agri_files,
    agri_wave,
    badfiles,
    civil,
    commerce,
    parcel_files,
    parcels,
    postal,
    stats,
    truth,
    village_wave,
)
from agrilake.sample.drop import Drop, ExpectedFile
from agrilake.sample.merger import closed, joined, moved, restated
from agrilake.sample.periods import months_of_years, year_of_months
from agrilake.sample.places import MERGED_YEAR, load_places

DEFAULT_PARCEL_ROWS = 300_000
"""Rows of postal_parcel in the base year."""

THREE_YEARS = months_of_years(2022, 2024)
COMMITTED: dict[str, Any] = {
    "seed": 500112,
    "months": ("2024-01", "2024-02"),
    "townships": ("玉峰山镇", "兴隆镇", "洛碛镇"),
    "parcel_rows": 6000,
    "iot_rows": 1500,
    "scale": 0.2,
}
"""Arguments of the small set in sample_data/; two of its villages share a name, all its towns have two codes."""


@dataclass(frozen=True)
class SampleManifest:
    """What was made: the inbox, the truth's folder, the files in order of arrival, and their totals."""

    target: Path
    seed: int
    files: tuple[ExpectedFile, ...]
    indicators: int

    @property
    def inbox(self) -> Path:
        return self.target / "inbox"

    @property
    def truth(self) -> Path:
        return self.target / "truth"

    def totals(self) -> dict[str, int]:
        """files, refused, repeats, records, accepted, quarantined, duplicate."""
        return {
            "files": len(self.files),
            "refused": sum(item.status == "refused" for item in self.files),
            "repeats": sum(item.status == "repeat" for item in self.files),
            "records": sum(item.records for item in self.files),
            "accepted": sum(item.accepted for item in self.files),
            "quarantined": sum(item.quarantined for item in self.files),
            "duplicate": sum(item.duplicate for item in self.files),
        }


def generate(
    target: Path,
    seed: int = 500112,
    months: Sequence[str] | int = THREE_YEARS,
    townships: Sequence[str] | None = None,
    parcel_rows: int | None = None,
    scale: float = 1.0,
    bad_files: bool = True,
    iot_rows: int | None = None,
) -> SampleManifest:
    """Write <target>/inbox/<department>/… and <target>/truth/…; the same arguments give the same bytes.

    `months` is a year or consecutive months (2024-01 …), of several years as well; `townships` limits the divisions
    (names or codes); `parcel_rows` and `iot_rows` are the totals of postal_parcel and agri_iot_reading over all months
    (about); `scale` multiplies the number of households, entities and elders; `bad_files` adds the files that must
    be refused.
    Raises FileExistsError if the target has an inbox or truth already, ValueError for bad months or townships.
    """
    if (target / "inbox").exists() or (target / "truth").exists():
        raise FileExistsError(f"{target} already holds a sample; give an empty folder")
    chosen = year_of_months(months) if isinstance(months, int) else tuple(months)
    if not chosen or list(chosen) != sorted(set(chosen)):
        raise ValueError(f"months must be in order and without repeats, got {', '.join(chosen)}")
    places = load_places(seed, townships, merging=chosen[0][:4] < MERGED_YEAR <= chosen[-1][:4])
    drop = Drop(target, places, seed)
    iot_rows = iot_rows or agri_wave.DEFAULT_IOT_ROWS
    facts = _facts(drop, seed, chosen, scale, parcel_rows or _usual_parcel_rows(chosen), iot_rows)
    if bad_files:
        badfiles.deliver(drop, chosen, facts.households.first)
    expected = drop.finish()
    values = truth.write(facts, drop.target / "truth")
    manifest = SampleManifest(target, seed, tuple(expected), values.height)
    summary = {
        "seed": seed,
        "months": list(chosen),
        "townships": [town.code for town in places.townships],
        **manifest.totals(),
    }
    (manifest.truth / "summary.json").write_text(
        json.dumps(summary, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    return manifest


def _usual_parcel_rows(months: Sequence[str]) -> int:
    """The base year's rows for one year; for several as many as each year's volume asks for."""
    years = sorted({month[:4] for month in months})
    if len(years) == 1:
        return DEFAULT_PARCEL_ROWS
    return int(DEFAULT_PARCEL_ROWS * sum(parcels.volume(f"{year}-01") for year in years))


def _facts(drop: Drop, seed: int, months: Sequence[str], scale: float, parcel_rows: int, iot_rows: int) -> truth.Facts:
    """Make the facts department by department, and write each one's files."""
    places = drop.places
    years = sorted({int(month[:4]) for month in months})
    stats.deliver(drop, seed, [years[0] - 1, *years])
    households = agri.households(places, months, seed, scale)
    restated(households.changes, "household_id", places, households.first)
    agri_files.deliver_households(drop, households, months, seed)
    entities = agri.entities(places, months, seed, scale)
    restated(entities.by_quarter, "credit_code", places)
    agri_files.deliver_entities(drop, entities, seed)
    batches = moved(agri.batches(entities, months, seed), places)
    agri_files.deliver_batches(drop, batches, seed)
    commerce_sites = commerce.sites(places, months, seed)
    closed(commerce_sites, places)
    commerce.deliver_sites(drop, commerce_sites, seed)
    agriculture = agri_wave.deliver(drop, households, entities, commerce_sites, months, seed, scale, iot_rows)
    sales = commerce.sales(entities, months, seed)
    commerce.deliver_sales(drop, sales, months, seed)
    elders = civil.elders(places, months, seed, scale)
    restated(elders.changes, "elder_id", places, elders.first)
    civil.deliver_elders(drop, elders, months, seed)
    ledger = joined(civil.ledger(places, months, seed), "item", (), places)
    civil.deliver_ledger(drop, ledger, seed)
    nodes = postal.sites(places, months, seed)
    postal.deliver_sites(drop, nodes, seed)
    villages = village_wave.deliver(drop, households, entities, elders, months, seed)
    sites = village_wave.deliver_sites(drop, commerce_sites, agriculture.info_sites, nodes, months, seed)
    gathered = truth.ParcelFacts()
    for index, (month, events) in enumerate(parcels.events_by_month(nodes, months, seed, parcel_rows)):
        gathered.add(events)
        parcel_files.deliver(drop, month, events, index, seed)
    return truth.Facts(
        places=places,
        months=months,
        households=households,
        entities=entities,
        batches=batches,
        commerce_sites=commerce_sites,
        sales=sales,
        elders=elders,
        ledger=ledger,
        postal=nodes,
        parcels=gathered,
        agriculture=agriculture,
        villages=villages,
        sites=sites,
    )
