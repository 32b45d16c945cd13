"""Writing the parcels' files: whole columns at once, with the dirty rows strewn in."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from agrilake.contract.model import Dataset
from agrilake.sample.drop import Drop, ExpectedFinding
from agrilake.sample.files import encode
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import first_day, next_month
from agrilake.sample.spelling import Style, header_of

STYLES = (
    Style(encoding="utf-8"),
    Style(encoding="gb18030", delimiter="\t", form="txt", headers=1, labels=1, titled=True, dates="chinese"),
    Style(encoding="utf-8-bom", headers=2, labels=2, dates="slash"),
    Style(encoding="utf-16", delimiter=";", headers=3, dates="compact"),
)
MOMENTS = {
    "iso": "%Y-%m-%d %H:%M:%S",
    "chinese": "%Y年%m月%d日 %H时%M分%S秒",
    "slash": "%Y/%m/%d %H:%M:%S",
    "compact": "%Y%m%d%H%M%S",
}
DIRTY_SHARE = 0.0005
LEAST_DIRTY = 12
"""Dirty rows a file: one in two thousand, but a dozen at least."""

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
    """One month's events, with spoilt rows, repeated rows, conflicting keys and events after the month;
    the first file comes with a manifest."""
    dataset = drop.registry.get("postal_parcel")
    style = STYLES[index % len(STYLES)]
    rng = stream(seed, "parcel file", month)
    text = _spelled(events, dataset, style)
    count = max(LEAST_DIRTY, int(events.height * DIRTY_SHARE))
    dirty, findings = _dirty(text, month, dataset, style, count, rng)
    duplicates = max(3, int(events.height * DIRTY_SHARE / 2))
    lines = _strewn(text, dirty, duplicates, rng)
    table = lines.drop("_dirty", "_order")
    path = drop.path(dataset, month, style)
    _write(path, table, dataset, style)
    at = lines.with_row_index("line", offset=2).filter(pl.col("_dirty").is_not_null()).sort("_dirty")["line"].to_list()
    expected = [ExpectedFinding(line, None, column, rule) for line, (column, rule) in zip(at, findings, strict=True)]
    done = drop.add(
        path,
        dataset,
        month,
        records=table.height,
        duplicate=duplicates,
        quarantined=dirty.height,
        findings=expected,
        style=style,
    )
    if index == 0:
        drop.manifest(done)


def _spelled(events: pl.DataFrame, dataset: Dataset, style: Style) -> pl.DataFrame:
    """Every column as text, in this department's spelling."""
    columns = []
    for column in dataset.columns:
        if column.enum:
            spelling = {
                item.value: (item.label, *item.synonyms)[style.labels % (1 + len(item.synonyms))]
                for item in column.enum
            }
            columns.append(pl.col(column.name).replace_strict(spelling))
        elif column.name == "event_at":
            columns.append(pl.col("event_at").dt.strftime(MOMENTS[style.dates]))
        else:
            columns.append(pl.col(column.name).cast(pl.String).fill_null(""))
    return events.select(columns)


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
            same = {"waybill_no": f"YX{month[2:4]}{month[5:]}99999999", "event": _arrived(dataset, style)}
            row |= {**same, "weight_kg": str(number - count)}
        rows.append(row)
        findings.append((column, rule))
    return pl.DataFrame(rows, schema=text.schema), findings


def _day(month: str, style: Style) -> str:
    """The first day of the month without a time, as this department writes days."""
    return first_day(month).strftime(MOMENTS[style.dates].split("%H")[0].strip())


def _arrived(dataset: Dataset, style: Style) -> str:
    item = next(item for item in dataset.column("event").enum if item.value == "arrived")
    return (item.label, *item.synonyms)[style.labels % (1 + len(item.synonyms))]


def _strewn(text: pl.DataFrame, dirty: pl.DataFrame, duplicates: int, rng: np.random.Generator) -> pl.DataFrame:
    """All rows in file order with `_dirty` (number of the dirty row, else null): dirty ones anywhere, repeats
    somewhere after the row that they repeat."""
    order = np.arange(text.height, dtype=np.float64)
    again = rng.choice(text.height, size=duplicates, replace=False)
    later = again + rng.uniform(0.1, max(1.0, text.height / 10), duplicates)
    parts = [
        text.with_columns(_order=pl.Series(order), _dirty=pl.lit(None, dtype=pl.Int64)),
        text[again.tolist()].with_columns(_order=pl.Series(later), _dirty=pl.lit(None, dtype=pl.Int64)),
        dirty.with_columns(
            _order=pl.Series(rng.uniform(0, text.height, dirty.height)),
            _dirty=pl.int_range(dirty.height, dtype=pl.Int64),
        ),
    ]
    return pl.concat(parts).sort("_order", maintain_order=True)


def _write(path: Path, table: pl.DataFrame, dataset: Dataset, style: Style) -> None:
    names = {column.name: header_of(column, dataset, style) for column in dataset.columns}
    buffer = io.BytesIO()
    table.rename(names).write_csv(buffer, separator=style.delimiter)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = buffer.getvalue()
    path.write_bytes(data if style.encoding == "utf-8" else encode(data.decode("utf-8"), style.encoding))
