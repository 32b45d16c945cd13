"""Expected values of the indicators over the extracts beside parcels, sales and ledgers.

The definitions stand in sample_data/README.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from agrilake.sample.agri_wave import AgriFacts
from agrilake.sample.civil import Elders
from agrilake.sample.online_purchases import CATEGORIES, FARM_SUPPLIES
from agrilake.sample.periods import last_day, quarter_of
from agrilake.sample.places import Places
from agrilake.sample.records import Row
from agrilake.sample.truth_values import Share, covered, ratio, row_of, total
from agrilake.sample.village_wave import SiteFacts, VillageFacts

ByPeriod = Mapping[str, Sequence[Row]]
FIVE = 5
GROWTH_YEARS = 5
ELASTICITIES = {"material": 0.55, "labour": 0.20, "land": 0.25}


def rows(
    places: Places,
    months: Sequence[str],
    elders: Elders,
    agri: AgriFacts,
    villages: VillageFacts,
    sites: SiteFacts,
) -> list[Row]:
    """Rows of truth_values.COLUMNS."""
    found: list[Row] = []
    for month in months:
        found += _registers(places, month, agri, villages)
        found += _elders(places, month, elders, villages)
        found += _sites(places, month, agri, sites)
    for period, span in _spans(months):
        found += _flows(places, period, span, agri, villages, sites)
    for period, quarters in _spans(sorted(agri.crops)):
        found += _production(places, period, quarters, agri)
    return found + _accounts(places, villages.accounts)


def _spans(periods: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each period by itself, and each year with its periods."""
    for period in periods:
        yield period, [period]
    for year in dict.fromkeys(period[:4] for period in periods):
        yield year, [period for period in periods if period.startswith(year)]


def _latest(reported: ByPeriod, key: str, until: str) -> list[Row]:
    """A register as it stands after the deliveries of a quarter."""
    return list({row[key]: row for period, rows in reported.items() if period <= until for row in rows}.values())


def _shares(
    rows: Iterable[Row], above: Callable[[Row], float | None], below: Callable[[Row], float] = lambda _: 1
) -> list[Share]:
    return [(row["division_code"], float(above(row) or 0), float(below(row))) for row in rows]


def _amount(column: str) -> Callable[[Row], float]:
    return lambda row: float(row[column])


def _registers(places: Places, month: str, agri: AgriFacts, villages: VillageFacts) -> list[Row]:
    quarter = quarter_of(month)
    parcels, machines = _latest(agri.parcels, "parcel_code", quarter), _latest(agri.machines, "machine_no", quarter)
    stores = _latest(villages.cold_stores, "facility_no", quarter)
    farms = _latest(agri.smart.farms, "farm_id", quarter)
    devices = _latest(agri.smart.devices, "device_id", quarter)
    in_use = [row for row in devices if row["retired_on"] is None]
    heard = agri.heard.get(month)
    online: list[Share] = []
    if heard is not None:
        online = [(row["division_code"], float(row["device_id"] in heard), 0) for row in devices]
        online += _shares(in_use, lambda _: 0)
    return [
        *total(places, "contracted_land_area", month, _shares(parcels, _amount("area_mu"))),
        *ratio(places, "hill_suited_machinery_share", month, _shares(machines, lambda row: row["hill_suited"])),
        *ratio(places, "smart_machinery_share", month, _shares(machines, lambda row: row["smart_terminal"])),
        *total(places, "cold_storage_capacity", month, _shares(stores, _amount("capacity_t"))),
        *total(places, "smart_farm_area", month, _shares(farms, _amount("area_mu"))),
        *ratio(places, "iot_device_online_rate", month, online),
    ]


def _elders(places: Places, month: str, elders: Elders, villages: VillageFacts) -> list[Row]:
    known = elders.current(month)
    visits = villages.visits.get(month)
    in_need = [row for row in known if row["living_alone"] or row["care_level"]]
    homes = [row for row in _latest(villages.facilities, "facility_no", quarter_of(month)) if row["closed_on"] is None]
    count, none = _shares(known, lambda _: 0), lambda _: 0
    seen = []
    if visits is not None:
        met = {row["elder_id"] for row in visits if row["result"] != "away"}
        seen = [
            *ratio(places, "elder_visits_per_1000", month, [*count, *_shares(visits, lambda _: 1, none)], 1000),
            *ratio(places, "elder_visit_on_time_rate", month, _shares(in_need, lambda row: row["elder_id"] in met)),
        ]
    return [
        *seen,
        *ratio(places, "elder_beds_per_1000", month, [*count, *_shares(homes, _amount("beds"), none)], 1000),
        *ratio(places, "supervised_elder_facility_share", month, _shares(homes, lambda row: row["supervised_online"])),
        *ratio(places, "elder_bed_occupancy", month, _shares(homes, _amount("occupied"), _amount("beds"))),
        *total(places, "assisted_persons", month, _shares(villages.assisted.get(month, ()), _amount("persons"))),
    ]


