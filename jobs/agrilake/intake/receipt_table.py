"""The receipt's CSV: rejected records as the department wrote them, ready to mend and to drop again.

Personal values are masked; left as they are they come back from the original line (`mends`). Cells are written
so that neither a formula runs nor a code is spoilt when the file is opened in Excel, and so that the intake
reads them back (`text.unescape`, `text.clean`).
"""

from __future__ import annotations

import io

import polars as pl

from agrilake.contract.model import Column, Dataset
from agrilake.intake.findings import ERROR
from agrilake.intake.privacy import mask_text
from agrilake.intake.raw import LINE, SHEET, RawTable
from agrilake.intake.rows import Checked
from agrilake.intake.text import FRAGILE_CODE, is_identifier
from agrilake.intake.titles import match
from agrilake.intake.veil import shown_rows

LINE_TITLE, SHEET_TITLE, PROBLEM_TITLE, REMEDY_TITLE = "原行号", "原工作表", "问题", "改法"
FORMULA = r"^\s*[=+\-@\t\r＝＋－＠]"
PLAIN_NUMBER = r"^[+-]?\d[\d,]*(?:\.\d+)?%?$"


def safe_cell(cell: pl.Expr) -> pl.Expr:
    """A cell that a spreadsheet takes as text: an apostrophe before what it would run; plain numbers stay usable."""
    runs = cell.str.contains(FORMULA) & ~cell.str.contains(PLAIN_NUMBER)
    return pl.when(~runs).then(cell).otherwise(pl.lit("'") + cell)


def mending_table(checked: Checked, raw: RawTable, dataset: Dataset) -> pl.DataFrame:
    """One row a quarantined record: 原行号 (of several sheets also 原工作表), 问题, 改法, then the original columns
    under their headers."""
    errors = checked.findings.filter(pl.col("severity") == ERROR)
    texts = errors.group_by("line", "sheet", maintain_order=True).agg(
        pl.col("reason").unique(maintain_order=True).str.join(" ").alias(PROBLEM_TITLE),
        pl.col("remedy").unique(maintain_order=True).str.join(" ").alias(REMEDY_TITLE),
    )
    columns = [dataset.column(name) for name in raw.headers]
    source = checked.source.select(LINE, SHEET, *(column.name for column in columns))
    wide = texts.join(source, left_on=["line", "sheet"], right_on=[LINE, SHEET], how="left", nulls_equal=True)
    titles = _titles(columns, raw, dataset)
    masked = shown_rows(wide, dataset, raw.headers)
    cells = [_written(masked[column.name], column).alias(titles[column.name]) for column in columns]
    place = [wide["line"].cast(pl.String).alias(LINE_TITLE)]
    if len(raw.sheets) > 1:
        place.append(wide["sheet"].alias(SHEET_TITLE))
    return pl.DataFrame([*place, wide[PROBLEM_TITLE], wide[REMEDY_TITLE], *cells]).select(safe_cell(pl.all()))


def _written(masked: pl.Series, column: Column) -> pl.Series:
    if not is_identifier(column):
        return masked
    return pl.select(
        pl.when(masked.str.contains(f"^{FRAGILE_CODE}$")).then(pl.lit("'") + masked).otherwise(masked)
    ).to_series()


def _titles(columns: list[Column], raw: RawTable, dataset: Dataset) -> dict[str, str]:
    """Headers as written, with the unit where it stood elsewhere (单位：万元 above the table).

    A header that alone would not be recognised again (both rows of 线上 over 金额) becomes the column's own title.
    """
    titles: dict[str, str] = {}
    for column in columns:
        unit = raw.header_units.get(column.name)
        title = mask_text(_with_unit(raw.headers[column.name], unit))
        found = match(title, dataset)
        known = found is not None and (found.column, found.unit) == (column.name, unit)
        titles[column.name] = title if known and title not in titles.values() else _with_unit(column.title, unit)
    return titles


def _with_unit(title: str, unit: str | None) -> str:
    return f"{title}（{unit}）" if unit and unit not in title.casefold() else title


def summary_table(problem: str, remedy: str, line: int | None) -> pl.DataFrame:
    """The same first three columns where there are no rows to mend: one line with what there is to say."""
    row = {LINE_TITLE: str(line or ""), PROBLEM_TITLE: problem, REMEDY_TITLE: remedy}
    return pl.DataFrame([row]).select(safe_cell(pl.all()))


def csv_bytes(table: pl.DataFrame) -> bytes:
    """UTF-8 with BOM and CRLF: what Excel opens without asking."""
    buffer = io.BytesIO()
    table.write_csv(buffer, include_bom=True, line_terminator="\r\n")
    return buffer.getvalue()
