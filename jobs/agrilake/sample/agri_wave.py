"""Agriculture's other extracts: land, subsidies, production, smart farms, inspections, machines, sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agrilake.sample import growing, herds, info_sites, inspections, land, machinery, readings, smart_farms, subsidies
from agrilake.sample.agri import Entities, Households
from agrilake.sample.drop import Drop
from agrilake.sample.records import Row

DEFAULT_IOT_ROWS = 30_000


def deliver(
    drop: Drop,
    households: Households,
    entities: Entities,
    commerce_sites: Mapping[str, Sequence[Row]],
    months: Sequence[str],
    seed: int,
    scale: float,
    iot_rows: int,
) -> dict[str, list[Row]]:
    """Make the facts and write their files; `iot_rows` is the total of agri_iot_reading over all months (about).

    Returns the information sites by quarter, whose doors other departments share.
    """
    places = drop.places
    parcels = land.parcels(places, households, months, seed)
    land.deliver(drop, parcels, seed)
    subsidies.deliver(drop, subsidies.payments(households, next(iter(parcels.values())), months, seed), seed)
    growing.deliver(drop, growing.crops(places, months, seed), seed)
    herds.deliver(drop, herds.herds(places, months, seed), seed)
    smart = smart_farms.farms(entities, months, seed)
    smart_farms.deliver(drop, smart, seed)
    for index, (month, rows) in enumerate(readings.by_month(smart, months, seed, iot_rows)):
        readings.deliver(drop, month, rows, index, seed)
    inspections.deliver(drop, inspections.inspections(entities, months, seed), seed)
    machinery.deliver(drop, machinery.machines(places, entities, months, seed, scale), seed)
    sites = info_sites.sites(places, commerce_sites, months, seed)
    info_sites.deliver(drop, sites, seed)
    return sites
