"""Bodies of one or several sheets as one RawTable, with the count of lines asserted."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from agrilake.contract.model import Dataset
from agrilake.errors import RefusedFile
from agrilake.intake.body import LINES, Body
from agrilake.intake.raw import ORIGIN_LINE, ORIGIN_SHEET, RawTable, SetAside


def combined(
    bodies: Sequence[Body],
    dataset: Dataset,
    physical: int,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    set_aside: Sequence[SetAside] = (),
) -> RawTable:
    """One table of all bodies; raises RefusedFile header_only or unit_conflict, ConsistencyError if lines are lost."""
    finished = [(body, body.finish()) for body in bodies]
    frame_lines = sum(int(frame[LINES].sum()) for _, frame in finished)
    table = RawTable(
        frame=pl.concat([body.table(frame) for body, frame in finished]),
        headers=_headers(bodies, dataset),
        header_units=_units(bodies, dataset),
        missing=_missing(bodies, dataset),
        unmatched=tuple(dict.fromkeys(t for body, frame in finished for t in body.unmatched(frame).values())),
        ignored=_ignored(bodies),
        set_aside=(*(item for body in bodies for item in body.set_aside), *set_aside),
        broken=tuple(item for body in bodies for item in body.broken),
        encoding=encoding,
        delimiter=delimiter,
        sheets=tuple(body.sheet for body in bodies if body.sheet),
    )
    table.assert_complete(physical, frame_lines)
    if table.records == 0:
        raise RefusedFile(
            "header_only",
            "文件只有表头，没有数据行。",
            "请确认本期是否有数据；有则补上后报送，没有请联系数据湖管理员登记。",
            line=bodies[0].header.line,
        )
    return table


def _headers(bodies: Sequence[Body], dataset: Dataset) -> dict[str, str]:
    found: dict[str, str] = {}
    for body in bodies:
        for name, at in body.header.columns.items():
            found.setdefault(name, body.header.titles[at])
    return {column.name: found[column.name] for column in dataset.columns if column.name in found}


def _units(bodies: Sequence[Body], dataset: Dataset) -> dict[str, str]:
    units: dict[str, str] = {}
    for column in dataset.columns:
        stated = {body.header.units.get(column.name) for body in bodies if column.name in body.header.columns}
        if len(stated) > 1:
            raise RefusedFile(
                "unit_conflict",
                f"各工作表“{column.title}”列的单位不一致。",
                "请把各工作表的单位统一后重新报送。",
                column=column.title,
            )
        unit = next(iter(stated), None)
        if unit:
            units[column.name] = unit
    return units


def _missing(bodies: Sequence[Body], dataset: Dataset) -> tuple[str, ...]:
    present = {name for body in bodies for name in body.header.columns}
    return tuple(column.name for column in dataset.columns if column.name not in present)


def _ignored(bodies: Sequence[Body]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            title
            for body in bodies
            for title, name in zip(body.header.titles, body.header.names, strict=True)
            if name in ("", ORIGIN_LINE, ORIGIN_SHEET)
        )
    )
