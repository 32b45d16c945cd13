"""A month's parcels by Polars and delta-rs: text kept, rows checked, good and bad rows apart, parcels by village.

python polars_delta.py FILE STATIONS OUT
"""

import sys
from datetime import date
from pathlib import Path

import polars as pl

EVENTS = {
    **dict.fromkeys(("收寄", "揽收", "收件", "已收寄", "picked_up"), "picked_up"),
    **dict.fromkeys(("离站", "发出", "出站", "departed"), "departed"),
    **dict.fromkeys(("到站", "到达", "到件", "进站", "arrived"), "arrived"),
    **dict.fromkeys(("妥投", "签收", "已签收", "投递成功", "已妥投", "delivered"), "delivered"),
    **dict.fromkeys(("退回", "退件", "退回寄件人", "returned"), "returned"),
}
DIRECTIONS = {
    **dict.fromkeys(("进村", "下行", "进", "inbound"), "inbound"),
    **dict.fromkeys(("出村", "上行", "出", "outbound"), "outbound"),
}
COLUMNS = {
    "运单号": "waybill_no",
    "事件类型": "event",
    "站点编号": "site_no",
    "操作时间": "event_at",
    "流向": "direction",
    "计费重量": "weight_kg",
    "寄件人电话": "sender_phone",
    "收件人电话": "receiver_phone",
}
MEANING = ["waybill_no", "event", "site_no", "event_at", "direction", "weight_kg", "sender_phone", "receiver_phone"]
PHONE = r"^1[3-9]\d{9}$"
PERSON = r"^[1-9]\d{16}[\dX]$"
REASONS = {
    "required": "必填项没有填",
    "enum": "不在可选项里",
    "pattern": "格式不对",
    "excel_spoilt": "被 Excel 改坏",
    "personal_number": "个人号码填错了列",
    "type_timestamp": "不是时间",
    "date_precision": "日期不完整",
    "not_future": "晚于报送期",
    "type_number": "不是数字",
    "minimum": "低于下限",
    "maximum": "超过上限",
    "mobile_phone": "手机号码无效",
    "masked_value": "遮盖的内容没有改回",
    "key_conflict": "编号重复但内容不同",
}


