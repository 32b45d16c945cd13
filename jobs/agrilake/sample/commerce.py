"""Commerce: service sites of villages and online sales of farm products, with how their files look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from prcoords import wgs_gcj

from agrilake.sample import identifiers as made
from agrilake.sample.agri import PRODUCTS, Entities
from agrilake.sample.drop import Drop, ExpectedFile
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import first_day, last_day, year_before, years_in
from agrilake.sample.places import Place, Places
from agrilake.sample.records import Defect, Record, Row, chosen, conflicting, mixed, spoilt
from agrilake.sample.spelling import Style

BRAND = "御临风物"
PLATFORMS = ("taobao", "jd", "pinduoduo", "douyin", "kuaishou", "wechat", "cuncunwang", "other")
SERVICES = ("代买、代卖", "代买、代卖、代收快递", "代收快递、缴费", "代卖、直播、代收快递")
GROWTH = 1.17
BEGUN = date(2016, 1, 1)
"""The day on which the first of the sites opened."""

WHOLESALE = Decimal(10_000_000)
"""Online sales above this belong to leading enterprises; they are round thousands, as is usual for contracts."""

SITE_STYLES = (
    Style(preamble=True, headers=1, dates="slash", divisions="name", nothing="无"),
    Style(form="xlsx", titled=True, numbered=True, two_lines=True, dates="cell", divisions="mixed"),
    Style(encoding="utf-8-bom", dates="chinese", headers=2, divisions="full", nothing="-"),
    Style(form="xls", dates="mixed", preamble=True, notes=True, headers=3),
)
SALES_STYLES = (
    Style(money="wan_header", headers=2, preamble=True, totals=True, periods="chinese", extra=True),
    Style(form="xlsx", titled=True, preamble=True, totals=True, two_lines=True, numbers="thousands", periods="dot"),
    Style(encoding="utf-8-bom", money="wan_cell", periods="compact", labels=1, headers=1),
    Style(form="xls", money="wan_preamble", headers=1, notes=True, totals=True, periods="chinese", numbered=True),
    Style(encoding="utf-16", delimiter="\t", form="txt", numbers="fullwidth", periods="dot", headers=3),
    Style(delimiter="，", numbers="mixed", titled=True, periods="iso", extra=True, labels=2),
)
SITE_DEFECTS = (
    Defect("site_no", "excel_spoilt", lambda row: row["site_no"].lstrip("0")),
    Defect("closed_on", "not_before", lambda row: f"{row['opened_on'] - timedelta(days=40):%Y-%m-%d}"),
    Defect("lon", "longitude", "0"),
    Defect("opened_on", "type_date", "去年春天"),
    Defect("phone", "mobile_phone", "12345"),
    Defect("division_code", "division_known", "石笋沟村"),
    Defect("lat", "type_number", "北纬二十九度"),
    Defect("name", "required", ""),
)
SALES_DEFECTS = (
    Defect("platform", "enum", "线下门店"),
    Defect("orders", "minimum", "-3"),
    Defect("amount_yuan", "type_number", "不详"),
    Defect("orders", "type_integer", "12.5"),
    Defect("credit_code", "credit_code", lambda row: row["credit_code"].replace("500199", "5OO199", 1)),
    Defect("credit_code", "excel_spoilt", "9.15002E+17"),
    Defect("amount_yuan", "required", ""),
    Defect("amount_yuan", "maximum", "99999999999 元"),
)


def sites(places: Places, months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Sites by the month that reports them: seven villages in ten at first, then openings and closures."""
    rng = stream(seed, "commerce site")
    found: dict[str, list[Row]] = {month: [] for month in months}
    number = 0
    for place in places.villages:
        chance = 0.72 if place.committee else 0.25
        for _ in range(2):
            if rng.random() < chance:
                number += 1
                opened = BEGUN + timedelta(days=int(rng.integers(0, min(2500, (first_day(months[0]) - BEGUN).days))))
                found[months[0]].append(_site(place, number, opened, rng))
            chance *= 0.12
    for month in months[1:]:
        for at in rng.choice(len(places.committees), size=1 + len(places.committees) // 90, replace=False):
            number += 1
            opened = first_day(month) + timedelta(days=int(rng.integers(0, 27)))
            found[month].append(_site(places.committees[at], number, opened, rng))
        closed = {row["site_no"] for rows in found.values() for row in rows if row["closed_on"]}
        still_open = [row for row in found[months[0]] if row["site_no"] not in closed]
        if still_open and rng.random() < 0.6:
            day = first_day(month) + timedelta(days=int(rng.integers(0, 27)))
            found[month].append({**still_open[int(rng.integers(len(still_open)))], "closed_on": day})
    return found


def _site(place: Place, number: int, opened: date, rng: np.random.Generator) -> Row:
    lon, lat = place.lon + float(rng.normal(0, 0.004)), place.lat + float(rng.normal(0, 0.004))
    gcj_lat, gcj_lon = wgs_gcj((lat, lon), check_china=False)
    return {
        "site_no": f"00{place.code[8:9]}{number:05d}",
        "name": f"{place.short}电商服务站",
        "division_code": place.code,
        "address": f"{place.short}{rng.integers(1, 12)}组{'便民超市旁' if number % 3 else '㛃家院子，公路边'}",
        "manager": made.person(rng),
        "phone": made.phone(rng),
        "lon": round(float(gcj_lon), 6),
        "lat": round(float(gcj_lat), 6),
        "opened_on": opened,
        "closed_on": None,
        "services": SERVICES[rng.integers(len(SERVICES))],
    }


def deliver_sites(drop: Drop, sites: dict[str, list[Row]], seed: int) -> None:
    """The register in the first month, then openings and closures."""
    known = [row for rows in sites.values() for row in rows]
    for index, (month, rows) in enumerate(sites.items()):
        rng = stream(seed, "commerce site file", month)
        after = Defect("opened_on", "not_future", f"{last_day(month) + timedelta(days=20):%Y-%m-%d}")
        picked = [after, *chosen(SITE_DEFECTS, index, len(SITE_DEFECTS) if index < 2 else 4)]
        dirty = [
            spoilt({**known[at % len(known)], "closed_on": None, "site_no": f"0099{index:02d}{at:02d}"}, [defect])
            for at, defect in enumerate(picked)
        ]
        base = {**known[0], "closed_on": None, "site_no": f"0099{index:02d}90"}
        dirty += conflicting(base, "site_no", {"name": base["name"] + "（新）"})
        duplicates = 1 if len(rows) > 2 else 0
        style = SITE_STYLES[index % len(SITE_STYLES)]
        records = [Record(row) for row in rows]
        if rows and not style.workbook:
            records[0] = Record(_with_line_end(rows[0]))
        drop.table("commerce_service_site", month, mixed(records, dirty, rng, duplicates), style)


def _with_line_end(row: Row) -> Row:
    """The address over two lines, as it is typed with Alt+Enter; and a cell that looks like a formula."""
    return {**row, "address": f"{row['address']}\n（原供销社，二楼）", "services": "=代买+代卖"}


def sales(entities: Entities, months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Online sales by month; where the months lie in one year, of the same months a year before as well."""
    rng = stream(seed, "sales")
    offers: list[Row] = []
    for row in entities.rows:
        if row["kind"] != "leading_enterprise" and rng.random() > 0.4:
            continue
        brand = BRAND if rng.random() < 0.35 else (f"{row['name'][:2]}优选" if rng.random() < 0.4 else None)
        for product in row["main_products"].split("、"):
            for at in rng.choice(len(PLATFORMS), size=int(rng.integers(1, 4)), replace=False, p=_POPULAR):
                size = float(rng.lognormal(8.9, 0.9))
                offers.append(
                    {"entity": row, "product": product, "platform": PLATFORMS[at], "brand": brand, "size": size}
                )
    before = [year_before(month) for month in months] if years_in(months) == 1 else []
    return {month: _month(offers, month, rng) for month in dict.fromkeys([*before, *months])}


_POPULAR = (0.22, 0.13, 0.2, 0.22, 0.07, 0.08, 0.05, 0.03)


def _month(offers: Sequence[Row], month: str, rng: np.random.Generator) -> list[Row]:
    growth = GROWTH ** (int(month[:4]) - 2023) * (1.3 if month[5:] == "11" else 1.0)
    rows = []
    for offer in offers:
        season = PRODUCTS[offer["product"]][int(month[5:]) - 1]
        amount = offer["size"] * (season / 5) * growth * float(rng.lognormal(0, 0.25))
        if amount < 50:
            continue
        orders = max(1, int(amount / rng.uniform(35, 90)))
        rows.append(_sale(offer, month, orders, Decimal(int(amount * 100)) / 100))
    large = {
        offer["entity"]["credit_code"]: offer for offer in offers if offer["entity"]["kind"] == "leading_enterprise"
    }
    for offer in list(large.values())[:1]:
        factor = Decimal(str(round(growth * float(rng.uniform(1.0, 1.4)), 4)))
        contract = {**offer, "platform": "other", "product": "大宗农产品", "brand": None}
        rows.append(_sale(contract, month, 40, WHOLESALE * factor))
    return rows


def _sale(offer: Row, month: str, orders: int, amount: Decimal) -> Row:
    return {
        "month": month,
        "credit_code": offer["entity"]["credit_code"],
        "platform": offer["platform"],
        "product": offer["product"],
        "orders": orders,
        "amount_yuan": amount,
        "brand": offer["brand"],
    }


def deliver_sales(drop: Drop, sales: dict[str, list[Row]], months: Sequence[str], seed: int) -> None:
    """Each month's sales; the second month of the sample is first reported wrong and then corrected."""
    for index, (month, rows) in enumerate(sales.items()):
        style = SALES_STYLES[(index + 5 * (month in months)) % len(SALES_STYLES)]
        corrected = month in months and months.index(month) == 1
        if corrected:
            wrong = [{**row, "orders": row["orders"] + 7, "amount_yuan": row["amount_yuan"] * 2} for row in rows[::4]]
            first = [*wrong, *(row for at, row in enumerate(rows) if at % 4 and at % 9)]
            _deliver_sales(drop, month, first, style, index, seed)
        _deliver_sales(drop, month, rows, SALES_STYLES[2] if corrected else style, index, seed, "更正" * corrected)


def _deliver_sales(
    drop: Drop, month: str, rows: Sequence[Row], style: Style, index: int, seed: int, note: str = ""
) -> ExpectedFile:
    rng = stream(seed, "sales file", month, note)
    earlier = Defect("month", "period_mismatch", f"{int(month[:4]) - 2}{month[4:]}")
    dirty = [
        spoilt({**rows[at % len(rows)], "product": f"待核产品{at}"}, [defect])
        for at, defect in enumerate([earlier, *chosen(SALES_DEFECTS, index, 4)])
    ]
    base = {**rows[0], "product": "待核产品90"}
    dirty += conflicting(base, "month,credit_code,platform,product", {"orders": base["orders"] + 1})
    return drop.table(
        "commerce_ecommerce_sales", month, mixed([Record(row) for row in rows], dirty, rng, 2), style, note
    )
