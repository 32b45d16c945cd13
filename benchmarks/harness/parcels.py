"""The large file: parcels' events as a department sends them, GB18030, 15 columns, one row of a hundred bad.

Eight columns are the contract's, seven are the department's own. Every row follows from the seed and its number, so a
part of any size can be made by itself and memory does not grow with the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from agrilake.sample.files import encode
from agrilake.sample.periods import first_day, next_month

ROWS_AT_ONCE = 250_000
EVENTS = ("收寄", "离站", "到站", "妥投")
"""A parcel's rows, in time."""
OWN_COLUMNS = ("寄递企业", "产品类型", "寄达城市", "资费", "件数", "派件班次", "备注")
HEADER = ("运单号", "事件类型", "站点编号", "操作时间", "流向", "计费重量", "寄件人电话", "收件人电话", *OWN_COLUMNS)
NAMES = ("waybill_no", "event", "site_no", "event_at", "direction", "weight_kg", "sender_phone", "receiver_phone")
BAD, REPEATED, CONFLICTING = 100, 1000, 2000
"""One row in so many is spoilt, stands twice, or is contradicted by the row after it."""

TRUTH = {"line": pl.Int64, "column": pl.String, "rule": pl.String}


@dataclass(frozen=True)
class Made:
    """A file; what must be quarantined (line, column, rule); how many rows it has and how many of them repeat."""

    path: Path
    quarantine: pl.DataFrame
    records: int
    duplicate: int


def write(path: Path, rows: int, month: str, sites: Sequence[str], seed: int) -> Made:
    """Write a month's file with about `rows` rows at these stations."""
    line, repeated = 2, 0
    found = [pl.DataFrame(schema=TRUTH)]
    with path.open("wb") as target:
        target.write(encode(",".join(HEADER) + "\n", "gb18030"))
        for start in range(0, rows, ROWS_AT_ONCE):
            part = _with_repeats(
                _spoilt(_part(start, min(rows, start + ROWS_AT_ONCE), rows, month, sites, seed), month)
            )
            part = part.with_columns(line=pl.int_range(line, line + part.height, dtype=pl.Int64))
            text = part.select(*NAMES, *OWN_COLUMNS).write_csv(include_header=False, null_value="")
            target.write(encode(text, "gb18030"))
            found.append(part.filter(pl.col("rule").is_not_null()).select(list(TRUTH)))
            line, repeated = line + part.height, repeated + int(part["again"].sum())
    return Made(path, pl.concat(found), line - 2, repeated)


CORRECTED_WEIGHT = "0.777"


def write_correction(
    path: Path, rows: int, months: Sequence[str], sites: Sequence[str], seed: int, one_of: int, recent: bool
) -> int:
    """Write a file that says another weight for one of so many rows of the months' files (`rows` each): the last ones
    of the last month if `recent`, else any. Returns how many. Keys that were spoilt in a month's file are new by it."""
    wanted, written = rows * len(months) // one_of, 0
    with path.open("wb") as target:
        target.write(encode(",".join(HEADER) + "\n", "gb18030"))
        for month in months[-1:] if recent else months:
            first = max(0, rows - wanted) if recent else 0
            for start in range(first, rows, ROWS_AT_ONCE):
                part = _part(start, min(rows, start + ROWS_AT_ONCE), rows, month, sites, seed)
                part = part if recent else part.filter(pl.col("number").hash(seed + 2) % one_of == 0)
                part = part.with_columns(weight_kg=pl.lit(CORRECTED_WEIGHT)).select(*NAMES, *OWN_COLUMNS)
                target.write(encode(part.write_csv(include_header=False, null_value=""), "gb18030"))
                written += part.height
    return written


