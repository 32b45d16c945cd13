"""How the agriculture department's files look, and what is wrong with some of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from agrilake.sample import identifiers as made
from agrilake.sample.agri import Entities, Households
from agrilake.sample.drop import Drop
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import last_day
from agrilake.sample.places import Places
from agrilake.sample.records import Defect, Finding, Record, Row, chosen, conflicting, mixed, spoilt, too_long, town_of
from agrilake.sample.spelling import Style

HOUSEHOLD_STYLES = (
    Style(preamble=True, notes=True, headers=1, divisions="code", blanks=True),
    Style(form="xlsx", titled=True, preamble=True, numbered=True, by_township=True, divisions="name", numbers="mixed"),
    Style(encoding="utf-16", delimiter="\t", form="txt", divisions="mixed", numbers="fullwidth", headers=2),
    Style(delimiter=";", divisions="name", titled=True),
    Style(form="xls", preamble=True, totals=True, notes=True, hidden=True, booleans=("有", "无"), headers=1),
    Style(encoding="utf-8-bom", delimiter="，", divisions="civil", booleans=("1", "0")),
)
ENTITY_STYLES = (
    Style(form="xlsx", titled=True, preamble=True, two_lines=True, hidden=True, notes=True, periods="chinese"),
    Style(encoding="utf-16", form="csv", divisions="name", headers=1, labels=1),
    Style(encoding="gb18030", divisions="mixed", headers=2, labels=2, nothing="—"),
    Style(form="xls", preamble=True, two_lines=True, divisions="full", headers=3),
)
BATCH_STYLES = (
    Style(delimiter="，", dates="chinese", divisions="name", headers=1, extra=True),
    Style(form="xlsx", titled=True, dates="cell", preamble=True, totals=True, numbered=True, numbers="mixed"),
    Style(encoding="utf-8", dates="mixed", divisions="mixed", numbers="thousands", headers=2),
    Style(encoding="utf-8-bom", delimiter="\t", form="tsv", dates="compact", divisions="full", nothing="/"),
    Style(form="xls", dates="serial", preamble=True, notes=True, headers=1),
    Style(encoding="utf-16", delimiter=";", dates="dot", numbers="fullwidth", titled=True, periods="chinese"),
)

HOUSEHOLD_DEFECTS = (
    Defect("head_id_no", "excel_spoilt", "5.00112E+17"),
    Defect("head_id_no", "resident_id", lambda row: made.wrong_check(row["head_id_no"])),
    Defect("division_code", "division_known", "青石沟村"),
    Defect("members", "type_integer", "三四口人"),
    Defect("members", "maximum", "45"),
    Defect("members", "minimum", "0"),
    Defect("poverty_alleviated", "type_boolean", "不清楚"),
    Defect("head_name", "required", ""),
    Defect("phone", "mobile_phone", "023-6780"),
    Defect("household_id", "pattern", lambda row: row["household_id"].replace("H", "HU")),
    Defect("head_id_no", "required", ""),
    Defect("members", "required", ""),
)
ENTITY_DEFECTS = (
    Defect("credit_code", "credit_code", lambda row: made.wrong_check(row["credit_code"])),
    Defect("kind", "enum", "个体户"),
    Defect("lon", "longitude", lambda row: str(row["lat"])),
    Defect("lat", "latitude", "2.987"),
    Defect("credit_code", "excel_spoilt", "9.15002E+17"),
    Defect("name", "required", ""),
    Defect("division_code", "division_known", "500112999201"),
    Defect("phone", "mobile_phone", "1380013"),
    Defect("lon", "type_number", "东经一百零六度"),
)
BATCH_DEFECTS = (
    Defect("quantity_kg", "minimum", "-120"),
    Defect("quantity_kg", "maximum", "9800000"),
    Defect("quantity_kg", "type_number", "约两千斤"),
    Defect("produced_on", "type_date", "2024年13月5日"),
    Defect("trace_code", "pattern", lambda row: row["trace_code"][:-3]),
    Defect("credit_code", "credit_code", lambda row: made.wrong_check(row["credit_code"])),
    Defect("division_code", "division_known", "石笋沟村"),
    Defect("product", "required", ""),
    Defect("product", "max_length", "柑橘" * 25),
    Defect("produced_on", "date_precision", lambda row: f"{row['produced_on']:%Y-%m}"),
    Defect("quantity_kg", "unit_unknown", "30 筐"),
)
PER_FILE = 6


def deliver_households(drop: Drop, households: Households, months: Sequence[str], seed: int) -> None:
    """The whole register in the first month, then new and changed households."""
    for index, month in enumerate(months):
        rng = stream(seed, "household file", month)
        rows = households.first if index == 0 else households.changes[month]
        style = HOUSEHOLD_STYLES[index % len(HOUSEHOLD_STYLES)]
        count = len(HOUSEHOLD_DEFECTS) if index == 0 else PER_FILE
        dirty = [
            spoilt(_new_household(rows, index, number, rng), [defect], group=town_of(rows[0]))
            for number, defect in enumerate(chosen(HOUSEHOLD_DEFECTS, index, count))
        ]
        double = _new_household(rows, index, 20, rng)
        dirty.append(spoilt(double, [HOUSEHOLD_DEFECTS[3], HOUSEHOLD_DEFECTS[8]], group=town_of(rows[0])))
        base = _new_household(rows, index, 21, rng)
        dirty += conflicting(base, "household_id", {"members": base["members"] + 1}, group=town_of(rows[0]))
        for number, defect in enumerate(_misplaced(drop.places), 15):
            dirty.append(spoilt(_new_household(rows, index, number, rng), [defect], group=town_of(rows[0])))
        if not style.workbook:
            dirty.append(too_long(_new_household(rows, index, 22, rng)))
            open_quote = _new_household(rows, index, 23, rng)
            dirty.append(Record(open_quote, findings=(Finding("", "unbalanced_quote"),), open_quote=True))
        elif style.form == "xlsx":
            dirty.append(spoilt(_new_household(rows, index, 23, rng), [_PRECISION_LOST], group=town_of(rows[0])))
        records = [Record(row, group=town_of(row)) for row in rows]
        drop.table("agri_farm_household", month, mixed(records, dirty, rng, duplicates=3), style)


_PRECISION_LOST = Defect("head_id_no", "excel_spoilt", lambda row: float(row["head_id_no"][:15] + "000"))


def _misplaced(places: Places) -> list[Defect]:
    """A town where a village should stand, and a village name that the district has twice."""
    names = [place.name for place in places.villages]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    found = [Defect("division_code", "division_level", places.townships[-1].name)]
    return found + [Defect("division_code", "division_ambiguous", name) for name in twice[:1]]


def _new_household(rows: Sequence[Row], index: int, number: int, rng: np.random.Generator) -> Row:
    """A household that is no fact: its running number, 900 and above, is free in every village."""
    host = rows[(index * 31 + number * 7) % len(rows)]
    return {
        **host,
        "household_id": f"{host['household_id'][:9]}{900 + number + 25 * (index % 4):03d}",
        "head_name": made.person(rng),
        "head_id_no": made.resident_id(rng, made.born_between(rng, 1950, 1990)),
    }


def deliver_entities(drop: Drop, entities: Entities, seed: int) -> None:
    """The register in the first quarter, then new and changed entities."""
    number = 500_000
    for index, (quarter, rows) in enumerate(entities.by_quarter.items()):
        rng = stream(seed, "entity file", quarter)
        style = ENTITY_STYLES[index % len(ENTITY_STYLES)]
        dirty: list[Record] = []
        for defect in chosen(ENTITY_DEFECTS, index, len(ENTITY_DEFECTS)):
            number += 1
            host = rows[number % len(rows)]
            dirty.append(spoilt({**host, "credit_code": made.credit_code("93", number)}, [defect], town_of(host)))
        number += 1
        base = {**rows[0], "credit_code": made.credit_code("93", number)}
        dirty += conflicting(base, "credit_code", {"level": "district", "main_products": "花椒、生姜"}, town_of(base))
        records = [Record(row, group=town_of(row)) for row in rows]
        if not style.workbook:
            quoted = {**rows[-1], "main_products": "柑橘（含\n晚熟品种）、李子"}
            records[-1] = Record(quoted, group=town_of(quoted))
        drop.table("agri_business_entity", quarter, mixed(records, dirty, rng, duplicates=2), style)


def deliver_batches(drop: Drop, batches: dict[str, list[Row]], seed: int) -> None:
    """Each month's new batches; one month's file comes a second time under another name."""
    for index, (month, rows) in enumerate(batches.items()):
        rng = stream(seed, "batch file", month)
        style = BATCH_STYLES[index % len(BATCH_STYLES)]
        after = Defect("produced_on", "not_future", _day_after(month, style))
        dirty = [
            spoilt(_new_batch(rows, month, number), [defect], town_of(rows[0]))
            for number, defect in enumerate([after, *chosen(BATCH_DEFECTS, index, PER_FILE)])
        ]
        base = _new_batch(rows, month, 30)
        dirty += conflicting(base, "trace_code", {"quantity_kg": base["quantity_kg"] + Decimal(5)}, town_of(base))
        if not style.workbook:
            dirty.append(too_long(_new_batch(rows, month, 31)))
        records = [Record(row, group=town_of(row)) for row in rows]
        done = drop.table("agri_trace_batch", month, mixed(records, dirty, rng, duplicates=2), style)
        if index == 0:
            drop.repeat(done, f"农产品追溯批次__{month}__再报.{style.form}")


def _day_after(month: str, style: Style) -> str:
    day: date = last_day(month) + timedelta(days=9)
    return f"{day.year}年{day.month}月{day.day}日" if style.dates == "chinese" else day.isoformat()


def _new_batch(rows: Sequence[Row], month: str, number: int) -> Row:
    host = rows[number % len(rows)]
    return {**host, "trace_code": f"ZS{host['division_code'][:6]}{month.replace('-', '')}{9900 + number:04d}"}
