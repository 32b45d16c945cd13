"""Writing large tables by Spark: in their layout, and of a table that is made anew only the periods that differ."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deltalake import DeltaTable

from agrilake.contract.model import Dataset
from agrilake.tables.layout import ROWS_PER_FILE, laid_out, partition_column
from agrilake.tables.write import commit_note, fitted, keep_note, refused_by

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameWriter
    from pyspark.sql.connect.session import SparkSession


def writer(frame: DataFrame, dataset: Dataset, mode: str) -> DataFrameWriter:
    """A Delta writer of the frame's rows, in the order and files of the dataset's layout."""
    chosen = laid_out(frame, dataset).write.format("delta").mode(mode)
    return chosen.option("maxRecordsPerFile", ROWS_PER_FILE)


def replace_periods(frame: DataFrame, path: Path, dataset: Dataset, periods: Sequence[str]) -> None:
    """Replace the rows of some periods in one commit."""
    _replacing(frame, dataset, periods).save(str(path))


def overwrite(spark: SparkSession, frame: DataFrame, path: Path, gold: Dataset, note: dict[str, Any]) -> None:
    """Make a gold table exactly the frame in one commit, which keeps the `note`; columns, types, NOT NULLs and CHECK
    are the contract's. Raises ConsistencyError where rows violate them.

    Of a table that holds rows by period only the periods whose rows differ are written.
    """
    with fitted(path, gold), refused_by(gold):
        column = partition_column(gold)
        if column is None or not DeltaTable(str(path)).file_uris():
            writer(frame, gold, "overwrite").option("userMetadata", json.dumps(note)).save(str(path))
            if commit_note(path) != note:  # no rows over no rows are no commit
                keep_note(path, note)
            return
        kept = frame.persist()
        try:
            changed = _changed(spark, kept, path, column)
            if changed:
                _replacing(kept, gold, changed).option("userMetadata", json.dumps(note)).save(str(path))
            else:
                keep_note(path, note)
        finally:
            kept.unpersist()


def _replacing(frame: DataFrame, dataset: Dataset, periods: Sequence[str]) -> DataFrameWriter:
    from pyspark.sql import functions as f

    column = str(partition_column(dataset))
    listed = ", ".join(f"'{period}'" for period in periods)
    rows = frame.filter(f.col(column).isin(list(periods)))
    return writer(rows, dataset, "overwrite").option("replaceWhere", f"{column} IN ({listed})")


def _changed(spark: SparkSession, frame: DataFrame, path: Path, column: str) -> list[str]:
    """Periods whose rows are others than the stored table's."""
    stored = spark.read.format("delta").option("versionAsOf", DeltaTable(str(path)).version()).load(str(path))
    one, other = _digests(frame, column), _digests(stored.select(*frame.columns), column)
    return sorted(period for period in one.keys() | other.keys() if one.get(period) != other.get(period))


def _digests(frame: DataFrame, column: str) -> dict[str, tuple[Any, ...]]:
    """{period: rows, and a digest of them that does not depend on their order}."""
    from pyspark.sql import functions as f

    # a null leaves the hash as it is, so where the nulls stand goes into it too
    nulls = f.concat(*[f.when(f.col(name).isNull(), "1").otherwise("0") for name in frame.columns])
    digest = f.xxhash64(*frame.columns, nulls)
    totals = frame.groupBy(column).agg(
        f.count("*").alias("rows"), f.sum(digest.cast("decimal(20,0)")).alias("sum"), f.bit_xor(digest).alias("xor")
    )
    return {row[column]: (row["rows"], row["sum"], row["xor"]) for row in totals.collect()}