def _part(start: int, end: int, rows: int, month: str, sites: Sequence[str], seed: int) -> pl.DataFrame:
    """Clean rows `start` to `end` of `rows` as text, with `number` and a draw of their own."""
    number = pl.int_range(start, end, dtype=pl.Int64, eager=True)
    parcel, event = number // len(EVENTS), number % len(EVENTS)
    draw, of_parcel = number.hash(seed), parcel.hash(seed + 1)
    days = (next_month_day(month) - first_day(month)).days
    seconds = parcel * (days * 86_400 - 80_000) * len(EVENTS) // rows + event * 19_000 + draw % 900
    at = (pl.lit(first_day(month)).cast(pl.Datetime("us")) + pl.duration(seconds=pl.lit(seconds))).dt
    phones = [pl.lit("138") + pl.lit((of_parcel // step % 10**8).cast(pl.String).str.zfill(8)) for step in (1, 7)]
    grams = (of_parcel % 20_000 + 50).cast(pl.Int64)
    place = pl.Series(sites).gather((of_parcel // 11 % len(sites)).cast(pl.UInt32))
    carriers = pl.Series(["邮政", "中通", "圆通", "韵达", "极兔"])
    return pl.DataFrame({"number": number, "draw": draw}).with_columns(
        (pl.lit(f"YL{month[2:4]}{month[5:]}") + pl.lit(parcel.cast(pl.String).str.zfill(9))).alias("waybill_no"),
        pl.Series(EVENTS).gather(event).alias("event"),
        place.alias("site_no"),
        at.strftime("%Y-%m-%d %H:%M:%S").alias("event_at"),
        pl.when(pl.lit(of_parcel % 5 > 0)).then(pl.lit("进村")).otherwise(pl.lit("出村")).alias("direction"),
        (pl.lit((grams // 1000).cast(pl.String)) + "." + pl.lit((grams % 1000).cast(pl.String).str.zfill(3))).alias(
            "weight_kg"
        ),
        pl.when(pl.lit(of_parcel % 10 < 6)).then(phones[0]).alias("sender_phone"),
        pl.when(pl.lit(of_parcel % 10 > 0)).then(phones[1]).alias("receiver_phone"),
        carriers.gather((of_parcel % 5).cast(pl.UInt32)).alias(OWN_COLUMNS[0]),
        pl.when(pl.lit(of_parcel % 3 > 0)).then(pl.lit("标准快递")).otherwise(pl.lit("经济快递")).alias(OWN_COLUMNS[1]),
        pl.lit("重庆市渝北区").alias(OWN_COLUMNS[2]),
        (pl.lit((of_parcel % 30 + 5).cast(pl.String)) + ".50").alias(OWN_COLUMNS[3]),
        pl.lit("1").alias(OWN_COLUMNS[4]),
        (pl.lit("第") + pl.lit((draw % 3 + 1).cast(pl.String)) + "班").alias(OWN_COLUMNS[5]),
        pl.when(pl.lit(draw % 50 == 0)).then(pl.lit("村口代收")).alias(OWN_COLUMNS[6]),
    )


def next_month_day(month: str) -> date:
    """The first day of the month after."""
    return first_day(next_month(month))


def _defects(month: str) -> list[tuple[str, str, pl.Expr]]:
    """Column, the rule that it breaks, and what stands there instead."""
    later = next_month_day(month) + timedelta(days=1)
    return [
        ("event", "enum", pl.lit("丢失")),
        ("weight_kg", "minimum", pl.lit("-") + pl.col("weight_kg")),
        ("weight_kg", "maximum", pl.lit("125000")),
        ("weight_kg", "type_number", pl.lit("两公斤多")),
        ("event_at", "type_timestamp", pl.lit("昨天下午")),
        ("event_at", "date_precision", pl.col("event_at").str.head(10)),
        ("event_at", "not_future", pl.lit(f"{later} 08:00:00")),
        ("site_no", "pattern", pl.col("site_no").str.slice(2)),
        ("site_no", "required", pl.lit(None, pl.String)),
        ("waybill_no", "pattern", pl.col("waybill_no").str.tail(8)),
        ("waybill_no", "excel_spoilt", pl.lit("9.8") + pl.col("waybill_no").str.tail(4) + pl.lit("E+12")),
        ("direction", "enum", pl.lit("同城")),
        ("sender_phone", "mobile_phone", pl.lit("1540000")),
        ("receiver_phone", "mobile_phone", pl.lit("021-6543")),
    ]


def _spoilt(rows: pl.DataFrame, month: str) -> pl.DataFrame:
    """One row in a hundred with one bad cell; `column` and `rule` say what is wrong."""
    defects = _defects(month)
    bad = pl.col("draw") % BAD == 0
    chosen = (pl.col("draw") // BAD % len(defects)).cast(pl.Int64)
    rows = rows.with_columns(which=pl.when(bad).then(chosen))
    changed = {}
    for name in NAMES:
        cell = pl.col(name)
        for number, (column, _, text) in enumerate(defects):
            if column == name:
                cell = pl.when(pl.col("which") == number).then(text).otherwise(cell)
        changed[name] = cell
    columns, rules, _ = zip(*defects, strict=True)
    return rows.with_columns(**changed, column=_told(columns), rule=_told(rules))


def _told(words: Sequence[str]) -> pl.Expr:
    return pl.col("which").replace_strict(list(range(len(words))), list(words), return_dtype=pl.String)


def _with_repeats(rows: pl.DataFrame) -> pl.DataFrame:
    """Some good rows again a little further down (`again`), and some contradicted by the next row."""
    good = rows.filter(pl.col("rule").is_null())
    repeated = good.filter(pl.col("draw") % REPEATED == 1).with_columns(pl.col("number") + 500, again=pl.lit(True))
    pair = good.filter(pl.col("draw") % CONFLICTING == 2)
    clash = {"column": pl.lit("waybill_no,event"), "rule": pl.lit("key_conflict")}
    against = pair.with_columns(weight_kg=pl.lit("999.125"), again=pl.lit(False), **clash)
    clashing = pl.col("number").is_in(pair["number"].implode())
    rows = rows.with_columns(
        again=pl.lit(False),
        column=pl.when(clashing).then(clash["column"]).otherwise("column"),
        rule=pl.when(clashing).then(clash["rule"]).otherwise("rule"),
    )
    return pl.concat([rows, against, repeated]).sort("number", maintain_order=True)
