"""The proof that competitors did the same work: their results, sorted, have the same hash."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping

import polars as pl

from agrilake.errors import AgrilakeError

Result = Mapping[str, pl.DataFrame]
"""A competitor's tables by name, each with the columns that the workload asks for."""
ROWS_AT_ONCE = 200_000


ZONE = "Asia/Shanghai"


class Different(AgrilakeError):
    """A competitor's result is another than the first one's."""


def fingerprint(frame: pl.DataFrame) -> str:
    """SHA-256 of the rows as text, columns by name and rows sorted: neither order nor the kind of a type matters."""
    rows = canonical(frame)
    digest = hashlib.sha256("|".join(rows.columns).encode())
    for part in rows.iter_slices(ROWS_AT_ONCE):
        buffer = io.BytesIO()
        part.write_csv(buffer, include_header=False, quote_style="always", null_value="\\N")
        digest.update(buffer.getvalue())
    return digest.hexdigest()


def canonical(frame: pl.DataFrame) -> pl.DataFrame:
    """Columns by name, all as text (moments by the clock in the district, to the microsecond, decimals without
    trailing zeros), rows sorted."""
    ordered = frame.select(sorted(frame.columns))
    return ordered.select(_as_text(name, kind) for name, kind in ordered.schema.items()).sort(pl.all(), nulls_last=True)


def _as_text(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(kind, pl.Datetime):
        column = column.dt.convert_time_zone(ZONE) if kind.time_zone else column
        return column.dt.strftime("%Y-%m-%d %H:%M:%S.%6f")
    if isinstance(kind, pl.Decimal) and kind.scale:
        return column.cast(pl.String).str.replace(r"\.?0+$", "")
    return column.cast(pl.String)


def assert_same(results: Mapping[str, Result]) -> dict[str, str]:
    """{table: fingerprint} of what all competitors agree on. Raises Different, which names the competitor, the table
    and how many rows each has alone."""
    (first, expected), *others = results.items()
    prints = {name: fingerprint(frame) for name, frame in expected.items()}
    for competitor, result in others:
        if result.keys() != expected.keys():
            raise Different(f"{competitor} has the tables {sorted(result)}, {first} {sorted(expected)}")
        for name, frame in result.items():
            if fingerprint(frame) != prints[name]:
                raise Different(f"{name}: {_difference(first, expected[name], competitor, frame)}")
    return prints


def _difference(first: str, expected: pl.DataFrame, competitor: str, found: pl.DataFrame) -> str:
    if sorted(expected.columns) != sorted(found.columns):
        return f"{competitor} has the columns {sorted(found.columns)}, {first} {sorted(expected.columns)}"
    one, other = canonical(expected), canonical(found)
    missing = one.join(other, on=one.columns, how="anti", nulls_equal=True)
    more = other.join(one, on=one.columns, how="anti", nulls_equal=True)
    example = (missing if missing.height else more).head(1).to_dicts()
    return (
        f"{first} has {one.height} rows, {competitor} {other.height}; {missing.height} are missing from {competitor}, "
        f"{more.height} are in it alone, for example {example}"
    )
