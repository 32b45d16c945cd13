"""A month's parcels as a district does it today: pandas, CSV in, CSV out.

python pandas_script.py FILE STATIONS OUT
"""

import sys
from pathlib import Path

import pandas as pd

EVENTS = {
    "picked_up": ("收寄", "揽收", "收件", "已收寄"),
    "departed": ("离站", "发出", "出站"),
    "arrived": ("到站", "到达", "到件", "进站"),
    "delivered": ("妥投", "签收", "已签收", "投递成功", "已妥投"),
    "returned": ("退回", "退件", "退回寄件人"),
}
DIRECTIONS = {"inbound": ("进村", "下行", "进"), "outbound": ("出村", "上行", "出")}
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
PHONE = r"1[3-9]\d{9}"
SPOILT = r"[+-]?\d(?:\.\d+)?[Ee]\+\d+"


def codes(spellings):
    return {word: code for code, words in spellings.items() for word in (code, *words)}


def is_person(text):
    """A resident's number with its check digit, or a mobile phone's."""
    found = text.str.fullmatch(PHONE, na=False)
    for index, value in text[text.str.fullmatch(r"[1-9]\d{16}[\dX]", na=False)].items():
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        total = sum(int(digit) * weight for digit, weight in zip(value[:17], weights, strict=True))
        found[index] = "10X98765432"[total % 11] == value[17]
    return found


def main(file, stations, out):
    period = file.stem.split("__")[1]
    end = pd.Period(period, freq="M").end_time
    raw = pd.read_csv(file, encoding="gb18030", dtype=str, keep_default_na=False)
    raw.insert(0, "line", range(2, len(raw) + 2))
    raw.to_csv(out / "bronze.csv", index=False)

    rows = raw[list(COLUMNS)].rename(columns=COLUMNS).apply(lambda column: column.str.strip())
    rows = rows.where(rows != "")
    problems = []

    def fail(column, rule, broken):
        """Note a rule for the cells that have no problem yet."""
        broken = broken & ~wrong[column]
        wrong.loc[broken, column] = True
        problems.append(pd.DataFrame({"line": raw.loc[broken, "line"], "column": column, "rule": rule}))

    wrong = pd.DataFrame(False, index=rows.index, columns=rows.columns)
    for column in ("waybill_no", "event", "site_no", "event_at", "direction"):
        fail(column, "required", rows[column].isna())
    for column, pattern in (("waybill_no", r"[0-9A-Z]{10,20}"), ("site_no", r"YZ\d{8}")):
        fail(column, "excel_spoilt", rows[column].str.fullmatch(SPOILT, na=False))
        fail(column, "pattern", ~rows[column].str.fullmatch(pattern, na=True))
        fail(column, "personal_number", is_person(rows[column]))
    event, direction = rows["event"].map(codes(EVENTS)), rows["direction"].map(codes(DIRECTIONS))
    fail("event", "enum", event.isna())
    fail("direction", "enum", direction.isna())
    event_at = pd.to_datetime(rows["event_at"], format="%Y-%m-%d %H:%M:%S", errors="coerce")
    fail("event_at", "date_precision", rows["event_at"].str.fullmatch(r"\d{4}-\d{2}-\d{2}", na=False))
    fail("event_at", "type_timestamp", event_at.isna())
    fail("event_at", "not_future", event_at > end)
    is_number = rows["weight_kg"].str.fullmatch(r"-?\d{1,15}(?:\.\d{1,3})?", na=True)
    weight_kg = pd.to_numeric(rows["weight_kg"].where(is_number))
    fail("weight_kg", "type_number", ~is_number)
    fail("weight_kg", "minimum", weight_kg < 0)
    fail("weight_kg", "maximum", weight_kg > 1000)
    for column in ("sender_phone", "receiver_phone"):
        fail(column, "masked_value", rows[column].str.contains("*", regex=False, na=False))
        digits = rows[column].str.replace(r"[\s\-]", "", regex=True)
        fail(column, "mobile_phone", ~digits.str.fullmatch(PHONE, na=True))

    typed = rows.assign(
        event=event.fillna(rows["event"]),
        direction=direction.fillna(rows["direction"]),
        event_at=event_at.astype("string").fillna(rows["event_at"]),
        weight_kg=weight_kg.astype("string").fillna(rows["weight_kg"]),
    )
    repeated = typed.duplicated()
    whole = typed[~repeated & ~wrong["waybill_no"] & ~wrong["event"]]
    clashing = whole[whole.duplicated(["waybill_no", "event"], keep=False)].index
    problems.append(
        pd.DataFrame({"line": raw.loc[clashing, "line"], "column": "waybill_no,event", "rule": "key_conflict"})
    )
    quarantine = pd.concat(problems)
    quarantine = quarantine[~quarantine["line"].isin(raw.loc[repeated, "line"])].sort_values("line")
    quarantine["reason"] = quarantine["rule"].map(REASONS)
    good = ~repeated & ~raw["line"].isin(quarantine["line"])
    silver = pd.DataFrame(
        {
            "line": raw["line"],
            "waybill_no": rows["waybill_no"],
            "event": event,
            "site_no": rows["site_no"],
            "event_at": event_at,
            "direction": direction,
            "weight_kg": weight_kg,
        }
    )[good]
    if len(silver) + quarantine["line"].nunique() + repeated.sum() != len(raw):
        raise SystemExit("the counts do not add up")
    silver.to_csv(out / "silver.csv", index=False)
    quarantine.to_csv(out / "quarantine.csv", index=False)
    quarantine.to_csv(out / "receipt.csv", index=False, encoding="utf-8-sig")

    places = pd.read_csv(stations, dtype=str)
    delivered = silver[(silver["direction"] == "inbound") & (silver["event"] == "delivered")]
    delivered = delivered.merge(places, on="site_no")
    delivered["period"] = delivered["event_at"].dt.strftime("%Y-%m")
    counted = delivered.groupby(["division_code", "period"]).size().rename("parcels").reset_index()
    counted.to_csv(out / "village_month.csv", index=False)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
