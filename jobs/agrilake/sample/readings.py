"""Readings of the devices: the day's and the year's course of each measure, with gaps where a device was silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import polars as pl

from agrilake.contract.model import Dataset
from agrilake.sample.drop import Drop
from agrilake.sample.identifiers import stream
from agrilake.sample.large_files import MOMENTS, LargeFile, dirty_count, spelled, spelling_of
from agrilake.sample.periods import days_of, first_day, last_day, next_month, quarter_of
from agrilake.sample.records import Row
from agrilake.sample.smart_farms import SmartFarms
from agrilake.sample.spelling import Style

MONTHLY_AIR = (8, 10, 14, 19, 23, 26, 29.5, 29, 24, 19, 14, 9.5)
"""Mean temperature of the air by month, °C."""

UNITS = {"light": "lx", "carbon_dioxide": "ppm", "ammonia": "ppm", "dissolved_oxygen": "mg/L", "ph": "pH"}
PERCENT = ("air_humidity", "soil_moisture")
Course = Callable[[float, np.ndarray, np.ndarray, np.ndarray], np.ndarray]
COURSES: dict[str, Course] = {
    "air_temperature": lambda air, warm, noise, _: air + 4 * warm + 1.5 * noise,
    "air_humidity": lambda _, warm, noise, __: np.clip(78 - 12 * warm + 5 * noise, 20, 100),
    "soil_moisture": lambda _, __, noise, ___: np.clip(27 + 4 * noise, 5, 60),
    "soil_temperature": lambda air, warm, noise, _: air + 0.8 * warm + 0.5 * noise,
    "light": lambda air, _, noise, hour: np.round(
        np.clip(np.cos((hour - 13) / 12 * np.pi) * (20_000 + 1500 * air) + 2000 * noise, 0, 150_000)
    ),
    "carbon_dioxide": lambda _, warm, noise, __: np.round(np.clip(520 - 90 * warm + 40 * noise, 300, 3000)),
    "ammonia": lambda air, _, noise, __: np.clip(8 + 0.2 * air + 3 * noise, 0, 60),
    "water_temperature": lambda air, warm, noise, _: np.clip(air + 0.6 * warm + 0.4 * noise, 3, 36),
    "dissolved_oxygen": lambda air, warm, noise, _: np.clip(7.2 + 1.1 * warm - 0.06 * air + 0.6 * noise, 1, 15),
    "ph": lambda _, __, noise, ___: np.clip(7.4 + 0.2 * noise, 5, 10),
}
"""Each measure from the month's air temperature, the warmth of the hour (-1 to 1), a normal draw and the hour."""

SILENT = 0.04
SECONDS_A_DAY = 86_400
LEAST_STEP = 600
SCHEMA: dict[str, pl.DataType] = {
    "device_id": pl.String(),
    "read_at": pl.Datetime("us"),
    "metric": pl.String(),
    "value": pl.Decimal(12, 3),
    "unit": pl.String(),
}
STYLES = (
    Style(encoding="utf-8"),
    Style(encoding="gb18030", headers=1, labels=1, titled=True, dates="slash"),
    Style(encoding="utf-8-bom", delimiter="\t", form="txt", headers=2, labels=2, dates="compact"),
    Style(encoding="utf-16", delimiter=";", headers=3, dates="chinese"),
)
DEFECTS: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("value", "range_by", lambda _: "999999"),
    ("value", "unit_unknown", lambda cell: f"{cell}℃"),
    ("value", "type_number", lambda _: "离线"),
    ("value", "required", lambda _: ""),
    ("unit", "enum", lambda _: "kPa"),
    ("unit", "goes_with", lambda cell: "ppm" if cell in ("mg/L", "毫克/升") else "mg/L"),
    ("metric", "enum", lambda _: "风速"),
    ("read_at", "type_timestamp", lambda _: "开机后 3 小时"),
    ("read_at", "date_precision", lambda cell: cell),
    ("device_id", "pattern", lambda cell: cell.lower()),
    ("device_id", "required", lambda _: ""),
    ("value", "range_by", lambda _: "-99"),
)


