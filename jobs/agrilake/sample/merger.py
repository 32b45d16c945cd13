"""What a merger of two villages does to the extracts: rows of the old village until then, of the new one afterwards.

Departments that keep a register report the old village's rows once more under the new village, those that count by
village add the two up, and stations of the old village close on its last day. Land and the node for parcels stay as
they were: nobody has surveyed them since.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence

from agrilake.sample.places import Merger, Places
from agrilake.sample.records import Row

LINGERING = ("01", "02", "03")
"""Months of the merger's year in which a department may go on writing the old village."""


def lies_in_old(row: Row, merger: Merger) -> bool:
    """Whether the row names the village that was merged."""
    return bool(row["division_code"] == merger.old.code)


def recoded(row: Row, merger: Merger) -> Row:
    """The row under the new village where it names the old one."""
    return {**row, "division_code": merger.new.code} if lies_in_old(row, merger) else row


def moved(rows: Mapping[str, Sequence[Row]], places: Places) -> dict[str, list[Row]]:
    """Rows by period; what happened after the merger happened in the new village."""
    merger = places.merger
    if merger is None:
        return {period: list(found) for period, found in rows.items()}
    return {
        period: [recoded(row, merger) if merger.is_over(period) else row for row in found]
        for period, found in rows.items()
    }


def restated(rows: MutableMapping[str, list[Row]], key: str, places: Places, first: Sequence[Row] = ()) -> None:
    """A register by the period that reports each row (`first`: what was reported before all of them): the first period
    after the merger reports every row of the old village anew, under the new one."""
    merger = places.merger
    later = [period for period in rows if merger is not None and merger.is_over(period)]
    if merger is None or not later:
        return
    state = {row[key]: row for row in first}
    state |= {row[key]: row for period in rows if period not in later for row in rows[period]}
    for period in later:
        rows[period] = [recoded(row, merger) for row in rows[period]]
    said = {row[key] for row in rows[later[0]]}
    rows[later[0]] += [
        recoded(row, merger) for row in state.values() if lies_in_old(row, merger) and row[key] not in said
    ]


def closed(rows: MutableMapping[str, list[Row]], places: Places) -> None:
    """Stations by the period that reports each row: those of the old village close on its last day."""
    merger = places.merger
    before = [period for period in rows if merger is not None and not merger.is_over(period)]
    if merger is None or not before:
        return
    for period in rows:
        if merger.is_over(period):
            rows[period] = [row for row in rows[period] if not lies_in_old(row, merger)]
    state = {row["site_no"]: row for period in before for row in rows[period]}
    said = {row["site_no"] for row in rows[before[-1]]}
    for row in state.values():
        if lies_in_old(row, merger) and row["closed_on"] is None:
            last = {**row, "closed_on": merger.last_day}
            if row["site_no"] in said:
                rows[before[-1]] = [last if one["site_no"] == row["site_no"] else one for one in rows[before[-1]]]
            else:
                rows[before[-1]].append(last)


def joined(rows: Mapping[str, Sequence[Row]], kind: str, sums: Sequence[str], places: Places) -> dict[str, list[Row]]:
    """Rows by period with one row a village and `kind`: after the merger the two villages' `sums` are added up.

    A sum is unknown where one of its parts is.
    """
    merger = places.merger
    found = moved(rows, places)
    for period in found:
        if merger is not None and merger.is_over(period):
            found[period] = _added(found[period], kind, sums, merger.new.code)
    return found


def _added(rows: Sequence[Row], kind: str, sums: Sequence[str], village: str) -> list[Row]:
    whole: dict[object, Row] = {}
    result = []
    for row in rows:
        if row["division_code"] != village:
            result.append(row)
        elif row[kind] in whole:
            first = whole[row[kind]]
            first |= {name: None if None in (first[name], row[name]) else first[name] + row[name] for name in sums}
        else:
            whole[row[kind]] = dict(row)
            result.append(whole[row[kind]])
    return result


def lingering(rows: Mapping[str, Sequence[Row]], key: str, known: set[str], places: Places) -> dict[str, list[Row]]:
    """The rows as a department writes them that goes on using the old village for a while; `known` are the values of
    `key` that belonged to it."""
    merger = places.merger
    if merger is None:
        return {period: list(found) for period, found in rows.items()}
    return {
        period: [
            {**row, "division_code": merger.old.code}
            if period[:4] == merger.year and period[5:] in LINGERING and row[key] in known
            else row
            for row in found
        ]
        for period, found in rows.items()
    }
