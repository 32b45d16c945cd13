"""How the parcels' files look, and what is wrong with some of their rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl

from agrilake.contract.model import Dataset
from agrilake.sample.drop import Drop, ExpectedFile
from agrilake.sample.history import corrected_on
from agrilake.sample.identifiers import stream
from agrilake.sample.large_files import MOMENTS, LargeFile, dirty_count, spelled, spelling_of
from agrilake.sample.periods import first_day, next_month
from agrilake.sample.spelling import Style

STYLES = (
    Style(encoding="utf-8"),
    Style(encoding="gb18030", delimiter="\t", form="txt", headers=1, labels=1, titled=True, dates="chinese"),
    Style(encoding="utf-8-bom", headers=2, labels=2, dates="slash"),
    Style(encoding="utf-16", delimiter=";", headers=3, dates="compact"),
)
Spoil = tuple[str, str, Callable[[str], str]]
DEFECTS: tuple[Spoil, ...] = (
    ("event", "enum", lambda _: "丢失"),
    ("weight_kg", "minimum", lambda cell: f"-{cell}"),
    ("weight_kg", "maximum", lambda _: "125000"),
    ("weight_kg", "type_number", lambda _: "两公斤多"),
    ("event_at", "type_timestamp", lambda _: "昨天下午"),
    ("event_at", "date_precision", lambda cell: cell),
    ("site_no", "pattern", lambda cell: cell[2:]),
    ("site_no", "required", lambda _: ""),
    ("waybill_no", "pattern", lambda cell: cell[-8:]),
    ("waybill_no", "excel_spoilt", lambda cell: f"9.8{cell[-4:]}E+12"),
    ("direction", "enum", lambda _: "同城"),
    ("sender_phone", "mobile_phone", lambda _: "1540000"),
    ("receiver_phone", "mobile_phone", lambda _: "021-6543"),
)


def deliver(drop: Drop, month: str, events: pl.DataFrame, index: int, seed: int) -> None:
    """One month's events, with spoilt rows, repeated rows, conflicting keys and events after the month; the first file
    comes with a manifest. What was corrected late lacked the events of every ninth site at first."""
    late = corrected_on("postal_parcel", month)
    if late is not None:
        absent = events["site_no"].unique().sort().gather_every(9)
        _file(drop, month, events.filter(~pl.col("site_no").is_in(absent.implode())), index, seed)
    done = _file(drop, month, events, index, seed, "更正" if late else "", late)
    if index == 0:
        drop.manifest(done)


def _file(
    drop: Drop, month: str, events: pl.DataFrame, index: int, seed: int, note: str = "", arrives: date | None = None
) -> ExpectedFile:
    dataset = drop.registry.get("postal_parcel")
    style = STYLES[index % len(STYLES)]
    rng = stream(seed, "parcel file", month)
    text = spelled(events, dataset, style)
    dirty, findings = _dirty(text, month, dataset, style, dirty_count(events.height), rng)
    return LargeFile(dataset, month, style, text, dirty, findings, note, arrives).deliver(drop, rng)


def _dirty(
    text: pl.DataFrame, month: str, dataset: Dataset, style: Style, count: int, rng: np.random.Generator
) -> tuple[pl.DataFrame, list[tuple[str, str]]]:
    """`count` spoilt rows under waybill numbers of their own, one after the month, a pair that contradicts itself;
    and for each its column and rule."""
    hosts = text[rng.integers(0, text.height, count + 3).tolist()]
    rows, findings = [], []
    for number, host in enumerate(hosts.iter_rows(named=True)):
        row = {**host, "waybill_no": f"YX{month[2:4]}{month[5:]}{number:08d}"}
        if number < count:
            column, rule, spoil = DEFECTS[number % len(DEFECTS)]
            row[column] = _day(month, style) if rule == "date_precision" else spoil(row[column])
        elif number == count:
            column, rule = "event_at", "not_future"
            row[column] = first_day(next_month(month)).strftime(MOMENTS[style.dates])
        else:
            column, rule = "waybill_no,event", "key_conflict"
            same = {
                "waybill_no": f"YX{month[2:4]}{month[5:]}99999999",
                "event": spelling_of(dataset.column("event"), style)["arrived"],
            }
            row |= {**same, "weight_kg": str(number - count)}
        rows.append(row)
        findings.append((column, rule))
    return pl.DataFrame(rows, schema=text.schema), findings


def _day(month: str, style: Style) -> str:
    """The first day of the month without a time, as this department writes days."""
    return first_day(month).strftime(MOMENTS[style.dates].split("%H")[0].strip())