def is_person(text: pl.Expr) -> pl.Expr:
    """A resident's number with its check digit, or a mobile phone's."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    shaped = text.str.contains(PERSON)
    total = sum(text.str.slice(at, 1).cast(pl.Int32, strict=False) * weight for at, weight in enumerate(weights))
    check = (total % 11).replace_strict(list(range(11)), list("10X98765432"), return_dtype=pl.String)
    return (shaped & (check == text.str.slice(17, 1))).fill_null(False) | text.str.contains(PHONE)


def first_rule(*rules: tuple[str, pl.Expr]) -> pl.Expr:
    """The first rule that a cell breaks; null for a good cell."""
    return pl.coalesce(*(pl.when(broken.fill_null(False)).then(pl.lit(name)) for name, broken in rules))


def checked(raw: pl.DataFrame, last_day: date) -> pl.DataFrame:
    """The contract's columns typed, and for each the rule that it breaks."""
    text = raw.lazy().select(
        "line",
        *(pl.col(title).str.strip_chars().replace("", None).alias(name) for title, name in COLUMNS.items()),
    )
    code, site, at, weight = (pl.col(name) for name in ("waybill_no", "site_no", "event_at", "weight_kg"))
    moment = at.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)
    number = weight.cast(pl.Decimal(18, 3), strict=False)
    spoilt = r"^[+-]?\d(\.\d+)?[Ee]\+\d+$"
    rules = {
        "waybill_no": first_rule(
            ("required", code.is_null()),
            ("excel_spoilt", code.str.contains(spoilt)),
            ("pattern", ~code.str.contains(r"^[0-9A-Z]{10,20}$")),
            ("personal_number", is_person(code)),
        ),
        "event": first_rule(("required", pl.col("event").is_null()), ("enum", ~pl.col("event").is_in(list(EVENTS)))),
        "site_no": first_rule(
            ("required", site.is_null()),
            ("excel_spoilt", site.str.contains(spoilt)),
            ("pattern", ~site.str.contains(r"^YZ\d{8}$")),
            ("personal_number", is_person(site)),
        ),
        "event_at": first_rule(
            ("required", at.is_null()),
            ("date_precision", at.str.contains(r"^\d{4}-\d{2}-\d{2}$")),
            ("type_timestamp", moment.is_null()),
            ("not_future", moment.dt.date() > last_day),
        ),
        "direction": first_rule(
            ("required", pl.col("direction").is_null()), ("enum", ~pl.col("direction").is_in(list(DIRECTIONS)))
        ),
        "weight_kg": first_rule(
            ("type_number", weight.is_not_null() & ~weight.str.contains(r"^-?\d{1,15}(\.\d{1,3})?$")),
            ("minimum", number < 0),
            ("maximum", number > 1000),
        ),
    }
    for name in ("sender_phone", "receiver_phone"):
        masked, digits = pl.col(name).str.contains("*", literal=True), pl.col(name).str.replace_all(r"[\s\-]", "")
        rules[name] = first_rule(("masked_value", masked), ("mobile_phone", ~digits.str.contains(PHONE)))
    typed = {
        "event": pl.col("event").replace_strict(EVENTS, default=None),
        "direction": pl.col("direction").replace_strict(DIRECTIONS, default=None),
        "event_at": moment,
        "weight_kg": number,
    }
    kept = {name: pl.coalesce(value.cast(pl.String), pl.col(name)) for name, value in typed.items()}
    meaning = pl.struct(*(kept.get(name, pl.col(name)) for name in MEANING)).hash()
    return text.with_columns(
        **typed, **{f"rule_{name}": rule for name, rule in rules.items()}, meaning=meaning
    ).collect()


def main(file: Path, stations: Path, out: Path) -> None:
    year, month = (int(part) for part in file.stem.split("__")[1].split("-"))
    last_day = pl.select(pl.date(year, month, 1).dt.month_end()).item()
    raw = pl.read_csv(file, encoding="gb18030", infer_schema=False).with_row_index("line", offset=2)
    raw = raw.with_columns(pl.col("line").cast(pl.Int64))
    raw.write_delta(out / "bronze")

    rows = checked(raw, last_day)
    repeated = ~rows["meaning"].is_first_distinct()
    conflicts = (
        rows.filter(~repeated & pl.col("rule_waybill_no").is_null() & pl.col("rule_event").is_null())
        .filter(pl.struct("waybill_no", "event").is_duplicated())
        .select("line", pl.lit("waybill_no,event").alias("column"), pl.lit("key_conflict").alias("rule"))
    )
    bad = (
        rows.filter(~repeated)
        .select("line", *(pl.col(f"rule_{name}").alias(name) for name in COLUMNS.values()))
        .unpivot(index="line", variable_name="column", value_name="rule")
        .drop_nulls("rule")
    )
    quarantine = pl.concat([bad, conflicts]).sort("line").with_columns(reason=pl.col("rule").replace_strict(REASONS))
    good = rows.filter(~repeated).join(quarantine, on="line", how="anti")
    silver = good.select("line", "waybill_no", "event", "site_no", "event_at", "direction", "weight_kg")
    wrong = quarantine["line"].n_unique()
    if silver.height + wrong + repeated.sum() != raw.height:
        raise SystemExit("the counts do not add up")
    silver.write_delta(out / "silver")
    quarantine.write_delta(out / "quarantine")
    quarantine.write_csv(out / "receipt.csv", include_bom=True)

    places = pl.read_csv(stations, infer_schema=False)
    (
        silver.filter(direction="inbound", event="delivered")
        .join(places, on="site_no")
        .group_by("division_code", period=pl.col("event_at").dt.strftime("%Y-%m"))
        .agg(parcels=pl.len())
        .write_csv(out / "village_month.csv")
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