def by_month(smart: SmartFarms, months: Sequence[str], seed: int, rows: int) -> Iterator[tuple[str, pl.DataFrame]]:
    """Each month with its readings in order of time (columns of SCHEMA), about `rows` over all months."""
    for month in months:
        devices = _working(smart, month)
        if not devices:
            continue
        rng = stream(seed, "reading", month)
        step = len(devices) * len(months) * len(days_of(month)) * SECONDS_A_DAY * (1 - SILENT) / rows
        parts = [_of_device(row, month, max(LEAST_STEP, int(step // 60) * 60), rng) for row in devices]
        yield month, pl.concat(parts).sort("read_at", "device_id")


def _working(smart: SmartFarms, month: str) -> list[Row]:
    """Devices that were reported by the month's quarter and are not retired by its end."""
    latest = {
        row["device_id"]: row for quarter, rows in smart.devices.items() if quarter <= quarter_of(month) for row in rows
    }
    end = last_day(month)
    return [
        row
        for row in latest.values()
        if row["installed_on"] <= first_day(month) and (row["retired_on"] is None or row["retired_on"] > end)
    ]


def _of_device(device: Row, month: str, step: int, rng: np.random.Generator) -> pl.DataFrame:
    seconds = np.arange(int(rng.integers(0, step // 60)) * 60, len(days_of(month)) * SECONDS_A_DAY, step)
    gap = float(rng.uniform(0, 1 - SILENT)) * len(seconds)
    kept = (np.arange(len(seconds)) < gap) | (np.arange(len(seconds)) >= gap + SILENT * len(seconds))
    seconds = seconds[kept]
    metric = device["metric"]
    thousandths = np.round(_values(metric, month, seconds, rng) * 10).astype(np.int64) * 100
    start = np.datetime64(first_day(month), "us").astype(np.int64)
    moments = pl.Series(start + seconds.astype(np.int64) * 1_000_000).cast(pl.Datetime("us"))
    numbers = pl.Series(thousandths).cast(pl.Decimal(18, 3))
    return pl.DataFrame({"read_at": moments, "value": numbers}).select(
        pl.lit(device["device_id"]).alias("device_id"),
        "read_at",
        pl.lit(metric).alias("metric"),
        (pl.col("value") / 1000).cast(pl.Decimal(12, 3)),
        pl.lit("%" if metric in PERCENT else UNITS.get(metric, "°C")).alias("unit"),
    )


def _values(metric: str, month: str, seconds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """To a tenth; warmest at two in the afternoon, all within the range that the contract gives."""
    hour = seconds / 3600 % 24
    warm, noise = np.cos((hour - 14) / 24 * 2 * np.pi), rng.normal(0, 1, len(seconds))
    air = MONTHLY_AIR[int(month[5:]) - 1]
    return COURSES[metric](air, warm, noise, hour)


def deliver(drop: Drop, month: str, readings: pl.DataFrame, index: int, seed: int) -> None:
    """One month's readings, with spoilt rows, repeats, a contradiction and one after the month."""
    dataset = drop.registry.get("agri_iot_reading")
    style = STYLES[index % len(STYLES)]
    rng = stream(seed, "reading file", month)
    text = spelled(readings, dataset, style)
    dirty, findings = _dirty(text, month, dataset, style, dirty_count(readings.height), rng)
    LargeFile(dataset, month, style, text, dirty, findings).deliver(drop, rng)


def _dirty(
    text: pl.DataFrame, month: str, dataset: Dataset, style: Style, count: int, rng: np.random.Generator
) -> tuple[pl.DataFrame, list[tuple[str, str]]]:
    """`count` spoilt rows of devices that do not exist, one after the month, a pair that contradicts itself."""
    hosts = text[rng.integers(0, text.height, count + 3).tolist()]
    moments = MOMENTS[style.dates]
    warm = spelling_of(dataset.column("metric"), style)["air_temperature"]
    degree = spelling_of(dataset.column("unit"), style)["°C"]
    rows, findings = [], []
    for number, host in enumerate(hosts.iter_rows(named=True)):
        row = {**host, "device_id": f"IOT{99_000_000 + number:08d}"}
        if number < count:
            column, rule, spoil = DEFECTS[number % len(DEFECTS)]
            day = first_day(month).strftime(moments.split("%H")[0].strip())
            row[column] = day if rule == "date_precision" else spoil(row[column])
        elif number == count:
            column, rule = "read_at", "not_future"
            row[column] = first_day(next_month(month)).strftime(moments)
        else:
            column, rule = "device_id,read_at", "key_conflict"
            same = {"device_id": "IOT99999999", "read_at": first_day(month).strftime(moments)}
            row |= {**same, "metric": warm, "unit": degree, "value": str(number - count)}
        rows.append(row)
        findings.append((column, rule))
    return pl.DataFrame(rows, schema=text.schema), findings
