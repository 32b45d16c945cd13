"""Rows of persons for analysts: generalised until none of them stands in a group under k, or none at all.

k-anonymity over all columns that stay (Sweeney 2002): each combination that is shown has k rows or more, so that every
count of shown rows is zero or k at least. What is left out is none or k at least too, of all and of each value of each
column. k, l (Machanavajjhala 2007) and t (Li 2007) are measured by pycanon.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
from pycanon import anonymity

from agrilake.contract.counts import load_quantities
from agrilake.contract.disclosure import Generalisation, load_generalisations
from agrilake.contract.model import Dataset
from agrilake.contract.settings import GENERALISED
from agrilake.intake.values import silver_type
from agrilake.lake.files import scan
from agrilake.paths import Home
from agrilake.publish.database import empty_table, table_from_frame
from agrilake.publish.hiding import MIN_PERSONS, Hiding
from agrilake.publish.model import Layout, TableSource
from agrilake.publish.persons import Persons

if TYPE_CHECKING:
    from agrilake.publish.content import Content

GENERAL, WITHHELD, SUPPRESSED = "泛化后发布", "不逐行发布", "隐藏小数目"
SIZE = "_rows"


@dataclass(frozen=True)
class Shown:
    """Generalised rows, and how many were left out."""

    rows: pl.DataFrame
    left_out: int


def has_persons(persons: Persons, table: Dataset) -> bool:
    """Whether the table's rows are about persons or households: they are counted as such, or told by tokens."""
    return bool(table.rows_count or (table.id in persons.columns and persons.columns[table.id].tokens))


def generalised(rows: pl.DataFrame, how: Generalisation, k: int) -> Shown:
    """The columns that stay, in order of their values; of combinations with fewer than k rows none, and as many others
    as keep the number of those left out beside them from being small."""
    bands = {name: pl.col(name) - pl.col(name) % width for name, width in how.bands.items()}
    tops = {name: pl.col(name).clip(upper_bound=most) for name, most in how.top.items()}
    made = rows.select(how.columns).with_columns(**bands, **tops)
    sizes = made.group_by(how.columns).agg(pl.len().cast(pl.Int64).alias(SIZE)).sort(SIZE, *how.columns)
    kept = sizes.filter(pl.col(SIZE) >= k)
    while True:
        told = next((one for one in _margins(sizes, how) if _tells(_size(sizes, one), _size(kept, one), k)), None)
        if told is None:
            break
        smallest = kept.filter(told).head(1)
        kept = kept.join(smallest, on=how.columns, how="anti", nulls_equal=True, maintain_order="left")
    shown = made.join(kept.select(how.columns), on=how.columns, how="semi", nulls_equal=True).sort(how.columns)
    return Shown(shown, made.height - shown.height)


def _margins(sizes: pl.DataFrame, how: Generalisation) -> Iterator[pl.Expr]:
    yield pl.lit(value=True)
    for name in how.columns:
        for value in sizes[name].unique().sort():
            yield pl.col(name).eq_missing(pl.lit(value, dtype=sizes.schema[name]))


def _tells(all_rows: int, shown: int, k: int) -> bool:
    """Whether somebody who knows how many there are learns that few were left out."""
    return shown > 0 and 0 < all_rows - shown < k


def _size(sizes: pl.DataFrame, margin: pl.Expr) -> int:
    return int(sizes.filter(margin)[SIZE].sum())


def measured(rows: pl.DataFrame, how: Generalisation) -> dict[str, Any]:
    """k over all columns; l and t of the sensitive columns given the others. Nothing of no rows."""
    if rows.is_empty():
        return {}
    frame = rows.with_columns(pl.all().cast(pl.String).fill_null("")).to_pandas()
    found: dict[str, Any] = {"k": int(anonymity.k_anonymity(frame, list(how.columns)))}
    if how.sensitive:
        given = (frame, list(how.quasi), list(how.sensitive))
        found |= {"l": int(anonymity.l_diversity(*given)), "t": round(float(anonymity.t_closeness(*given)), 6)}
    return found


class Disclosure:
    """What analysts see of tables of persons in one publication, and the table that tells of it."""

    def __init__(self, home: Home, content: Content, persons: Persons, hiding: Hiding) -> None:
        self._home, self._content, self._persons, self._hiding = home, content, persons, hiding
        self._k = int(content.settings.threshold(MIN_PERSONS))
        self._told: dict[str, dict[str, Any]] = {}

    def covers(self, table: Dataset | None) -> bool:
        """Whether the table's rows are not shown to analysts as they are."""
        settings = self._content.settings
        return table is not None and settings.person_rows == GENERALISED and has_persons(self._persons, table)

    def write(
        self, connection: duckdb.DuckDBPyConnection, layout: Layout, table: Dataset, source: TableSource | None
    ) -> None:
        """The table with generalised rows where that is declared, else without rows."""
        how = load_generalisations().get(table.id)
        told: dict[str, Any] = {"subject": table.id, "title": table.title, "treatment": WITHHELD, "shown": 0}
        stored = None
        if how and source and source.delta_version is not None and not self._gives_away(table):
            stored = scan(self._home.table("gold", table.id), source.delta_version)
        if how is None or stored is None:
            empty_table(connection, layout)
        else:
            shown = generalised(stored.collect(), how, self._k)
            others = [pl.lit(None, silver_type(c)).alias(c.name) for c in table.columns if c.name not in how.columns]
            table_from_frame(connection, layout, shown.rows.with_columns(others))
            lists = {"quasi_identifiers": "、".join(how.quasi), "sensitive": "、".join(how.sensitive)}
            sizes = {"shown": shown.rows.height, "left_out": shown.left_out}
            told |= {"treatment": GENERAL, **lists, **measured(shown.rows, how), **sizes}
        self._told[table.id] = told

    def withheld(self, datasets: Iterable[Dataset]) -> set[str]:
        """Departments' datasets of which no row is shown to analysts."""
        found = [item for item in datasets if self.covers(item)]
        self._told |= {
            item.id: {"subject": item.id, "title": item.title, "treatment": WITHHELD, "shown": 0} for item in found
        }
        return {item.id for item in found}

    def _gives_away(self, table: Dataset) -> bool:
        """Whether the number of rows would bound a number of the whole district that is hidden."""
        quantities, district = load_quantities(), self._content.settings.district_code
        own = {table.rows_count, *(name for name, item in quantities.items() if table.rows_count in item.part_of)}
        return any(name.split(" ")[0] in own and name.endswith(f" {district}") for name in self._hiding.names)

    def rows(self) -> list[Mapping[str, Any]]:
        """One row a table of persons, then one a quantity of which cells are shown or hidden."""
        hidden = _by_quantity(self._hiding.names)
        counted = [
            {
                "subject": name,
                "title": quantity.title,
                "treatment": SUPPRESSED,
                "k": self._k,
                "left_out": hidden.get(name, 0),
            }
            for name, quantity in load_quantities().items()
        ]
        return [*(self._told[name] for name in sorted(self._told)), *counted]


def _by_quantity(names: frozenset[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        quantity = name.split(" ")[0]
        found[quantity] = found.get(quantity, 0) + 1
    return found
