"""Agriculture's other extracts: land, subsidies, production, smart farms, inspections, machines, sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agrilake.sample import growing, herds, info_sites, inspections, land, machinery, readings, smart_farms, subsidies
from agrilake.sample.agri import Entities, Households
from agrilake.sample.drop import Drop
from agrilake.sample.history import reported
from agrilake.sample.merger import closed, joined, moved, restated
from agrilake.sample.records import Row
from agrilake.sample.smart_farms import SmartFarms

DEFAULT_IOT_ROWS = 30_000
ByPeriod = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class AgriFacts:
    """What is true of agriculture's extracts: rows by the period that reports them, and the devices that gave readings
    in each month."""

    parcels: ByPeriod
    payments: ByPeriod
    crops: ByPeriod
    herds: ByPeriod
    smart: SmartFarms
    heard: Mapping[str, set[str]]
    inspections: ByPeriod
    machines: ByPeriod
    info_sites: ByPeriod


def deliver(
    drop: Drop,
    households: Households,
    entities: Entities,
    commerce_sites: Mapping[str, Sequence[Row]],
    months: Sequence[str],
    seed: int,
    scale: float,
    iot_rows: int,
) -> AgriFacts:
    """Make the facts and write their files; `iot_rows` is the total of agri_iot_reading over all months (about)."""
    places = drop.places
    parcels = land.parcels(places, households, months, seed)
    land.deliver(drop, parcels, seed)
    payments = moved(subsidies.payments(households, next(iter(parcels.values())), months, seed), places)
    subsidies.deliver(drop, payments, seed)
    crops = joined(growing.crops(places, months, seed), "crop", growing.SUMS, places)
    growing.deliver(drop, crops, seed)
    kept = joined(herds.herds(places, months, seed), "species", herds.SUMS, places)
    herds.deliver(drop, kept, seed)
    smart = smart_farms.farms(entities, months, seed)
    restated(smart.farms, "farm_id", places)
    restated(smart.devices, "device_id", places)
    smart_farms.deliver(drop, smart, seed)
    heard: dict[str, set[str]] = {}
    for index, (month, rows) in enumerate(
        readings.by_month(smart, reported("agri_iot_reading", months), seed, iot_rows)
    ):
        heard[month] = set(rows["device_id"].unique())
        readings.deliver(drop, month, rows, index, seed)
    samples = moved(inspections.inspections(entities, months, seed), places)
    inspections.deliver(drop, samples, seed)
    machines = machinery.machines(places, entities, months, seed, scale)
    restated(machines, "machine_no", places)
    machinery.deliver(drop, machines, seed)
    sites = info_sites.sites(places, commerce_sites, months, seed)
    closed(sites, places)
    info_sites.deliver(drop, sites, seed)
    return AgriFacts(parcels, payments, crops, kept, smart, heard, samples, machines, sites)
