"""What still waits in quarantine: findings of the files in force, without the records that a mend has taken up.

The quarantine table keeps every finding of every file. A record is out of quarantine once a mend brings it again: it
was accepted then, or it waits under the mend's own line and reason. A correction that replaces a file (更正) takes
what was wrong with that file along.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import polars as pl

from agrilake.contract.load import Registry
from agrilake.intake.raw import ORIGIN_LINE, ORIGIN_SHEET
from agrilake.lake.bronze import bronze_rows
from agrilake.lake.files import scan
from agrilake.lake.state import Delivery
from agrilake.paths import Home
from agrilake.tables.order import refs, winners

PLACES = {"delivery_id": pl.String, "line": pl.Int64, "mended_sheet": pl.String}


def waiting_findings(home: Home, registry: Registry, deliveries: Sequence[Delivery]) -> pl.LazyFrame | None:
    """Rows of the quarantine table that stand for records still to be mended; None where nothing ever was wrong."""
    findings = scan(home.table("quarantine"))
    if findings is None:
        return None
    counting = [
        name
        for dataset in registry.datasets.values()
        for name in winners(dataset.load, refs(item for item in deliveries if item.dataset == dataset.id))
    ]
    return waiting(findings.filter(pl.col("delivery_id").is_in(counting)), mended_places(home, deliveries))


def mended_places(home: Home, deliveries: Sequence[Delivery]) -> pl.DataFrame:
    """Places that mends brought again, of the deliveries that they mend (columns: PLACES).

    `mended_sheet` is null where the receipt did not say, since the file had one sheet.
    """
    parts = [pl.DataFrame(schema=PLACES)]
    for mend in deliveries:
        mended = [item.id for item in deliveries if mend.is_final and mend.mends and item.id.startswith(mend.mends)]
        bronze = bronze_rows(home, mend.dataset, mend.id) if mended else None
        if bronze is not None and ORIGIN_LINE in bronze.columns:
            rows = bronze.select(
                pl.lit(mended[0]).alias("delivery_id"),
                pl.col(ORIGIN_LINE).alias("line"),
                pl.col(ORIGIN_SHEET).alias("mended_sheet"),
            )
            parts.append(rows.drop_nulls("line").unique())
    return reduce(pl.DataFrame.vstack, parts)


def waiting(findings: pl.LazyFrame, mended: pl.DataFrame) -> pl.LazyFrame:
    """The findings (delivery_id, line, sheet) whose place no mend has brought again."""
    whole = mended.lazy().filter(pl.col("mended_sheet").is_null()).select("delivery_id", "line")
    sheets = mended.lazy().drop_nulls("mended_sheet").rename({"mended_sheet": "sheet"})
    left = findings.join(whole, on=["delivery_id", "line"], how="anti")
    return left.join(sheets, on=["delivery_id", "line", "sheet"], how="anti")
