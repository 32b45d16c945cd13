"""The extracts beside agriculture's: trade, care, assistance, routes, sites, supplies, growth and boundaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agrilake.sample import (
    agri_growth,
    assistance,
    boundaries,
    cold_chain,
    coop_supply,
    elder_care,
    online_purchases,
    routes,
    shared_places,
    trainings,
    village_sites,
)
from agrilake.sample.agri import Entities, Households
from agrilake.sample.civil import Elders
from agrilake.sample.drop import Drop
from agrilake.sample.postal import Sites
from agrilake.sample.records import Row
from agrilake.sample.village_sites import CONVENIENCE, COOP

ByPeriod = Mapping[str, Sequence[Row]]


def deliver(
    drop: Drop, households: Households, entities: Entities, elders: Elders, months: Sequence[str], seed: int
) -> None:
    """What needs no site: goods, stores, trainings, care, assistance, growth, boundaries."""
    places = drop.places
    online_purchases.deliver(drop, online_purchases.purchases(places, months, seed), seed)
    cold_chain.deliver(drop, cold_chain.facilities(entities, months, seed), seed)
    trainings.deliver(drop, trainings.trainings(places, months, seed), seed)
    elder_care.deliver_facilities(drop, elder_care.facilities(places, months, seed), seed)
    elder_care.deliver_visits(drop, elder_care.visits(elders, months, seed), seed)
    assistance.deliver(drop, assistance.assisted(households, months, seed), seed)
    year = int(months[-1][:4])
    agri_growth.deliver(drop, agri_growth.accounts(places, (year - 1, year), seed), seed)
    boundaries.deliver(drop, boundaries.boundaries(places, str(year)), seed)


def deliver_sites(
    drop: Drop, commerce: ByPeriod, info: ByPeriod, nodes: Sites, months: Sequence[str], seed: int
) -> None:
    """Routes between the nodes, the sites of civil affairs and the co-op behind doors that others know, what the
    co-op's sites sell, and the truth about all sites' places."""
    routes.deliver(drop, routes.routes(nodes, months, seed), seed)
    registers = {
        "commerce_service_site": _all(commerce),
        "agri_info_service_site": _all(info),
        "postal_site": _all(nodes.rows),
    }
    for network in (CONVENIENCE, COOP):
        found = village_sites.sites(network, drop.places, shared_places.doors(registers), months, seed)
        village_sites.deliver(drop, found, seed, network)
        registers[network.extract.dataset] = _all(found)
    coop_supply.deliver(drop, coop_supply.supplies(found, months, seed), seed)
    shared_places.write(registers, drop.target / "truth")


def _all(rows: ByPeriod) -> list[Row]:
    return [row for part in rows.values() for row in part]
