"""Persons whom somebody wrote into a text: masked before the row is accepted, and in all that people read of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from agrilake.contract.model import Column, Dataset
from agrilake.intake.findings import findings
from agrilake.intake.privacy import changed, mask, mask_text, shown, veil_text, without_slipped_names
from agrilake.intake.raw import RawTable
from agrilake.intake.text import put, unescape

if TYPE_CHECKING:
    from agrilake.intake.cells import Cells

RULE = "person_in_text"
SHORTEST = {"name": 2, "address": 6}
"""Characters from which a row's own name or address is looked for in its other cells."""


def veiled(cells: dict[str, Cells], own: Mapping[str, pl.Series]) -> tuple[dict[str, Cells], list[pl.DataFrame]]:
    """The columns with persons masked in their free texts, and a warning a cell (see `findings`).

    `own` are the row's own personal values by kind, as `own_values` gives them.
    """
    result, found = dict(cells), []
    for name, item in cells.items():
        if not item.column.is_free_text:
            continue
        values = changed(item.values, veil_text)
        if own and item.column.is_title:
            values = without_slipped_names(values, item.column)
        elif not item.column.is_title:
            values = without_own(values, own)
        rows = (values != item.values).fill_null(False).arg_true()
        if len(rows):
            result[name] = replace(item, values=values.alias(name))
            seen = shown_text(item.raw.gather(rows).str.strip_chars(), item.column, _rows_of(own, rows))
            listed = pl.DataFrame({"row": rows, "found": seen, "detail": pl.repeat("", len(rows), eager=True)})
            found.append(findings(RULE, name, item.column.title, listed))
    return result, found


def own_values(frame: pl.DataFrame, dataset: Dataset) -> dict[str, pl.Series]:
    """The personal columns of the rows whose values may stand in other cells as well: column -> text, too short ones
    and such as say nothing left out."""
    found = {}
    for column in dataset.columns:
        if column.pii in SHORTEST and column.name in frame.columns:
            text = unescape(frame[column.name])
            long = text.str.len_chars() >= SHORTEST[column.pii or ""]
            found[f"{column.pii}:{column.name}"] = pl.select(pl.when(long).then(text)).to_series()
    return found


def without_own(values: pl.Series, own: Mapping[str, pl.Series]) -> pl.Series:
    """The texts with the row's own names and addresses in them masked."""
    for key, persons in own.items():
        pair = pl.DataFrame({"text": values, "person": persons})
        held = pair.select(pl.col("text").str.contains(pl.col("person"), literal=True)).to_series().fill_null(False)
        rows = held.arg_true()
        if len(rows):
            kind = key.partition(":")[0]
            masked = [text.replace(person, mask(person, kind)) for text, person in pair[rows].iter_rows()]
            values = put(values, rows, pl.Series(masked, dtype=pl.String))
    return values


def shown_text(values: pl.Series, column: Column, own: Mapping[str, pl.Series], people: bool = True) -> pl.Series:
    """The cells of a column as people may see them, the row's own names and addresses in them masked as well."""
    masked = shown(values, column, people)
    return masked if column.pii or column.is_title else without_own(masked, own)


def shown_rows(frame: pl.DataFrame, dataset: Dataset, names: Iterable[str]) -> pl.DataFrame:
    """The columns `names` of rows of text as the department may see them again."""
    own, people = own_values(frame, dataset), bool(dataset.personal_columns)
    return pl.DataFrame([shown_text(frame[name], dataset.column(name), own, people).alias(name) for name in names])


def masked_findings(found: list[pl.DataFrame], own: Mapping[str, pl.Series]) -> list[pl.DataFrame]:
    """Findings (with `row`) whose words hold no name or address of their row."""
    if not own:
        return found
    result = []
    for part in found:
        mine = _rows_of(own, part["row"])
        result.append(part.with_columns(without_own(part[name], mine).alias(name) for name in ("found", "reason")))
    return result


def _rows_of(own: Mapping[str, pl.Series], rows: pl.Series) -> dict[str, pl.Series]:
    return {key: values.gather(rows) for key, values in own.items()}


def without_names(raw: RawTable, dataset: Dataset) -> RawTable:
    """The table with persons masked in what is no cell: names of sheets and headers, among them whoever the file's own
    rows name. Sheets keep different names."""
    names = _names(raw.frame, dataset)

    def change(text: str) -> str:
        return without_known(mask_text(text), names)

    sheets = distinct(raw.sheets, change)
    return replace(
        raw,
        frame=raw.frame.with_columns(pl.col("_sheet").replace(sheets)) if sheets else raw.frame,
        headers={column: change(title) for column, title in raw.headers.items()},
        unmatched=tuple(change(title) for title in raw.unmatched),
        set_aside=tuple(
            replace(item, sheet=sheets.get(item.sheet, change(item.sheet))) if item.sheet else item
            for item in raw.set_aside
        ),
        broken=tuple(
            replace(
                item,
                sheet=sheets.get(item.sheet, item.sheet) if item.sheet else None,
                column=change(item.column) if item.column else None,
                reason=change(item.reason),
            )
            for item in raw.broken
        ),
        sheets=tuple(sheets[sheet] for sheet in raw.sheets),
    )


def distinct(names: Iterable[str], change: Callable[[str], str]) -> dict[str, str]:
    """Each name and what it is changed to; two that would become the same get a number."""
    result: dict[str, str] = {}
    for name in names:
        masked, number = change(name), 2
        while masked in result.values():
            masked, number = f"{change(name)}（{number}）", number + 1
        result[name] = masked
    return result


def _names(frame: pl.DataFrame, dataset: Dataset) -> frozenset[str]:
    columns = [column.name for column in dataset.columns if column.pii == "name" and column.name in frame.columns]
    values = [value for name in columns for value in frame[name].drop_nulls().unique()]
    return frozenset(value for value in values if 2 <= len(value) <= 4)


def without_known(text: str, names: frozenset[str]) -> str:
    """The text with each of the names in it masked, the longest first."""
    for length in (4, 3, 2):
        for at in range(len(text) - length + 1):
            if text[at : at + length] in names:
                text = text[:at] + mask(text[at : at + length], "name") + text[at + length :]
    return text