def _sites(places: Places, month: str, agri: AgriFacts, sites: SiteFacts) -> list[Row]:
    end = last_day(month)
    planned: dict[str, int] = {}
    for row in sites.routes[quarter_of(month)]:
        planned[row["division_code"]] = planned.get(row["division_code"], 0) + row["weekly_frequency"]
    five = [(place.code, float(planned.get(place.code, 0) >= FIVE), 1.0) for place in places.standing(month)]
    return [
        *ratio(places, "village_info_site_coverage", month, covered(places, agri.info_sites, end)),
        *ratio(places, "village_convenience_site_coverage", month, covered(places, sites.convenience, end)),
        *ratio(places, "village_coop_site_coverage", month, covered(places, sites.coop, end)),
        *ratio(places, "planned_five_a_week_rate", month, five),
    ]


def _flows(
    places: Places, period: str, months: Sequence[str], agri: AgriFacts, villages: VillageFacts, sites: SiteFacts
) -> list[Row]:
    def of(reported: ByPeriod) -> list[Row]:
        return [row for month in months for row in reported.get(month, ())]

    home = {row["site_no"]: row["division_code"] for rows in sites.coop.values() for row in rows}
    supplies = [{**row, "division_code": home[row["site_no"]]} for row in of(sites.supplies)]
    money, bought = _amount("amount_yuan"), of(villages.purchases)
    for_farms = [name for name in CATEGORIES if name in FARM_SUPPLIES]
    return [
        *total(places, "subsidy_amount", period, _shares(of(agri.payments), money)),
        *ratio(places, "quality_inspection_pass_rate", period, _shares(of(agri.inspections), lambda r: r["passed"])),
        *total(places, "training_attendances", period, _shares(of(villages.trainings), _amount("attendees"))),
        *total(places, "agri_supply_amount", period, _shares(supplies, money)),
        *total(places, "online_purchase_amount", period, _shares(bought, money)),
        *ratio(
            places,
            "online_farm_supply_share",
            period,
            _shares(bought, lambda row: money(row) * (row["category"] in for_farms), money),
        ),
    ]


def _production(places: Places, period: str, quarters: Sequence[str], agri: AgriFacts) -> list[Row]:
    crops = [row for name in quarters for row in agri.crops[name] if row["informatised_area_mu"] is not None]
    herds = [row for name in quarters for row in agri.herds[name] if row["informatised_share"] is not None]
    area, output = _amount("sown_area_mu"), _amount("output_t")
    informed = _shares(crops, _amount("informatised_area_mu"), area)
    kept = _shares(herds, lambda row: float(row["output_t"]) * float(row["informatised_share"]), output)
    return [
        *ratio(places, "informatised_crop_area_share", period, informed),
        *ratio(places, "informatised_livestock_share", period, kept),
    ]


def _accounts(places: Places, accounts: ByPeriod) -> list[Row]:
    """Each year as the last file has it, amounts at the first year's prices."""
    years = {row["year"]: row for _, rows in sorted(accounts.items()) for row in rows}
    series: dict[str, dict[str, float]] = {"output": {}, "material": {}, "labour": {}, "land": {}}
    prices = 1.0
    for number, (year, row) in enumerate(sorted(years.items())):
        prices *= float(row["price_index"]) / 100 if number else 1
        series["output"][year] = float(row["gross_output_wan_yuan"]) * 10_000 / prices
        series["material"][year] = float(row["material_cost_wan_yuan"]) * 10_000 / prices
        series["labour"][year] = float(row["labour"])
        series["land"][year] = float(row["sown_area_mu"])
    code, found = places.county.code, []
    for year in years:
        start = str(int(year) - GROWTH_YEARS)
        found.append(row_of(places, "agri_output", code, year, round(series["output"][year], 2), None, None))
        if start in years:
            growth = {name: ((of[year] / of[start]) ** (1 / GROWTH_YEARS) - 1) * 100 for name, of in series.items()}
            inputs = sum(share * growth[name] for name, share in ELASTICITIES.items())
            rate = (growth["output"] - inputs) / growth["output"] * 100
            for name, value in growth.items():
                found.append(row_of(places, f"agri_{name}_growth", code, year, value, None, None))
            found.append(row_of(places, "agri_tech_contribution_rate", code, year, rate, None, None))
    return found
