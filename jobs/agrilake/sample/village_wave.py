"""The extracts beside agriculture's: trade, care, assistance, routes, sites, supplies, growth and boundaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
from agrilake.sample.history import reported
from agrilake.sample.merger import closed, joined, lingering, moved, restated
from agrilake.sample.postal import Sites
from agrilake.sample.records import Row
from agrilake.sample.village_sites import CONVENIENCE, COOP

ByPeriod = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class VillageFacts:
    """What is true of the extracts that need no site: rows by the period that reports them."""

    purchases: dict[str, list[Row]]
    cold_stores: dict[str, list[Row]]
    trainings: dict[str, list[Row]]
    facilities: dict[str, list[Row]]
    visits: dict[str, list[Row]]
    assisted: dict[str, list[Row]]
    accounts: dict[str, list[Row]]


@dataclass(frozen=True)
class SiteFacts:
    """What is true of routes, of the sites of civil affairs and the co-op, and of what the co-op's sell."""

    routes: ByPeriod
    convenience: ByPeriod
    coop: ByPeriod
    supplies: ByPeriod


def deliver(
    drop: Drop, households: Households, entities: Entities, elders: Elders, months: Sequence[str], seed: int
) -> VillageFacts:
    """What needs no site: goods, stores, trainings, care, assistance, growth, boundaries."""
    places = drop.places
    first, last = int(months[0][:4]), int(months[-1][:4])
    purchases = online_purchases.purchases(places, months, seed)
    facts = VillageFacts(
        purchases=joined(purchases, "category", ("orders", "amount_yuan"), places),
        cold_stores=cold_chain.facilities(entities, months, seed),
        trainings=moved(trainings.trainings(places, reported("commerce_training", months), seed), places),
        facilities=elder_care.facilities(places, months, seed),
        visits=elder_care.visits(elders, reported("civil_elder_visit", months), seed),
        assisted=moved(assistance.assisted(households, reported("civil_assistance", months), seed), places),
        accounts=agri_growth.accounts(places, range(first - 1, last + 1), seed),
    )
    restated(facts.cold_stores, "facility_no", places)
    restated(facts.facilities, "facility_no", places)
    online_purchases.deliver(drop, facts.purchases, seed)
    cold_chain.deliver(drop, facts.cold_stores, seed)
    trainings.deliver(drop, facts.trainings, seed)
    elder_care.deliver_facilities(drop, facts.facilities, seed)
    in_old = {row["elder_id"] for row in elders.first if row["division_code"] in places.watched[:1]}
    elder_care.deliver_visits(drop, lingering(facts.visits, "elder_id", in_old, places), seed)
    assistance.deliver(drop, facts.assisted, seed)
    agri_growth.deliver(drop, facts.accounts, seed)
    editions = range(first if places.merger else last, last + 1)
    boundaries.deliver(drop, boundaries.boundaries(places, [str(year) for year in editions]), seed)
    return facts


def deliver_sites(
    drop: Drop, commerce: ByPeriod, info: ByPeriod, nodes: Sites, months: Sequence[str], seed: int
) -> SiteFacts:
    """Routes between the nodes, the sites of civil affairs and the co-op behind doors that others know, what the
    co-op's sites sell, and the truth about all sites' places."""
    planned = moved(routes.routes(nodes, months, seed), drop.places)
    routes.deliver(drop, planned, seed)
    registers = {
        "commerce_service_site": _all(commerce),
        "agri_info_service_site": _all(info),
        "postal_site": _all(nodes.rows),
    }
    made: list[dict[str, list[Row]]] = []
    for network in (CONVENIENCE, COOP):
        found = village_sites.sites(network, drop.places, shared_places.doors(registers), months, seed)
        closed(found, drop.places)
        village_sites.deliver(drop, found, seed, network)
        registers[network.extract.dataset] = _all(found)
        made.append(found)
    convenience, coop = made
    supplies = coop_supply.supplies(coop, reported("coop_agri_supply", months), seed)
    coop_supply.deliver(drop, supplies, seed)
    shared_places.write(registers, drop.target / "truth")
    return SiteFacts(planned, convenience, coop, supplies)


def _all(rows: ByPeriod) -> list[Row]:
    return [row for part in rows.values() for row in part]
