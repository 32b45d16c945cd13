"""Writing files of many rows: whole columns at once, with the dirty rows strewn in."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from agrilake.contract.model import Column, Dataset, LogicalType
from agrilake.sample.drop import Drop, ExpectedFile, ExpectedFinding
from agrilake.sample.files import encode
from agrilake.sample.spelling import Style, header_of

MOMENTS = {
    "iso": "%Y-%m-%d %H:%M:%S",
    "chinese": "%Y年%m月%d日 %H时%M分%S秒",
    "slash": "%Y/%m/%d %H:%M:%S",
    "compact": "%Y%m%d%H%M%S",
}
DIRTY_SHARE = 0.0005
LEAST_DIRTY = 12
"""Dirty rows a file: one in two thousand, but a dozen at least."""


def dirty_count(rows: int) -> int:
    """How many rows of a file are spoilt."""
    return max(LEAST_DIRTY, int(rows * DIRTY_SHARE))


def spelling_of(column: Column, style: Style) -> dict[str, str]:
    """Each code of a column as this department writes it."""
    return {item.value: (item.label, *item.synonyms)[style.labels % (1 + len(item.synonyms))] for item in column.enum}


def spelled(rows: pl.DataFrame, dataset: Dataset, style: Style) -> pl.DataFrame:
    """Every column of the contract as text, in this department's spelling."""
    columns = []
    for column in dataset.columns:
        if column.enum:
            columns.append(pl.col(column.name).replace_strict(spelling_of(column, style)))
        elif column.type is LogicalType.TIMESTAMP:
            columns.append(pl.col(column.name).dt.strftime(MOMENTS[style.dates]))
        else:
            columns.append(pl.col(column.name).cast(pl.String).fill_null(""))
    return rows.select(columns)


@dataclass(frozen=True)
class LargeFile:
    """A file's rows as text, its spoilt rows (under keys of their own), and for each of these its column and rule."""

    dataset: Dataset
    period: str
    style: Style
    text: pl.DataFrame
    dirty: pl.DataFrame
    findings: Sequence[tuple[str, str]]
    note: str = ""
    arrives: date | None = None

    def deliver(self, drop: Drop, rng: np.random.Generator) -> ExpectedFile:
        """Write the rows with the spoilt ones anywhere between them and some repeated further down."""
        duplicates = max(3, int(self.text.height * DIRTY_SHARE / 2))
        lines = self._strewn(duplicates, rng)
        table = lines.drop("_dirty", "_order")
        path = drop.path(self.dataset, self.period, self.style, self.note)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._bytes(table))
        placed = lines.with_row_index("line", offset=2).filter(pl.col("_dirty").is_not_null()).sort("_dirty")["line"]
        pairs = zip(placed.to_list(), self.findings, strict=True)
        return drop.add(
            path,
            self.dataset,
            self.period,
            records=table.height,
            duplicate=duplicates,
            quarantined=self.dirty.height,
            findings=[ExpectedFinding(line, None, column, rule) for line, (column, rule) in pairs],
            style=self.style,
            note=self.note,
            arrives=self.arrives,
        )

    def _strewn(self, duplicates: int, rng: np.random.Generator) -> pl.DataFrame:
        """All rows in file order with `_dirty`, the number of the dirty row, else null."""
        text = self.text
        order = np.arange(text.height, dtype=np.float64)
        again = rng.choice(text.height, size=duplicates, replace=False)
        later = again + rng.uniform(0.1, max(1.0, text.height / 10), duplicates)
        parts = [
            text.with_columns(_order=pl.Series(order), _dirty=pl.lit(None, dtype=pl.Int64)),
            text[again.tolist()].with_columns(_order=pl.Series(later), _dirty=pl.lit(None, dtype=pl.Int64)),
            self.dirty.with_columns(
                _order=pl.Series(rng.uniform(0, text.height, self.dirty.height)),
                _dirty=pl.int_range(self.dirty.height, dtype=pl.Int64),
            ),
        ]
        return pl.concat(parts).sort("_order", maintain_order=True)

    def _bytes(self, table: pl.DataFrame) -> bytes:
        names = {column.name: header_of(column, self.dataset, self.style) for column in self.dataset.columns}
        buffer = io.BytesIO()
        table.rename(names).write_csv(buffer, separator=self.style.delimiter)
        data = buffer.getvalue()
        return data if self.style.encoding == "utf-8" else encode(data.decode("utf-8"), self.style.encoding)
