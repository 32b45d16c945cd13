"""Smart farms of business entities, and the devices that stand on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from prcoords import wgs_bd, wgs_gcj

from agrilake.sample import identifiers as made
from agrilake.sample.agri import Entities
from agrilake.sample.drop import Drop
from agrilake.sample.extracts import Extract, first_reported
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import end_of, ordinal, quarters_of
from agrilake.sample.records import Defect, Row
from agrilake.sample.spelling import Style

STEP_MU = Decimal("1.5")
SHARE = 0.09
"""Of the business entities, those that have a smart farm; leading enterprises all have one."""

KINDS = {"生态鱼": "fishery", "土鸡蛋": "livestock", "腊肉": "livestock"}
ORCHARDS = ("柑橘", "李子", "梨", "葡萄")
NAMES = {"crop": "智慧农场", "livestock": "智慧牧场", "fishery": "智慧渔场", "orchard": "无人果园"}
METRICS = {
    "crop": ("air_temperature", "air_humidity", "soil_moisture", "soil_temperature", "light", "carbon_dioxide"),
    "livestock": ("air_temperature", "air_humidity", "ammonia", "carbon_dioxide"),
    "fishery": ("water_temperature", "dissolved_oxygen", "ph"),
    "orchard": ("air_temperature", "air_humidity", "soil_moisture", "light"),
}
LEVELS = ("sensing", "remote", "automatic", "unmanned")

FARM_STYLES = (
    Style(form="xlsx", titled=True, preamble=True, two_lines=True, dates="cell", divisions="name", hidden=True),
    Style(headers=1, units=(("亩", "公顷"),), dates="slash", divisions="mixed", labels=1, notes=True),
    Style(encoding="utf-8-bom", headers=2, dates="chinese", divisions="full", labels=2),
    Style(form="xls", headers=3, dates="mixed", preamble=True, numbered=True, labels=1),
)
DEVICE_STYLES = (
    Style(encoding="utf-8", headers=1, divisions="mixed", nothing="-"),
    Style(form="xlsx", titled=True, preamble=True, two_lines=True, dates="cell", divisions="name", labels=1),
    Style(encoding="utf-16", delimiter="\t", form="txt", headers=2, dates="compact", divisions="full", labels=2),
    Style(encoding="gb18030", delimiter=";", headers=3, dates="chinese"),
)
FARM_DEFECTS = (
    Defect("credit_code", "credit_code", lambda row: made.wrong_check(row["credit_code"])),
    Defect("kind", "enum", "观光园"),
    Defect("automation_level", "enum", "很高"),
    Defect("area_mu", "minimum", "0"),
    Defect("area_mu", "type_number", "十几亩"),
    Defect("built_on", "date_precision", "2023年"),
    Defect("lon", "longitude", lambda row: str(row["lat"])),
    Defect("farm_id", "pattern", lambda row: row["farm_id"][2:]),
    Defect("division_code", "division_known", "石笋沟村"),
    Defect("name", "required", ""),
)
DEVICE_DEFECTS = (
    Defect("farm_id", "pattern", lambda row: f"农场{row['farm_id'][-4:]}"),
    Defect("metric", "enum", "风速"),
    Defect("retired_on", "not_before", "2015-06-01"),
    Defect("lat", "latitude", "0"),
    Defect("lon", "longitude", "118.7"),
    Defect("device_id", "pattern", lambda row: row["device_id"].replace("IOT", "IoT-")),
    Defect("installed_on", "type_date", "上个月"),
    Defect("farm_id", "required", ""),
)


@dataclass(frozen=True)
class SmartFarms:
    """All farms and devices as they are last reported, and what each quarter reports of them."""

    farms: dict[str, list[Row]]
    devices: dict[str, list[Row]]


def farms(entities: Entities, months: Sequence[str], seed: int) -> SmartFarms:
    """Most farms and their devices in the first quarter; then new ones, better automation, and devices retired."""
    rng = stream(seed, "smart farm")
    quarters = quarters_of(months)
    reported: dict[str, list[Row]] = {quarter: [] for quarter in quarters}
    devices: dict[str, list[Row]] = {quarter: [] for quarter in quarters}
    for entity in entities.by_quarter[quarters[0]]:
        if entity["kind"] != "leading_enterprise" and rng.random() > SHARE:
            continue
        quarter, built = first_reported(quarters, rng, 0.15, (5, 80), (95, 1900))
        number = sum(len(rows) for rows in reported.values()) + 1
        farm = _farm(entity, number, built, rng)
        reported[quarter].append(farm)
        devices[quarter] += _devices(farm, entity, number, built, rng)
    for quarter in quarters[1:]:
        for row in reported[quarters[0]][ordinal(quarter, quarters) :: 11]:
            level = min(LEVELS.index(row["automation_level"]) + 1, len(LEVELS) - 1)
            reported[quarter].append({**row, "automation_level": LEVELS[level]})
        retired = end_of(quarter) - timedelta(days=int(rng.integers(1, 80)))
        devices[quarter] += [
            {**row, "retired_on": retired} for row in devices[quarters[0]][ordinal(quarter, quarters) :: 37]
        ]
    return SmartFarms(reported, devices)


def _farm(entity: Row, number: int, built: date, rng: np.random.Generator) -> Row:
    product = entity["main_products"].split("、")[0]
    kind = KINDS.get(product, "orchard" if product in ORCHARDS else "crop")
    lat, lon = wgs_gcj((entity["lat"], entity["lon"]), check_china=False)
    stem = entity["name"][:4]
    return {
        "farm_id": f"ZN{built.year}{number:04d}",
        "name": f"{stem}{NAMES[kind]}",
        "credit_code": entity["credit_code"],
        "division_code": entity["division_code"],
        "kind": kind,
        "area_mu": STEP_MU * int(np.clip(rng.lognormal(4.2, 0.7), 4, 1400)),
        "automation_level": LEVELS[rng.choice(4, p=(0.4, 0.35, 0.2, 0.05))],
        "lon": round(float(lon), 6),
        "lat": round(float(lat), 6),
        "built_on": built,
    }


def _devices(farm: Row, entity: Row, number: int, built: date, rng: np.random.Generator) -> list[Row]:
    rows = []
    for at, metric in enumerate(METRICS[farm["kind"]], 1):
        lon, lat = entity["lon"] + float(rng.normal(0, 0.001)), entity["lat"] + float(rng.normal(0, 0.001))
        bd_lat, bd_lon = wgs_bd((lat, lon), check_china=False)
        rows.append(
            {
                "device_id": f"IOT{number:04d}{at:04d}",
                "farm_id": farm["farm_id"],
                "division_code": farm["division_code"],
                "metric": metric,
                "lon": round(float(bd_lon), 6),
                "lat": round(float(bd_lat), 6),
                "installed_on": built + timedelta(days=int(rng.integers(0, 5))),
                "retired_on": None,
            }
        )
    return rows


FARM_EXTRACT = Extract(
    "agri_smart_farm",
    "farm_id",
    FARM_STYLES,
    FARM_DEFECTS,
    lambda row, index, number: {**row, "farm_id": f"ZN99{index:02d}{number:04d}"},
    lambda row: {"area_mu": row["area_mu"] + STEP_MU},
    day="built_on",
    duplicates=1,
)
DEVICE_EXTRACT = Extract(
    "agri_iot_device",
    "device_id",
    DEVICE_STYLES,
    DEVICE_DEFECTS,
    lambda row, index, number: {**row, "device_id": f"IOT99{index:02d}{number:04d}", "retired_on": None},
    lambda row: {"metric": "light" if row["metric"] != "light" else "ph"},
    day="installed_on",
)


def deliver(drop: Drop, smart: SmartFarms, seed: int) -> None:
    """Farms and devices, a file of each a quarter."""
    FARM_EXTRACT.deliver(drop, smart.farms, seed, per_file=5)
    DEVICE_EXTRACT.deliver(drop, smart.devices, seed, per_file=5)
